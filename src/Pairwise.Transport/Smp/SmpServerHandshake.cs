using Pairwise.Crypto;
using Pairwise.Protocol.Smp;
using Pairwise.Wire;

namespace Pairwise.Transport.Smp;

/// <summary>A service that a client claims to be, with everything proved but that the relay takes it.</summary>
/// <param name="Role">What it does.</param>
/// <param name="Certificates">Its certificates.</param>
/// <param name="CertificateHash">SHA-256 of the identity certificate.</param>
/// <param name="SessionKey">Signs its commands in this session.</param>
public sealed record SmpServiceClaim(SmpServiceRole Role, CertificateChain Certificates, Bytes CertificateHash, Ed25519PublicKey SessionKey);

/// <summary>Finds or makes the record of a service; null refuses it.</summary>
public delegate ValueTask<ServiceId?> SmpServiceRegistration(SmpServiceClaim claim, CancellationToken cancellationToken);

/// <summary>Who a relay is: its certificates, the key of the leaf, and the hash that its address bears.</summary>
public sealed class SmpServerIdentity(CertificateChain certificates, SigningKey key)
{
    public CertificateChain Certificates { get; } = certificates;

    public SigningKey Key { get; } = key;

    /// <summary>SHA-256 of the identity certificate, 32 bytes.</summary>
    public Bytes KeyHash => Certificates.IdentityFingerprint;

    // the same for every connection
    internal ValueListOfCertificates Encoded { get; } = new(certificates);
}

/// <summary>What a client's hello and the server's own hello agree on.</summary>
public sealed record SmpServerAgreement(
    Bytes SessionId,
    SmpVersion Version,
    VersionRange Versions,
    SharedSecret? SessionSecret,
    bool IsProxy,
    SmpPeerService? Service)
{
    /// <summary>Whether blocks are encrypted inside TLS from here on.</summary>
    public bool IsBlockEncrypted => BlockEncryption.IsUsed(Version, IsProxy, SessionSecret);
}

/// <summary>
/// The relay's side of the SMP handshake as a plain state machine: it makes the server's hello, takes the client's, and
/// answers a service. <see cref="RunAsync"/> runs it over a connection.
/// </summary>
public sealed class SmpServerHandshake
{
    private readonly SmpServerIdentity _identity;
    private readonly X25519PrivateKey _sessionKey;
    private readonly Bytes _sessionId;
    private readonly VersionRange _versions;
    private readonly IReadOnlyList<ReadOnlyMemory<byte>> _peerCertificates;

    /// <param name="identity">Who the relay is.</param>
    /// <param name="sessionKey">A new key for this session.</param>
    /// <param name="sessionId">The channel binding.</param>
    /// <param name="hasApplicationProtocol">Without ALPN the relay offers <see cref="SmpVersions.LegacyServerRange"/> only.</param>
    /// <param name="versions">What the relay speaks.</param>
    /// <param name="peerCertificates">What the client showed in TLS, leaf first.</param>
    public SmpServerHandshake(
        SmpServerIdentity identity,
        X25519PrivateKey sessionKey,
        ReadOnlySpan<byte> sessionId,
        bool hasApplicationProtocol,
        VersionRange versions,
        IReadOnlyList<ReadOnlyMemory<byte>> peerCertificates)
    {
        _identity = identity;
        _sessionKey = sessionKey;
        _sessionId = Bytes.CopyOf(sessionId);
        _versions = hasApplicationProtocol ? versions : SmpVersions.LegacyServerRange;
        _peerCertificates = peerCertificates;
    }

    /// <summary>The server's hello.</summary>
    public SmpServerHello CreateHello()
    {
        var signed = SignedKey.Sign(_identity.Key, _sessionKey.PublicKey);
        return new SmpServerHello(_versions, _sessionId, new CertificateSignedKey(_identity.Encoded.Certificates, Bytes.Wrap(signed)));
    }

