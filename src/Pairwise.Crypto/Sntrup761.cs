using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Pairwise.Crypto;

/// <summary>
/// Streamlined NTRU Prime 761, the key encapsulation mechanism of the ratchet and of device linking.
/// </summary>
/// <remarks>
/// Source: NTRU Prime, third-round submission to NIST PQC, 2020 (<c>ntruprime.cr.yp.to</c>). No branch, memory address
/// or division depends on a secret; the one exception is public by design: how often a first draw of a key had no
/// inverse. Working memory is wiped. Stateless and thread-safe; all lengths are in bytes.
/// </remarks>
public static class Sntrup761
{
    public const int PublicKeyLength = 1158;
    public const int SecretKeyLength = 1763;
    public const int CiphertextLength = 1039;
    public const int SharedSecretLength = 32;

    private const int SmallLength = Sntrup761Codec.SmallLength;
    private const int RoundedLength = Sntrup761Codec.RoundedLength;
    private const int HashLength = 32;

    // secretKey = f(191) 1/g(191) publicKey(1158) rho(191) hash4(publicKey)(32)
    private const int PublicKeyOffset = 2 * SmallLength;
    private const int RhoOffset = PublicKeyOffset + PublicKeyLength;
    private const int CacheOffset = RhoOffset + SmallLength;

    /// <summary>
    /// Makes a key pair. Draws 3,044 bytes for g until it has an inverse, 3,044 bytes for f, 191 bytes for rho.
    /// </summary>
    /// <param name="publicKey">1,158 bytes: h = g / (3 f).</param>
    /// <param name="secretKey">1,763 bytes, which hold the public key too.</param>
    /// <exception cref="ArgumentException">A length is wrong.</exception>
    public static void GenerateKeyPair(IRandomSource random, Span<byte> publicKey, Span<byte> secretKey)
    {
        ArgumentNullException.ThrowIfNull(random);
        CheckLength(publicKey.Length, PublicKeyLength, nameof(publicKey));
        CheckLength(secretKey.Length, SecretKeyLength, nameof(secretKey));
        using var memory = new Workspace();
        var g = memory.A;
        var inverse = memory.B;
        var f = memory.C;
        var h = memory.D;

        do
        {
            Sntrup761Sampler.DrawSmall(random, g, memory.Numbers);
        }
        while (!Sntrup761Inverse3.TryInvert(g, inverse, memory.Words));
        Sntrup761Codec.EncodeSmall(inverse, secretKey[SmallLength..]);

        Sntrup761Sampler.DrawShort(random, f, memory.Numbers);
        Sntrup761Codec.EncodeSmall(f, secretKey);
        Sntrup761Ring.Triple(f);
        Sntrup761InverseQ.Invert(f, inverse, memory.Scratch);
        Sntrup761Ring.Multiply(inverse, g, h, memory.Scratch);
        Sntrup761Codec.EncodeQuotient(h, publicKey, memory.Digits);

        publicKey.CopyTo(secretKey[PublicKeyOffset..]);
        random.Fill(secretKey.Slice(RhoOffset, SmallLength));
        Hash(memory, 4, publicKey, [], secretKey[CacheOffset..]);
    }

    /// <summary>Draws a secret (3,044 bytes are taken from <paramref name="random"/>) and encapsulates it.</summary>
    /// <param name="publicKey">1,158 bytes; every such string is taken for a key.</param>
    /// <param name="ciphertext">1,039 bytes.</param>
    /// <param name="sharedSecret">32 bytes.</param>
    /// <exception cref="ArgumentException">A length is wrong.</exception>
    public static void Encapsulate(IRandomSource random, ReadOnlySpan<byte> publicKey, Span<byte> ciphertext, Span<byte> sharedSecret)
    {
        ArgumentNullException.ThrowIfNull(random);
        CheckLength(publicKey.Length, PublicKeyLength, nameof(publicKey));
        CheckLength(ciphertext.Length, CiphertextLength, nameof(ciphertext));
        CheckLength(sharedSecret.Length, SharedSecretLength, nameof(sharedSecret));
        using var memory = new Workspace();
        var cache = memory.Hashes[..HashLength];
        Hash(memory, 4, publicKey, [], cache);

        var input = memory.Small;
        Sntrup761Sampler.DrawShort(random, memory.A, memory.Numbers);
        Sntrup761Codec.EncodeSmall(memory.A, input);
        Hide(memory, publicKey, cache, memory.A, input, ciphertext);
        SessionSecret(memory, 1, input, ciphertext, sharedSecret);
    }

