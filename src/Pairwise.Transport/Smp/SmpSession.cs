using Pairwise.Crypto;
using Pairwise.Protocol.Smp;
using Pairwise.Wire;

namespace Pairwise.Transport.Smp;

/// <summary>What both sides of an SMP connection know after its handshake. It owns the connection and the secrets.</summary>
public abstract class SmpSession : IAsyncDisposable
{
    private protected SmpSession(BlockConnection blocks, Bytes sessionId, SmpVersion version, VersionRange versions, SharedSecret? sessionSecret)
    {
        Blocks = blocks;
        SessionId = sessionId;
        Version = version;
        Versions = versions;
        SessionSecret = sessionSecret;
    }

    /// <summary>The connection, with the block encryption on if it was agreed on.</summary>
    public BlockConnection Blocks { get; }

    /// <summary>The channel binding.</summary>
    public Bytes SessionId { get; }

    /// <summary>The agreed version.</summary>
    public SmpVersion Version { get; }

    /// <summary>What the server speaks, up to the agreed version.</summary>
    public VersionRange Versions { get; }

    /// <summary>The secret of the two session keys: a proxy and a relay encrypt forwarded commands with it. Null when a side has no key.</summary>
    public SharedSecret? SessionSecret { get; }

    public virtual async ValueTask DisposeAsync()
    {
        await Blocks.DisposeAsync();
        SessionSecret?.Dispose();
        GC.SuppressFinalize(this);
    }
}

/// <summary>The relay's side of a connection.</summary>
public sealed class SmpServerSession : SmpSession
{
    internal SmpServerSession(BlockConnection blocks, SmpServerAgreement agreement, X25519PrivateKey sessionKey)
        : base(blocks, agreement.SessionId, agreement.Version, agreement.Versions, agreement.SessionSecret)
    {
        SessionKey = sessionKey;
        IsProxy = agreement.IsProxy;
        Service = agreement.Service;
    }

    /// <summary>This session's private key: with a queue's X25519 key it checks authenticators.</summary>
    public X25519PrivateKey SessionKey { get; }

    /// <summary>Whether the client is a proxy.</summary>
    public bool IsProxy { get; }

    /// <summary>The service the client is, if it is one.</summary>
    public SmpPeerService? Service { get; }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        SessionKey.Dispose();
    }
}

/// <summary>The client's side of a connection.</summary>
public sealed class SmpClientSession : SmpSession
{
    internal SmpClientSession(BlockConnection blocks, SmpClientAgreement agreement)
        : base(blocks, agreement.SessionId, agreement.Version, agreement.Versions, agreement.SessionSecret)
    {
        ServerKey = agreement.ServerKey;
        SignedServerKey = agreement.SignedServerKey;
        Service = agreement.Service;
    }

    /// <summary>The server's key of this session: with a private X25519 key of a queue it makes authenticators. Null before version 7.</summary>
    public X25519PublicKey? ServerKey { get; }

    /// <summary>The same key with the server's certificates, as a proxy passes them on.</summary>
    public CertificateSignedKey? SignedServerKey { get; }

    /// <summary>The service this client is, if it is one and the relay takes services.</summary>
    public SmpOwnService? Service { get; }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        Service?.SessionKey.Dispose();
    }
}
