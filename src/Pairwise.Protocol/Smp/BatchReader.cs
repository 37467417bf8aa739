namespace Pairwise.Protocol.Smp;

/// <summary>
/// The transmissions of a received block, one after the other, borrowed from it and without an allocation. Never throws.
/// </summary>
public ref struct BatchReader
{
    private readonly ReadOnlyMemory<byte> _content;
    private readonly TransmissionFormat _format;
    private int _position;

    private BatchReader(ReadOnlyMemory<byte> content, TransmissionFormat format)
    {
        _content = content;
        _format = format;
        Remaining = content.Span[0];
        _position = 1;
    }

    /// <summary>Transmissions not read yet.</summary>
    public int Remaining { get; private set; }

    // batch = count 1*(length transmission) ; count = %x01-FF, length = word16
    /// <summary>
    /// Opens the content of a block (padding and block encryption removed). False if the block is not a batch; the answer is
    /// then <c>ERR BLOCK</c> without a corr id.
    /// </summary>
    public static bool TryOpen(ReadOnlyMemory<byte> content, TransmissionFormat format, out BatchReader reader)
    {
        reader = default;
        var span = content.Span;
        if (span.IsEmpty || span[0] == 0)
        {
            return false;
        }

        var position = 1;
        for (var left = span[0]; left > 0; left--)
        {
            if (span.Length - position < sizeof(ushort))
            {
                return false;
            }

            var length = (span[position] << 8) | span[position + 1];
            position += sizeof(ushort);
            if (span.Length - position < length)
            {
                return false;
            }

            position += length;
        }

        if (position != span.Length)
        {
            return false;
        }

        reader = new BatchReader(content, format);
        return true;
    }

    /// <summary>Reads the next transmission, whose own error it bears; false when there is none left.</summary>
    public bool TryReadNext(out Transmission transmission)
    {
        if (Remaining == 0)
        {
            transmission = default;
            return false;
        }

        var span = _content.Span;
        var length = (span[_position] << 8) | span[_position + 1];
        transmission = Transmission.Parse(_content.Slice(_position + sizeof(ushort), length), _format);
        _position += sizeof(ushort) + length;
        Remaining--;
        return true;
    }
}
