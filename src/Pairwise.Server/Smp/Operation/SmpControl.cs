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
/// One session at the control port: a line in, an answer out, by the reference's words. It knows nothing of sockets.
/// </summary>
internal sealed class SmpControl(SmpRelay relay, SmpControlOptions options, Func<ICollection<SmpConnection>> connections, Func<IReadOnlyList<TlsPortCounts>> ports, Action save) : IControlSession
{
    private const string NotAllowed = "AUTH";
    private readonly ControlRoleHolder _role = new(options.AdministratorPassword, options.UserPassword);

    public ValueTask<string?> ExecuteAsync(string line) => new(Execute(line));

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
            "auth" => _role.Authorize(argument),
            "suspend" or "resume" => For(ControlRole.Administrator, () => $"{words[0]} not implemented"),
            "stats-rts" => ControlRoleHolder.DescribeRuntime(),
            "stats" => For(ControlRole.User, DescribeStatistics),
            "sockets" => For(ControlRole.User, DescribePorts),
            "server-info" => For(ControlRole.User, DescribeServer),
            "threads" or "socket-threads" => For(ControlRole.Administrator, () => $"Thread pool threads: {ThreadPool.ThreadCount}, waiting work: {ThreadPool.PendingWorkItemCount}"),
            "clients" => For(ControlRole.Administrator, DescribeClients),
            "save" => For(ControlRole.Administrator, Save),
            "status" => For(ControlRole.User, () => OnQueue(argument, Describe)),
            "block" => For(ControlRole.User, () => OnQueue(argument, queue => Block(queue, words.Length > 2 ? words[2] : ""))),
            "unblock" => For(ControlRole.User, () => OnQueue(argument, Unblock)),
            "delete" => For(ControlRole.Administrator, () => OnQueue(argument, Delete)),
            _ => "unknown command; help lists them",
        };
    }

    private string For(ControlRole needed, Func<string> answer) => _role.Role >= needed ? answer() : NotAllowed;

    private string DescribeStatistics()
    {
        StringBuilder text = new();
        SmpStatistics statistics = relay.Statistics;
        foreach (SmpCounter counter in Enum.GetValues<SmpCounter>())
        {
            string name = counter.ToString();
            Line(char.ToLowerInvariant(name[0]) + name[1..], counter == SmpCounter.QCount ? relay.Queues.Count : statistics[counter]);
        }

        Line("daily active queues", statistics.ActiveQueues.Day.Estimate());
        Line("notifiers", relay.Queues.NotifierCount);
        Line("msgCount", relay.Messages.Count);
        Line("ntfCount", relay.Notifications.Count);
        Forwarding("pRelays", statistics.Relays);
        Forwarding("pRelaysOwn", statistics.OwnRelays);
        Forwarding("pMsgFwds", statistics.Forwards);
        Forwarding("pMsgFwdsOwn", statistics.OwnForwards);
        (int recipients, long recipientQueues) = relay.Queues.Services.Count(ServiceSide.Recipient);
        (int notifiers, long notifierQueues) = relay.Queues.Services.Count(ServiceSide.Notifier);
        Line("rcvServiceCount", recipients);
        Line("ntfServiceCount", notifiers);
        Line("rcvServiceQueuesCount", recipientQueues);
        Line("ntfServiceQueuesCount", notifierQueues);
        return text.ToString().TrimEnd();

        void Line(string name, long value) => text.Append(CultureInfo.InvariantCulture, $"{name}: {value}\n");

        void Forwarding(string name, Counters<ForwardingCounter> counters) => text.Append(
            CultureInfo.InvariantCulture,
            $"{name}: requests={counters[ForwardingCounter.Requests]}, successes={counters[ForwardingCounter.Successes]}, errorsConnect={counters[ForwardingCounter.ErrorsConnect]}, errorsCompat={counters[ForwardingCounter.ErrorsCompat]}, errorsOther={counters[ForwardingCounter.ErrorsOther]}\n");
    }

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

        Line("SMP subscriptions", clients.Sum(client => (long)client.Subscriptions.MessageCount));
        Line("SMP subscribed clients", clients.Count(client => client.Subscriptions.MessageCount > 0));
        Line("Ntf subscriptions", clients.Sum(client => (long)client.Subscriptions.NotificationCount));
        Line("Ntf subscribed clients", clients.Count(client => client.Subscriptions.NotificationCount > 0));
        return text.ToString().TrimEnd();

        void Line(string name, long value) => text.Append(CultureInfo.InvariantCulture, $"{name}: {value}\n");
    }

    private string Save()
    {
        try
        {
            save();
            return "server state saved!";
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
            QueueStatus.Active => "active",
            QueueStatus.Off => "off",
            _ => $"blocked, {Text(queue.Block!)}",
        };
        string used = queue.UsedDay < 0 ? "never" : DateOnly.FromDayNumber(DateOnly.FromDateTime(DateTime.UnixEpoch).DayNumber + queue.UsedDay).ToString("O", CultureInfo.InvariantCulture);
        return $"status: {status}, used: {used}, mode: {queue.Use}";
    }

    private string Block(SmpQueue queue, string reason)
    {
        if (!StoreLogCodec.TryReadBlock(Encoding.UTF8.GetBytes(reason), out SmpError.Blocked? block))
        {
            return "error: say reason=spam or reason=content";
        }

        long blockedToday = relay.Statistics[SmpCounter.QBlocked];
        if (options.DailyBlockQuota != 0 && blockedToday >= options.DailyBlockQuota)
        {
            return $"error: reached limit of {options.DailyBlockQuota} queues blocked daily";
        }

        bool wasActive = queue.Status == QueueStatus.Active;
        if (relay.Queues.Block(queue, block!) is { } error)
        {
            return $"error: {SmpErrorCodec.ToText(error)}";
        }

        // The owner is told at once, and not only when a message does not come.
        ISubscriber? subscriber;
        lock (queue)
        {
            subscriber = queue.Subscription?.Subscriber;
        }

        (subscriber as SmpConnection)?.SendEvent(queue.RecipientId, new BrokerMessage.Err(block!));
        if (!wasActive)
        {
            return $"ok, already inactive: {Text(block!)}";
        }

        relay.Statistics.Add(SmpCounter.QBlocked);
        return $"ok, queue blocked: {Text(block!)}";
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

    private static string Text(SmpError.Blocked block)
    {
        LogLineWriter line = new();
        StoreLogCodec.WriteBlock(line, block);
        return Encoding.UTF8.GetString(line.Written);
    }
}
