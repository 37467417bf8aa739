using System.Globalization;
using System.Text.Json;
using Pairwise.Crypto;

namespace Pairwise.Load;

/// <summary>"crypto": every primitive by itself, and the ratchet's post-quantum KEM beside a reference timing.</summary>
internal static class CryptoSuite
{
    internal const string Summary = "each cryptographic primitive   [--seconds PER_ROUND] [--sntrup761-reference-ms KEYGEN,ENCAPSULATION,DECAPSULATION]";

    // Also settable for machines on which the reference's C code was timed once.
    private const string ReferenceVariable = "PAIRWISE_SNTRUP761_REFERENCE_MS";
    private const string ReferenceOption = "sntrup761-reference-ms";

    internal static Task<int> RunAsync(SuiteOptions options, CancellationToken cancellationToken)
    {
        options.AllowOnly("seconds", ReferenceOption);
        var seconds = options.Number("seconds", 0.1);
        var reference = ReferenceMicroseconds(options.Text(ReferenceOption, ReferenceVariable));
        var results = new SortedDictionary<string, object>(StringComparer.Ordinal) { ["suite"] = "crypto" };

        Console.WriteLine("Cryptographic primitives, CPU time of one core");
        foreach (var (name, key, operation) in Primitives())
        {
            cancellationToken.ThrowIfCancellationRequested();
            var microseconds = Measure.Microseconds(operation, seconds);
            results[key] = Math.Round(microseconds, 3);
            Console.WriteLine(Measure.Row(name, microseconds, "µs"));
        }

        Console.WriteLine("sntrup761, the ratchet's post-quantum key encapsulation");
        foreach (var (index, (name, key, operation)) in Kem().Index())
        {
            cancellationToken.ThrowIfCancellationRequested();
            var microseconds = Measure.Microseconds(operation, seconds);
            results[key] = Math.Round(microseconds, 2);
            string? remark = null;
            if (reference is not null)
            {
                var ratio = reference[index] / microseconds;
                results[key.Replace("_us", "_times_faster", StringComparison.Ordinal)] = Math.Round(ratio, 2);
                remark = string.Create(CultureInfo.InvariantCulture, $"{ratio:N1} times faster than the reference's {reference[index]:N0} µs");
            }

            Console.WriteLine(Measure.Row(name, microseconds, "µs", remark));
        }

        Console.WriteLine(JsonSerializer.Serialize(results));
        return Task.FromResult(0);
    }

    private static double[]? ReferenceMicroseconds(string? text)
    {
        if (text is null)
            return null;
        var numbers = new double[3];
        var parts = text.Split(',');
        var isRead = parts.Length == numbers.Length;
        for (var i = 0; isRead && i < numbers.Length; i++)
            isRead = double.TryParse(parts[i], NumberStyles.Float, CultureInfo.InvariantCulture, out numbers[i]) && numbers[i] > 0;
        return isRead
            ? [.. numbers.Select(milliseconds => milliseconds * 1000)]
            : throw new SuiteException($"--{ReferenceOption} wants three positive numbers such as 46.8,5.9,17.7, not '{text}'");
    }

