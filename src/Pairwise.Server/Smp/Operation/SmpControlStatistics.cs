using System.Globalization;
using System.Text;
using Pairwise.Server.Smp.Logs;

namespace Pairwise.Server.Smp.Operation;

/// <summary>What <c>stats</c> says at the control port: the reference's lines in its order, and behind them what else is counted.</summary>
internal static class SmpControlStatistics
{
    private static readonly SmpCounter[] BeforeSubscriptions =
        [SmpCounter.QCreated, SmpCounter.QSecured, SmpCounter.QDeletedAll, SmpCounter.QDeletedAllB, SmpCounter.QDeletedNew, SmpCounter.QDeletedSecured];

    private static readonly SmpCounter[] Subscriptions = [SmpCounter.QSub, SmpCounter.QSubAllB, SmpCounter.QSubEnd, SmpCounter.QSubEndB];

    private static readonly SmpCounter[] OtherSubscriptions = [SmpCounter.QSubAuth, SmpCounter.QSubDuplicate, SmpCounter.QSubProhibited];

    private static readonly SmpCounter[] Messages =
        [SmpCounter.MsgSent, SmpCounter.MsgRecv, SmpCounter.MsgRecvGet, SmpCounter.MsgGet, SmpCounter.MsgGetNoMsg];

    private static readonly SmpCounter[] OtherGets = [SmpCounter.MsgGetAuth, SmpCounter.MsgGetDuplicate, SmpCounter.MsgGetProhibited];

    private static readonly SmpCounter[] Notifications =
        [SmpCounter.MsgSentNtf, SmpCounter.MsgRecvNtf, SmpCounter.MsgNtfs, SmpCounter.MsgNtfsB, SmpCounter.MsgNtfExpired];

    /// <summary>The lines.</summary>
    /// <param name="relay">The relay.</param>
    /// <param name="from">Since when it counts.</param>
    /// <param name="isForAdministrator">Whether an administrator asks.</param>
    public static string Describe(SmpRelay relay, DateTimeOffset from, bool isForAdministrator)
    {
        StringBuilder text = new();
        SmpStatistics statistics = relay.Statistics;
        HashSet<SmpCounter> said = [SmpCounter.QCount, SmpCounter.PMsgFwdsRecv];
        text.Append(CultureInfo.InvariantCulture, $"fromTime: {from.UtcDateTime:yyyy-MM-dd HH:mm:ss.fffffff} UTC\n");
        Counted(BeforeSubscriptions);
        Line("daily active queues", statistics.ActiveQueues.Day.Estimate());
        Counted(Subscriptions);
        Three("other SUB events (auth, duplicate, prohibited)", OtherSubscriptions);
        Counted(Messages);
        Three("other GET events (auth, duplicate, prohibited)", OtherGets);
        Counted(Notifications);
        Line("qCount", relay.Queues.Count);
        Line("qCount 2", relay.Queues.Count);
        Line("notifiers", relay.Queues.NotifierCount);
        Line("msgCount", relay.Messages.Count);
        Line("ntfCount", relay.Notifications.Count);
        if (isForAdministrator)
        {
            Line("ntfCount 2", relay.Notifications.Count);
        }

        Forwarding("pRelays", statistics.Relays);
        Forwarding("pRelaysOwn", statistics.OwnRelays);
        Forwarding("pMsgFwds", statistics.Forwards);
        Forwarding("pMsgFwdsOwn", statistics.OwnForwards);
        Line("pMsgFwdsRecv", statistics[SmpCounter.PMsgFwdsRecv]);
        (int recipients, long recipientQueues) = relay.Queues.Services.Count(ServiceSide.Recipient);
        (int notifiers, long notifierQueues) = relay.Queues.Services.Count(ServiceSide.Notifier);
        Line("rcvServiceCount", recipients);
        Line("ntfServiceCount", notifiers);
        Line("rcvServiceQueuesCount", recipientQueues);
        Line("ntfServiceQueuesCount", notifierQueues);
        Counted([.. Enum.GetValues<SmpCounter>().Where(counter => !said.Contains(counter))]);
        return text.ToString().TrimEnd();

        void Counted(SmpCounter[] counters)
        {
            foreach (SmpCounter counter in counters)
            {
                said.Add(counter);
                string name = counter.ToString();
                Line(char.ToLowerInvariant(name[0]) + name[1..], statistics[counter]);
            }
        }

        void Three(string name, SmpCounter[] counters)
        {
            said.UnionWith(counters);
            text.Append(CultureInfo.InvariantCulture, $"{name}: ({string.Join(',', counters.Select(counter => statistics[counter].ToString(CultureInfo.InvariantCulture)))})\n");
        }

        void Line(string name, long value) => text.Append(CultureInfo.InvariantCulture, $"{name}: {value}\n");

        void Forwarding(string name, Counters<ForwardingCounter> counters) => text.Append(
            CultureInfo.InvariantCulture,
            $"{name}: requests={counters[ForwardingCounter.Requests]}, successes={counters[ForwardingCounter.Successes]}, errorsConnect={counters[ForwardingCounter.ErrorsConnect]}, errorsCompat={counters[ForwardingCounter.ErrorsCompat]}, errorsOther={counters[ForwardingCounter.ErrorsOther]}\n");
    }
}
