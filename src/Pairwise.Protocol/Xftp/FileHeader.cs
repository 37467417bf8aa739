using System.Diagnostics.CodeAnalysis;
using System.Text;
using Pairwise.Wire;

namespace Pairwise.Protocol.Xftp;

/// <summary>What stands before a file's content, encrypted with it.</summary>
/// <param name="FileName">The sender's name for it: a suggestion from a stranger, never a path.</param>
/// <param name="Extra">For later versions.</param>
public sealed record FileHeader(string FileName, string? Extra = null)
{
    // fileHeader = fileName maybe(extra) ; both shortStrings of UTF-8
    /// <summary>Encodes the header; names longer than 255 bytes are refused.</summary>
    /// <exception cref="ArgumentException">A text longer than 255 bytes.</exception>
    public byte[] Encode()
    {
        var writer = new WireWriter(new byte[2 * (1 + byte.MaxValue) + 1]);
        writer.WriteShort(Encoding.UTF8.GetBytes(FileName));
        writer.WriteMaybe(Extra is not null);
        if (Extra is not null)
        {
            writer.WriteShort(Encoding.UTF8.GetBytes(Extra));
        }

        return writer.WrittenSpan.ToArray();
    }

    /// <summary>Reads the header at the beginning of the bytes; <paramref name="length"/> is where the content begins.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out FileHeader? header, out int length)
    {
        header = null;
        length = 0;
        var reader = new WireReader(bytes);
        if (!reader.TryReadShort(out var name) || !reader.TryReadMaybe(out var hasExtra))
        {
            return false;
        }

        ReadOnlySpan<byte> extra = default;
        if (hasExtra && !reader.TryReadShort(out extra))
        {
            return false;
        }

        length = reader.Position;
        header = new FileHeader(Encoding.UTF8.GetString(name), hasExtra ? Encoding.UTF8.GetString(extra) : null);
        return true;
    }
}
