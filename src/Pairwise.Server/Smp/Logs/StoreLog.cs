using System.Collections.Concurrent;
using System.Diagnostics;
using Pairwise.Protocol.Smp;
using Pairwise.Server.Smp.Store;

namespace Pairwise.Server.Smp.Logs;

/// <summary>What reading a store log came to. Counts only: a report names no queue.</summary>
/// <param name="Lines">Lines in the file.</param>
/// <param name="BrokenLines">Lines that are no record, without a torn last one.</param>
/// <param name="RefusedRecords">Records about queues that do not exist (any more), or that contradict earlier ones.</param>
/// <param name="HasTornLastLine">Whether the file ended in the middle of a record, as after a power failure.</param>
/// <param name="RestoredFromInterruptedStart">Whether the copy of an interrupted compaction was read.</param>
public sealed record StoreLogReport(long Lines, long BrokenLines, long RefusedRecords, bool HasTornLastLine, bool RestoredFromInterruptedStart)
{
    /// <summary>Nothing was there to read.</summary>
    public static StoreLogReport Empty { get; } = new(0, 0, 0, false, false);
}

/// <summary>
/// Opening a store log: its records are applied to the store, then the file is written anew without what was deleted.
/// The former file stays beside it under the time of the start.
/// </summary>
public static class StoreLog
{
    private const int ParsedTogether = 512; // records that go from the parsing thread to the applying one at once
    private const int ParsedAhead = 32; // times so many records

    /// <summary>Reads, compacts, and attaches the log to the store.</summary>
    public static (StoreLogWriter Writer, StoreLogReport Report) Open(string path, QueueStore store, TimeProvider time)
    {
        bool wasInterrupted = LogCompaction.Repair(path);
        StoreLogReport report = StoreLogReport.Empty;
        if (File.Exists(path))
        {
            report = Read(path, store) with { RestoredFromInterruptedStart = wasInterrupted };
            LogCompaction.Run(path, time.GetUtcNow(), () => WriteAll(path, store));
        }

        StoreLogWriter writer = new(path);
        store.AttachLog(writer);
        return (writer, report);
    }

    /// <summary>
    /// Applies every record of a log to a store that has no log of its own yet. One thread reads and parses, another
    /// applies: each is about half of the work.
    /// </summary>
    public static StoreLogReport Read(string path, QueueStore store) => Read(path, store, isWanted: null);

    /// <summary>The same for some of the queues, and all services.</summary>
    /// <param name="path">The log.</param>
    /// <param name="store">The store.</param>
    /// <param name="isWanted">Whether records about the queue of this recipient id are applied; null = all are.</param>
    public static StoreLogReport Read(string path, QueueStore store, Func<StoredId, bool>? isWanted)
    {
        long broken = 0;
        long refused = 0;
        bool isLastTorn = false;
        using BlockingCollection<List<StoreLogRecord>> parsed = new(ParsedAhead);
        using CancellationTokenSource applied = new(); // cancelled when nobody takes records any more, also by a fault
        Task applying = Task.Factory.StartNew(
            () =>
            {
                try
                {
                    foreach (StoreLogRecord record in parsed.GetConsumingEnumerable().SelectMany(some => some))
                    {
                        refused += Apply(store, record) ? 0 : 1;
                    }
                }
                finally
                {
                    applied.Cancel();
                }
            },
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default);
        List<StoreLogRecord> records = new(ParsedTogether);
        long lines;
        try
        {
            lines = LogFileReader.ReadLines(path, (line, isTorn) =>
            {
                if (StoreLogCodec.TryRead(line, out StoreLogRecord? record))
                {
                    if (isWanted is null || record!.QueueId is not { } queue || isWanted(queue))
                    {
                        records.Add(record!);
                    }
                }
                else if (isTorn)
                {
                    isLastTorn = true;
                }
                else
                {
                    broken++;
                }

                if (records.Count == ParsedTogether)
                {
                    parsed.Add(records, applied.Token);
                    records = new List<StoreLogRecord>(ParsedTogether);
                }
            });
            parsed.Add(records, applied.Token);
        }
        finally
        {
            parsed.CompleteAdding();
            applying.GetAwaiter().GetResult();
        }

        return new StoreLogReport(lines, broken, refused, isLastTorn, false);
    }

    /// <summary>What makes a queue as it is, in the order in which it is written.</summary>
    internal static IEnumerable<StoreLogRecord> RecordsOf(SmpQueue queue)
    {
        yield return new StoreLogRecord.CreateQueue(queue);
        if (StoreLogCodec.NeedsBlockLine(queue))
        {
            yield return new StoreLogRecord.BlockQueue(queue.RecipientId, queue.Block!);
        }
    }

    /// <summary>Writes the whole store as a log: services first, then the records of each queue.</summary>
    public static void WriteAll(string path, QueueStore store)
    {
        using FileStream file = new(path, FileMode.Create, FileAccess.Write, FileShare.Read, bufferSize: 1 << 20);
        LogLineWriter line = new();
        void Write(StoreLogRecord record)
        {
            line.Clear();
            StoreLogCodec.Write(line, record);
            line.Text("\n"u8);
            file.Write(line.Written);
        }

        foreach (ServiceRecord service in store.Services.All())
        {
            Write(new StoreLogRecord.NewService(service));
        }

        foreach (SmpQueue queue in store.All())
        {
            lock (queue)
            {
                if (!queue.IsDeleted)
                {
                    foreach (StoreLogRecord record in RecordsOf(queue))
                    {
                        Write(record);
                    }
                }
            }
        }

        file.Flush(flushToDisk: true);
    }

    private static bool Apply(QueueStore store, StoreLogRecord record) => record switch
    {
        StoreLogRecord.CreateQueue create => store.Add(create.Queue) is null,
        StoreLogRecord.NewService added => store.GetOrAddService(added.Service, out StoredId id) is null && id == added.Service.Id,
        StoreLogRecord.CreateLink link => Change(store, link.RecipientId, queue => store.SetLink(queue, link.Link)),
        StoreLogRecord.DeleteLink link => Change(store, link.RecipientId, store.DeleteLink),
        StoreLogRecord.SecureQueue secure => Change(store, secure.RecipientId, queue => store.Secure(queue, secure.SenderKey)),
        StoreLogRecord.UpdateKeys update => Change(store, update.RecipientId, queue => store.SetRecipientKeys(queue, update.Keys)),
        StoreLogRecord.AddNotifier add => Change(store, add.RecipientId, queue => store.SetNotifier(queue, add.Notifier, out _)),
        StoreLogRecord.SuspendQueue suspend => Change(store, suspend.RecipientId, store.Suspend),
        StoreLogRecord.BlockQueue block => Change(store, block.RecipientId, queue => store.Block(queue, block.Block)),
        StoreLogRecord.UnblockQueue unblock => Change(store, unblock.RecipientId, store.Unblock),
        StoreLogRecord.DeleteQueue delete => Change(store, delete.RecipientId, store.Delete),
        StoreLogRecord.DeleteNotifier delete => Change(store, delete.RecipientId, queue => store.DeleteNotifier(queue, out _)),
        StoreLogRecord.UpdateTime update => Change(store, update.RecipientId, queue => store.Touch(queue, update.Day)),
        StoreLogRecord.QueueService service => Change(store, service.RecipientId, queue => store.SetService(queue, service.Side, service.ServiceId, out _)),
        _ => throw new UnreachableException(),
    };

    private static bool Change(QueueStore store, StoredId recipientId, Func<SmpQueue, SmpError?> change) =>
        store.TryFindByRecipient(recipientId, out SmpQueue? queue) && change(queue) is null;
}
