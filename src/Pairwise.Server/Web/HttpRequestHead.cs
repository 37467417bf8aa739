using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Pairwise.Server.Web;

/// <summary>What is read out of the head of an HTTP request; pages need no more.</summary>
/// <param name="Method">The method's word.</param>
/// <param name="Path">The path with escapes decoded, without the query; it begins with a slash.</param>
/// <param name="AcceptsGzip">Whether the client takes gzip.</param>
/// <param name="WantsClose">Whether the connection ends after the answer.</param>
/// <param name="HasBody">Whether content follows; pages take none.</param>
internal sealed record HttpRequestHead(string Method, string Path, bool AcceptsGzip, bool WantsClose, bool HasBody)
{
    /// <summary>The longest head that is read, in bytes.</summary>
    public const int MaxLength = 8192;

    // request-line = method SP request-target SP "HTTP/1." ("0" / "1") CRLF ; RFC 9112, section 3
    // field-line = field-name ":" OWS field-value OWS CRLF
    /// <summary>Parses a head up to, and without, the empty line. Never throws on any bytes.</summary>
    public static bool TryParse(ReadOnlySpan<byte> head, [NotNullWhen(true)] out HttpRequestHead? request)
    {
        request = null;
        if (head.Length > MaxLength || !Ascii.IsValid(head))
        {
            return false;
        }

        int lineEnd = head.IndexOf("\r\n"u8);
        ReadOnlySpan<byte> line = lineEnd < 0 ? head : head[..lineEnd];
        ReadOnlySpan<byte> fields = lineEnd < 0 ? default : head[(lineEnd + 2)..];
        int methodEnd = line.IndexOf((byte)' ');
        int targetEnd = line.LastIndexOf((byte)' ');
        if (methodEnd <= 0 || targetEnd <= methodEnd + 1)
        {
            return false;
        }

        ReadOnlySpan<byte> version = line[(targetEnd + 1)..];
        bool isOld = version.SequenceEqual("HTTP/1.0"u8);
        if ((!isOld && !version.SequenceEqual("HTTP/1.1"u8)) || !TryReadPath(line[(methodEnd + 1)..targetEnd], out string? path))
        {
            return false;
        }

        bool acceptsGzip = false;
        bool wantsClose = isOld;
        bool hasBody = false;
        while (!fields.IsEmpty)
        {
            lineEnd = fields.IndexOf("\r\n"u8);
            ReadOnlySpan<byte> field = lineEnd < 0 ? fields : fields[..lineEnd];
            fields = lineEnd < 0 ? default : fields[(lineEnd + 2)..];
            int colon = field.IndexOf((byte)':');
            if (colon <= 0)
            {
                return false;
            }

            ReadOnlySpan<byte> name = field[..colon];
            ReadOnlySpan<byte> value = field[(colon + 1)..].Trim(" \t"u8);
            if (Ascii.EqualsIgnoreCase(name, "accept-encoding"u8))
            {
                acceptsGzip = value.IndexOf("gzip"u8) >= 0;
            }
            else if (Ascii.EqualsIgnoreCase(name, "connection"u8))
            {
                wantsClose |= Ascii.EqualsIgnoreCase(value, "close"u8);
            }
            else if (Ascii.EqualsIgnoreCase(name, "content-length"u8))
            {
                hasBody |= !value.SequenceEqual("0"u8);
            }
            else if (Ascii.EqualsIgnoreCase(name, "transfer-encoding"u8))
            {
                hasBody = true;
            }
        }

        request = new HttpRequestHead(Encoding.ASCII.GetString(line[..methodEnd]), path, acceptsGzip, wantsClose, hasBody);
        return true;
    }

    // request-target = "/" path ["?" query] ; pct-encoded = "%" HEXDIG HEXDIG
    private static bool TryReadPath(ReadOnlySpan<byte> target, [NotNullWhen(true)] out string? path)
    {
        path = null;
        int query = target.IndexOf((byte)'?');
        if (query >= 0)
        {
            target = target[..query];
        }

        if (target.IsEmpty || target[0] != (byte)'/')
        {
            return false;
        }

        byte[] decoded = new byte[target.Length];
        int length = 0;
        for (int i = 0; i < target.Length; i++)
        {
            byte value = target[i];
            if (value == (byte)'%')
            {
                if (i + 2 >= target.Length || !byte.TryParse(target.Slice(i + 1, 2), System.Globalization.NumberStyles.AllowHexSpecifier, null, out value))
                {
                    return false;
                }

                i += 2;
            }

            if (value is < 0x20 or 0x7f)
            {
                return false;
            }

            decoded[length++] = value;
        }

        return Wire.TextEncoding.TryDecodeUtf8(decoded.AsSpan(0, length), out path);
    }
}
