using Pairwise.Crypto;
using Pairwise.Protocol.Smp;
using Pairwise.Transport.Smp;

namespace Pairwise.Conformance;

/// <summary>A service with its own authority, and a leaf certificate under it.</summary>
public sealed class TestService : IDisposable
{
    private readonly CertificateAuthority _authority;
    private readonly SmpServiceRole _role;
    private readonly SigningKey _leafKey;
    private readonly CertificateChain _chain;

    private TestService(CertificateAuthority authority, SmpServiceRole role, SigningKey leafKey, CertificateChain chain) =>
        (_authority, _role, _leafKey, _chain) = (authority, role, leafKey, chain);

    public SmpServiceCredential Credential => new(_role, _chain, _leafKey);

    public static TestService Create(SmpServiceRole role)
    {
        var authority = CertificateAuthority.Create(KeyAlgorithm.Ed25519, SystemRandom.Instance, TimeProvider.System.GetUtcNow());
        var (key, leaf) = Issue(authority);
        return new TestService(authority, role, key, CertificateChain.From(leaf, authority.Certificate));
    }

    /// <summary>The same certificates in another role.</summary>
    public TestService As(SmpServiceRole role) => new(_authority, role, _leafKey, _chain);

    /// <summary>A leaf that somebody else signed, in front of this service's authority.</summary>
    public TestService WithForgedLeaf()
    {
        using var stranger = CertificateAuthority.Create(KeyAlgorithm.Ed25519, SystemRandom.Instance, TimeProvider.System.GetUtcNow());
        var (key, leaf) = Issue(stranger);
        return new TestService(_authority, _role, key, CertificateChain.From(leaf, _authority.Certificate));
    }

    public static PrivateKey SessionKeyOf(Party party) => party.Client.Service!.SessionKey;

    public void Dispose()
    {
        _leafKey.Dispose();
        _authority.Dispose();
    }

    private static (SigningKey Key, Certificate Leaf) Issue(CertificateAuthority authority)
    {
        var key = CertificateAuthority.GenerateKey(KeyAlgorithm.Ed25519, SystemRandom.Instance);
        return (key, authority.IssueServerCertificate("service", key.PublicKey, SystemRandom.Instance, TimeProvider.System.GetUtcNow()));
    }
}
