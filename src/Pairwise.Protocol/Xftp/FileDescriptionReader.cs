using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Pairwise.Protocol.Xftp;

/// <summary>The texts of a file description, found but not understood yet.</summary>
internal sealed record FileDescriptionParts(
    string Party,
    string Size,
    string Digest,
    string Key,
    string Nonce,
    string ChunkSize,
    string? RedirectDigest,
    string? RedirectSize,
    IReadOnlyList<(ServerAddress Server, string Text)> Replicas);

/// <summary>
/// Reads the part of YAML that file descriptions are written in: a mapping of plain or quoted scalars, one nested mapping,
/// and one list of mappings with a list of scalars. It knows nothing of what the texts mean.
/// </summary>
internal ref struct FileDescriptionReader
{
    private readonly ReadOnlySpan<byte> _text;
    private readonly Dictionary<string, string> _scalars = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _redirect = new(StringComparer.Ordinal);
    private readonly List<(ServerAddress Server, string Text)> _replicas = [];
    private int _position;
    private bool _hasReplicas;

    private FileDescriptionReader(ReadOnlySpan<byte> text) => _text = text.StartsWith("\uFEFF"u8) ? text["\uFEFF"u8.Length..] : text;

    // Comments may end every line, and lines of their own. "---" begins the document and "..." ends it, if they are there.
    // description = 1*(entry / redirect / replicas), each once, in any order, and others that are not looked at
    // entry = name ": " scalar EOL ; redirect = "redirect:" EOL 2*(indent entry)
    // replicas = "replicas: []" EOL / "replicas:" EOL 1*group
    // group = ["  "] "- " chunks / server, then the other one under it ; chunks = "chunks:" EOL 1*(indent "- " scalar EOL)
    public static bool TryRead(ReadOnlySpan<byte> text, [NotNullWhen(true)] out FileDescriptionParts? parts)
    {
        parts = null;
        var reader = new FileDescriptionReader(text);
        if (!reader.TryReadAll())
        {
            return false;
        }

        string? party = null, size = null, digest = null, key = null, nonce = null, chunkSize = null;
        var scalars = reader._scalars;
        if (!reader._hasReplicas
            || !scalars.TryGetValue("party", out party)
            || !scalars.TryGetValue("size", out size)
            || !scalars.TryGetValue("digest", out digest)
            || !scalars.TryGetValue("key", out key)
            || !scalars.TryGetValue("nonce", out nonce)
            || !scalars.TryGetValue("chunkSize", out chunkSize))
        {
            return false;
        }

        parts = new FileDescriptionParts(
            party, size, digest, key, nonce, chunkSize,
            reader._redirect.GetValueOrDefault("digest"),
            reader._redirect.GetValueOrDefault("size"),
            reader._replicas);
        return true;
    }

    private bool TryReadAll()
    {
        while (TryReadLine(out var indent, out var line))
        {
            if (indent != 0 || !TrySplit(line, out var name, out var value))
            {
                return false;
            }

            var isRead = name switch
            {
                "redirect" when value.Length == 0 => TryReadRedirect(),
                "redirect" => value is "null" or "~",
                "replicas" when _hasReplicas => false,
                "replicas" when value.Length == 0 => TryReadGroups(),
                "replicas" => _hasReplicas = value == "[]",
                _ => _scalars.TryAdd(name, value),
            };
            if (!isRead)
            {
                return false;
            }
        }

        return true;
    }

    private bool TryReadRedirect()
    {
        while (TryPeekLine(out var indent, out var line, out var next) && indent > 0)
        {
            if (!TrySplit(line, out var name, out var value) || !_redirect.TryAdd(name, value))
            {
                return false;
            }

            _position = next;
        }

        return _redirect.ContainsKey("digest") && _redirect.ContainsKey("size");
    }

    private bool TryReadGroups()
    {
        _hasReplicas = true;
        while (TryPeekLine(out var indent, out var line, out var next) && line.StartsWith("- "u8))
        {
            _position = next;
            var first = line[1..].TrimStart((byte)' ');
            if (!TryReadGroup(indent + line.Length - first.Length, first))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Reads a group whose first entry is given and whose others stand at the indent.</summary>
    private bool TryReadGroup(int groupIndent, ReadOnlySpan<byte> first)
    {
        ServerAddress? server = null;
        List<string>? chunks = null;
        var line = first;
        while (true)
        {
            if (!TrySplit(line, out var name, out var value))
            {
                return false;
            }

            if (name == "server")
            {
                if (server is not null || !ServerAddress.TryParse(value, out server) || server.Protocol != ServerProtocol.Xftp)
                {
                    return false;
                }
            }
            else if (name == "chunks")
            {
                if (chunks is not null || value is not ("" or "[]") || !TryReadScalars(groupIndent, out chunks))
                {
                    return false;
                }
            }

            if (!TryPeekLine(out var indent, out line, out var next) || indent != groupIndent || line.StartsWith("- "u8))
            {
                break;
            }

            _position = next;
        }

        if (server is null || chunks is null || _replicas.Count + chunks.Count > XftpLimits.MaxReplicas)
        {
            return false;
        }

        foreach (var chunk in chunks)
        {
            _replicas.Add((server, chunk));
        }

        return true;
    }

    private bool TryReadScalars(int minimalIndent, out List<string> scalars)
    {
        scalars = [];
        while (TryPeekLine(out var indent, out var line, out var next) && indent >= minimalIndent && line.StartsWith("- "u8))
        {
            if (!TryUnquote(line[2..].TrimStart((byte)' '), out var scalar))
            {
                return false;
            }

            scalars.Add(scalar);
            _position = next;
        }

        return scalars.Count <= XftpLimits.MaxReplicas;
    }

    private bool TryReadLine(out int indent, out ReadOnlySpan<byte> line)
    {
        if (!TryPeekLine(out indent, out line, out var next))
        {
            return false;
        }

        _position = next;
        return true;
    }

    /// <summary>The next line of the document that is not empty, without its indent and its end.</summary>
    private readonly bool TryPeekLine(out int indent, out ReadOnlySpan<byte> line, out int next)
    {
        next = _position;
        while (next < _text.Length)
        {
            var rest = _text[next..];
            var end = rest.IndexOf((byte)'\n');
            line = end < 0 ? rest : rest[..end];
            next += line.Length + (end < 0 ? 0 : 1);
            line = line.TrimEnd(" \r"u8);
            if (line.SequenceEqual("..."u8))
            {
                break;
            }

            var isMarker = line.SequenceEqual("---"u8) && _scalars.Count == 0 && !_hasReplicas;
            if (!isMarker && line.TrimStart((byte)' ') is [not (byte)'#', ..])
            {
                indent = Math.Max(0, line.IndexOfAnyExcept((byte)' '));
                line = line[indent..];
                return true;
            }
        }

        indent = 0;
        line = default;
        return false;
    }

    private static bool TrySplit(ReadOnlySpan<byte> line, out string name, out string value)
    {
        name = value = "";
        var colon = line.IndexOf((byte)':');
        if (colon <= 0 || (colon + 1 < line.Length && line[colon + 1] != (byte)' '))
        {
            return false;
        }

        name = Encoding.UTF8.GetString(line[..colon]);
        return TryUnquote(line[(colon + 1)..].TrimStart((byte)' '), out value);
    }

    // scalar = (plain / "'" *<not "'"> "'" / DQUOTE *<not DQUOTE or "\"> DQUOTE) [comment]
    // comment = 1*" " "#" *<any> ; also alone, where there is no scalar
    private static bool TryUnquote(ReadOnlySpan<byte> text, out string value)
    {
        value = "";
        if (text is [var quote and ((byte)'\'' or (byte)'"'), ..])
        {
            var end = text[1..].IndexOfAny(quote, (byte)'\\');
            if (end < 0 || text[1 + end] != quote || !IsComment(text[(end + 2)..]))
            {
                return false;
            }

            text = text.Slice(1, end);
        }
        else if (text is [(byte)'#', ..])
        {
            text = default;
        }
        else if (text.IndexOf(" #"u8) is var comment and >= 0)
        {
            text = text[..comment].TrimEnd((byte)' ');
        }

        value = Encoding.UTF8.GetString(text);
        return true;
    }

    private static bool IsComment(ReadOnlySpan<byte> rest) =>
        rest.IsEmpty || (rest[0] == (byte)' ' && rest.TrimStart((byte)' ') is [(byte)'#', ..]);
}
