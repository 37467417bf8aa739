using System.Buffers.Text;
using Pairwise.Crypto;
using Pairwise.Protocol.Smp;
using Pairwise.Server.Smp.Journal;
using Pairwise.Server.Smp.Logs;
using Pairwise.Server.Smp.Postgres;
using Pairwise.Server.Smp.Store;
using Pairwise.Wire;

namespace Pairwise.Server.Smp.Operation;

/// <summary>What a file in a relay's folders is.</summary>
public enum AuditedKind
{
    /// <summary>Settings.</summary>
    Settings,

    /// <summary>The relay's own keys and certificates.</summary>
    Identity,

    /// <summary>Records of queues and services.</summary>
    Queues,

    /// <summary>Messages and quota markers that wait, or waited at an earlier stop.</summary>
    Messages,

    /// <summary>Notifications that wait, or waited at an earlier stop.</summary>
    Notifications,

    /// <summary>Counters without identifiers.</summary>
    Statistics,

    /// <summary>Pages for browsers, the same for every relay with these settings.</summary>
    Pages,

    /// <summary>Empty: shows that a relay uses the folder.</summary>
    Lock,

    /// <summary>Nothing that a relay writes.</summary>
    Unknown,
}

/// <summary>One file, accounted for.</summary>
/// <param name="Name">Its path within its folder.</param>
/// <param name="Length">Its size in bytes.</param>
/// <param name="Kind">What it is.</param>
/// <param name="IsFormer">Whether it is a copy of an earlier state, which the relay keeps for a while.</param>
/// <param name="Lines">Its lines, for logs.</param>
/// <param name="UnknownLines">Lines of a log that are none of the forms a relay writes.</param>
public sealed record AuditedFile(string Name, long Length, AuditedKind Kind, bool IsFormer, long Lines, long UnknownLines);

/// <summary>A file with lines about a queue.</summary>
/// <param name="File">The file.</param>
/// <param name="Lines">How many of its lines; in a queue's own journal all of them.</param>
public sealed record AuditedTrace(AuditedFile File, long Lines);

/// <summary>
/// What a relay holds, read from its folders without changing them: every file is named and every line of the logs is
/// recognised, or said not to be. A running relay with messages in memory holds those too; they are not on disk.
/// </summary>
public sealed class SmpAudit
{
    private const string PagesFolder = "www";

    private static readonly string[] IdentityFiles =
    [
        SmpServerFiles.AuthorityKey, SmpServerFiles.AuthorityCertificate, SmpServerFiles.ServerKey, SmpServerFiles.ServerCertificate,
        SmpServerFiles.Fingerprint, "ca.srl", "server.csr", "web.crt", "web.key",
    ];

    private readonly string _stateFolder;

    private SmpAudit(string stateFolder, QueueStore queues, AuditedMessages messages, IReadOnlyList<AuditedFile> files, long notifications, DatabaseAudit? database)
    {
        _stateFolder = stateFolder;
        Queues = queues;
        Messages = messages;
        Files = files;
        Notifications = notifications;
        Database = database;
    }

    /// <summary>The queues and services of the store log, or of the database where they are kept there.</summary>
    public QueueStore Queues { get; }

    /// <summary>The messages that wait on disk: in the message log, in journals or in the database.</summary>
    public AuditedMessages Messages { get; }

    /// <summary>Every file of both folders.</summary>
    public IReadOnlyList<AuditedFile> Files { get; }

    /// <summary>Notifications that wait on disk.</summary>
    public long Notifications { get; }

    /// <summary>The tables of the database; null when none is used.</summary>
    public DatabaseAudit? Database { get; }

    /// <summary>Reads both folders, and the database if one is used.</summary>
    /// <exception cref="IOException">A file cannot be read.</exception>
    /// <exception cref="SmpServerException">The database cannot be read.</exception>
    public static async Task<SmpAudit> RunAsync(string configurationFolder, string stateFolder, PostgresOptions? database, CancellationToken cancellationToken)
    {
        List<AuditedFile> files = [];
        foreach (string file in AllFiles(configurationFolder))
        {
            files.Add(new AuditedFile(Path.GetRelativePath(configurationFolder, file), new FileInfo(file).Length, KindOfConfiguration(file), false, 0, 0));
        }

        long notifications = 0;
        foreach (string file in AllFiles(stateFolder))
        {
            AuditedFile audited = Audit(stateFolder, file);
            files.Add(audited);
            notifications += audited is { Kind: AuditedKind.Notifications, IsFormer: false } ? audited.Lines - audited.UnknownLines : 0;
        }

        QueueStore queues = new();
        AuditedMessages messages = new();
        DatabaseAudit? tables = database is null ? null : await DatabaseAudit.RunAsync(database, queues, messages, cancellationToken);
        string storeLog = Path.Combine(stateFolder, SmpServerFiles.StoreLog);
        if (database is null && File.Exists(storeLog))
        {
            StoreLog.Read(storeLog, queues);
        }

        string messageLog = Path.Combine(stateFolder, SmpServerFiles.MessageLog);
        if (File.Exists(messageLog))
        {
            LogFileReader.ReadLines(messageLog, (line, _) =>
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (MessageLogCodec.TryRead(line, out StoredId recipientId, out StoredMessage? message) && queues.TryFindByRecipient(recipientId, out var _))
                {
                    messages.Add(recipientId, message!);
                }
            });
        }