    /// <summary>
    /// Recovers the secret of a ciphertext. One that was not made for this key gives a secret derived from the key's
    /// rho, which nobody else knows; nothing tells the two cases apart, not even time.
    /// </summary>
    /// <param name="secretKey">1,763 bytes.</param>
    /// <param name="ciphertext">1,039 bytes.</param>
    /// <param name="sharedSecret">32 bytes.</param>
    /// <exception cref="ArgumentException">A length is wrong.</exception>
    public static void Decapsulate(ReadOnlySpan<byte> secretKey, ReadOnlySpan<byte> ciphertext, Span<byte> sharedSecret)
    {
        CheckLength(secretKey.Length, SecretKeyLength, nameof(secretKey));
        CheckLength(ciphertext.Length, CiphertextLength, nameof(ciphertext));
        CheckLength(sharedSecret.Length, SharedSecretLength, nameof(sharedSecret));
        using var memory = new Workspace();
        var input = memory.Small;

        Decrypt(memory, secretKey, ciphertext, memory.A);
        Sntrup761Codec.EncodeSmall(memory.A, input);
        var again = memory.Ciphertext;
        Hide(memory, PublicKeyOf(secretKey), secretKey[CacheOffset..], memory.A, input, again);

        // 0 where the ciphertext is what the decrypted input encrypts to, all ones otherwise.
        var mask = DifferenceMask(again, ciphertext);
        var rho = secretKey.Slice(RhoOffset, SmallLength);
        for (var i = 0; i < SmallLength; i++)
            input[i] = unchecked((byte)(input[i] ^ (mask & (input[i] ^ rho[i]))));
        SessionSecret(memory, unchecked((byte)(1 + mask)), input, ciphertext, sharedSecret);
    }

    /// <summary>The public key inside a secret key.</summary>
    internal static ReadOnlySpan<byte> PublicKeyOf(ReadOnlySpan<byte> secretKey) => secretKey.Slice(PublicKeyOffset, PublicKeyLength);

    // r = (3 f c mod q mod 3) / g in R/3, if that has weight 286; otherwise a fixed polynomial of that weight
    private static void Decrypt(Workspace memory, ReadOnlySpan<byte> secretKey, ReadOnlySpan<byte> ciphertext, Span<short> result)
    {
        var c = memory.B;
        var f = memory.C;
        var product = memory.D;
        Sntrup761Codec.DecodeRounded(ciphertext, c, memory.Digits);
        Sntrup761Codec.DecodeSmall(secretKey, f);
        Sntrup761Ring.Multiply(c, f, product, memory.Scratch);
        Sntrup761Ring.Triple(product);
        Sntrup761Ring.ReduceModulo3(product);
        var inverse = f;
        Sntrup761Codec.DecodeSmall(secretKey[SmallLength..], inverse);
        Sntrup761Ring.Multiply(product, inverse, result, memory.Scratch);
        Sntrup761Ring.ReduceModulo3(result);

        unchecked
        {
            var weight = 0;
            for (var i = 0; i < Sntrup761Ring.P; i++)
                weight += result[i] & 1;
            var difference = weight - Sntrup761Sampler.Weight;
            var mask = (difference | -difference) >> 31;
            for (var i = 0; i < Sntrup761Ring.P; i++)
            {
                var substitute = i < Sntrup761Sampler.Weight ? 1 : 0;
                result[i] = (short)(result[i] ^ (mask & (result[i] ^ substitute)));
            }
        }
    }

    // ciphertext = rounded(h r) hash2(hash3(r) cache)
    private static void Hide(Workspace memory, ReadOnlySpan<byte> publicKey, ReadOnlySpan<byte> cache, ReadOnlySpan<short> polynomial, ReadOnlySpan<byte> input, Span<byte> ciphertext)
    {
        var h = memory.B;
        var product = memory.D;
        Sntrup761Codec.DecodeQuotient(publicKey, h, memory.Digits);
        Sntrup761Ring.Multiply(h, polynomial, product, memory.Scratch);
        Sntrup761Ring.Round(product);
        Sntrup761Codec.EncodeRounded(product, ciphertext, memory.Digits);

        var inputHash = memory.Hashes.Slice(HashLength, HashLength);
        Hash(memory, 3, input, [], inputHash);
        Hash(memory, 2, inputHash, cache[..HashLength], ciphertext[RoundedLength..]);
    }

