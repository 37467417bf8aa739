using Microsoft.Extensions.Logging;
using Npgsql;
using Pairwise.Server.Smp.Store;

namespace Pairwise.Server.Smp.Postgres;

/// <summary>
/// The one writer of a relay's database: takes changes in order and commits what has gathered in one transaction, so that
/// a hundred connections share one commit.
/// </summary>
/// <remarks>
/// Thread-safe. Memory is ahead of the database by what waits here, at most <see cref="MaxPending"/> changes; answers wait
/// for their commit (<see cref="IDurableWrites"/>). While the database is away changes wait and are tried again; after
/// <see cref="Patience"/> new ones are refused and waiting answers fail, so that no client is left hanging.
/// </remarks>
internal sealed partial class PostgresWriter : IDurableWrites, IAsyncDisposable
{
    /// <summary>Changes that may wait.</summary>
    public const int MaxPending = 20_000;

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

    // guarded by _gate
    private readonly Lock _gate = new();
    private readonly Queue<PostgresChange> _pending = new();
    private long _asked;
    private long _written;
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

    /// <summary>Takes changes, all or none, behind those taken before. False when they cannot be kept.</summary>
    public bool TryEnqueue(params ReadOnlySpan<PostgresChange> changes)
    {
        lock (_gate)
        {
            if (_isAway || _isStopping || _pending.Count + changes.Length > MaxPending)
            {
                return false;
            }

            foreach (var change in changes)
            {
                _pending.Enqueue(change);
            }

            _asked += changes.Length;
            _work.TrySetResult();
            return true;
        }
    }

    /// <inheritdoc/>
    public async ValueTask WhenWrittenAsync()
    {
        long target;
        lock (_gate)
        {
            target = _asked;
        }

        while (true)
        {
            Task progress;
            lock (_gate)
            {
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
        var batch = new List<PostgresChange>();
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
            catch (Exception fault) when (fault is NpgsqlException or TimeoutException or System.Net.Sockets.SocketException or IOException)
            {
                outage ??= _time.GetTimestamp();
                if (_time.GetElapsedTime(outage.Value) > Patience)
                {
                    GiveUp();
                }

                Log.DatabaseRefused(_logger, (fault as PostgresException)?.SqlState ?? fault.GetType().Name, batch.Count);
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

            Advance(batch.Count);
            batch.Clear();
            outage = null;
            retry = FirstRetry;
        }
    }

    // False at the end: stopping, and nothing waits.
    private async Task<bool> TakeAsync(List<PostgresChange> batch)
    {
        while (true)
        {
            Task work;
            lock (_gate)
            {
                while (batch.Count < MaxBatch && _pending.TryDequeue(out var change))
                {
                    batch.Add(change);
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

    private async Task WriteAsync(List<PostgresChange> changes, CancellationToken cancellationToken)
    {
        await using var connection = await _pool.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await using (var batch = new NpgsqlBatch(connection, transaction))
        {
            foreach (var change in changes)
            {
                var command = new NpgsqlBatchCommand(change.Sql);
                PostgresRows.AddTo(command.Parameters, change.Values);
                batch.BatchCommands.Add(command);
            }

            await batch.ExecuteNonQueryAsync(cancellationToken);
            for (var i = 0; i < changes.Count; i++)
            {
                if (changes[i].MustChangeRow && batch.BatchCommands[i].RecordsAffected == 0)
                {
                    Log.RowIsGone(_logger);
                }
            }
        }

        await transaction.CommitAsync(cancellationToken);
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

    private static partial class Log
    {
        [LoggerMessage(2021, LogLevel.Warning, "The database refused {Count} changes ({Reason}); they are tried again.")]
        public static partial void DatabaseRefused(ILogger logger, string reason, int count);

        [LoggerMessage(2022, LogLevel.Error, "A queue row that a change was for is not in the database: somebody else changed it.")]
        public static partial void RowIsGone(ILogger logger);
    }
}
