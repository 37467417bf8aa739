using Microsoft.Extensions.Logging;
using Npgsql;
using Pairwise.Server.Smp.Store;

namespace Pairwise.Server.Smp.Postgres;

/// <summary>
/// The one writer of a relay's database: takes changes in order and commits what has gathered in one transaction, so that
/// a hundred connections share one commit.
/// </summary>
/// <remarks>
/// Thread-safe. Memory is ahead of the database by what waits here, at most <see cref="MaxPending"/> changes and
/// <see cref="MaxPendingBytes"/>; answers wait for their commit (<see cref="IDurableWrites"/>). While the database is away changes wait and are tried again; after
/// <see cref="Patience"/> new ones are refused and waiting answers fail, so that no client is left hanging; when it is back,
/// what waits is written, and the relay takes changes again. A connection that breaks at a commit leaves open whether it was
/// committed: the changes are made once more, and all of them may be (<see cref="PostgresChange.RepeatedSql"/>). A change
/// that the database refuses for itself is left out, and whoever asked for it hears no answer (<see cref="WriteAccount"/>);
/// the queue that it was about takes no changes until memory has it as the database does (<see cref="PostgresReconciler"/>).
/// </remarks>
internal sealed partial class PostgresWriter : IDurableWrites, IAsyncDisposable
{
    /// <summary>Changes that may wait.</summary>
    public const int MaxPending = 20_000;

    /// <summary>Bytes of the values of changes that may wait: messages, above all.</summary>
    public const long MaxPendingBytes = 64 << 20;

    private const int MaxBatch = 1_000;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan FirstRetry = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan LongestRetry = TimeSpan.FromSeconds(5);

    // fixed after construction
    private readonly NpgsqlDataSource _pool;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;

    // owned by the loop: whether the changes at hand may have been committed already
    private bool _isRepeated;

    // guarded by _gate
    private readonly Lock _gate = new();
    private readonly Queue<PendingChange> _pending = new();
    private long _pendingBytes;
    private long _asked;
    private long _written;
    private long _failures;
    private readonly HashSet<StoredId> _doubtful = [];
    private bool _isAway;
    private bool _isStopping;
    private TaskCompletionSource _work = NewSignal();
    private TaskCompletionSource _progress = NewSignal();

    public PostgresWriter(NpgsqlDataSource pool, TimeProvider time, ILogger logger)
    {
        _pool = pool;
        _time = time;
        _logger = logger;
        _loop = RunAsync();
    }

    /// <summary>Told of a queue of which memory may say something else than the database. Set before the first change is asked for.</summary>
    public Action<StoredId>? Doubted { get; set; }

    /// <summary>Memory has the queue as the database does: it takes changes again.</summary>
    public void Settle(StoredId queue)
    {
        lock (_gate)
        {
            _doubtful.Remove(queue);
        }
    }

    /// <summary>Takes changes, all or none, behind those taken before. False when they cannot be kept.</summary>
    public bool TryEnqueue(params ReadOnlySpan<PostgresChange> changes)
    {
        long length = 0;
        foreach (var change in changes)
        {
            length += change.Length;
        }

        lock (_gate)
        {
            if (_isAway || _isStopping || _pending.Count + changes.Length > MaxPending || _pendingBytes + length > MaxPendingBytes)
            {
                return false;
            }

            foreach (var change in changes)
            {
                if (change.Queue is { } queue && _doubtful.Contains(queue))
                {
                    return false;
                }
            }

            foreach (var change in changes)
            {
                _pending.Enqueue(new PendingChange(change, WriteAccount.OfThread));
            }

            _pendingBytes += length;

            _asked += changes.Length;
            _work.TrySetResult();
            return true;
        }
    }

    /// <inheritdoc/>
    public async ValueTask WhenWrittenAsync(WriteAccount? account)
    {
        long target;
        long failures;
        lock (_gate)
        {
            target = _asked;
            failures = _failures;
        }

        while (true)
        {
            Task progress;
            lock (_gate)
            {
                // Set before what was written is counted: it is known here when the account's changes were all tried.
                if (account?.IsRefused ?? _failures != failures)
                {
                    throw new IOException("The database refused a change.");
                }

                if (_written >= target)
                {
                    return;
                }

                if (_isAway)
                {
                    throw new IOException("The database is away: what was asked for is not stored yet.");
                }

                progress = _progress.Task;
            }

            await progress;
        }
    }

