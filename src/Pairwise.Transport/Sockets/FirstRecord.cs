using System.Buffers;
using System.Buffers.Binary;

namespace Pairwise.Transport.Sockets;

/// <summary>
/// The first record of a TLS client, its hello, read before anything is made for it: whoever sends it byte by byte costs
/// the bytes sent so far, and neither a session nor a place among the handshakes.
/// </summary>
internal struct FirstRecord
{
    private const int HeaderLength = 5;
    private const int SmallBuffer = 512;

    // A hello has a few hundred bytes; of a longer one the rest is read when it has a place.
    private const int LargestBuffer = 4096;

    private byte[]? _buffer;
    private int _count;

    /// <summary>What was read: the record, and perhaps the start of what follows; or its first 4 KB.</summary>
    public readonly ReadOnlyMemory<byte> Bytes => _buffer.AsMemory(0, _count);

    /// <summary>
    /// Waits for the record without a buffer until the first byte is there. What is no such record is given as far as it
    /// came: TLS says what is wrong with it.
    /// </summary>
    /// <exception cref="TransportException">The peer has closed.</exception>
    public static async ValueTask<FirstRecord> ReadAsync(Stream stream, CancellationToken cancellationToken)
    {
#pragma warning disable CA2022 // a read of length zero waits and reads nothing: that is its use
        await stream.ReadAsync(Memory<byte>.Empty, cancellationToken);
#pragma warning restore CA2022
        var record = new FirstRecord { _buffer = ArrayPool<byte>.Shared.Rent(SmallBuffer) };
        try
        {
            while (!record.IsWhole)
            {
                if (record._count == record._buffer!.Length)
                    record.Grow();
                var count = await stream.ReadAsync(record._buffer.AsMemory(record._count), cancellationToken);
                if (count == 0)
                    throw new TransportException(TransportFailure.Closed, "The peer closed the connection before its hello was whole.");
                record._count += count;
            }

            return record;
        }
        catch
        {
            record.Return();
            throw;
        }
    }

    /// <summary>Gives the buffer back.</summary>
    public void Return()
    {
        if (_buffer is not null)
            ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = null;
        _count = 0;
    }

    // record = type(1) version(2) length(2) content ; RFC 8446, section 5.1. A hello is of the type 22.
    private readonly bool IsWhole
    {
        get
        {
            const byte Handshake = 22;
            if (_count == 0)
                return false;
            if (_buffer![0] != Handshake)
                return true;
            if (_count < HeaderLength)
                return false;
            var length = BinaryPrimitives.ReadUInt16BigEndian(_buffer.AsSpan(HeaderLength - 2));
            return _count >= Math.Min(HeaderLength + length, LargestBuffer);
        }
    }

    private void Grow()
    {
        var larger = ArrayPool<byte>.Shared.Rent(_count * 2);
        Bytes.Span.CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_buffer!);
        _buffer = larger;
    }
}
