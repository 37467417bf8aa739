using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;
using Pairwise.Server.Smp.Store;
using Pairwise.Server.Smp.Subscribing;
using Pairwise.Transport;

namespace Pairwise.Server.Smp.Connections;

/// <summary>
/// The one writer of a connection: puts what waits in the outbox into as few blocks as hold it. Whoever adds to the
/// outbox calls; the first one writes, the others only leave word that there is more.
/// </summary>
/// <remarks>While nothing waits there is no task and no buffer. Messages are sealed at the moment they are written.</remarks>
internal sealed class BlockWriter(BlockConnection blocks, TransmissionFormat format, Outbox outbox, MessageStore messages, TimeProvider time, IDurableWrites? durableWrites, WriteAccount account) : IThreadPoolWorkItem
{
    private const int BlocksInRow = 64;
    private const int Idle = 0;
    private const int Writing = 1;
    private const int WritingWithMore = 2;
    private const int Closed = 3;

    // owned by the thread that handles a block, while it handles it
    [ThreadStatic]
    private static bool _isDeferring;

    [ThreadStatic]
    private static List<BlockWriter>? _deferred;

    // exchanged atomically; owns everything below while it is not Idle
    private int _state;
    private OutboxEntry _carried;
    private bool _hasCarried;
    private AbsentBodies? _absent;

    // set by the writer, read by the sweep
    private long _lastSent = time.GetTimestamp();
    private long _blockStarted;

    private TaskCompletionSource? _written;

    /// <summary>What went wrong in the relay itself while writing; looked at when the connection has ended.</summary>
    public Exception? Fault { get; private set; }

    /// <summary>The time stamp of the last block written.</summary>
    public long LastSent => Volatile.Read(ref _lastSent);

    /// <summary>How long the block that is being written has taken so far.</summary>
    public TimeSpan Stalled => Volatile.Read(ref _blockStarted) is not 0 and long started ? time.GetElapsedTime(started) : TimeSpan.Zero;

    /// <summary>Writes what waits, unless somebody is writing already: then returns at once.</summary>
    public ValueTask FlushAsync() => TryStart() ? new ValueTask(WriteAllAsync()) : ValueTask.CompletedTask;

    /// <summary>
    /// Has what waits written soon: by this thread when it has handled its block, see <see cref="BeginDeferring"/>, else
    /// by the thread pool.
    /// </summary>
    public void Schedule()
    {
        if (!TryStart())
        {
            return;
        }

        if (_isDeferring)
        {
            (_deferred ??= []).Add(this);
        }
        else
        {
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }
    }

    /// <summary>From here on this thread keeps the writers that it wakes for itself: no other thread needs to wake up for them.</summary>
    public static void BeginDeferring() => _isDeferring = true;

    /// <summary>Writes for all connections that this thread woke. No lock may be held here.</summary>
    public static void WriteDeferred()
    {
        _isDeferring = false;
        if (_deferred is not { Count: > 0 } writers)
        {
            return;
        }

        foreach (BlockWriter writer in writers)
        {
            ((IThreadPoolWorkItem)writer).Execute();
        }

        writers.Clear();
    }

