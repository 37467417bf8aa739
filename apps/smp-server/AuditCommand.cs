using System.CommandLine;
using System.Globalization;
using Pairwise.Server.Smp;
using Pairwise.Server.Smp.Operation;
using Pairwise.Server.Smp.Postgres;
using Pairwise.Server.Smp.Store;

namespace Pairwise.SmpRelay;

/// <summary>audit: what this relay holds, in words and counts; or everything held about one queue.</summary>
internal static class AuditCommand
{
    private static readonly (AuditedKind Kind, string Words)[] Kinds =
    [
        (AuditedKind.Settings, "settings"),
        (AuditedKind.Identity, "the relay's own keys and certificates"),
        (AuditedKind.Queues, "queues"),
        (AuditedKind.Messages, "messages"),
        (AuditedKind.Notifications, "notifications"),
        (AuditedKind.Statistics, "counts (the official server's files also have hashes of queue ids)"),
        (AuditedKind.Pages, "pages for browsers"),
        (AuditedKind.Lock, "empty: the relay uses this folder"),
        (AuditedKind.Unknown, "NOT written by a relay"),
    ];

    public static Command Create(ServerFolders folders)
    {
        Option<string?> queue = new("--queue", "-q") { Description = "Everything held about one queue: its id, its address, or a link to it." };
        Command command = new("audit", "Tell what this relay holds, and that it is all (changes nothing; may run beside the relay).") { queue };
        command.SetAction((result, cancellationToken) => Failure.Guard(result, async output =>
        {
            if (!Directory.Exists(folders.Configuration) && !Directory.Exists(folders.State))
            {
                throw new SmpServerException($"there is no relay in {folders.Configuration} and {folders.State}.");
            }

            SmpAudit audit = await SmpAudit.RunAsync(folders.Configuration, folders.State, SmpServerSettings.FindDatabase(folders), cancellationToken);
            return result.GetValue(queue) is { } text ? DescribeQueue(audit, text, output) : DescribeAll(audit, folders, output);
        }));
        return command;
    }

    private static int DescribeAll(SmpAudit audit, ServerFolders folders, TextWriter output)
    {
        List<SmpQueue> queues = [.. audit.Queues.All()];
        Say(output, $"Settings and keys: {folders.Configuration}");
        Say(output, $"State:             {folders.State}");
        Say(output, $"");
        Say(output, $"Queues: {queues.Count}");
        Say(output, $"  secured with a sender's key     {queues.Count(queue => queue.IsSecured)}");
        Say(output, $"  with link data                  {queues.Count(queue => queue.Link is not null)}");
        Say(output, $"  with notification credentials   {queues.Count(queue => queue.Notifier is not null)}");
        Say(output, $"  associated with a service       {queues.Count(queue => queue.ServiceId is not null)}");
        Say(output, $"  suspended by their recipient    {queues.Count(queue => queue.Status == QueueStatus.Off)}");
        Say(output, $"  blocked by the operator         {queues.Count(queue => queue.Status == QueueStatus.Blocked)}");
        Say(output, $"Services, known by their certificates: {audit.Queues.Services.All().Count}");
        if (audit.Database is { } database)
        {
            Say(output, $"Queues deleted, whose rows stay so that their ids are not given out again: {database.DeletedQueues}");
            if (database.DeletedMessages > 0)
            {
                Say(output, $"  with messages that the official server left, removed at the next start     {database.DeletedMessages}");
            }
        }

        if (audit.DeletedQueues > 0)
        {
            Say(output, $"Queues deleted, with lines in the store log until the next start: {audit.DeletedQueues}");
        }

        Say(output, $"Messages on disk: {audit.Messages.Count}");
        if (audit.TakenMessages > 0)
        {
            Say(output, $"Messages received or expired, but not yet removed from their journals: {audit.TakenMessages}");
        }

        Say(output, $"Notifications on disk: {audit.Notifications}");
        if (audit.Files.Any(file => file.Kind == AuditedKind.Lock))
        {
            Say(output, $"A relay may be running here: messages that wait in its memory are written when it stops.");
        }

        Say(output, $"");
        output.WriteLine(
            """
            Held about a queue: its ids (random, of no meaning elsewhere), the public keys that authorize commands,
            a secret for the relay's own layer of encryption towards the recipient, the day of its last use, whether it is
            secured, suspended or blocked, and, if there are: encrypted link data, notification credentials.
            Held about a message: its queue, a random id, the second in which it came, whether a notification was asked for,
            and its content, encrypted between sender and recipient and padded to one length. No key here opens it.
            Not held: accounts, names, numbers, e-mail addresses, network addresses of clients, who talks with whom, and which
            queues belong to one person. What was received or deleted goes: a message in a journal within a minute after its
            queue is empty, a deleted queue's lines in the store log when the log is compacted at the next start. Copies of an
            earlier state hold what was held then: the relay keeps them for a while, to survive a fault, and they may be
            deleted at any time.

            Files:
            """);
        foreach ((AuditedKind kind, string words) in Kinds)
        {
            foreach (AuditedFile file in audit.Files.Where(file => file.Kind == kind && !IsJournal(file) && kind != AuditedKind.Pages))
            {
                Say(output, $"  {file.Name,-52} {file.Length,14:N0} bytes   {words}{(file.IsFormer ? ", as they were earlier" : "")}{Doubt(file)}");
            }

            foreach (IGrouping<bool, AuditedFile> group in audit.Files.Where(file => file.Kind == kind && (IsJournal(file) || kind == AuditedKind.Pages)).GroupBy(IsJournal))
            {
                Say(output, $"  {(group.Key ? $"{SmpServerFiles.MessageFolder}/ ({group.Count()} files)" : $"www/ ({group.Count()} files)"),-52} {group.Sum(file => file.Length),14:N0} bytes   {words}{Doubt([.. group])}");
            }
        }

        if (audit.Database is { } held)
        {
            Say(output, $"");
            Say(output, $"Tables of the database:");
            foreach (AuditedTable table in held.Tables)
            {
                Say(output, $"  {table.Name,-52} {table.Length,14:N0} bytes   {table.Rows} rows{Doubt(table)}");
            }
        }

        bool isAll = audit.Files.All(file => file.Kind != AuditedKind.Unknown && file.UnknownLines == 0)
            && audit.Database?.Tables.Any(table => Doubt(table).Length > 0) != true;
        Say(output, $"");
        output.WriteLine(isAll
            ? "Every file, every line of the logs and every row of tables is accounted for: there is nothing else."
            : "Some of this is not what a relay writes: see what is marked NOT.");
        return isAll ? 0 : 1;
    }

