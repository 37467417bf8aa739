using Pairwise.Protocol;
using Pairwise.Protocol.Smp;
using Pairwise.Server.Smp.Connections;
using Pairwise.Server.Smp.Journal;
using Pairwise.Server.Smp.Notifying;
using Pairwise.Server.Smp.Operation;
using Pairwise.Server.Smp.Postgres;
using Pairwise.Server.Smp.Store;
using Pairwise.Server.Smp.Subscribing;
using Pairwise.Server.Web;

namespace Pairwise.Server.Smp;

/// <summary>What a relay does by the clock.</summary>
public sealed partial class SmpServer
{
    // set before the loops start, then changed by the loop of days only
    private DateTimeOffset _countedFrom;

    private static readonly TimeSpan JournalSweep = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan DatabaseSweep = TimeSpan.FromHours(2);

    /// <summary>Removes messages that are too old, from all queues.</summary>
    /// <returns>How many were removed.</returns>
    public async Task<int> ExpireMessagesAsync()
    {
        const int changedTogether = 1000; // of a store that writes behind: the changes of clients need room, too
        if (_relay.Options.MessageExpiration is not { } expiration)
        {
            return 0;
        }

        long before = _relay.NowSeconds() - (long)expiration.Lifetime.TotalSeconds;
        int expired = 0;
        int failed = 0;
        int changed = 0;
        Exception? cause = null;
        WriteAccount account = new();
        foreach (SmpQueue queue in _relay.Queues.All())
        {
            if (_stopping.IsCancellationRequested)
            {
                break; // with many journals this takes a while, and a stop does not wait for it
            }

            try
            {
                int gone = _relay.Messages.Expire(queue, before);
                expired += gone;
                changed += gone > 0 ? 1 : 0;
                if (changed == changedTogether && _relay.DurableWrites is { } writes)
                {
                    changed = 0;
                    await writes.WhenWrittenAsync(account);
                }

                (_relay.Messages as JournalMessageStore)?.LetGoOfIdle(queue);
            }
            catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
            {
                // One damaged journal, or a full disk, does not keep the other queues from giving room.
                failed++;
                cause ??= fault;
            }
        }

        if (cause is not null)
        {
            Log.ExpirationFailed(_logger, failed, cause.GetType().Name); // its words name the file, which has a queue's id in its name
        }

        _relay.Statistics.MessagesExpired(expired);
        return expired;
    }

    /// <summary>The metrics of this moment in the Prometheus text format.</summary>
    public string WriteMetrics() => SmpPrometheus.Write(_relay.Statistics, Gauges(), ServerWeb.Version, _relay.Options.Time.GetUtcNow());

    private SmpGauges Gauges() => SmpGauges.Of(_relay, _connections.Values, _listener?.Counts) with
    {
        ConnectionLimit = ConnectionLimit,
        MemoryState = _memory.State,
        CutStalled = Interlocked.Read(ref _cutStalled),
        CutInactive = Interlocked.Read(ref _cutInactive),
        CutForMemory = Interlocked.Read(ref _cutForMemory),
    };

    private void RestoreStatistics(string folder)
    {
        try
        {
            string file = Path.Combine(folder, SmpServerFiles.Statistics);
            if (File.Exists(file))
            {
                _countedFrom = SmpStatisticsFile.Restore(File.ReadAllText(file), _relay.Statistics) ?? _countedFrom;
                File.Move(file, file + ".bak", overwrite: true);
            }

            string active = Path.Combine(folder, SmpServerFiles.ActiveStatistics);
            if (File.Exists(active))
            {
                SmpStatisticsFile.RestoreActive(File.ReadAllText(active), _relay.Statistics);
            }
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            Log.StatisticsFailed(_logger, fault);
        }
    }

    // What the control port's "save" saves.
    private void SaveAll()
    {
        _state.Save();
        SaveStatistics();
    }

    private void SaveStatistics()
    {
        if (!_relay.Options.KeepStatistics || _relay.Options.StateFolder is not { } folder)
        {
            return;
        }

        try
        {
            File.WriteAllText(Path.Combine(folder, SmpServerFiles.Statistics), SmpStatisticsFile.Write(_relay.Statistics, _relay.Queues.Count, _countedFrom));
            File.WriteAllText(Path.Combine(folder, SmpServerFiles.ActiveStatistics), SmpStatisticsFile.WriteActive(_relay.Statistics));
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            Log.StatisticsFailed(_logger, fault);
        }
    }

