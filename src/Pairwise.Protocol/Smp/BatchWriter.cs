using System.Buffers;
using Pairwise.Wire;

namespace Pairwise.Protocol.Smp;

/// <summary>
/// Fills the content of one block with transmissions, front to back. The destination is the caller's and has at most
/// <see cref="SmpLimits.MaxBlockContent"/> bytes that matter; nothing is allocated.
/// </summary>
public ref struct BatchWriter
{
    private readonly Span<byte> _destination;
    private readonly TransmissionFormat _format;

    /// <exception cref="ArgumentException">No room for the count.</exception>
    public BatchWriter(Span<byte> destination, TransmissionFormat format)
    {
        if (destination.IsEmpty)
        {
            throw new ArgumentException("A batch has at least its count.", nameof(destination));
        }

        _destination = destination.Length > SmpLimits.MaxBlockContent ? destination[..SmpLimits.MaxBlockContent] : destination;
        _format = format;
        Written = 1;
    }

    /// <summary>Transmissions written.</summary>
    public int Count { get; private set; }

    /// <summary>Bytes written, the count included.</summary>
    public int Written { get; private set; }

    /// <summary>The content of the block; a batch of nothing is not one.</summary>
    public readonly ReadOnlySpan<byte> WrittenSpan
    {
        get
        {
            _destination[0] = (byte)Count;
            return _destination[..Written];
        }
    }

    /// <summary>
    /// Appends an answer or event; false if the block has no room for it (then the batch is unchanged). A message that
    /// does not fit in an empty block fits in none.
    /// </summary>
    public bool TryAppend(CorrId corrId, EntityId entity, BrokerMessage message)
    {
        var room = _destination[Written..];
        if (Count == SmpLimits.MaxBatchCount || room.Length < sizeof(ushort))
        {
            return false;
        }

        // Nearly always there is plenty of room; a careful estimate decides when the exact length must be found out first.
        var estimate = sizeof(ushort) + 1 + _format.SignedPrefixLength + (2 * (1 + WireId.MaxLength)) + BrokerMessageCodec.GetMaxEncodedLength(message);
        if (room.Length >= estimate)
        {
            Written += WriteLarge(corrId, entity, message, room);
            Count++;
            return true;
        }

        var rented = ArrayPool<byte>.Shared.Rent(estimate);
        try
        {
            var length = WriteLarge(corrId, entity, message, rented);
            if (length > room.Length)
            {
                return false;
            }

            rented.AsSpan(0, length).CopyTo(room);
            Written += length;
            Count++;
            return true;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented, clearArray: true);
        }
    }

    /// <summary>
    /// Appends a MSG before its box is there: the caller seals into <paramref name="box"/>, which is the block's own memory
    /// and has <see cref="RelayMessage.SealedLength"/> bytes. False if the block has no room for it.
    /// </summary>
    public bool TryAppendMessage(CorrId corrId, EntityId entity, MessageId id, out Span<byte> box)
    {
        box = default;
        var room = _destination[Written..];
        var length = sizeof(ushort) + GetHeadLength(corrId, entity) + BrokerMessageCodec.GetMessageHeadLength(id) + RelayMessage.SealedLength;
        if (Count == SmpLimits.MaxBatchCount || room.Length < length)
        {
            return false;
        }

        var writer = new WireWriter(room);
        var mark = writer.BeginLarge();
        WriteHead(corrId, entity, ref writer);
        BrokerMessageCodec.WriteMessageHead(id, ref writer);
        box = writer.Reserve(RelayMessage.SealedLength);
        writer.EndLarge(mark);
        Written += writer.Written;
        Count++;
        return true;
    }

    /// <summary>Appends a transmission that is encoded already; false if the block has no room for it.</summary>
    public bool TryAppend(ReadOnlySpan<byte> encodedTransmission)
    {
        var length = sizeof(ushort) + encodedTransmission.Length;
        if (Count == SmpLimits.MaxBatchCount || _destination.Length - Written < length)
        {
            return false;
        }

        var writer = new WireWriter(_destination[Written..]);
        writer.WriteLarge(encodedTransmission);
        Written += length;
        Count++;
        return true;
    }

    // largeString of: head message
    private readonly int WriteLarge(CorrId corrId, EntityId entity, BrokerMessage message, Span<byte> destination)
    {
        var writer = new WireWriter(destination);
        var mark = writer.BeginLarge();
        WriteHead(corrId, entity, ref writer);
        BrokerMessageCodec.Write(_format.Version, message, ref writer);
        writer.EndLarge(mark);
        return writer.Written;
    }

    private readonly int GetHeadLength(CorrId corrId, EntityId entity) =>
        1 + (_format.ImpliesSessionId ? 0 : _format.SignedPrefixLength) + 1 + corrId.Value.Length + 1 + entity.Value.Length;

    // head = authorization (empty) [sessionId] corrId entityId
    private readonly void WriteHead(CorrId corrId, EntityId entity, ref WireWriter writer)
    {
        writer.WriteByte(0);
        if (!_format.ImpliesSessionId)
        {
            writer.WriteShort(_format.SessionId);
        }

        writer.WriteShort(corrId.Value.Span);
        writer.WriteShort(entity.Value.Span);
    }
}

/// <summary>How many of a row of transmissions go into which block.</summary>
public static class BatchPlan
{
    /// <summary>The most bytes that one encoded transmission may have.</summary>
    public const int MaxTransmissionLength = SmpLimits.MaxBlockContent - 1 - sizeof(ushort);

    /// <summary>
    /// Splits transmissions of the given encoded lengths as the reference does: filled from the last one backwards, so that
    /// the first block may be the small one; at most <see cref="SmpLimits.MaxBatchCount"/> in a block; one that is too large
    /// stands alone. Order is kept.
    /// </summary>
    /// <param name="lengths">Bytes of each transmission, without the two bytes of its length.</param>
    public static IReadOnlyList<PlannedBatch> Split(ReadOnlySpan<int> lengths)
    {
        var batches = new List<PlannedBatch>();
        var end = lengths.Length;
        var filled = 0;
        for (var i = lengths.Length - 1; i >= 0; i--)
        {
            var length = sizeof(ushort) + lengths[i];
            if (lengths[i] > MaxTransmissionLength)
            {
                AddBatch(i + 1, end);
                batches.Add(new PlannedBatch(i, 1, IsTooLarge: true));
                end = i;
                filled = 0;
            }
            else if (filled + length > SmpLimits.MaxBlockContent - 1 || end - i > SmpLimits.MaxBatchCount)
            {
                AddBatch(i + 1, end);
                end = i + 1;
                filled = length;
            }
            else
            {
                filled += length;
            }
        }

        AddBatch(0, end);
        batches.Reverse();
        return batches;

        void AddBatch(int start, int stop)
        {
            if (stop > start)
            {
                batches.Add(new PlannedBatch(start, stop - start, IsTooLarge: false));
            }
        }
    }
}

/// <summary>One block of a plan.</summary>
/// <param name="Start">Index of its first transmission.</param>
/// <param name="Count">Its transmissions.</param>
/// <param name="IsTooLarge">Whether it is a single transmission that fits in no block: <c>LARGE_MSG</c>.</param>
public readonly record struct PlannedBatch(int Start, int Count, bool IsTooLarge);
