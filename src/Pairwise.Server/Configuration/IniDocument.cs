using System.Diagnostics.CodeAnalysis;

namespace Pairwise.Server.Configuration;

/// <summary>
/// An ini file as the reference's servers read it: sections in brackets, "key = value" or "key: value", comments that
/// begin with # or ;. Names are case-sensitive; of a key written twice the first counts, of a section the last one, alone.
/// </summary>
/// <remarks>Immutable. It knows no settings: what keys mean is each server's.</remarks>
public sealed class IniDocument
{
    private readonly Dictionary<(string Section, string Key), string> _values;

    private IniDocument(Dictionary<(string Section, string Key), string> values) => _values = values;

    /// <summary>Reads a document.</summary>
    /// <param name="text">The file's text.</param>
    /// <param name="document">What was read.</param>
    /// <param name="fault">The first line that is none of the known forms, said in one sentence.</param>
    public static bool TryParse(string text, [NotNullWhen(true)] out IniDocument? document, [NotNullWhen(false)] out string? fault)
    {
        Dictionary<(string Section, string Key), string> values = [];
        string section = "";
        int number = 0;
        document = null;
        fault = null;
        foreach (ReadOnlySpan<char> each in text.AsSpan().EnumerateLines())
        {
            number++;
            ReadOnlySpan<char> line = each.Trim();
            if (line.IsEmpty || line[0] is '#' or ';')
            {
                continue;
            }

            if (line[0] == '[')
            {
                if (line[^1] != ']')
                {
                    fault = $"Line {number} begins a section but does not end it with a bracket.";
                    return false;
                }

                section = line[1..^1].Trim().ToString();
                foreach ((string Section, string Key) former in values.Keys.Where(key => key.Section == section).ToList())
                {
                    values.Remove(former);
                }

                continue;
            }

            int separator = line.IndexOfAny('=', ':');
            if (separator <= 0)
            {
                fault = $"Line {number} is neither a section, nor a comment, nor \"key = value\".";
                return false;
            }

            values.TryAdd((section, line[..separator].Trim().ToString()), line[(separator + 1)..].Trim().ToString());
        }

        document = new IniDocument(values);
        return true;
    }

    /// <summary>The value of a key, or null when it is not there.</summary>
    public string? Find(string section, string key) => _values.GetValueOrDefault((section, key));
}
