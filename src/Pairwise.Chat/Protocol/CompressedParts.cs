using System.Diagnostics.CodeAnalysis;
using Pairwise.Chat.Interop;
using Pairwise.Wire;

namespace Pairwise.Chat.Protocol;

/// <summary>The compressed form of a body: 'X' and a list of parts, each as it is or as a Zstandard frame.</summary>
internal static class CompressedParts
{
    public const byte Mark = (byte)'X';

    private const byte AsIs = (byte)'0';
    private const byte Frame = (byte)'1';
    private const int Level = 3;

    // compressed = %s"X" count 1*part ; count = OCTET
    // part = %s"0" shortString / %s"1" largeString ; largeString: one Zstandard frame
    /// <summary>One part with the whole body.</summary>
    public static byte[] Encode(ReadOnlySpan<byte> body)
    {
        var isSmall = body.Length <= ChatMessageLimits.MaxUncompressedPartLength;
        var part = isSmall ? body.ToArray() : Zstandard.Compress(body, Level);
        var encoded = new byte[3 + (isSmall ? 1 : 2) + part.Length];
        var writer = new WireWriter(encoded);
        writer.WriteByte(Mark);
        writer.WriteByte(1);
        if (isSmall)
        {
            writer.WriteByte(AsIs);
            writer.WriteShort(part);
        }
        else
        {
            writer.WriteByte(Frame);
            writer.WriteLarge(part);
        }

        return encoded;
    }

    /// <summary>The parts, expanded; a part that does not expand is null. False when the list itself does not parse.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> encoded, [NotNullWhen(true)] out List<byte[]?>? parts)
    {
        parts = null;
        var reader = new WireReader(encoded);
        if (!reader.TryReadByte(out var mark) || mark != Mark || !reader.TryReadByte(out var count) || count == 0)
            return false;
        var found = new List<byte[]?>();
        // Parts are small, but 255 of them could expand to megabytes: all together stay under the limit of one.
        var left = ChatMessageLimits.MaxDecompressedLength;
        for (var i = 0; i < count; i++)
        {
            if (!reader.TryReadByte(out var kind))
                return false;
            if (kind == AsIs && reader.TryReadShort(out var content))
            {
                found.Add(content.ToArray());
            }
            else if (kind == Frame && reader.TryReadLarge(out var frame))
            {
                var isExpanded = Zstandard.TryDecompress(frame, left, out var expanded);
                found.Add(isExpanded ? expanded : null);
                left -= expanded?.Length ?? 0;
            }
            else
            {
                return false;
            }
        }

        if (!reader.IsAtEnd)
            return false;
        parts = found;
        return true;
    }
}
