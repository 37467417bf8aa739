using System.Globalization;

namespace Pairwise.Server.Configuration;

/// <summary>Reads settings out of an <see cref="IniDocument"/> and collects every fault, so that all are told at once.</summary>
public sealed class IniReader(IniDocument document)
{
    private readonly List<string> _faults = [];

    /// <summary>One sentence for each setting that cannot be used.</summary>
    public IReadOnlyList<string> Faults => _faults;

    /// <summary>Adds a fault that the caller found.</summary>
    public void Report(string section, string key, string sentence) => _faults.Add($"[{section}] {key}: {sentence}");

    /// <summary>The text of a setting, or null.</summary>
    public string? Text(string section, string key) => document.Find(section, key);

    /// <summary>The text of a setting that must be there.</summary>
    public string RequiredText(string section, string key)
    {
        if (document.Find(section, key) is { } text)
        {
            return text;
        }

        Report(section, key, "the setting is missing.");
        return "";
    }

    /// <summary>"on" or "off"; null when the setting is not there.</summary>
    public bool? Switch(string section, string key)
    {
        switch (document.Find(section, key))
        {
            case null:
                return null;
            case "on":
                return true;
            case "off":
                return false;
            case var other:
                Report(section, key, $"\"{other}\" is neither \"on\" nor \"off\".");
                return null;
        }
    }

    /// <summary>A whole number in a range; null when the setting is not there.</summary>
    public long? Number(string section, string key, long min, long max)
    {
        if (document.Find(section, key) is not { } text)
        {
            return null;
        }

        if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number) && number >= min && number <= max)
        {
            return number;
        }

        Report(section, key, $"\"{text}\" is not a whole number from {min} to {max}.");
        return null;
    }

    /// <summary>A whole number that must be there.</summary>
    public long RequiredNumber(string section, string key, long min, long max)
    {
        if (document.Find(section, key) is null)
        {
            Report(section, key, "the setting is missing.");
            return min;
        }

        return Number(section, key, min, max) ?? min;
    }

    /// <summary>One of several words; null when the setting is not there.</summary>
    public string? OneOf(string section, string key, params ReadOnlySpan<string> words)
    {
        if (document.Find(section, key) is not { } text)
        {
            return null;
        }

        foreach (string word in words)
        {
            if (text == word)
            {
                return text;
            }
        }

        Report(section, key, $"\"{text}\" is not one of: {string.Join(", ", words.ToArray())}.");
        return null;
    }
}
