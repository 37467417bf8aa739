using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.IO.Compression;
using System.Text;
using Pairwise.Wire;

namespace Pairwise.Protocol.Xftp;

/// <summary>
/// A recipient's file description as a link: <c>simplex:/file#/?desc=…</c>. The part behind <c>#</c> never reaches a
/// server. Parsing never throws.
/// </summary>
/// <param name="Description">A recipient's.</param>
/// <param name="Host">The host of an https link, with its port if it has one; null for <c>simplex:</c>.</param>
/// <param name="ClientData">What clients pass on besides, JSON; null if nothing.</param>
public sealed record FileLink(FileDescription Description, string? Host = null, string? ClientData = null)
{
    /// <summary>The host of https links that everybody's web server can answer.</summary>
    public const string DefaultHost = "simplex.chat";

    private static readonly SearchValues<byte> Unescaped =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~"u8);

    // link = ("simplex:" / "https://" host) "/file" ["/"] "#/?" query ; query = name "=" value *("&" name "=" value)
    public override string ToString()
    {
        var text = new StringBuilder(Host is null ? "simplex:" : "https://" + Host).Append("/file#/?desc=");
        AppendEscaped(text, FileDescriptionCodec.Encode(Description));
        if (ClientData is not null)
        {
            text.Append("&data=");
            AppendEscaped(text, ClientData);
        }

        return text.ToString();
    }

    public static bool TryParse(string text, [NotNullWhen(true)] out FileLink? link)
    {
        link = null;
        string? host = null;
        string rest;
        if (text.StartsWith("simplex:", StringComparison.Ordinal))
        {
            rest = text["simplex:".Length..];
        }
        else if (text.StartsWith("https://", StringComparison.Ordinal))
        {
            rest = text["https://".Length..];
            var slash = rest.IndexOf('/', StringComparison.Ordinal);
            if (slash <= 0)
            {
                return false;
            }

            host = rest[..slash];
            rest = rest[slash..];
        }
        else
        {
            return false;
        }

        var prefix = rest.StartsWith("/file/#/?", StringComparison.Ordinal) ? "/file/#/?" : "/file#/?";
        if (text.Length > 3 * XftpLimits.MaxDescriptionLength || !rest.StartsWith(prefix, StringComparison.Ordinal))
        {
            return false;
        }

        byte[]? description = null;
        string? clientData = null;
        foreach (var parameter in rest[prefix.Length..].Split('&', ';'))
        {
            var equals = parameter.IndexOf('=', StringComparison.Ordinal);
            if (equals < 0)
            {
                continue;
            }

            var value = Unescape(parameter.AsSpan(equals + 1));
            switch (parameter[..equals])
            {
                case "desc":
                    description ??= value;
                    break;
                case "data":
                    clientData ??= Encoding.UTF8.GetString(value);
                    break;
            }
        }

        if (description is null || !FileDescriptionCodec.TryDecode(description, out var decoded) || decoded.Party != FileParty.Recipient)
        {
            return false;
        }

        link = new FileLink(decoded, host, clientData);
        return true;
    }

    private static void AppendEscaped(StringBuilder text, string value)
    {
        foreach (var octet in Encoding.UTF8.GetBytes(value))
        {
            if (Unescaped.Contains(octet))
            {
                text.Append((char)octet);
            }
            else
            {
                text.Append('%').Append("0123456789ABCDEF"[octet >> 4]).Append("0123456789ABCDEF"[octet & 15]);
            }
        }
    }

    // "+" is a space and "%" two hexadecimal digits; a "%" without them stands for itself
    private static byte[] Unescape(ReadOnlySpan<char> text)
    {
        var bytes = Encoding.UTF8.GetBytes(text.ToString());
        var length = 0;
        for (var i = 0; i < bytes.Length; i++)
        {
            var value = bytes[i];
            if (value == (byte)'+')
            {
                value = (byte)' ';
            }
            else if (value == (byte)'%' && i + 2 < bytes.Length && char.IsAsciiHexDigit((char)bytes[i + 1]) && char.IsAsciiHexDigit((char)bytes[i + 2]))
            {
                value = Convert.FromHexString([(char)bytes[i + 1], (char)bytes[i + 2]])[0];
                i += 2;
            }

            bytes[length++] = value;
        }

        return bytes[..length];
    }
}

/// <summary>
/// A recipient's file description as the links of upload pages have it: behind <c>#</c>, base64url of the DEFLATE-compressed
/// text. Parsing never throws.
/// </summary>
public static class FileWebLink
{
    /// <summary>The fragment without <c>#</c>. Its bytes depend on the compressor; all decompress to the same text.</summary>
    public static string EncodeFragment(FileDescription description)
    {
        using var compressed = new MemoryStream();
        using (var deflate = new DeflateStream(compressed, CompressionLevel.SmallestSize, leaveOpen: true))
        {
            deflate.Write(Encoding.UTF8.GetBytes(FileDescriptionCodec.Encode(description)));
        }

        return TextEncoding.ToBase64Url(compressed.GetBuffer().AsSpan(0, (int)compressed.Length));
    }

    /// <summary>
    /// The link to the page of the first server that has a part of the file, with the port if browsers do not go there by
    /// themselves; null if no server has one.
    /// </summary>
    public static string? Encode(FileDescription description)
    {
        if (description.Chunks is not [var first, ..] || first.Replicas is not [{ Server: var server }, ..])
        {
            return null;
        }

        var port = server.TryGetPort(out var number) && number != ServerAddress.DefaultHttpsPort ? string.Create(CultureInfo.InvariantCulture, $":{number}") : "";
        return $"https://{server.Hosts[0]}{port}/#{EncodeFragment(description)}";
    }

    /// <summary>Reads a fragment, which is decompressed up to <see cref="XftpLimits.MaxDescriptionLength"/>.</summary>
    public static bool TryDecodeFragment(string fragment, [NotNullWhen(true)] out FileDescription? description)
    {
        description = null;
        return fragment.Length <= XftpLimits.MaxDescriptionLength
            && TextEncoding.TryFromBase64Url(fragment, out var compressed)
            && TryInflate(compressed, out var text)
            && FileDescriptionCodec.TryDecode(text, out description)
            && description.Party == FileParty.Recipient;
    }

    /// <summary>Reads a link of any host and path whose fragment is a description.</summary>
    public static bool TryParse(string link, [NotNullWhen(true)] out FileDescription? description)
    {
        description = null;
        var hash = link.IndexOf('#', StringComparison.Ordinal);
        return hash >= 0
            && (link.StartsWith("https://", StringComparison.Ordinal) || link.StartsWith("http://", StringComparison.Ordinal))
            && TryDecodeFragment(link[(hash + 1)..], out description);
    }

    private static bool TryInflate(byte[] compressed, [NotNullWhen(true)] out byte[]? text)
    {
        text = null;
        var buffer = ArrayPool<byte>.Shared.Rent(XftpLimits.BlockSize);
        try
        {
            using var inflated = new MemoryStream();
            using var deflate = new DeflateStream(new MemoryStream(compressed), CompressionMode.Decompress);
            while (deflate.Read(buffer) is var read and > 0)
            {
                inflated.Write(buffer, 0, read);
                if (inflated.Length > XftpLimits.MaxDescriptionLength)
                {
                    return false;
                }
            }

            text = inflated.ToArray();
            return true;
        }
        catch (InvalidDataException)
        {
            // The stream has no other way to say that the bytes are not DEFLATE.
            return false;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