    // secret = hash1(hash3(r) ciphertext), or hash0(hash3(rho) ciphertext) for a wrong ciphertext
    private static void SessionSecret(Workspace memory, byte prefix, ReadOnlySpan<byte> input, ReadOnlySpan<byte> ciphertext, Span<byte> sharedSecret)
    {
        var inputHash = memory.Hashes.Slice(HashLength, HashLength);
        Hash(memory, 3, input, [], inputHash);
        Hash(memory, prefix, inputHash, ciphertext, sharedSecret);
    }

    // hashN(x) = the first 32 bytes of SHA-512(N x)
    private static void Hash(Workspace memory, byte prefix, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, Span<byte> destination)
    {
        var message = memory.Message[..(1 + first.Length + second.Length)];
        message[0] = prefix;
        first.CopyTo(message[1..]);
        second.CopyTo(message[(1 + first.Length)..]);
        var digest = memory.Digest;
        Digests.Sha512(message, digest);
        digest[..HashLength].CopyTo(destination);
    }

    private static int DifferenceMask(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right)
    {
        unchecked
        {
            var difference = 0;
            for (var i = 0; i < CiphertextLength; i++)
                difference |= left[i] ^ right[i];
            return -difference >> 31;
        }
    }

    private static void CheckLength(int length, int expected, string name)
    {
        if (length != expected)
            throw new ArgumentException($"{expected} bytes are needed, not {length}.", name);
    }

    /// <summary>The memory of one operation: one array that the collector does not move, wiped at the end.</summary>
    private sealed class Workspace : IDisposable
    {
        private const int PolynomialBytes = Sntrup761Ring.Length * sizeof(short);
        private const int ScratchBytes = sizeof(short)
            * (Sntrup761Ring.ScratchLength > Sntrup761InverseQ.ScratchLength ? Sntrup761Ring.ScratchLength : Sntrup761InverseQ.ScratchLength);
        private const int NumberBytes = Sntrup761Sampler.ScratchLength * sizeof(uint);
        private const int WordBytes = Sntrup761Inverse3.ScratchLength * sizeof(ulong);
        private const int DigitBytes = Sntrup761Codec.ScratchLength * sizeof(ushort);

        // The longest hashed message is a prefix and a public key.
        private const int MessageBytes = 1 + PublicKeyLength;

        private const int ScratchStart = 4 * PolynomialBytes;
        private const int NumberStart = ScratchStart + ScratchBytes;
        private const int WordStart = NumberStart + NumberBytes;
        private const int DigitStart = WordStart + WordBytes;
        private const int MessageStart = DigitStart + DigitBytes;
        private const int CiphertextStart = MessageStart + MessageBytes;
        private const int SmallStart = CiphertextStart + CiphertextLength;
        private const int HashStart = SmallStart + SmallLength;
        private const int DigestStart = HashStart + (2 * HashLength);
        private const int Size = DigestStart + Digests.Sha512Length;

        private readonly byte[] _memory = GC.AllocateArray<byte>(Size, pinned: true);

        public Span<short> A => Polynomial(0);

        public Span<short> B => Polynomial(1);

        public Span<short> C => Polynomial(2);

        public Span<short> D => Polynomial(3);

        public Span<short> Scratch => MemoryMarshal.Cast<byte, short>(_memory.AsSpan(ScratchStart, ScratchBytes));

        public Span<uint> Numbers => MemoryMarshal.Cast<byte, uint>(_memory.AsSpan(NumberStart, NumberBytes));

        public Span<ulong> Words => MemoryMarshal.Cast<byte, ulong>(_memory.AsSpan(WordStart, WordBytes));

        public Span<ushort> Digits => MemoryMarshal.Cast<byte, ushort>(_memory.AsSpan(DigitStart, DigitBytes));

        public Span<byte> Message => _memory.AsSpan(MessageStart, MessageBytes);

        public Span<byte> Ciphertext => _memory.AsSpan(CiphertextStart, CiphertextLength);

        public Span<byte> Small => _memory.AsSpan(SmallStart, SmallLength);

        public Span<byte> Hashes => _memory.AsSpan(HashStart, 2 * HashLength);

        public Span<byte> Digest => _memory.AsSpan(DigestStart, Digests.Sha512Length);

        public void Dispose() => CryptographicOperations.ZeroMemory(_memory);

        private Span<short> Polynomial(int index) =>
            MemoryMarshal.Cast<byte, short>(_memory.AsSpan(index * PolynomialBytes, PolynomialBytes));
    }
}
