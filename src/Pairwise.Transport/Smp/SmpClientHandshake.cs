using System.Diagnostics.CodeAnalysis;
using Pairwise.Crypto;
using Pairwise.Protocol.Smp;
using Pairwise.Wire;

namespace Pairwise.Transport.Smp;

/// <summary>What a client brings into the handshake.</summary>
public sealed record SmpClientHandshakeOptions
{
    /// <summary>The fingerprint in the server's address, 32 bytes.</summary>
    public required Bytes KeyHash { get; init; }

    public VersionRange Versions { get; init; } = SmpVersions.ClientRange;

    /// <summary>Whether this client is a proxy that talks to a destination relay.</summary>
    public bool IsProxy { get; init; }

    /// <summary>The certificates of a service; null for everybody else. They have to be shown in TLS too.</summary>
    public SmpServiceCredential? Service { get; init; }
}

/// <summary>What the server's hello and this client agree on.</summary>
public sealed record SmpClientAgreement(
    Bytes SessionId,
    SmpVersion Version,
    VersionRange Versions,
    X25519PublicKey? ServerKey,
    CertificateSignedKey? SignedServerKey,
    SharedSecret? SessionSecret,
    bool IsProxy,
    SmpOwnService? Service)
{
    /// <summary>Whether blocks are encrypted inside TLS from here on.</summary>
    public bool IsBlockEncrypted => BlockEncryption.IsUsed(Version, IsProxy, SessionSecret);
}

/// <summary>
/// The client's side of the SMP handshake as a plain state machine: it takes the server's hello, makes the client's, and
/// takes the answer to a service. <see cref="RunAsync"/> runs it over a connection.
/// </summary>
public sealed class SmpClientHandshake
{
    private readonly SmpClientHandshakeOptions _options;
    private readonly X25519PrivateKey? _sessionKey;
    private readonly Ed25519PrivateKey? _serviceSessionKey;
    private readonly Bytes _sessionId;
    private readonly IReadOnlyList<ReadOnlyMemory<byte>> _peerCertificates;
    private readonly bool _isCertificateSent;

    /// <param name="options">What the client brings.</param>
    /// <param name="sessionKey">A new key for this session; null does without authenticators and block encryption.</param>
    /// <param name="serviceSessionKey">A new key for a service's signatures.</param>
    /// <param name="sessionId">The channel binding.</param>
    /// <param name="peerCertificates">What the server showed in TLS, leaf first.</param>
    /// <param name="isCertificateSent">Whether the server took this side's certificate in TLS.</param>
    public SmpClientHandshake(
        SmpClientHandshakeOptions options,
        X25519PrivateKey? sessionKey,
        Ed25519PrivateKey? serviceSessionKey,
        ReadOnlySpan<byte> sessionId,
        IReadOnlyList<ReadOnlyMemory<byte>> peerCertificates,
        bool isCertificateSent)
    {
        _options = options;
        _sessionKey = sessionKey;
        _serviceSessionKey = serviceSessionKey;
        _sessionId = Bytes.CopyOf(sessionId);
        _peerCertificates = peerCertificates;
        _isCertificateSent = isCertificateSent;
    }

    /// <summary>
    /// Takes the content of the server's hello and makes the client's. When the hello has a service in it, the server's
    /// answer is still to come: <see cref="ReceiveAnswer"/>.
    /// </summary>
    /// <returns>Null, or the error that ends the connection.</returns>
    public TransportError? Receive(ReadOnlySpan<byte> content, out SmpClientHello? hello, out SmpClientAgreement? agreement)
    {
        hello = null;
        agreement = null;
        if (!SmpHandshakeCodec.TryRead(content, out SmpServerHello? server))
            return TransportError.HandshakeParse;
        if (server.SessionId != _sessionId)
            return TransportError.Session;
        if (!server.Versions.TryIntersect(Offer(server.Versions), out var versions))
            return TransportError.Version;
        X25519PublicKey? serverKey = null;
        if (server.SessionKey is not null && !TryVerify(server.SessionKey, out serverKey))
            return TransportError.HandshakeBadAuth;
        var version = new SmpVersion(versions.Max);
        var service = _options.Service is { } credential && _serviceSessionKey is not null
            && version >= SmpVersions.ServiceCertificates && _isCertificateSent
            ? new SmpServiceHello(credential.Role, new CertificateSignedKey(
                new ValueListOfCertificates(credential.Certificates).Certificates,
                Bytes.Wrap(SignedKey.Sign(credential.Key, _serviceSessionKey.PublicKey))))
            : null;
        hello = new SmpClientHello(version, _options.KeyHash, _sessionKey?.PublicKey, _options.IsProxy, service);
        var secret = serverKey is null || _sessionKey is null ? null : _sessionKey.DeriveSharedSecret(serverKey);
        agreement = new SmpClientAgreement(_sessionId, version, versions, serverKey, server.SessionKey, secret, _options.IsProxy, Service: null);
        return null;
    }

