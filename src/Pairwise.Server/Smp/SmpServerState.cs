using Microsoft.Extensions.Logging;
using Pairwise.Server.Smp.Journal;
using Pairwise.Server.Smp.Logs;
using Pairwise.Server.Smp.Notifying;
using Pairwise.Server.Smp.Operation;
using Pairwise.Server.Smp.Postgres;
using Pairwise.Server.Smp.Store;

namespace Pairwise.Server.Smp;

/// <summary>What was found when a relay's state was restored.</summary>
/// <param name="Queues">The store log.</param>
/// <param name="Messages">The saved messages.</param>
/// <param name="Database">The database, if there is one.</param>
public sealed record SmpServerReport(StoreLogReport Queues, MessageLogReport Messages, PostgresReport? Database = null);

/// <summary>The state of a relay and the files behind it.</summary>
internal sealed class SmpServerState : IAsyncDisposable
{
    private const int ManyQueues = 100_000;

    private readonly SmpServerOptions _options;
    private readonly PostgresStore? _database;
    private readonly Lock _saving = new();
    private StoreLogWriter? _log;
    private IDisposable? _lock;

    private SmpServerState(SmpServerOptions options, PostgresStore? database)
    {
        _options = options;
        _database = database;
        DurableWrites = database?.Writer;
        Disk = new DiskWatch(options.Time);
        Messages = options switch
        {
            { MessageStorage: MessageStorage.Journal, StateFolder: { } folder } =>
                new JournalMessageStore(Path.Combine(folder, SmpServerFiles.MessageFolder), options.Limits.QueueQuota, options.Random, options.Time) { Disk = Disk },
            { MessageStorage: MessageStorage.Database } when database is not null => new PostgresMessageStore(options.Limits.QueueQuota, database, options.Time),
            _ => new MemoryMessageStore(options.Limits.QueueQuota),
        };
        Notifications = new NotificationStore(Statistics, options.Random);
    }

    public QueueStore Queues { get; } = new();

    public MessageStore Messages { get; }

    /// <summary>How the disk does under logs and journals.</summary>
    public DiskWatch Disk { get; }

    /// <summary>Whether commands write or read files.</summary>
    public bool UsesFiles => _log is not null || Messages is JournalMessageStore || (_database is not null && _options.MirrorDatabaseToLog);

    /// <summary>What answers wait for; null when stores write at once.</summary>
    public IDurableWrites? DurableWrites { get; }

    /// <summary>Told of a queue that is gone because the database does not have it. Set before clients come.</summary>
    public Action<SmpQueue>? QueueEvicted { get; set; }

    public SmpStatistics Statistics { get; } = new();

    public NotificationStore Notifications { get; }

    public SmpServerReport Report { get; private set; } = new(StoreLogReport.Empty, MessageLogReport.Empty);

    // Without their queues saved messages belong to nobody, and would only keep the next start from succeeding.
    private string? MessageFile => FileFor(
        SmpServerFiles.MessageLog, _options is { KeepMessages: true, KeepQueues: true, MessageStorage: MessageStorage.Memory });

    private string? NotificationFile => FileFor(SmpServerFiles.NotificationLog, _options.KeepMessages);

    /// <summary>Reads what the folder and the database have.</summary>
    /// <exception cref="SmpServerException">It cannot be used as it is.</exception>
    public static async Task<SmpServerState> RestoreAsync(SmpServerOptions options, CancellationToken cancellationToken)
    {
        if (options is { MessageStorage: MessageStorage.Database, Database: null })
        {
            throw new SmpServerException("messages cannot be in a database when queues are not: set store_queues to database too.");
        }

        PostgresStore? database = options.Database is { } connection
            ? await PostgresStore.OpenAsync(connection, options.Time, options.Logging.CreateLogger("Pairwise.Smp.Database"), cancellationToken)
            : null;
        SmpServerState state = new(options, database);
        try
        {
            await state.RestoreAllAsync(cancellationToken);
            return state;
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            await state.DisposeAsync();
            throw new SmpServerException($"The state in {options.StateFolder} cannot be restored: {cause.Message}", cause);
        }
        catch
        {
            await state.DisposeAsync();
            throw;
        }
    }

    /// <summary>Whether messages are saved while the relay runs: when they are nowhere else.</summary>
    public bool HasSnapshots => MessageFile is not null;

    /// <summary>Saves what is only in memory, and removes what journals have of received messages, while the relay may go on. Thread-safe.</summary>
    public void Save()
    {
        lock (_saving)
        {
            if (MessageFile is { } messages)
            {
                SaveMessages(messages);
            }

            if (NotificationFile is { } notifications)
            {
                NotificationLog.Save(notifications, Notifications);
            }

            (Messages as JournalMessageStore)?.EraseReceived();
        }
    }

