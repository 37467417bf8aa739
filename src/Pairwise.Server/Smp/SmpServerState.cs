using Pairwise.Server.Smp.Journal;
using Pairwise.Server.Smp.Logs;
using Pairwise.Server.Smp.Notifying;
using Pairwise.Server.Smp.Operation;
using Pairwise.Server.Smp.Store;

namespace Pairwise.Server.Smp;

/// <summary>What was found when a relay's state was restored.</summary>
/// <param name="Queues">The store log.</param>
/// <param name="Messages">The saved messages.</param>
public sealed record SmpServerReport(StoreLogReport Queues, MessageLogReport Messages);

/// <summary>The state of a relay and the files behind it.</summary>
internal sealed class SmpServerState : IDisposable
{
    private readonly SmpServerOptions _options;
    private StoreLogWriter? _log;
    private FileStream? _lock;

    private SmpServerState(SmpServerOptions options)
    {
        _options = options;
        Messages = options is { MessageStorage: MessageStorage.Journal, StateFolder: { } folder }
            ? new JournalMessageStore(Path.Combine(folder, SmpServerFiles.MessageFolder), options.Limits.QueueQuota, options.Random, options.Time)
            : new MemoryMessageStore(options.Limits.QueueQuota);
        Notifications = new NotificationStore(Statistics, options.Random);
    }

    public QueueStore Queues { get; } = new();

    public MessageStore Messages { get; }

    /// <summary>What answers wait for; null when stores write at once.</summary>
    public IDurableWrites? DurableWrites { get; private set; }

    public SmpStatistics Statistics { get; } = new();

    public NotificationStore Notifications { get; }

    public SmpServerReport Report { get; private set; } = new(StoreLogReport.Empty, MessageLogReport.Empty);

    private string? MessageFile => FileFor(SmpServerFiles.MessageLog, _options.KeepMessages && _options.MessageStorage == MessageStorage.Memory);

    private string? NotificationFile => FileFor(SmpServerFiles.NotificationLog, _options.KeepMessages);

    /// <summary>Reads what the folder has.</summary>
    /// <exception cref="SmpServerException">It cannot be used as it is.</exception>
    public static SmpServerState Restore(SmpServerOptions options)
    {
        SmpServerState state = new(options);
        try
        {
            state.RestoreAll();
            return state;
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            state.Dispose();
            throw new SmpServerException($"The state in {options.StateFolder} cannot be restored: {cause.Message}", cause);
        }
        catch
        {
            state.Dispose();
            throw;
        }
    }

    /// <summary>Saves what is only in memory.</summary>
    public void Save()
    {
        SaveMessages();
        if (NotificationFile is { } file)
        {
            NotificationLog.Save(file, Notifications);
        }
    }

    /// <summary>Saves the messages, while the relay may go on.</summary>
    public void SaveMessages()
    {
        if (MessageFile is { } file)
        {
            MessageLog.Save(file, Queues, Messages);
        }
    }

    public void Dispose()
    {
        _log?.Dispose();
        Messages.Dispose();
        _lock?.Dispose();
    }

    private void RestoreAll()
    {
        if (_options.StateFolder is null)
        {
            return;
        }

        Directory.CreateDirectory(_options.StateFolder);
        _lock = Lock(Path.Combine(_options.StateFolder, SmpServerFiles.Lock));
        StoreLogReport queues = StoreLogReport.Empty;
        MessageLogReport messages = MessageLogReport.Empty;
        if (FileFor(SmpServerFiles.StoreLog, _options.KeepQueues) is { } logFile)
        {
            (_log, queues) = StoreLog.Open(logFile, Queues, _options.Time);
        }

        long now = _options.Time.GetUtcNow().ToUnixTimeSeconds();
        if (MessageFile is { } messageFile && File.Exists(messageFile))
        {
            long? before = _options.MessageExpiration is { } expiration ? now - (long)expiration.Lifetime.TotalSeconds : null;
            messages = MessageLog.Restore(messageFile, Queues, Messages, before);
            if (messages.BrokenLines + messages.Refused > 0 && !_options.SkipWarnings)
            {
                throw new SmpServerException(
                    $"In {messageFile} {messages.BrokenLines} lines are broken and {messages.Refused} messages have no queue: start with --skip-warnings to leave them out.");
            }

            File.Move(messageFile, messageFile + ".bak", overwrite: true);
            Statistics.MessagesExpired((int)messages.Expired);
        }

        if (NotificationFile is { } notificationFile && File.Exists(notificationFile))
        {
            NotificationLog.Restore(notificationFile, Notifications, now - (long)_options.NotificationExpiration.Lifetime.TotalSeconds);
            File.Move(notificationFile, notificationFile + ".bak", overwrite: true);
        }

        Report = new SmpServerReport(queues, messages);
    }

    // Two relays over one folder would destroy each other's logs.
    private static FileStream Lock(string path)
    {
        try
        {
            return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 1, FileOptions.DeleteOnClose);
        }
        catch (IOException cause)
        {
            throw new SmpServerException($"another server uses the folder {Path.GetDirectoryName(path)}: stop it first.", cause);
        }
    }

    private string? FileFor(string name, bool isKept) =>
        isKept && _options.StateFolder is { } folder ? Path.Combine(folder, name) : null;
}