    /// <summary>Takes the content of the server's answer to a service.</summary>
    /// <returns>Null, or the error that ends the connection.</returns>
    public TransportError? ReceiveAnswer(ReadOnlySpan<byte> content, ref SmpClientAgreement agreement)
    {
        if (!SmpHandshakeCodec.TryRead(content, out SmpServiceAnswer? answer))
            return TransportError.HandshakeParse;
        if (answer is SmpServiceAnswer.Rejected rejected)
            return rejected.Error;
        var id = ((SmpServiceAnswer.Accepted)answer).Service;
        agreement = agreement with
        {
            Service = new SmpOwnService(id, _options.Service!.Role, _options.Service.CertificateHash, _serviceSessionKey!),
        };
        return null;
    }

    /// <summary>
    /// Runs the handshake. The connection belongs to the session then, and is closed when this throws. The caller sets the
    /// time limit through the token.
    /// </summary>
    /// <exception cref="TransportException">The handshake failed.</exception>
    public static async Task<SmpClientSession> RunAsync(
        ISecureConnection connection,
        SmpClientHandshakeOptions options,
        IRandomSource random,
        CancellationToken cancellationToken)
    {
        var blocks = new BlockConnection(connection);
        using var sessionKey = X25519PrivateKey.Generate(random);
        var serviceKey = options.Service is null ? null : Ed25519PrivateKey.Generate(random);
        SmpClientAgreement? agreement = null;
        try
        {
            var handshake = new SmpClientHandshake(
                options, sessionKey, serviceKey, connection.SessionId.Span, connection.PeerCertificates, connection.IsCertificateSent);
            SmpClientHello? hello;
            using (var block = await HandshakeBlocks.ReceiveAsync(blocks, cancellationToken))
                ThrowIfError(handshake.Receive(block.Content.Span, out hello, out agreement));
            await HandshakeBlocks.SendAsync(blocks, hello!, cancellationToken);
            if (hello!.Service is not null)
            {
                using var block = await HandshakeBlocks.ReceiveAsync(blocks, cancellationToken);
                ThrowIfError(handshake.ReceiveAnswer(block.Content.Span, ref agreement!));
            }

            if (agreement!.Service is null)
                serviceKey?.Dispose();
            if (agreement.IsBlockEncrypted)
            {
                var (serverSends, clientSends) = SecretBoxChain.Init(agreement.SessionId.Span, agreement.SessionSecret!);
                blocks.Encrypt(clientSends, serverSends);
            }

            return new SmpClientSession(blocks, agreement);
        }
        catch
        {
            agreement?.SessionSecret?.Dispose();
            serviceKey?.Dispose();
            await blocks.DisposeAsync();
            throw;
        }
    }

    private static void ThrowIfError(TransportError? error)
    {
        if (error is not null)
            throw new TransportException(error.Value, "The handshake with the server failed.");
    }

    /// <summary>
    /// A proxy goes down to version 10 with a relay that is older than the proxy's flag: versions 11 and 12 would encrypt
    /// blocks once more, which the longer forwarded messages leave no room for.
    /// </summary>
    private VersionRange Offer(VersionRange server)
    {
        var own = _options.Versions;
        return _options.IsProxy && new SmpVersion(server.Max) < SmpVersions.ProxyServerHandshake
            ? new VersionRange(own.Min, Math.Max(own.Min, SmpVersions.DeletedEvent.Number))
            : own;
    }

    /// <summary>The server's key has to be signed by the certificate it showed in TLS, under the identity of the address.</summary>
    private bool TryVerify(CertificateSignedKey signed, [NotNullWhen(true)] out X25519PublicKey? serverKey)
    {
        serverKey = null;
        if (!CertificateChain.TryParse([.. signed.Certificates.Select(certificate => certificate.Memory)], out var chain)
            || chain.IsSelfSigned
            || chain.IdentityFingerprint != _options.KeyHash
            || _peerCertificates.Count == 0
            || !Certificate.TryParse(_peerCertificates[0].Span, out var leaf)
            || leaf.PublicKey is not VerificationKey leafKey
            || !SignedKey.TryVerify(signed.SignedKey.Span, leafKey, out var key))
        {
            return false;
        }

        serverKey = key as X25519PublicKey;
        return serverKey is not null;
    }
}
