using Pairwise.Crypto;
using Pairwise.Protocol.Smp;
using Pairwise.Protocol.Xftp;
using Pairwise.Transport;

namespace Pairwise.Server.Xftp;

/// <summary>What a session agreed on: the version, and the server's key for authenticators.</summary>
/// <param name="Version">The agreed version.</param>
/// <param name="SessionKey">Null in connections without handshake.</param>
internal sealed record XftpAgreement(XftpVersion Version, X25519PrivateKey? SessionKey);

/// <summary>
/// One connection's handshake: nothing yet, the server's hello sent, or agreed. Browsers may begin again, since pages that
/// share a connection do not know of each other. Guarded by its own lock: requests of a connection run at the same time.
/// </summary>
internal sealed class XftpSession : IDisposable
{
    private readonly Lock _gate = new();
    private readonly IRandomSource _random;
    private X25519PrivateKey? _key;
    private XftpAgreement? _agreement;

    public XftpSession(ISecureConnection connection, IRandomSource random)
    {
        _random = random;
        Format = TransmissionFormat.WithSentSessionId(connection.SessionId.Span);
        IsFromBrowser = connection.IsServerNameUsed;
        if (connection.ApplicationProtocol is null)
        {
            _agreement = new XftpAgreement(XftpVersions.Initial, null);
        }
    }

    /// <summary>How transmissions look, with the session's id.</summary>
    public TransmissionFormat Format { get; }

    /// <summary>Whether the peer got the certificate for browsers, and so has to have the identity proved otherwise.</summary>
    public bool IsFromBrowser { get; }

    /// <summary>What was agreed; null before.</summary>
    public XftpAgreement? Agreement
    {
        get
        {
            lock (_gate)
            {
                return _agreement;
            }
        }
    }

    /// <summary>Whether the server's hello was sent and the client's has not come yet.</summary>
    public bool IsHelloSent
    {
        get
        {
            lock (_gate)
            {
                return _key is not null && _agreement is null;
            }
        }
    }

    /// <summary>
    /// The public key for the server's hello; the same one for the whole connection. What was agreed stays until there is
    /// another agreement: several pages of one browser share a connection, and each begins with a hello.
    /// </summary>
    public X25519PublicKey BeginHandshake()
    {
        lock (_gate)
        {
            _key ??= X25519PrivateKey.Generate(_random);
            if (_agreement is { SessionKey: null })
            {
                _agreement = null;
            }

            return _key.PublicKey;
        }
    }

    /// <summary>Ends the handshake with the version that the client chose; false if there was no hello.</summary>
    public bool TryAgree(XftpVersion version)
    {
        lock (_gate)
        {
            if (_key is null)
            {
                return false;
            }

            _agreement = new XftpAgreement(version, _key);
            return true;
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _key?.Dispose();
        }
    }
}
