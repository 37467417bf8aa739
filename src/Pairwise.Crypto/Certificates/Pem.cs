using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace Pairwise.Crypto;

/// <summary>Certificates and private keys as PEM text (RFC 7468), the way servers keep them in files.</summary>
public static class Pem
{
    private const string CertificateLabel = "CERTIFICATE";
    private const string PrivateKeyLabel = "PRIVATE KEY";

    /// <summary>A certificate's text, with a line end at its end.</summary>
    public static string Write(Certificate certificate)
    {
        ArgumentNullException.ThrowIfNull(certificate);
        return PemEncoding.WriteString(CertificateLabel, certificate.Der.Span) + "\n";
    }

    /// <summary>A private key's text (PKCS#8, not encrypted), with a line end at its end.</summary>
    public static string Write(PrivateKey key)
    {
        ArgumentNullException.ThrowIfNull(key);
        var pkcs8 = key.ToPkcs8();
        try
        {
            return PemEncoding.WriteString(PrivateKeyLabel, pkcs8) + "\n";
        }
        finally
        {
            CryptographicOperations.ZeroMemory(pkcs8);
        }
    }

    /// <summary>The first certificate in <paramref name="text"/>.</summary>
    public static bool TryReadCertificate(string text, [NotNullWhen(true)] out Certificate? certificate)
    {
        certificate = null;
        return TryFind(text, CertificateLabel, out var der) && Certificate.TryParse(der, out certificate);
    }

    /// <summary>The first private key in <paramref name="text"/>, if it is of one of the network's curves.</summary>
    public static bool TryReadPrivateKey(string text, [NotNullWhen(true)] out PrivateKey? key)
    {
        key = null;
        if (!TryFind(text, PrivateKeyLabel, out var der))
            return false;
        var isRead = PrivateKey.TryFromPkcs8(der, out key);
        CryptographicOperations.ZeroMemory(der);
        return isRead;
    }

    private static bool TryFind(string text, string label, [NotNullWhen(true)] out byte[]? der)
    {
        ArgumentNullException.ThrowIfNull(text);
        der = null;
        ReadOnlySpan<char> rest = text;
        while (PemEncoding.TryFind(rest, out var fields))
        {
            if (rest[fields.Label].SequenceEqual(label))
            {
                der = new byte[fields.DecodedDataLength];
                return Convert.TryFromBase64Chars(rest[fields.Base64Data], der, out var written) && written == der.Length;
            }

            rest = rest[fields.Location.End..];
        }

        return false;
    }
}
