using System.Globalization;
using System.Text;
using Pairwise.Protocol.Smp;
using Pairwise.Server.Smp.Connections;
using Pairwise.Server.Smp.Logs;
using Pairwise.Server.Smp.Store;
using Pairwise.Server.Smp.Subscribing;
using Pairwise.Transport.Sockets;
using Pairwise.Wire;

namespace Pairwise.Server.Smp.Operation;

/// <summary>
/// One session at the control port: a line in, an answer out, by the reference's words, which scripts of operators read.
/// It knows nothing of sockets.
/// </summary>
internal sealed class SmpControl(
    SmpRelay relay,
    SmpControlOptions options,
    Func<ICollection<SmpConnection>> connections,
    Func<IReadOnlyList<TlsPortCounts>> ports,
    Func<DateTimeOffset> countedFrom,
    Action save) : IControlSession
{
    private const string NotAllowed = "AUTH";
    private const long SecondsPerDay = 86400;
    private readonly ControlRoleHolder _role = new(options.AdministratorPassword, options.UserPassword);

    /// <remarks>What was changed is stored when the answer is there, or the answer says that it is not.</remarks>
    public async ValueTask<string?> ExecuteAsync(string line)
    {
        WriteAccount account = new();
        account.Begin();
        string? answer;
        try
        {
            answer = Execute(line);
        }
        finally
        {
            WriteAccount.End();
        }

        if (relay.DurableWrites is { } writes && line.Trim().Split(' ')[0] is "block" or "unblock" or "delete")
        {
            try
            {
                await writes.WhenWrittenAsync(account);
            }
            catch (IOException)
            {
                return "error: the database does not store it: look at the queue again when it is back";
            }
        }

        return answer;
    }

    /// <summary>The answer to one line; null ends the session.</summary>
    public string? Execute(string line)
    {
        string[] words = line.Trim().Split(' ', 3);
        string argument = words.Length > 1 ? words[1] : "";
        return words[0] switch
        {
            "" => "",
            "quit" => null,
            "help" => "commands: auth, stats, stats-rts, clients, sockets, socket-threads, threads, server-info, status, block, unblock, delete, save, help, quit",
            "auth" when argument.Length == 0 => "error: say auth and the password",
            "auth" => _role.Authorize(argument),
            "suspend" or "resume" => For(ControlRole.Administrator, () => $"{words[0]} not implemented"),
            "stats-rts" => ControlRoleHolder.DescribeRuntime(),
            "stats" => For(ControlRole.User, () => SmpControlStatistics.Describe(relay, countedFrom(), _role.Role == ControlRole.Administrator)),
            "sockets" => For(ControlRole.User, DescribePorts),
            "server-info" => For(ControlRole.User, DescribeServer),
            "threads" or "socket-threads" => For(ControlRole.Administrator, () => $"Thread pool threads: {ThreadPool.ThreadCount}, waiting work: {ThreadPool.PendingWorkItemCount}"),
            "clients" => For(ControlRole.Administrator, DescribeClients),
            "save" => For(ControlRole.Administrator, Save),
            "status" => For(ControlRole.User, () => OnQueue(argument, Describe)),
            "block" => For(ControlRole.User, () => Block(argument, words.Length > 2 ? words[2] : "")),
            "unblock" => For(ControlRole.User, () => OnQueue(argument, Unblock)),
            "delete" => For(ControlRole.Administrator, () => OnQueue(argument, Delete)),
            _ => "error: unknown command; help lists them",
        };
    }

    private string For(ControlRole needed, Func<string> answer) => _role.Role >= needed ? answer() : NotAllowed;

    // The columns of the reference. That of the session id stays empty: it would tie what an observer of the network
    // sees to a line of this list.
    private string DescribeClients()
    {
        StringBuilder text = new("clientId,sessionId,connected,createdAt,rcvActiveAt,sndActiveAt,age,subscriptions\n");
        DateTimeOffset now = relay.Options.Time.GetUtcNow();
        foreach (SmpConnection client in connections())
        {
            text.Append(
                CultureInfo.InvariantCulture,
                $"{client.Number},,True,{new UtcTimestamp(now - client.Age)},{new UtcTimestamp(now - client.ReceivedAgo)},{new UtcTimestamp(now - client.SentAgo)},{client.Age.TotalSeconds:0},{client.Subscriptions.MessageCount}\n");
        }

        return text.ToString().TrimEnd();
    }

    private string DescribePorts() => string.Join('\n', ports().Select(port =>
        $"Sockets for port {port.Port}:\naccepted: {port.Accepted}\nclosed: {port.Accepted - port.Active}\nactive: {port.Active}\nleaked: 0"));

    private string DescribeServer()
    {
        ICollection<SmpConnection> clients = connections();
        StringBuilder text = new();
        Line("Threads", ThreadPool.ThreadCount);
        Line("Clients", clients.Count);
        if (_role.Role == ControlRole.Administrator)
        {
            Line("Answers that wait for clients to read", clients.Sum(client => (long)client.WaitingCount));
        }

        Subscribed("SMP", "", subscriptions => subscriptions.MessageCount);
        Subscribed("Ntf", " {0}", subscriptions => subscriptions.NotificationCount);
        return text.ToString().TrimEnd();

        void Line(string name, long value) => text.Append(CultureInfo.InvariantCulture, $"{name}: {value}\n");

        // Those of notification servers are few, and an operator knows them by their numbers.
        void Subscribed(string protocol, string numbersFormat, Func<SubscriptionList, int> count)
        {
            Line($"{protocol} subscriptions", clients.Sum(client => (long)count(client.Subscriptions)));
            long[] numbers = [.. clients.Where(client => count(client.Subscriptions) > 0).Select(client => client.Number).Order()];
            string list = string.Format(CultureInfo.InvariantCulture, numbersFormat, $"[{string.Join(',', numbers)}]");
            text.Append(CultureInfo.InvariantCulture, $"{protocol} subscribed clients: {numbers.Length}{list}\n");
            text.Append(CultureInfo.InvariantCulture, $"{protocol} subscribed clients count 2: {numbers.Length}{(list.Length > 0 ? " fromList" + list : "")}\n");
        }
    }

    private string Save()
    {
        try
        {
            save();
            return "saving server state...\nserver state saved!";
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return $"error: {fault.Message}";
        }
    }

    // QUEUE = the sender id or link id in base64url, or a link
    private string OnQueue(string text, Func<SmpQueue, string> handle) => QueueSearch.Find(relay.Queues, text) switch
    {
        [var queue] => handle(queue),
        [] => "error: AUTH",
        _ => "error: this is about more than one queue",
    };

    private static string Describe(SmpQueue queue)
    {
        string status = queue.Status switch
        {
            QueueStatus.Active => "EntityActive",
            QueueStatus.Off => "EntityOff",
            _ => TextOfStatus(queue.Block!),
        };
        string used = queue.UsedDay < 0
            ? "Nothing"
            : string.Create(CultureInfo.InvariantCulture, $"Just (RoundedSystemTime {{roundedSeconds = {queue.UsedDay * SecondsPerDay}}})");
        string mode = queue.Use switch
        {
            QueueUse.Messaging => "Just QMMessaging",
            QueueUse.Contact => "Just QMContact",
            _ => "Nothing",
        };
        return $"status: {status}, updatedAt: {used}, queueMode: {mode}";
    }

    private string Block(string text, string reason) =>
        StoreLogCodec.TryReadBlock(Encoding.UTF8.GetBytes(reason), out SmpError.Blocked? block)
            ? OnQueue(text, queue => Block(queue, block!))
            : "error: say block, the id or link, and reason=spam or reason=content";

    private string Block(SmpQueue queue, SmpError.Blocked block)
    {
        long blockedToday = relay.Statistics[SmpCounter.QBlocked];
        if (options.DailyBlockQuota != 0 && blockedToday >= options.DailyBlockQuota)
        {
            return $"error: reached limit of {options.DailyBlockQuota} queues blocked daily";
        }

        if (queue.Status == QueueStatus.Blocked && block.Equals(queue.Block))
        {
            return $"ok, already inactive: {TextOfStatus(block)}";
        }

        bool wasActive = queue.Status == QueueStatus.Active;
        if (relay.Queues.Block(queue, block) is { } error)
        {
            return $"error: {SmpErrorCodec.ToText(error)}";
        }

        // The owner is told at once, and not only when a message does not come.
        ISubscriber? subscriber;
        lock (queue)
        {
            subscriber = queue.Subscription?.Subscriber;
        }

        (subscriber as SmpConnection)?.SendEvent(queue.RecipientId, new BrokerMessage.Err(block));
        if (!wasActive)
        {
            return $"ok, already inactive: {TextOfStatus(block)}";
        }

        relay.Statistics.Add(SmpCounter.QBlocked);
        return $"ok, queue blocked: {TextOfStatus(block)}";
    }

    private string Unblock(SmpQueue queue)
    {
        switch (queue.Status)
        {
            case QueueStatus.Active:
                return "ok, queue was active";
            case QueueStatus.Off:
                return "error, queue is inactive";
            default:
                string reason = Text(queue.Block!);
                return relay.Queues.Unblock(queue) is { } error ? $"error: {SmpErrorCodec.ToText(error)}" : $"ok, queue unblocked, reason to block was: {reason}";
        }
    }

    private string Delete(SmpQueue queue)
    {
        if (relay.Queues.Delete(queue) is { } error)
        {
            return $"error: {SmpErrorCodec.ToText(error)}";
        }

        int count = relay.EndDeleted(queue, null);
        return string.Create(CultureInfo.InvariantCulture, $"ok, {count} messages deleted");
    }

    private static string TextOfStatus(SmpError.Blocked block) => $"EntityBlocked ({Text(block)})";

    private static string Text(SmpError.Blocked block)
    {
        string notice = block.Notice is not { } told ? "Nothing"
            : told.TimeToLive is { } ttl ? string.Create(CultureInfo.InvariantCulture, $"Just (ClientNotice {{ttl = Just {(ttl < 0 ? $"({ttl})" : ttl)}}})")
            : "Just (ClientNotice {ttl = Nothing})";
        return $"BlockingInfo {{reason = {(block.Reason == BlockingReason.Spam ? "BRSpam" : "BRContent")}, notice = {notice}}}";
    }
}
