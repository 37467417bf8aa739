using System.Text;
using Pairwise.Crypto;
using Pairwise.Wire;

namespace Pairwise.Fuzz;

/// <summary>Keys, certificates and boxes.</summary>
internal static class CryptoTargets
{
    private static readonly Ed25519PublicKey Signer = Ed25519PublicKey.FromRaw(new byte[Ed25519PublicKey.RawLength]);
    private static readonly BoxKey Box = BoxKey.FromSymmetric(new byte[BoxKey.KeyLength]);

    public static IReadOnlyList<FuzzTarget> All { get; } =
    [
        new(
            "crypto public key",
            [typeof(PublicKey), typeof(VerificationKey), typeof(Ed25519PublicKey), typeof(Ed448PublicKey), typeof(X25519PublicKey), typeof(X448PublicKey)],
            () => Corpus.Bytes("crypto.json", "publicSpki"),
            input =>
            {
                var isSpecific = VerificationKey.TryFromSpki(input, out _) | Ed25519PublicKey.TryFromSpki(input, out Ed25519PublicKey? _) | Ed448PublicKey.TryFromSpki(input, out Ed448PublicKey? _) | X25519PublicKey.TryFromSpki(input, out X25519PublicKey? _) | X448PublicKey.TryFromSpki(input, out X448PublicKey? _);
                var isAny = PublicKey.TryFromSpki(input, out PublicKey? key);
                return isAny == isSpecific
                    ? FuzzTarget.Stable(isAny, key, value => value.ToSpki(), bytes => PublicKey.TryFromSpki(bytes, out PublicKey? again) ? again : null)
                    : throw new FuzzException("A key is known to one reader and unknown to the other.");
            }),
        new(
            "crypto private key",
            [typeof(PrivateKey), typeof(Ed25519PrivateKey), typeof(Ed448PrivateKey), typeof(X25519PrivateKey), typeof(X448PrivateKey)],
            () => Corpus.Bytes("crypto.json", "privatePkcs8"),
            input =>
            {
                if (!PrivateKey.TryFromPkcs8(input, out PrivateKey? key))
                {
                    return false;
                }

                using (key)
                {
                    return FuzzTarget.Stable(true, key, value => value.ToPkcs8(), bytes => PrivateKey.TryFromPkcs8(bytes, out PrivateKey? again) ? again : null);
                }
            })
        { Cost = 2 },
        new("crypto certificate", [typeof(Certificate)], () => Corpus.Bytes("crypto.json"), input => Certificate.TryParse(input, out _)) { Cost = 2 },
        new(
            "crypto certificate chain",
            [typeof(CertificateChain)],
            () => Corpus.Bytes("smp_handshake.json", "serverBlocks", "clientBlocks", "certChain", "encodedChain"),
            input =>
            {
                var reader = new WireReader(input);
                var isRead = CertificateChain.TryRead(ref reader, out var chain) | CertificateChain.TryParse([input, input], out _);
                chain?.Validate(DateTimeOffset.UnixEpoch);
                return isRead;
            })
        { Cost = 2, MayRefuseEverySeed = true },
        new("crypto signed key", [], () => Corpus.Bytes("crypto.json", "signedKeyDer", "signed", "der"), input => SignedKey.TryVerify(input, Signer, out _)) { MayRefuseEverySeed = true },
        new("crypto PEM", [typeof(Pem)], () => [Encoding.ASCII.GetBytes("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"), Encoding.ASCII.GetBytes("-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n-----END PRIVATE KEY-----\n")], input =>
        {
            var text = Encoding.Latin1.GetString(input);
            return Pem.TryReadCertificate(text, out _) | Pem.TryReadPrivateKey(text, out _);
        }),
        new("crypto KEM keys", [typeof(Sntrup761PublicKey), typeof(Sntrup761Ciphertext), typeof(Sntrup761KeyPair)], () => Corpus.Bytes("sntrup761.json", "publicKey", "ciphertext"), input =>
            Sntrup761PublicKey.TryFromRaw(input, out _)
            | Sntrup761Ciphertext.TryFromRaw(input, out _)
            | Sntrup761KeyPair.TryFromRaw(input, input, out _)),
        new("crypto box", [], () => Corpus.Bytes("crypto.json", "box", "encrypted", "ciphertext"), input =>
            Box.TryOpen(new byte[BoxNonce.Length], input, out byte[]? _) | Box.TryOpenPadded(new byte[BoxNonce.Length], input, out byte[]? _))
        { MayRefuseEverySeed = true },
    ];
}