    /// <summary>
    /// Takes the content of the client's hello. On success either <paramref name="agreement"/> is final, or
    /// <paramref name="claim"/> is set and the client waits for an answer: <see cref="Accept"/> gives the final agreement.
    /// </summary>
    /// <returns>Null, or the error that ends the connection.</returns>
    public TransportError? Receive(ReadOnlySpan<byte> content, out SmpServerAgreement? agreement, out SmpServiceClaim? claim, out bool isAnswerExpected)
    {
        agreement = null;
        claim = null;
        isAnswerExpected = false;
        if (!SmpHandshakeCodec.TryRead(content, out SmpClientHello? hello))
            return TransportError.HandshakeParse;
        if (hello.KeyHash != _identity.KeyHash)
            return TransportError.HandshakeIdentity;
        if (!_versions.TryCap(hello.Version.Number, out var versions))
            return TransportError.Version;
        if (hello.Service is not null)
        {
            isAnswerExpected = true;
            if (!TryProve(hello.Service, out claim))
                return TransportError.HandshakeBadAuth;
        }

        var secret = hello.SessionKey is null ? null : _sessionKey.DeriveSharedSecret(hello.SessionKey);
        agreement = new SmpServerAgreement(_sessionId, hello.Version, versions, secret, hello.IsProxy, Service: null);
        return null;
    }

    /// <summary>The final agreement with a service that the relay takes.</summary>
    public static SmpServerAgreement Accept(SmpServerAgreement agreement, SmpServiceClaim claim, ServiceId id) =>
        agreement with { Service = new SmpPeerService(id, claim.Role, claim.CertificateHash, claim.SessionKey) };

    /// <summary>
    /// Runs the handshake. The connection belongs to the session then, and is closed when this throws. The caller sets the
    /// time limit through the token.
    /// </summary>
    /// <param name="connection">A new connection.</param>
    /// <param name="identity">Who the relay is.</param>
    /// <param name="versions">What the relay speaks.</param>
    /// <param name="random">For the session's key.</param>
    /// <param name="register">Takes services; null refuses them.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <exception cref="TransportException">The handshake failed.</exception>
    public static async Task<SmpServerSession> RunAsync(
        ISecureConnection connection,
        SmpServerIdentity identity,
        VersionRange versions,
        IRandomSource random,
        SmpServiceRegistration? register,
        CancellationToken cancellationToken)
    {
        var blocks = new BlockConnection(connection);
        var sessionKey = X25519PrivateKey.Generate(random);
        SmpServerAgreement? agreement = null;
        try
        {
            var handshake = new SmpServerHandshake(
                identity, sessionKey, connection.SessionId.Span, connection.ApplicationProtocol is not null, versions, connection.PeerCertificates);
            await HandshakeBlocks.SendAsync(blocks, handshake.CreateHello(), cancellationToken);
            TransportError? error;
            SmpServiceClaim? claim;
            bool isAnswerExpected;
            using (var block = await HandshakeBlocks.ReceiveAsync(blocks, cancellationToken))
                error = handshake.Receive(block.Content.Span, out agreement, out claim, out isAnswerExpected);
            if (claim is not null)
            {
                if (register is not null && await register(claim, cancellationToken) is { } id)
                {
                    agreement = Accept(agreement!, claim, id);
                    await HandshakeBlocks.SendAsync(blocks, new SmpServiceAnswer.Accepted(id), cancellationToken);
                }
                else
                {
                    error = TransportError.HandshakeBadService;
                }
            }

            if (error is not null)
            {
                if (isAnswerExpected)
                    await HandshakeBlocks.SendAsync(blocks, new SmpServiceAnswer.Rejected(error.Value), cancellationToken);
                throw new TransportException(error.Value, "The client's handshake is not accepted.");
            }

            if (agreement!.IsBlockEncrypted)
            {
                var (serverSends, clientSends) = SecretBoxChain.Init(agreement.SessionId.Span, agreement.SessionSecret!);
                blocks.Encrypt(serverSends, clientSends);
            }

            return new SmpServerSession(blocks, agreement, sessionKey);
        }
        catch
        {
            agreement?.SessionSecret?.Dispose();
            sessionKey.Dispose();
            await blocks.DisposeAsync();
            throw;
        }
    }

    private bool TryProve(SmpServiceHello service, out SmpServiceClaim? claim)
    {
        claim = null;
        var shown = service.SignedKey.Certificates;
        if (shown.Count != _peerCertificates.Count)
            return false;
        for (var i = 0; i < shown.Count; i++)
        {
            if (!shown[i].Span.SequenceEqual(_peerCertificates[i].Span))
                return false;
        }

        if (!CertificateChain.TryParse(_peerCertificates, out var chain)
            || chain.Leaf.PublicKey is not VerificationKey leafKey
            || !SignedKey.TryVerify(service.SignedKey.SignedKey.Span, leafKey, out var key)
            || key is not Ed25519PublicKey sessionKey)
        {
            return false;
        }

        claim = new SmpServiceClaim(service.Role, chain, chain.IdentityFingerprint, sessionKey);
        return true;
    }
}
