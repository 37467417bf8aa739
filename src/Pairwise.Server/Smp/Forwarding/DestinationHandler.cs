using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;
using Pairwise.Server.Smp.Connections;
using Pairwise.Server.Smp.Operation;
using Pairwise.Server.Smp.Store;
using Pairwise.Server.Smp.Subscribing;
using Pairwise.Transport.Smp;

namespace Pairwise.Server.Smp.Forwarding;

/// <summary>
/// The destination's side of private routing: takes a client's command out of the two encryptions that a proxy and the
/// client put around it, carries it out, and puts its answer into the same two.
/// </summary>
internal sealed class DestinationHandler(SmpRelay relay, SmpCommandHandler handler)
{
    /// <summary>RFWD. The answer is RRES, or the error that the proxy is to hear.</summary>
    public SmpAnswer Handle(SmpServerSession session, SmpAuthorizer authorizer, CorrId corrId, SmpCommand.RFwd forward)
    {
        if (session.SessionSecret is not { } sessionSecret)
        {
            return SmpAnswer.Of(new SmpError.Proxy(new ProxyError.Broker(new BrokerError.Transport(TransportError.NoServerAuth))));
        }

        using BoxKey proxyKey = BoxKey.From(sessionSecret);
        Span<byte> nonce = stackalloc byte[BoxNonce.Length];
        BoxNonce.Write(corrId.Value.Span, nonce);
        if (!proxyKey.TryOpen(nonce, forward.Transmission.Span, out byte[]? encoded))
        {
            return SmpAnswer.Of(SmpError.Crypto.Instance);
        }

        if (!ForwardedTransmission.TryDecode(encoded, out ForwardedTransmission? forwarded))
        {
            return SmpAnswer.Of(SmpError.Command.Syntax);
        }

        using SharedSecret clientSecret = session.SessionKey.DeriveSharedSecret(forwarded.CommandKey);
        using BoxKey clientKey = BoxKey.From(clientSecret);
        if (!ProxyForwarding.TryOpenTransmission(clientKey, forwarded.ClientCorrId, forwarded.Transmission.Span, out byte[]? batch))
        {
            return SmpAnswer.Of(SmpError.Crypto.Instance);
        }

        TransmissionFormat format = TransmissionFormat.OfForwarded(forwarded.Version, session.SessionId.Span);
        if (Answer(authorizer.Forwarded, format, batch) is not { } answer
            || ProxyForwarding.SealResponse(clientKey, forwarded.ClientCorrId, answer) is not { } response)
        {
            return SmpAnswer.Of(SmpError.Block.Instance);
        }

        relay.Statistics.Add(SmpCounter.PMsgFwdsRecv);
        return SmpAnswer.Of(new BrokerMessage.RRes(ProxyForwarding.SealForwardedResponse(proxyKey, corrId, new ForwardedResponse(forwarded.ClientCorrId, response))));
    }

    // The content of a block with the one answer; null when there is not exactly one transmission, or no room.
    private byte[]? Answer(SmpAuthorizer authorizer, TransmissionFormat format, byte[] batch)
    {
        if (!BatchReader.TryOpen(batch, format, out BatchReader transmissions))
        {
            return Encode(format, CorrId.None, EntityId.None, new BrokerMessage.Err(SmpError.Block.Instance));
        }

        if (transmissions.Remaining != 1 || !transmissions.TryReadNext(out Transmission transmission))
        {
            return null;
        }

        EntityId entity = transmission.Error is null ? transmission.Entity : EntityId.None;
        BrokerMessage answer;
        if (!transmission.TryDecodeCommand(format.Version, out SmpCommand? command, out SmpError? error))
        {
            answer = new BrokerMessage.Err(error);
        }
        else if (command is not (SmpCommand.Send or SmpCommand.SKey or SmpCommand.LKey or SmpCommand.LGet))
        {
            answer = new BrokerMessage.Err(SmpError.Command.Prohibited);
        }
        else
        {
            ReadOnlySpan<byte> signed = transmission.GetSigned(format, new byte[transmission.GetSignedLength(format)]);
            SmpAnswer given = handler.Answer(new ForwardedClient(format.Version), authorizer, null, transmission, command, signed);
            answer = given.Message ?? new BrokerMessage.Err(SmpError.Internal.Instance);
        }

        return Encode(format, transmission.CorrId, entity, answer);
    }

    private static byte[]? Encode(TransmissionFormat format, CorrId corrId, EntityId entity, BrokerMessage message)
    {
        BatchWriter writer = new(new byte[SmpLimits.MaxBlockContent], format);
        return writer.TryAppend(corrId, entity, message) ? writer.WrittenSpan.ToArray() : null;
    }

    // Whoever sent the command is not there: it can have an answer, and nothing else.
    private sealed class ForwardedClient(SmpVersion version) : ISmpClient
    {
        public SmpVersion Version { get; } = version;

        public StoredId? ServiceId => null;

        public SubscriptionList Subscriptions { get; } = new();

        public void OnEnded(Subscription subscription) => throw new InvalidOperationException("A forwarded command subscribes to nothing.");

        public void OnDeleted(Subscription subscription) => throw new InvalidOperationException("A forwarded command subscribes to nothing.");

        public void OnEvent(StoredId entity, BrokerMessage message) => throw new InvalidOperationException("A forwarded command subscribes to nothing.");

        public void OnMessage(Subscription subscription, StoredMessage message, bool isOwn) => throw new InvalidOperationException("A forwarded command subscribes to nothing.");
    }
}
