using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using Pairwise.Wire;

namespace Pairwise.Chat.Protocol;

/// <summary>A piece of a small file that travels inside the conversation, or the word that no more will come.</summary>
/// <param name="Number">From 1; null when the sender cancelled.</param>
/// <param name="Content">The piece; empty when cancelled.</param>
public sealed record FileChunk(uint? Number, Bytes Content)
{
    public static FileChunk Cancelled { get; } = new(null, default);

    // inlineChunk = messageTag shortMessageId messageId chunkNumber *OCTET ; messageTag = %s"F", shortMessageId: empty,
    //               chunkNumber = OCTET, 0 = cancelled
    internal byte[] EncodeInline(SharedMessageId message)
    {
        var id = message.Value.Span;
        var encoded = new byte[4 + id.Length + Content.Length];
        var writer = new WireWriter(encoded);
        writer.WriteByte((byte)'F');
        writer.WriteShort([]);
        writer.WriteShort(id);
        writer.WriteByte(unchecked((byte)(Number ?? 0)));
        writer.WriteBytes(Content.Span);
        return encoded;
    }

    internal static bool TryDecodeInline(ReadOnlySpan<byte> encoded, out SharedMessageId message, [NotNullWhen(true)] out FileChunk? chunk)
    {
        message = default;
        chunk = null;
        var reader = new WireReader(encoded);
        if (!reader.TryReadByte(out var tag) || tag != 'F' || !reader.TryReadShort(out _) || !reader.TryReadShort(out var id) || !reader.TryReadByte(out var number))
            return false;
        var rest = reader.ReadTail();
        if (number == 0 && !rest.IsEmpty)
            return false;
        message = new SharedMessageId(Bytes.CopyOf(id));
        chunk = number == 0 ? Cancelled : new FileChunk(number, Bytes.CopyOf(rest));
        return true;
    }

    // directChunk = %s"F" chunkNumber *OCTET / %s"C" ; chunkNumber = 4 OCTET big-endian
    /// <summary>The form on a connection of its own, for files of older versions.</summary>
    public byte[] EncodeDirect()
    {
        if (Number is not { } number)
            return [(byte)'C'];
        var encoded = new byte[5 + Content.Length];
        encoded[0] = (byte)'F';
        BinaryPrimitives.WriteUInt32BigEndian(encoded.AsSpan(1), number);
        Content.Span.CopyTo(encoded.AsSpan(5));
        return encoded;
    }

    /// <summary>Reads the form on a connection of its own.</summary>
    public static bool TryDecodeDirect(ReadOnlySpan<byte> encoded, [NotNullWhen(true)] out FileChunk? chunk)
    {
        chunk = encoded switch
        {
            [(byte)'C'] => Cancelled,
            [(byte)'F', _, _, _, _, ..] => new FileChunk(BinaryPrimitives.ReadUInt32BigEndian(encoded[1..]), Bytes.CopyOf(encoded[5..])),
            _ => null,
        };
        return chunk is not null;
    }
}
