using System.Diagnostics.CodeAnalysis;
using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;
using Pairwise.Transport;
using Pairwise.Wire;

namespace Pairwise.Client;

/// <summary>The answer of a destination relay to a forwarded command, or why there is none and on which side.</summary>
/// <param name="Message">The destination's answer; null exactly when <paramref name="Error"/> is not.</param>
/// <param name="Error">What went wrong.</param>
/// <param name="IsProxyError">Whether it went wrong between this client and the proxy, or between the proxy and the destination.</param>
public readonly record struct ProxiedResult(BrokerMessage? Message, SmpClientError? Error, bool IsProxyError)
{
    [MemberNotNullWhen(true, nameof(Message))]
    [MemberNotNullWhen(false, nameof(Error))]
    public bool IsOk => Error is null;

    internal static ProxiedResult OfProxy(SmpClientError error) => new(null, error, IsProxyError: true);

    internal static ProxiedResult OfDestination(SmpClientError error) => new(null, error, IsProxyError: false);
}

/// <summary>
/// A destination relay reached through a proxy, so that it does not learn the sender's address and the proxy does not learn
/// the queue: private routing. Each command has a key of its own, and is sealed for the destination. Thread-safe; ends with
/// the proxy's session, or when the proxy says <c>NO_SESSION</c>.
/// </summary>
public sealed class ProxiedRelay
{
    private readonly SmpClient _proxy;
    private readonly SmpClientOptions _options;
    private readonly EntityId _session;
    private readonly X25519PublicKey _relayKey;
    private readonly TransmissionFormat _format;
    private readonly TransmissionAuthorizer _authorizer;

    private ProxiedRelay(SmpClient proxy, SmpClientOptions options, Bytes session, SmpVersion version, X25519PublicKey relayKey)
    {
        _proxy = proxy;
        _options = options;
        _session = new EntityId(session.Span);
        _relayKey = relayKey;
        _format = new TransmissionFormat(version, session.Span);
        _authorizer = new TransmissionAuthorizer(_format, relayKey);
    }

    /// <summary>The version that forwarded commands are encoded in.</summary>
    public SmpVersion Version => _format.Version;

    /// <summary>Asks the proxy for a session with a destination relay, and checks that it is that relay.</summary>
    /// <param name="proxy">A session with the proxy.</param>
    /// <param name="relay">The destination.</param>
    /// <param name="password">The proxy's password, if it has one.</param>
    /// <param name="options">Time limits and randomness.</param>
    /// <param name="isInteractive">Whether somebody waits for it.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public static async Task<(ProxiedRelay? Relay, SmpClientError? Error)> OpenAsync(
        SmpClient proxy, ServerAddress relay, BasicAuth? password, SmpClientOptions options, bool isInteractive, CancellationToken cancellationToken)
    {
        if (proxy.Version < SmpVersions.SendingProxy)
            return (null, new SmpClientError.CannotSend(TransportError.Version));
        var time = options.Network.ConnectTime.For(isInteractive) + options.Network.CommandTime.For(isInteractive);
        var result = await proxy.SendWithinAsync(new SmpRequest(new SmpCommand.Prxy(relay, password)), time, cancellationToken);
        if (!result.IsOk)
            return (null, result.Error);
        if (result.Message is not BrokerMessage.PKey answer)
            return (null, SmpClientError.Unexpected.Instance);
        if (!answer.Versions.TryIntersect(SmpVersions.ClientRange, out var versions))
            return (null, FailureOf(TransportError.Version));
        return TryVerify(relay, answer.RelayKey, options.Time.GetUtcNow(), out var key)
            ? (new ProxiedRelay(proxy, options, answer.Session, new SmpVersion(versions.Max), key), null)
            : (null, FailureOf(TransportError.HandshakeIdentity));
    }

    /// <summary>Sends a command of a sender through the proxy: SEND, SKEY, LKEY or LGET.</summary>
    public async Task<ProxiedResult> SendAsync(SmpRequest request, bool isInteractive, CancellationToken cancellationToken)
    {
        var corrId = request.CorrId ?? new CorrId(_options.Random.Bytes(SmpLimits.IdLength));
        if (!_authorizer.TryEncode(corrId, request.Entity, request.Command, request.Key, out var transmission))
            return ProxiedResult.OfDestination(new SmpClientError.CannotSend(TransportError.NoServerAuth));
        using var commandKey = X25519PrivateKey.Generate(_options.Random);
        using var secret = commandKey.DeriveSharedSecret(_relayKey);
        using var box = BoxKey.From(secret);
        if (Seal(box, corrId, transmission) is not { } forwarded)
            return ProxiedResult.OfDestination(new SmpClientError.CannotSend(TransportError.LargeMessage));
        var command = new SmpCommand.PFwd(Version, commandKey.PublicKey, forwarded);

        // The proxy waits for the destination as long as this client would.
        var time = 2 * _options.Network.CommandTime.For(isInteractive);
        var result = await _proxy.SendWithinAsync(new SmpRequest(command, _session, null, corrId), time, cancellationToken);
        if (!result.IsOk)
            return ProxiedResult.OfProxy(result.Error);
        return result.Message is BrokerMessage.PRes answer
            ? Open(box, corrId, request.Entity, answer)
            : ProxiedResult.OfProxy(SmpClientError.Unexpected.Instance);
    }

    private static byte[]? Seal(BoxKey box, CorrId corrId, byte[] transmission)
    {
        if (transmission.Length > BatchPlan.MaxTransmissionLength)
            return null;
        var batch = new byte[1 + sizeof(ushort) + transmission.Length];
        var writer = new WireWriter(batch);
        writer.WriteByte(1);
        writer.WriteLarge(transmission);
        return ProxyForwarding.SealTransmission(box, corrId, batch);
    }

    private ProxiedResult Open(BoxKey box, CorrId corrId, EntityId entity, BrokerMessage.PRes answer)
    {
        if (!ProxyForwarding.TryOpenResponse(box, corrId, answer.Response.Span, out var content)
            || !BatchReader.TryOpen(content, _format, out var batch)
            || !batch.TryReadNext(out var transmission)
            || batch.Remaining > 0)
        {
            return ProxiedResult.OfDestination(new SmpClientError.BadAnswer(SmpError.Block.Instance));
        }

        if (!transmission.TryDecodeMessage(Version, out var message, out var error))
            return ProxiedResult.OfDestination(new SmpClientError.BadAnswer(error));
        if (message is BrokerMessage.Err refusal)
            return ProxiedResult.OfDestination(new SmpClientError.Relay(refusal.Error));
        return transmission.CorrId == corrId && transmission.Entity == entity
            ? new ProxiedResult(message, null, IsProxyError: false)
            : ProxiedResult.OfDestination(SmpClientError.Unexpected.Instance);
    }

    private static SmpClientError.Relay FailureOf(TransportError error) =>
        new(new SmpError.Proxy(new ProxyError.Broker(new BrokerError.Transport(error))));

    private static bool TryVerify(ServerAddress relay, CertificateSignedKey signed, DateTimeOffset now, [NotNullWhen(true)] out X25519PublicKey? key)
    {
        key = null;
        if (!CertificateChain.TryParse([.. signed.Certificates.Select(certificate => certificate.Memory)], out var chain)
            || chain.Validate(relay.KeyHash.Span, now) != CertificateVerdict.Valid
            || chain.Leaf.PublicKey is not VerificationKey leafKey
            || !SignedKey.TryVerify(signed.SignedKey.Span, leafKey, out var found))
        {
            return false;
        }

        key = found as X25519PublicKey;
        return key is not null;
    }
}