    /// <summary>Waits until nobody is writing: the reader's way to hold back a client that asks but does not read.</summary>
    public async Task WaitUntilWrittenAsync(CancellationToken cancellationToken)
    {
        TaskCompletionSource written = new(TaskCreationOptions.RunContinuationsAsynchronously);
        // A full fence: the writer must see who waits, or this must see that it has written.
        Interlocked.Exchange(ref _written, written);
        if (Volatile.Read(ref _state) is Writing or WritingWithMore)
        {
            await written.Task.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Breaks what is being written, waits for its end, and writes nothing more.</summary>
    public async Task CloseAsync()
    {
        blocks.Break(new TransportException(TransportFailure.Closed, "The connection has ended."));
        while (Interlocked.CompareExchange(ref _state, Closed, Idle) is Writing or WritingWithMore)
        {
            await WaitUntilWrittenAsync(CancellationToken.None);
        }
    }

    // The loop keeps its own exceptions: it breaks the connection, and the reader sees that.
    void IThreadPoolWorkItem.Execute() => _ = WriteAllAsync();

    private bool TryStart()
    {
        while (true)
        {
            switch (Volatile.Read(ref _state))
            {
                case Idle:
                    if (Interlocked.CompareExchange(ref _state, Writing, Idle) == Idle)
                    {
                        return true;
                    }

                    break;
                case Writing:
                    if (Interlocked.CompareExchange(ref _state, WritingWithMore, Writing) == Writing)
                    {
                        return false;
                    }

                    break;
                default:
                    return false;
            }
        }
    }

    private async Task WriteAllAsync()
    {
        try
        {
            for (int written = 1; ;)
            {
                while (true)
                {
                    if (FillBlock() is not { } block)
                    {
                        if (!_hasCarried)
                        {
                            break;
                        }

                        await _absent!.ReadAsync(_carried, outbox); // nothing else keeps an entry out of an empty block
                        continue;
                    }

                    if (written++ % BlocksInRow == 0)
                    {
                        await Task.Yield(); // the thread that wakes a writer has others to wake
                    }

                    if (durableWrites is not null)
                    {
                        await WaitForStoreAsync(durableWrites, account, block);
                    }

                    Volatile.Write(ref _blockStarted, time.GetTimestamp());
                    await blocks.WriteAsync(block, CancellationToken.None);
                    Volatile.Write(ref _lastSent, time.GetTimestamp());
                    Volatile.Write(ref _blockStarted, 0);
                }

                outbox.Trim();
                _absent = null;
                if (Interlocked.CompareExchange(ref _state, Idle, Writing) == Writing)
                {
                    return;
                }

                Volatile.Write(ref _state, Writing);
            }
        }
        catch (TransportException)
        {
            // The connection is broken with its first cause; what waits is for nobody.
            Volatile.Write(ref _state, Closed);
        }
        catch (Exception fault)
        {
            // The boundary of the writer: a fault of ours costs this connection, and its owner tells of it.
            Fault = fault;
            blocks.Break(new TransportException(TransportFailure.Closed, "The writer of the connection failed.", fault));
            Volatile.Write(ref _state, Closed);
        }
        finally
        {
            Interlocked.Exchange(ref _written, null)?.TrySetResult();
        }
    }

    // The answers in the block promise that what they answer is stored.
    private static async ValueTask WaitForStoreAsync(IDurableWrites durableWrites, WriteAccount account, Block block)
    {
        try
        {
            await durableWrites.WhenWrittenAsync(account);
        }
        catch
        {
            block.Dispose();
            throw;
        }
    }

    private Block? FillBlock()
    {
        if (!TryNext(out OutboxEntry entry))
        {
            return null;
        }

        Block block = new();
        try
        {
            BatchWriter batch = new(block.Room, format);
            do
            {
                if (!TryAppend(ref batch, entry))
                {
                    if (batch.Count == 0)
                    {
                        // Nothing that a relay says is larger than a block; a command may not be made to wait for ever.
                        batch.TryAppend(entry.CorrId, entry.Entity, new BrokerMessage.Err(SmpError.Internal.Instance));
                        break;
                    }

                    _carried = entry;
                    _hasCarried = true;
                    break;
                }
            }
            while (TryNext(out entry));

            if (batch.Count == 0)
            {
                block.Dispose();
                return null;
            }

            block.SetContentLength(batch.WrittenSpan.Length);
            return block;
        }
        catch
        {
            block.Dispose();
            throw;
        }
    }

    // A message whose subscription ended while it waited is not written: its queue has another reader now, or none.
    private bool TryNext(out OutboxEntry entry)
    {
        while (true)
        {
            if (_hasCarried)
            {
                entry = _carried;
                _carried = default;
                _hasCarried = false;
            }
            else if (!outbox.TryTake(out entry))
            {
                return false;
            }

            if (entry.Subscription is { } subscription)
            {
                if (Subscriptions.Take(subscription, entry.Answer.Stored, messages) is not { } message)
                {
                    continue;
                }

                entry = entry with { Answer = SmpAnswer.Of(subscription, message) };
            }

            if (entry.Answer.Stored is not { HasBody: false })
            {
                return true;
            }

            if (!(_absent ??= new AbsentBodies(messages)).TryComplete(ref entry, out bool isNothing))
            {
                _carried = entry;
                _hasCarried = true;
                return false;
            }

            if (!isNothing)
            {
                return true;
            }
        }
    }

    private static bool TryAppend(ref BatchWriter batch, in OutboxEntry entry)
    {
        if (entry.Answer.Stored is not { } stored)
        {
            return batch.TryAppend(entry.CorrId, entry.Entity, entry.Answer.Message!);
        }

        MessageId id = new(stored.Id.ToWireId());
        if (!batch.TryAppendMessage(entry.CorrId, entry.Entity, id, out Span<byte> box))
        {
            return false;
        }

        Seal(entry.Answer.Hold!.Queue, stored, id, box);
        return true;
    }

    private static void Seal(SmpQueue queue, StoredMessage stored, MessageId id, Span<byte> destination)
    {
        WireTime time = new(stored.Seconds);
        RelayMessage message = stored.IsQuota
            ? new RelayMessage.QuotaMarker(time)
            : new RelayMessage.Content(time, new MessageFlags(stored.Notify), new BlockSlice(stored.Body));
        message.Seal(queue.DhSecret, id, destination);
    }
}
