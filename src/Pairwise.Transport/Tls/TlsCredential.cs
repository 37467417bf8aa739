using System.Security.Cryptography;
using Pairwise.Crypto;

namespace Pairwise.Transport.Tls;

/// <summary>Certificates, leaf first, and the private key of the leaf. The key's bytes live as long as this object.</summary>
public sealed class TlsCredential
{
    private readonly ReadOnlyMemory<byte>[] _certificates;
    private readonly byte[] _privateKey;

    /// <param name="certificates">DER, leaf first.</param>
    /// <param name="privateKey">DER: PKCS#8, or the older forms of RSA and EC keys.</param>
    public TlsCredential(IEnumerable<ReadOnlyMemory<byte>> certificates, ReadOnlySpan<byte> privateKey)
    {
        _certificates = [.. certificates];
        if (_certificates.Length == 0)
            throw new ArgumentException("A credential has at least one certificate.", nameof(certificates));
        _privateKey = privateKey.ToArray();
    }

    /// <summary>DER, leaf first.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> Certificates => _certificates;

    internal ReadOnlySpan<byte> PrivateKey => _privateKey;

    /// <summary>The same certificates and key as the protocol's own types.</summary>
    public static TlsCredential From(CertificateChain certificates, SigningKey key)
    {
        var encoded = key.ToPkcs8();
        try
        {
            return new TlsCredential(certificates.Certificates.Select(certificate => certificate.Der), encoded);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(encoded);
        }
    }

    /// <summary>Reads PEM texts: all certificates in order, and the first private key.</summary>
    /// <exception cref="InvalidDataException">One of them is missing or is not PEM.</exception>
    public static TlsCredential FromPem(string certificates, string privateKey)
    {
        var chain = new List<ReadOnlyMemory<byte>>();
        ReadOnlySpan<char> rest = certificates;
        while (PemEncoding.TryFind(rest, out var fields))
        {
            if (rest[fields.Label] is "CERTIFICATE")
                chain.Add(Convert.FromBase64String(rest[fields.Base64Data].ToString()));
            rest = rest[fields.Location.End..];
        }

        if (chain.Count == 0)
            throw new InvalidDataException("There is no PEM certificate.");
        rest = privateKey;
        while (PemEncoding.TryFind(rest, out var fields))
        {
            if (rest[fields.Label].EndsWith("PRIVATE KEY", StringComparison.Ordinal))
                return new TlsCredential(chain, Convert.FromBase64String(rest[fields.Base64Data].ToString()));
            rest = rest[fields.Location.End..];
        }

        throw new InvalidDataException("There is no PEM private key.");
    }
}
