using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Npgsql;
using Pairwise.Server.Smp.Store;

namespace Pairwise.Server.Smp.Postgres;

/// <summary>
/// Brings queues in memory back to what the database has, after it refused a change that was made in memory already: a
/// queue without a row is gone, and any other one is what its row says.
/// </summary>
/// <remarks>
/// The queue takes no changes meanwhile (<see cref="PostgresWriter.Settle"/>), so that what is read is true when it is put in
/// place. Owned by the database's store.
/// </remarks>
internal sealed partial class PostgresReconciler : IAsyncDisposable
{
    private static readonly TimeSpan Retry = TimeSpan.FromSeconds(1);

    // whoever only reads cannot have been refused a change
    private static readonly WriteAccount Reader = new();

    private readonly Channel<StoredId> _doubtful = Channel.CreateUnbounded<StoredId>(new UnboundedChannelOptions { SingleReader = true });
    private readonly CancellationTokenSource _stop = new();
    private readonly PostgresStore _database;
    private readonly QueueStore _queues;
    private readonly PostgresMessageStore? _messages;
    private readonly Action<SmpQueue> _evicted;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Task _loop;

    /// <param name="database">The database.</param>
    /// <param name="queues">What memory has of it.</param>
    /// <param name="messages">And of its messages; null when they are elsewhere.</param>
    /// <param name="evicted">Told of a queue that is gone: its messages are still to be dropped, and its subscribers to be told.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Told of what was done, without ids.</param>
    public PostgresReconciler(
        PostgresStore database, QueueStore queues, PostgresMessageStore? messages, Action<SmpQueue> evicted, TimeProvider time, ILogger logger)
    {
        (_database, _queues, _messages, _evicted, _time, _logger) = (database, queues, messages, evicted, time, logger);
        database.Writer.Doubted = id => _doubtful.Writer.TryWrite(id);
        _loop = RunAsync();
    }

    public async ValueTask DisposeAsync()
    {
        _doubtful.Writer.TryComplete();
        await _stop.CancelAsync();
        await _loop;
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        try
        {
            await foreach (var id in _doubtful.Reader.ReadAllAsync(_stop.Token))
            {
                while (!await TryReconcileAsync(id))
                {
                    await Task.Delay(Retry, _time, _stop.Token);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The relay stops: the next start reads everything.
        }
    }

    private async Task<bool> TryReconcileAsync(StoredId id)
    {
        try
        {
            // What was asked for before the refusal became known is still on its way.
            await _database.Writer.WhenWrittenAsync(Reader);
            var (stored, messages, isFull) = await ReadAsync(id);
            if (!_queues.TryFindByRecipient(id, out var queue))
            {
                _database.Writer.Settle(id);
                return true;
            }

            if (stored is null)
            {
                if (_queues.Evict(queue))
                {
                    _evicted(queue);
                }

                _database.Writer.Settle(id);
                Log.Evicted(_logger);
                return true;
            }

            lock (queue)
            {
                _queues.Replace(queue, stored);
                _messages?.Replace(queue, messages, isFull);
            }

            _database.Writer.Settle(id);
            Log.Replaced(_logger);
            return true;
        }
        catch (Exception fault) when (fault is NpgsqlException or TimeoutException or System.Net.Sockets.SocketException or IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private async Task<(SmpQueue? Queue, IReadOnlyList<StoredMessage> Messages, bool IsFull)> ReadAsync(StoredId id)
    {
        await using var connection = await _database.Pool.OpenConnectionAsync(_stop.Token);
        SmpQueue? queue = null;
        var isFull = false;
        var messages = new List<StoredMessage>();
        await PostgresStore.ReadAsync(connection, $"SELECT {PostgresRows.QueueColumns}, msg_can_write FROM msg_queues WHERE recipient_id = $1 AND deleted_at IS NULL", row =>
        {
            queue = PostgresRows.ReadQueue(row);
            isFull = !row.GetBoolean(row.FieldCount - 1);
        }, _stop.Token, id.ToArray());
        if (queue is not null && _messages is not null)
        {
            // Its count may have been written beside a message that was refused.
            await PostgresStore.ReadAsync(
                connection,
                "UPDATE msg_queues q SET msg_queue_size = s.size FROM (SELECT COUNT(*) AS size FROM messages WHERE recipient_id = $1) s WHERE q.recipient_id = $1 AND q.msg_queue_size <> s.size",
                _ => { },
                _stop.Token,
                id.ToArray());
            await PostgresStore.ReadAsync(connection, "SELECT recipient_id, msg_id, msg_ts, msg_quota, msg_ntf_flag FROM messages WHERE recipient_id = $1 ORDER BY message_id", row =>
            {
                if (PostgresRows.TryReadMark(row, out _, out var message))
                {
                    messages.Add(message);
                }
            }, _stop.Token, id.ToArray());
        }

        return (queue, messages, isFull);
    }

    private static partial class Log
    {
        [LoggerMessage(2026, LogLevel.Warning, "A queue is not in the database: it is gone here too.")]
        public static partial void Evicted(ILogger logger);

        [LoggerMessage(2027, LogLevel.Warning, "A queue was read again after the database had refused a change of it.")]
        public static partial void Replaced(ILogger logger);
    }
}
