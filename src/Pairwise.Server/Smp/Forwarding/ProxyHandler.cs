using Pairwise.Client;
using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;
using Pairwise.Server.Smp.Operation;
using Pairwise.Transport;
using Pairwise.Wire;

namespace Pairwise.Server.Smp.Forwarding;

/// <summary>
/// The proxy's side of private routing: PRXY makes a session with another relay, PFWD sends a client's encrypted
/// command through it. The proxy can read neither the command nor its answer.
/// </summary>
internal sealed class ProxyHandler(SmpRelay relay, RelaySessions sessions)
{
    /// <summary>The answer to what can be refused without waiting for anybody; null for what another relay has to be asked.</summary>
    public BrokerMessage? RefuseAtOnce(SmpCommand command, EntityId session)
    {
        switch (command)
        {
            case SmpCommand.Prxy open when !relay.Options.AllowForwarding || !relay.IsPassword(open.Password):
                return Refuse(ProxyError.BasicAuth.Instance);
            case SmpCommand.PFwd when sessions.Find(session.Value.ToArray()) is null:
                return RefuseWithoutSession();
            default:
                return null;
        }
    }

    /// <summary>PRXY. The answer is PKEY, or why there is no session.</summary>
    public async Task<BrokerMessage> OpenAsync(SmpCommand.Prxy command, CancellationToken cancellationToken)
    {
        bool isOwn = relay.Options.IsOwn(command.Relay);
        try
        {
            SmpClient client = await sessions.GetAsync(command.Relay).WaitAsync(cancellationToken);
            BrokerMessage answer = Describe(client);
            relay.Statistics.RelayAsked(answer is BrokerMessage.PKey ? ForwardingCounter.Successes : ForwardingCounter.ErrorsCompat, isOwn);
            return answer;
        }
        catch (TransportException failure)
        {
            relay.Statistics.RelayAsked(failure.Error is null ? ForwardingCounter.ErrorsConnect : ForwardingCounter.ErrorsOther, isOwn);
            return Refuse(Describe(failure));
        }
    }

    /// <summary>PFWD. The answer is PRES, or what went wrong on the way.</summary>
    public async Task<BrokerMessage> ForwardAsync(CorrId corrId, EntityId session, SmpCommand.PFwd command, CancellationToken cancellationToken)
    {
        WireId sessionId = session.Value;
        if (sessions.Find(sessionId.Span) is not (var client, var destination))
        {
            return RefuseWithoutSession(); // it has ended since
        }

        bool isOwn = relay.Options.IsOwn(destination);
        if (client.Version < SmpVersions.SendingProxy || client.Session.SessionSecret is not { } secret)
        {
            relay.Statistics.Forwarded(ForwardingCounter.ErrorsCompat, isOwn);
            return Refuse(new ProxyError.Broker(new BrokerError.Transport(TransportError.Version)));
        }

        using BoxKey? key = TryMakeKey(secret);
        if (key is null)
        {
            relay.Statistics.Forwarded(ForwardingCounter.ErrorsOther, isOwn);
            return Refuse(ProxyError.NoSession.Instance);
        }

        CorrId forwardId = new(relay.NewId().ToWireId());
        byte[] sealedCommand = ProxyForwarding.SealForwarded(
            key, forwardId, new ForwardedTransmission(corrId, command.Version, command.CommandKey, command.Transmission));
        SmpResult result = await client.SendAsync(
            new SmpRequest(new SmpCommand.RFwd(sealedCommand), EntityId.None, null, forwardId), cancellationToken);
        bool isAnswered = result.IsOk ? result.Message is BrokerMessage.RRes : result.Error is SmpClientError.Relay;
        relay.Statistics.Forwarded(isAnswered ? ForwardingCounter.Successes : ForwardingCounter.ErrorsOther, isOwn);
        if (!result.IsOk)
        {
            return Refuse(result.Error);
        }

        if (result.Message is not BrokerMessage.RRes answer)
        {
            return Refuse(new ProxyError.Broker(new BrokerError.Unexpected("RRES was expected")));
        }

        return ProxyForwarding.TryOpenForwardedResponse(key, forwardId, answer.Response.Span, out ForwardedResponse? response)
            ? new BrokerMessage.PRes(response.Response)
            : new BrokerMessage.Err(SmpError.Crypto.Instance);
    }

    // Null when the session ended, and wiped its secret, since it was found.
    private static BoxKey? TryMakeKey(SharedSecret secret)
    {
        try
        {
            return BoxKey.From(secret);
        }
        catch (ObjectDisposedException)
        {
            return null;
        }
    }

    // The versions that the client hears of end where all of them do, so that a new client does not stand out.
    private static BrokerMessage Describe(SmpClient client)
    {
        if (!client.Session.Versions.TryIntersect(SmpVersions.ProxiedRange, out VersionRange versions) || client.Version < SmpVersions.SendingProxy)
        {
            return Refuse(new ProxyError.Broker(new BrokerError.Transport(TransportError.Version)));
        }

        return client.Session.SignedServerKey is { } signedKey
            ? new BrokerMessage.PKey(client.SessionId, versions, signedKey)
            : Refuse(new ProxyError.Broker(new BrokerError.Transport(TransportError.NoServerAuth)));
    }

    private static ProxyError.Broker Describe(TransportException failure) => failure switch
    {
        { Error: { } error } => new ProxyError.Broker(new BrokerError.Transport(error)),
        { Failure: TransportFailure.HostNotAllowed } => new ProxyError.Broker(BrokerError.Host.Instance),
        { Failure: TransportFailure.TimedOut } => new ProxyError.Broker(new BrokerError.Network(NetworkError.Timeout.Instance)),
        _ => new ProxyError.Broker(new BrokerError.Network(NetworkError.Failed.Instance)),
    };

    private static BrokerMessage.Err Refuse(SmpClientError error) => error switch
    {
        SmpClientError.Relay said => Refuse(new ProxyError.Protocol(said.Error)),
        SmpClientError.BadAnswer bad => Refuse(new ProxyError.Broker(new BrokerError.Response(bad.Error.ToString()))),
        SmpClientError.TimedOut => Refuse(new ProxyError.Broker(BrokerError.Timeout.Instance)),
        SmpClientError.Disconnected => Refuse(new ProxyError.Broker(new BrokerError.Network(NetworkError.Failed.Instance))),
        SmpClientError.CannotSend cannot => Refuse(new ProxyError.Broker(new BrokerError.Transport(cannot.Error))),
        _ => Refuse(new ProxyError.Broker(new BrokerError.Unexpected("another answer"))),
    };

    private BrokerMessage.Err RefuseWithoutSession()
    {
        relay.Statistics.Forwarded(ForwardingCounter.ErrorsConnect, isOwn: false);
        return Refuse(ProxyError.NoSession.Instance);
    }

    private static BrokerMessage.Err Refuse(ProxyError error) => new(new SmpError.Proxy(error));
}