    private static IEnumerable<(string Name, string Key, Action Operation)> Primitives()
    {
        var random = SystemRandom.Instance;
        var message = random.Bytes(16_368);
        var ciphertext = new byte[message.Length + BoxKey.TagLength];
        var tag = new byte[AesGcm16.TagLength];
        var x25519 = X25519PrivateKey.Generate(random);
        var x448 = X448PrivateKey.Generate(random);
        var ed25519 = Ed25519PrivateKey.Generate(random);
        var ed448 = Ed448PrivateKey.Generate(random);
        var shortMessage = random.Bytes(110);
        var (signature25519, signature448) = (ed25519.Sign(shortMessage), ed448.Sign(shortMessage));
        var (key, iv, nonce) = (random.Bytes(32), random.Bytes(16), random.Bytes(24));
        var box = BoxKey.FromSymmetric(key);
        var boxed = box.Seal(nonce, message);
        var (chain, _) = SecretBoxChain.Init(key, SharedSecret.FromBytes(key));
        var authenticator = Authenticator.Create(box, nonce, shortMessage);
        var (derived, digest) = (new byte[96], new byte[Digests.Sha512Length]);

        yield return ("X25519 key generation", "x25519_generate_us", () => { using var k = X25519PrivateKey.Generate(random); _ = k.PublicKey; });
        yield return ("X25519 agreement", "x25519_agree_us", () => x25519.DeriveSharedSecret(x25519.PublicKey).Dispose());
        yield return ("X448 key generation", "x448_generate_us", () => { using var k = X448PrivateKey.Generate(random); _ = k.PublicKey; });
        yield return ("X448 agreement", "x448_agree_us", () => x448.DeriveSharedSecret(x448.PublicKey).Dispose());
        yield return ("Ed25519 signature", "ed25519_sign_us", () => ed25519.Sign(shortMessage));
        yield return ("Ed25519 verification", "ed25519_verify_us", () => ed25519.PublicKey.Verify(shortMessage, signature25519));
        if (Ed25519KeyTable.TryCreate(ed25519.PublicKey) is { } table)
        {
            yield return ("Ed25519 table of a key", "ed25519_table_us", () => Ed25519KeyTable.TryCreate(ed25519.PublicKey));
            yield return ("Ed25519 verification with it", "ed25519_verify_by_table_us", () => table.Verify(shortMessage, signature25519));
        }

        yield return ("Ed448 signature", "ed448_sign_us", () => ed448.Sign(shortMessage));
        yield return ("Ed448 verification", "ed448_verify_us", () => ed448.PublicKey.Verify(shortMessage, signature448));
        yield return ("box sealed, 16 KB", "box_seal_16k_us", () => box.Seal(nonce, message, ciphertext));
        yield return ("box opened, 16 KB", "box_open_16k_us", () => box.TryOpen(nonce, boxed, message));
        yield return ("block chain step and box, 16 KB", "chain_seal_16k_us", () => chain.Seal(message, ciphertext));
        yield return ("authenticator verified, 110 bytes", "authenticator_verify_us", () => Authenticator.Verify(box, nonce, shortMessage, authenticator));
        yield return ("AES-256-GCM with 16-byte IV, 16 KB", "aes_gcm_16k_us", () => AesGcm16.Encrypt(key, iv, key, message, ciphertext.AsSpan(0, message.Length), tag));
        yield return ("HKDF-SHA512 to 96 bytes", "hkdf_96_us", () => HkdfSha512.Derive(key, key, "SimpleXRootRatchet"u8, derived));
        yield return ("SHA-512, 16 KB", "sha512_16k_us", () => Digests.Sha512(message, digest));
        yield return ("SHA-256, 16 KB", "sha256_16k_us", () => Digests.Sha256(message, digest));
        yield return ("SHA3-256, 16 KB", "sha3_256_16k_us", () => Digests.Sha3_256(message, digest));
    }

    private static IEnumerable<(string Name, string Key, Action Operation)> Kem()
    {
        var random = SystemRandom.Instance;
        var (publicKey, secretKey) = (new byte[1158], new byte[1763]);
        var (ciphertext, secret) = (new byte[1039], new byte[32]);
        Sntrup761.GenerateKeyPair(random, publicKey, secretKey);
        Sntrup761.Encapsulate(random, publicKey, ciphertext, secret);
        var (otherPublicKey, otherSecretKey) = (new byte[1158], new byte[1763]);
        yield return ("key generation", "sntrup761_generate_us", () => Sntrup761.GenerateKeyPair(random, otherPublicKey, otherSecretKey));
        yield return ("encapsulation", "sntrup761_encapsulate_us", () => Sntrup761.Encapsulate(random, publicKey, ciphertext, secret));
        yield return ("decapsulation", "sntrup761_decapsulate_us", () => Sntrup761.Decapsulate(secretKey, ciphertext, secret));
    }
}
