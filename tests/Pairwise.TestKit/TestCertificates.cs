using Pairwise.Crypto;

namespace Pairwise.TestKit;

/// <summary>Certificates for tests, made once: a relay's authority and chains under it, and a service's own certificate.</summary>
public static class TestCertificates
{
    private static readonly DateTimeOffset From = DateTimeOffset.FromUnixTimeSeconds(1_700_000_000);

    private static readonly Lazy<(CertificateChain Chain, SigningKey Key)> LazyServer = new(() => Issue(KeyAlgorithm.Ed448, KeyAlgorithm.Ed25519));
    private static readonly Lazy<(CertificateChain Chain, SigningKey Key)> LazyOther = new(() => Issue(KeyAlgorithm.Ed25519, KeyAlgorithm.Ed448));
    private static readonly Lazy<(CertificateChain Chain, SigningKey Key)> LazyService = new(MakeSelfSigned);

    /// <summary>An Ed25519 leaf under an Ed448 authority, as the network's relays have.</summary>
    public static (CertificateChain Chain, SigningKey Key) Server => LazyServer.Value;

    /// <summary>The certificates of another relay: an Ed448 leaf under an Ed25519 authority.</summary>
    public static (CertificateChain Chain, SigningKey Key) OtherServer => LazyOther.Value;

    /// <summary>One self-signed certificate.</summary>
    public static (CertificateChain Chain, SigningKey Key) Service => LazyService.Value;

    /// <summary>A new chain of two.</summary>
    public static (CertificateChain Chain, SigningKey Key) Issue(KeyAlgorithm authority, KeyAlgorithm leaf)
    {
        using var root = CertificateAuthority.Create(authority, SystemRandom.Instance, From);
        var key = CertificateAuthority.GenerateKey(leaf, SystemRandom.Instance);
        var certificate = root.IssueServerCertificate("localhost", key.PublicKey, SystemRandom.Instance, From);
        return (CertificateChain.From(certificate, root.Certificate), key);
    }

    private static (CertificateChain Chain, SigningKey Key) MakeSelfSigned()
    {
        var root = CertificateAuthority.Create(KeyAlgorithm.Ed25519, SystemRandom.Instance, From);
        return (CertificateChain.From(root.Certificate), root.Key);
    }
}