    // A line at the end of every day, in UTC; counting starts anew then.
    private async Task WriteDaysAsync(string file, CancellationToken cancellationToken)
    {
        TimeProvider time = _relay.Options.Time;
        while (true)
        {
            DateTimeOffset now = time.GetUtcNow();
            try
            {
                await Task.Delay(now.UtcDateTime.Date.AddDays(1) - now.UtcDateTime, time, cancellationToken);
                DateTimeOffset from = _countedFrom;
                _countedFrom = time.GetUtcNow();
                string line = SmpStatisticsFile.TakeDay(_relay.Statistics, Gauges(), from, DateOnly.FromDateTime(_countedFrom.UtcDateTime));
                await File.AppendAllTextAsync(file, line + "\n", cancellationToken);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
            {
                Log.StatisticsFailed(_logger, fault);
            }
        }
    }

    // A collector may read at any time: it finds the former file or the new one, never half of one.
    private async Task SaveMetricsAsync(string file, TimeSpan interval, CancellationToken cancellationToken)
    {
        using PeriodicTimer timer = new(interval.ForTimer(), _relay.Options.Time);
        do
        {
            try
            {
                await File.WriteAllTextAsync(file + ".new", WriteMetrics(), cancellationToken);
                File.Move(file + ".new", file, overwrite: true);
            }
            catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
            {
                Log.MetricsFailed(_logger, fault);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
        while (await TickAsync(timer, cancellationToken));
    }

    private async Task ExpireMessagesAsync(Expiration expiration, CancellationToken cancellationToken)
    {
        using PeriodicTimer timer = new(expiration.CheckInterval.ForTimer(), _relay.Options.Time);
        if (_relay.Messages is JournalMessageStore or PostgresMessageStore && _relay.Options.ExpireMessagesOnStart)
        {
            await Task.Yield(); // it takes a while with many queues, and the relay serves meanwhile
            await ExpireMessagesAsync();
        }

        while (await TickAsync(timer, cancellationToken))
        {
            await ExpireMessagesAsync();
        }
    }

    private async Task EraseReceivedAsync(JournalMessageStore journals, CancellationToken cancellationToken)
    {
        using PeriodicTimer timer = new(JournalSweep, _relay.Options.Time);
        while (await TickAsync(timer, cancellationToken))
        {
            try
            {
                journals.EraseReceived();
            }
            catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
            {
                Log.ErasingFailed(_logger, fault.GetType().Name);
            }
        }
    }

    // At the start, and as often as messages are looked at; rows of deleted queues stay for weeks: it need not be exact.
    private async Task SweepDatabaseAsync(CancellationToken cancellationToken)
    {
        using PeriodicTimer timer = new((_relay.Options.MessageExpiration?.CheckInterval ?? DatabaseSweep).ForTimer(), _relay.Options.Time);
        do
        {
            try
            {
                await _state.SweepAsync(cancellationToken);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
        while (await TickAsync(timer, cancellationToken));
    }

    private async Task ExpireNotificationsAsync(CancellationToken cancellationToken)
    {
        Expiration expiration = _relay.Options.NotificationExpiration;
        using PeriodicTimer timer = new(expiration.CheckInterval.ForTimer(), _relay.Options.Time);
        while (await TickAsync(timer, cancellationToken))
        {
            _relay.Notifications.Expire(_relay.NowSeconds() - (long)expiration.Lifetime.TotalSeconds);
        }
    }

    private async Task DeliverNotificationsAsync(CancellationToken cancellationToken)
    {
        using PeriodicTimer timer = new(_relay.Options.NotificationInterval, _relay.Options.Time);
        while (await TickAsync(timer, cancellationToken))
        {
            foreach (StoredId notifierId in _relay.Notifications.TakeAwake())
            {
                DeliverNotifications(notifierId);
            }
        }
    }

    private void DeliverNotifications(StoredId notifierId)
    {
        if (!_relay.Queues.TryFindByNotifier(notifierId, out SmpQueue? queue))
        {
            _relay.Notifications.Forget(notifierId);
            return;
        }

        SmpConnection? client;
        lock (queue)
        {
            client = (queue.Notifier?.ServiceId is { } service
                ? _relay.NotificationServices.Find(service)
                : queue.NotifierSubscription?.Subscriber) as SmpConnection;
        }

        if (client is null)
        {
            return; // it stays until somebody subscribes, or it is too old
        }

        if (client.IsHeldBack)
        {
            _relay.Notifications.Wake(notifierId); // it stays until the client has read what waits for it
            return;
        }

        IReadOnlyList<StoredNotification> taken = _relay.Notifications.Take(notifierId);
        foreach (StoredNotification notification in taken)
        {
            client.SendEvent(notifierId, new BrokerMessage.NMsg(notification.Nonce, new BlockSlice(notification.EncryptedMeta)));
        }

        if (taken.Count > 0)
        {
            const int perBlock = 80; // so many fit into a block
            _relay.Statistics.Add(SmpCounter.MsgNtfs, taken.Count);
            _relay.Statistics.Add(SmpCounter.MsgNtfsB, (taken.Count / perBlock) + 1);
        }
    }

    private async Task SaveSnapshotsAsync(TimeSpan interval, CancellationToken cancellationToken)
    {
        const int pauseFactor = 9; // saving takes at most a tenth of the time
        TimeProvider time = _relay.Options.Time;
        TimeSpan pause = interval.ForTimer();
        while (await DelayAsync(pause, time, cancellationToken))
        {
            long started = time.GetTimestamp();
            try
            {
                _state.SaveChanges();
            }
            catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
            {
                Log.SnapshotFailed(_logger, fault);
            }

            TimeSpan least = time.GetElapsedTime(started) * pauseFactor;
            pause = (least > interval ? least : interval).ForTimer();
        }
    }

    private static async ValueTask<bool> DelayAsync(TimeSpan pause, TimeProvider time, CancellationToken cancellationToken)
    {
        try
        {
            await Task.Delay(pause, time, cancellationToken);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private static async ValueTask<bool> TickAsync(PeriodicTimer timer, CancellationToken cancellationToken)
    {
        try
        {
            return await timer.WaitForNextTickAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }
}