    /// <summary>Saves what is only in memory, when messages came or went since it was saved. Thread-safe.</summary>
    /// <returns>Whether there was something to save.</returns>
    public bool SaveChanges()
    {
        lock (_saving)
        {
            if (!Messages.TakeChanged())
            {
                return false;
            }

            Messages.KeepChanged();
            Save();
            return true;
        }
    }

    /// <summary>Removes what the database keeps of queues deleted long ago.</summary>
    public Task SweepAsync(CancellationToken cancellationToken) => _database?.SweepAsync(cancellationToken) ?? Task.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        if (_database is not null)
        {
            await _database.DisposeAsync();
        }

        _log?.Dispose();
        Messages.Dispose();
        _lock?.Dispose();
    }

    private void SaveMessages(string file)
    {
        Messages.TakeChanged();
        try
        {
            MessageLog.Save(file, Queues, Messages);
        }
        catch
        {
            Messages.KeepChanged();
            throw;
        }
    }

    private async Task RestoreAllAsync(CancellationToken cancellationToken)
    {
        if (_options.StateFolder is null)
        {
            Report = Report with { Database = await LoadDatabaseAsync(cancellationToken) };
            return;
        }

        Directory.CreateDirectory(_options.StateFolder);
        _lock = SmpServerFiles.LockState(_options.StateFolder);
        StoreLogReport queues = StoreLogReport.Empty;
        MessageLogReport messages = MessageLogReport.Empty;
        PostgresReport? database = await LoadDatabaseAsync(cancellationToken);
        if (database is null && FileFor(SmpServerFiles.StoreLog, _options.KeepQueues) is { } logFile)
        {
            (_log, queues) = StoreLog.Open(logFile, Queues, _options.Time);
            _log.Disk = Disk;
            cancellationToken.ThrowIfCancellationRequested();
        }

        long now = _options.Time.GetUtcNow().ToUnixTimeSeconds();
        if (MessageFile is { } messageFile && File.Exists(messageFile))
        {
            long? before = _options.MessageExpiration is { } expiration ? now - (long)expiration.Lifetime.TotalSeconds : null;
            messages = MessageLog.Restore(messageFile, Queues, Messages, before, cancellationToken);
            if (!_options.SkipWarnings)
            {
                CheckRestored(messageFile, messages, queues, database);
            }

            // The file stays until the next one takes its place: what was saved survives however the relay ends.
            File.Copy(messageFile, messageFile + ".bak", overwrite: true);
            Messages.TakeChanged();
            Statistics.MessagesExpired((int)messages.Expired);
        }

        if (NotificationFile is { } notificationFile && File.Exists(notificationFile))
        {
            NotificationLog.Restore(notificationFile, Notifications, now - (long)_options.NotificationExpiration.Lifetime.TotalSeconds);
            File.Copy(notificationFile, notificationFile + ".bak", overwrite: true);
        }

        Report = new SmpServerReport(queues, messages, database);
        if (Queues.Count >= ManyQueues)
        {
            // What reading left behind goes back to the system now: later, clients would wait for it.
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        }
    }

    // A queue that was deleted after its messages were saved is nothing to worry about, unless all queues are gone.
    private static void CheckRestored(string file, MessageLogReport messages, StoreLogReport queues, PostgresReport? database)
    {
        if (messages.BrokenLines > 0)
        {
            throw new SmpServerException($"In {file} {messages.BrokenLines} lines are broken: start with --skip-warnings to leave them out.");
        }

        if (messages.WithoutQueue > 0 && queues.Lines == 0 && database is null)
        {
            throw new SmpServerException(
                $"In {file} {messages.WithoutQueue} messages have no queue, and there is no store log with queues: restore it, or start with --skip-warnings to leave the messages out.");
        }
    }

    private async Task<PostgresReport?> LoadDatabaseAsync(CancellationToken cancellationToken)
    {
        if (_database is null)
        {
            return null;
        }

        string? log = FileFor(SmpServerFiles.StoreLog, isKept: true);
        if (!_options.MirrorDatabaseToLog && File.Exists(log))
        {
            throw new SmpServerException($"queues are in the database, and {log} is there too: import it (smp-server database import), or set store_queues to memory.");
        }

        PostgresReport report = await _database.LoadAsync(Queues, Messages as PostgresMessageStore, cancellationToken);
        _database.Attach(Queues, Messages as PostgresMessageStore, FileFor(SmpServerFiles.StoreLog, _options.MirrorDatabaseToLog), queue => QueueEvicted?.Invoke(queue));
        return report;
    }

    private string? FileFor(string name, bool isKept) =>
        isKept && _options.StateFolder is { } folder ? Path.Combine(folder, name) : null;
}