    /// <summary>Writes what waits, for a bounded time, and ends.</summary>
    public async ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            _isStopping = true;
            _work.TrySetResult();
        }

        _stop.CancelAfter(Patience);
        await _loop;
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        var batch = new List<PendingChange>();
        var outage = default(long?);
        var retry = FirstRetry;
        while (true)
        {
            if (batch.Count == 0 && !await TakeAsync(batch))
            {
                return;
            }

            try
            {
                await WriteAsync(batch, _stop.Token);
            }
            catch (PostgresException fault) when (IsAboutOneChange(fault))
            {
                // No other try will do, and what is wrong with one change must not hold up the others.
                await WriteOneByOneAsync(batch);
                _isRepeated &= batch.Count > 0;
                continue;
            }
            catch (Exception fault) when (IsOutage(fault))
            {
                outage ??= _time.GetTimestamp();
                if (_time.GetElapsedTime(outage.Value) > Patience)
                {
                    GiveUp();
                }

                Log.DatabaseRefused(_logger, PostgresStore.Explain(fault), batch.Count);
                if (!await RestAsync(retry))
                {
                    GiveUp();
                    return;
                }

                retry = retry * 2 > LongestRetry ? LongestRetry : retry * 2;
                continue;
            }
            catch (OperationCanceledException)
            {
                GiveUp();
                return;
            }

            _isRepeated = false;
            Advance(batch.Count);
            batch.Clear();
            outage = null;
            retry = FirstRetry;
        }
    }

    // The values do not fit the table, contradict other rows, or displease a trigger: what somebody else did to the database.
    private static bool IsAboutOneChange(PostgresException fault) =>
        fault.SqlState.StartsWith("22", StringComparison.Ordinal)
        || fault.SqlState.StartsWith("23", StringComparison.Ordinal)
        || fault.SqlState.StartsWith("P0", StringComparison.Ordinal);

    private static bool IsOutage(Exception fault) => fault is NpgsqlException or TimeoutException or System.Net.Sockets.SocketException or IOException;

    // Leaves those of the batch that could not be tried for lack of a database.
    private async Task WriteOneByOneAsync(List<PendingChange> batch)
    {
        while (batch.Count > 0)
        {
            try
            {
                await WriteAsync([batch[0]], _stop.Token);
            }
            catch (PostgresException fault) when (IsAboutOneChange(fault))
            {
                Log.ChangeRefused(_logger, fault.SqlState);
                Refuse(batch[0]);
            }
            catch (Exception fault) when (IsOutage(fault) || fault is OperationCanceledException)
            {
                return;
            }

            batch.RemoveAt(0);
            Advance(1);
        }
    }

    // False at the end: stopping, and nothing waits.
    private async Task<bool> TakeAsync(List<PendingChange> batch)
    {
        while (true)
        {
            Task work;
            lock (_gate)
            {
                while (batch.Count < MaxBatch && _pending.TryDequeue(out var change))
                {
                    batch.Add(change);
                    _pendingBytes -= change.Change.Length;
                }

                if (batch.Count > 0)
                {
                    return true;
                }

                if (_isStopping)
                {
                    return false;
                }

                if (_work.Task.IsCompleted)
                {
                    _work = NewSignal();
                }

                work = _work.Task;
            }

            await work;
        }
    }

    // Before the change counts as written: then whoever asked for it finds out.
    private void Refuse(PendingChange refused)
    {
        bool isNew = false;
        refused.Account?.Refuse();
        lock (_gate)
        {
            _failures++;
            if (Doubted is not null && refused.Change.Queue is { } queue)
            {
                isNew = _doubtful.Add(queue);
            }
        }

        if (isNew)
        {
            Doubted!(refused.Change.Queue!.Value);
        }
    }

    private async Task WriteAsync(List<PendingChange> changes, CancellationToken cancellationToken)
    {
        var gone = new List<PendingChange>();
        await using var connection = await _pool.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await using (var batch = new NpgsqlBatch(connection, transaction))
        {
            foreach (var (change, _) in changes)
            {
                var command = new NpgsqlBatchCommand(_isRepeated ? change.RepeatedSql ?? change.Sql : change.Sql);
                PostgresRows.AddTo(command.Parameters, change.Values);
                batch.BatchCommands.Add(command);
            }

            await batch.ExecuteNonQueryAsync(cancellationToken);
            for (var i = 0; i < changes.Count; i++)
            {
                if (changes[i].Change.MustChangeRow && !_isRepeated && batch.BatchCommands[i].RecordsAffected == 0)
                {
                    gone.Add(changes[i]);
                }
            }
        }

        // A connection that breaks now leaves open whether this was committed. That stays so until all of what was tried
        // together is written: a part of it may have been committed then, and another part not.
        _isRepeated = true;
        await transaction.CommitAsync(cancellationToken);
        foreach (var change in gone)
        {
            Log.RowIsGone(_logger);
            Refuse(change);
        }
    }

    private async Task<bool> RestAsync(TimeSpan time)
    {
        try
        {
            await Task.Delay(time, _time, _stop.Token);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private void Advance(int count)
    {
        TaskCompletionSource progress;
        lock (_gate)
        {
            _written += count;
            _isAway = false;
            progress = _progress;
            _progress = NewSignal();
        }

        progress.TrySetResult();
    }

    private void GiveUp()
    {
        TaskCompletionSource progress;
        lock (_gate)
        {
            _isAway = true;
            progress = _progress;
            _progress = NewSignal();
        }

        progress.TrySetResult();
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private readonly record struct PendingChange(PostgresChange Change, WriteAccount? Account);

    private static partial class Log
    {
        [LoggerMessage(2021, LogLevel.Warning, "The database does not take {Count} changes: {Reason}. They are tried again.")]
        public static partial void DatabaseRefused(ILogger logger, string reason, int count);

        [LoggerMessage(2025, LogLevel.Error, "The database does not take one change ({Reason}): it contradicts what somebody else did there. It was left out.")]
        public static partial void ChangeRefused(ILogger logger, string reason);

        [LoggerMessage(2022, LogLevel.Error, "A queue row that a change was for is not in the database: somebody else changed it.")]
        public static partial void RowIsGone(ILogger logger);
    }
}
