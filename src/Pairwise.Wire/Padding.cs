using System.Buffers.Binary;

namespace Pairwise.Wire;

/// <summary>
/// The reference's padding: a 2-byte length, the message, then '#' up to the padded length.
/// </summary>
public static class Padding
{
    /// <summary>Size of the length prefix in bytes.</summary>
    public const int PrefixLength = 2;

    /// <summary>The longest message that can be padded, in bytes: the reference keeps two values free below 2^16.</summary>
    public const int MaxMessageLength = 65_533;

    private const byte Filler = (byte)'#';

    /// <summary>Whether a message of this length fits into <paramref name="paddedLength"/> bytes.</summary>
    public static bool Fits(int messageLength, int paddedLength) =>
        messageLength <= MaxMessageLength && messageLength <= (long)paddedLength - PrefixLength;

    // padded = length message *"#" ; length = word16
    /// <summary>Pads <paramref name="message"/> over the whole of <paramref name="destination"/>.</summary>
    /// <returns>False, with the destination untouched, when the message does not fit.</returns>
    public static bool TryPad(ReadOnlySpan<byte> message, Span<byte> destination)
    {
        if (!Fits(message.Length, destination.Length))
            return false;
        // The message may be a slice of the destination, so it is moved before anything else is written.
        message.CopyTo(destination[PrefixLength..]);
        BinaryPrimitives.WriteUInt16BigEndian(destination, (ushort)message.Length);
        destination[(PrefixLength + message.Length)..].Fill(Filler);
        return true;
    }

    /// <summary>Pads <paramref name="message"/> to a new array of <paramref name="paddedLength"/> bytes.</summary>
    /// <exception cref="ArgumentException">The message does not fit.</exception>
    public static byte[] Pad(ReadOnlySpan<byte> message, int paddedLength)
    {
        if (!Fits(message.Length, paddedLength))
            throw new ArgumentException($"A message of {message.Length} bytes cannot be padded to {paddedLength}.", nameof(message));
        var padded = new byte[paddedLength];
        TryPad(message, padded);
        return padded;
    }

    /// <summary>Finds the message in padded bytes. The filler is not looked at, as in the reference.</summary>
    public static bool TryUnpad(ReadOnlySpan<byte> padded, out ReadOnlySpan<byte> message)
    {
        message = default;
        if (padded.Length < PrefixLength)
            return false;
        var length = BinaryPrimitives.ReadUInt16BigEndian(padded);
        if (length > padded.Length - PrefixLength)
            return false;
        message = padded.Slice(PrefixLength, length);
        return true;
    }
}