    private static int DescribeQueue(SmpAudit audit, string text, TextWriter output)
    {
        IReadOnlyList<SmpQueue> found = audit.Find(text);
        if (found.Count == 0)
        {
            bool isTraced = DescribeTraces(audit, text, output);
            Say(output, isTraced
                ? $"No queue here has an id that is in this text (any more), but these lines are about it."
                : (FormattableString)$"Nothing is held about it: no queue here has an id that is in this text.");
            return 0;
        }

        foreach (SmpQueue queue in found)
        {
            Say(output, $"Recipient id:   {Id(queue.RecipientId)}");
            Say(output, $"Sender id:      {Id(queue.SenderId)}");
            Say(output, $"Use:            {queue.Use switch { QueueUse.Messaging => "conversation of two", QueueUse.Contact => "contact address", _ => "not said" }}");
            Say(output, $"Status:         {queue.Status switch { QueueStatus.Off => "suspended by its recipient", QueueStatus.Blocked => "blocked by the operator", _ => "takes messages" }}");
            Say(output, $"Last used:      {(queue.UsedDay < 0 ? "not recorded" : DateOnly.FromDayNumber(DateOnly.FromDateTime(DateTime.UnixEpoch).DayNumber + queue.UsedDay).ToString("O", CultureInfo.InvariantCulture))}");
            Say(output, $"Recipient keys: {1 + queue.MoreRecipientKeys.Length} ({queue.RecipientKey.Kind})");
            Say(output, $"Sender's key:   {(queue.IsSecured ? queue.SenderKey.Kind.ToString() : "none: not secured")}");
            Say(output, $"Secret:         for the relay's own layer of encryption towards the recipient");
            Say(output, $"Link data:      {(queue.Link is { } link ? $"{link.FixedPart.Length + link.UserPart.Length} bytes, encrypted; the key is in the link, which is not here" : "none")}");
            Say(output, $"Notifications:  {(queue.Notifier is null ? "none" : "credentials of a notification server")}");
            Say(output, $"Service:        {(queue.ServiceId is null ? "none" : "associated with a service certificate")}");
            IReadOnlyList<AuditedMessage> messages = audit.Messages.Of(queue);
            Say(output, $"Messages:       {messages.Count}");
            foreach (AuditedMessage message in messages)
            {
                string time = DateTimeOffset.FromUnixTimeSeconds(message.Seconds).UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss 'UTC'", CultureInfo.InvariantCulture);
                Say(output, $"  {time}   {(message.IsQuota ? "mark that the queue was full" : $"{message.Length} bytes, encrypted between sender and recipient")}");
            }

            Say(output, $"");
        }

        DescribeTraces(audit, text, output);
        Say(output, $"That is all that is held about it. Who the recipient and the senders are is not known here.");
        return 0;
    }

    private static bool DescribeTraces(SmpAudit audit, string text, TextWriter output)
    {
        IReadOnlyList<AuditedTrace> traces = audit.FindTraces(text);
        if (traces.Count > 0)
        {
            Say(output, $"Lines about it on disk:");
        }

        foreach ((AuditedFile file, long lines) in traces)
        {
            Say(output, $"  {lines,6}   {file.Name}{(file.IsFormer ? ", as it was earlier" : "")}");
        }

        Say(output, $"");
        return traces.Count > 0;
    }

    private static bool IsJournal(AuditedFile file) =>
        file.Name.StartsWith(SmpServerFiles.MessageFolder + Path.DirectorySeparatorChar, StringComparison.Ordinal);

    private static string Doubt(params AuditedFile[] files) =>
        files.Sum(file => file.UnknownLines) is > 0 and long lines ? string.Create(CultureInfo.InvariantCulture, $"; {lines} lines NOT recognised") : "";

    private static string Doubt(AuditedTable table) => table switch
    {
        { IsKnown: false } => "; NOT a relay's table",
        { UnknownColumns: [_, ..] columns } => $"; columns that are NOT a relay's: {string.Join(", ", columns)}",
        { UnknownRows: > 0 and var rows } => string.Create(CultureInfo.InvariantCulture, $"; {rows} rows NOT recognised"),
        _ => "",
    };

    private static string Id(StoredId id) => Convert.ToBase64String(id.ToArray()).Replace('+', '-').Replace('/', '_');

    private static void Say(TextWriter output, FormattableString line) => output.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