        long waiting = ReadJournals(Path.Combine(stateFolder, SmpServerFiles.MessageFolder), queues, messages);
        long inJournals = files.Where(IsJournal).Sum(file => file.Lines - file.UnknownLines);
        return new SmpAudit(stateFolder, queues, messages, files, notifications, tables)
        {
            TakenMessages = Math.Max(0, inJournals - waiting),
            DeletedQueues = database is null ? Math.Max(0, CountCreated(storeLog) - queues.Count) : 0,
        };
    }

    /// <summary>Messages in journals that wait for nobody: received or expired, and not removed yet.</summary>
    public long TakenMessages { get; private init; }

    /// <summary>Queues that were deleted, with lines in the store log: they go when it is compacted, at the next start.</summary>
    public long DeletedQueues { get; private init; }

    /// <summary>The queues that a text is about; see <see cref="QueueSearch"/>.</summary>
    public IReadOnlyList<SmpQueue> Find(string text) => QueueSearch.Find(Queues, text);

    /// <summary>
    /// Every file with lines about the queues that a text is about: also about deleted ones, and in copies of earlier states.
    /// </summary>
    /// <exception cref="IOException">A file cannot be read.</exception>
    public IReadOnlyList<AuditedTrace> FindTraces(string text)
    {
        // A queue's record has all of its ids, and other lines only one of them.
        HashSet<StoredId> ids = [.. QueueSearch.IdsIn(text)];
        AuditedFile[] logs = [.. Files.Where(file => file.Kind is AuditedKind.Queues or AuditedKind.Messages or AuditedKind.Notifications)];
        foreach (AuditedFile log in logs.Where(file => file.Kind == AuditedKind.Queues))
        {
            LogFileReader.ReadLines(Path.Combine(_stateFolder, log.Name), (line, _) =>
            {
                if (Mentions(line, ids) && StoreLogCodec.TryRead(line, out StoreLogRecord? record))
                {
                    AddIds(record!, ids);
                }
            });
        }

        List<AuditedTrace> traces = [];
        foreach (AuditedFile log in logs)
        {
            long lines = 0;
            bool isJournal = ids.Any(id => IsFolderOf(id, log.Name));
            LogFileReader.ReadLines(Path.Combine(_stateFolder, log.Name), (line, _) => lines += isJournal || Mentions(line, ids) ? 1 : 0);
            if (lines > 0)
            {
                traces.Add(new AuditedTrace(log, lines));
            }
        }

        return traces;
    }

    private static bool Mentions(ReadOnlySpan<byte> line, HashSet<StoredId> ids)
    {
        Span<byte> text = stackalloc byte[Base64Url.GetEncodedLength(StoredId.Length)];
        foreach (StoredId id in ids)
        {
            Base64Url.EncodeToUtf8(id.ToArray(), text);
            if (line.IndexOf(text) >= 0)
            {
                return true;
            }
        }

        return false;
    }

    private static void AddIds(StoreLogRecord record, HashSet<StoredId> ids)
    {
        switch (record)
        {
            case StoreLogRecord.CreateQueue { Queue: var queue }:
                ids.UnionWith([queue.RecipientId, queue.SenderId]);
                ids.UnionWith(queue.Notifier is { } notifier ? [notifier.Id] : []);
                break;
            case StoreLogRecord.CreateLink link:
                ids.Add(link.RecipientId);
                break;
            case StoreLogRecord.AddNotifier added:
                ids.UnionWith([added.RecipientId, added.Notifier.Id]);
                break;
        }
    }

    // messages/ab/cd/ef/gh/REST/FILE
    private static bool IsFolderOf(StoredId id, string name) =>
        name.StartsWith(SmpServerFiles.MessageFolder + Path.DirectorySeparatorChar, StringComparison.Ordinal)
        && Path.GetDirectoryName(name)![(SmpServerFiles.MessageFolder.Length + 1)..].Replace(Path.DirectorySeparatorChar.ToString(), "", StringComparison.Ordinal)
            == Base64Url.EncodeToString(id.ToArray());

    // A file of messages, not of the places up to which they were read and written.
    private static bool IsJournal(AuditedFile file) =>
        file is { Kind: AuditedKind.Messages, IsFormer: false }
        && file.Name.StartsWith(SmpServerFiles.MessageFolder + Path.DirectorySeparatorChar, StringComparison.Ordinal)
        && Path.GetFileName(file.Name).StartsWith("messages.", StringComparison.Ordinal);

    private static long CountCreated(string storeLog)
    {
        HashSet<StoredId> created = [];
        if (File.Exists(storeLog))
        {
            LogFileReader.ReadLines(storeLog, (line, _) =>
            {
                if (line.StartsWith("CREATE "u8) && StoreLogCodec.TryRead(line, out StoreLogRecord? record) && record is StoreLogRecord.CreateQueue { Queue: var queue })
                {
                    created.Add(queue.RecipientId);
                }
            });
        }

        return created.Count;
    }

    private static long ReadJournals(string folder, QueueStore queues, AuditedMessages messages)
    {
        long waiting = 0;
        if (!Directory.Exists(folder))
        {
            return waiting;
        }

        using JournalMessageStore journals = new(folder, int.MaxValue, SystemRandom.Instance, TimeProvider.System);
        foreach (SmpQueue queue in queues.All())
        {
            foreach (StoredMessage message in journals.Look(queue.RecipientId))
            {
                messages.Add(queue.RecipientId, message);
                waiting++;
            }
        }

        return waiting;
    }

    private static IEnumerable<string> AllFiles(string folder) =>
        Directory.Exists(folder) ? Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal) : [];

    private static AuditedKind KindOfConfiguration(string file)
    {
        string name = Path.GetFileName(file);
        return IdentityFiles.Contains(name) ? AuditedKind.Identity
            : name.EndsWith(".ini", StringComparison.Ordinal) || name is "openssl_ca.conf" or "openssl_server.conf" ? AuditedKind.Settings
            : AuditedKind.Unknown;
    }

    private static AuditedFile Audit(string folder, string file)
    {
        string name = Path.GetRelativePath(folder, file);
        long length = new FileInfo(file).Length;
        string first = name.Split(Path.DirectorySeparatorChar)[0];
        if (first == PagesFolder)
        {
            return new AuditedFile(name, length, AuditedKind.Pages, false, 0, 0);
        }

        if (first == SmpServerFiles.MessageFolder)
        {
            return AuditLog(name, length, file, AuditedKind.Messages, name.EndsWith(".bak", StringComparison.Ordinal), IsJournalLine);
        }

        if (name == SmpServerFiles.Lock)
        {
            return new AuditedFile(name, length, length == 0 ? AuditedKind.Lock : AuditedKind.Unknown, false, 0, 0);
        }

        bool isCopy = IsStopScriptCopy(name);
        string kept = isCopy ? Path.GetFileName(name) : name;
        if (kept.StartsWith("smp-server-stats", StringComparison.Ordinal) || kept == SmpServerFiles.Metrics)
        {
            return new AuditedFile(name, length, AuditedKind.Statistics, isCopy || name.EndsWith(".bak", StringComparison.Ordinal), 0, 0);
        }

        return Known(SmpServerFiles.StoreLog, AuditedKind.Queues, line => StoreLogCodec.TryRead(line, out _))
            ?? Known(SmpServerFiles.MessageLog, AuditedKind.Messages, line => MessageLogCodec.TryRead(line, out _, out _))
            ?? Known(SmpServerFiles.NotificationLog, AuditedKind.Notifications, line => NotificationLog.TryRead(line, out _, out _))
            ?? new AuditedFile(name, length, AuditedKind.Unknown, false, 0, 0);

        AuditedFile? Known(string log, AuditedKind kind, LineForm isLine) =>
            kept == log || kept.StartsWith(log + ".", StringComparison.Ordinal)
                ? AuditLog(name, length, file, kind, name != log, isLine)
                : null;
    }

    // The official unit copies the logs at each stop (backups/queues/smp-server-store.log.DATE): who moved from it has them.
    private static bool IsStopScriptCopy(string name) =>
        name.Split(Path.DirectorySeparatorChar) is ["backups", "queues" or "messages" or "stats", _];

    private static AuditedFile AuditLog(string name, long length, string file, AuditedKind kind, bool isFormer, LineForm isLine)
    {
        long unknown = 0;
        long lines = LogFileReader.ReadLines(file, (line, _) => unknown += isLine(line) ? 0 : 1);
        return new AuditedFile(name, length, kind, isFormer, lines, unknown);
    }

    // A journal's messages, and the places up to which it was read and written.
    private static bool IsJournalLine(ReadOnlySpan<byte> line) =>
        MessageLogCodec.TryReadMessage(line, out _) || (line.StartsWith("write="u8) && line.IndexOf(" read="u8) > 0);

    private delegate bool LineForm(ReadOnlySpan<byte> line);
}
