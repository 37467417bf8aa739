using Pairwise.Crypto.Interop;

namespace Pairwise.Crypto;

/// <summary>
/// AES-256-GCM as the ratchet uses it: 16-byte IVs (so the counter comes from GHASH), 16-byte tags. 12-byte IVs, the
/// usual ones, work too. Stateless and thread-safe.
/// </summary>
public static unsafe class AesGcm16
{
    public const int KeyLength = 32;
    public const int IvLength = 16;
    public const int TagLength = 16;

    private const int ShortIvLength = 12;

    /// <summary>Encrypts; the ciphertext has the plaintext's length and may be the same memory.</summary>
    public static void Encrypt(ReadOnlySpan<byte> key, ReadOnlySpan<byte> iv, ReadOnlySpan<byte> associatedData, ReadOnlySpan<byte> plaintext, Span<byte> ciphertext, Span<byte> tag)
    {
        Check(key, iv, plaintext.Length, ciphertext.Length);
        SecretBox.CheckLength(tag.Length, TagLength, nameof(tag));
        using var context = EvpCipherContext.Create();
        var handle = context.DangerousGetHandle();
        fixed (byte* t = tag)
        {
            if (!Run(handle, isEncrypting: true, key, iv, associatedData, plaintext, ciphertext, null)
                || LibCrypto.EVP_CIPHER_CTX_ctrl(handle, LibCrypto.EvpCtrlAeadGetTag, TagLength, t) != 1)
                throw Evp.Failure("AES-256-GCM encryption failed.");
        }
    }

    /// <summary>Decrypts; false, with the plaintext wiped, when the ciphertext is not authentic.</summary>
    public static bool TryDecrypt(ReadOnlySpan<byte> key, ReadOnlySpan<byte> iv, ReadOnlySpan<byte> associatedData, ReadOnlySpan<byte> ciphertext, ReadOnlySpan<byte> tag, Span<byte> plaintext)
    {
        Check(key, iv, ciphertext.Length, plaintext.Length);
        if (tag.Length != TagLength)
            return false;
        using var context = EvpCipherContext.Create();
        bool isAuthentic;
        fixed (byte* t = tag)
            isAuthentic = Run(context.DangerousGetHandle(), isEncrypting: false, key, iv, associatedData, ciphertext, plaintext, t);
        if (!isAuthentic)
        {
            LibCrypto.ERR_clear_error();
            plaintext.Clear();
        }

        return isAuthentic;
    }

    private static bool Run(nint handle, bool isEncrypting, ReadOnlySpan<byte> key, ReadOnlySpan<byte> iv, ReadOnlySpan<byte> associatedData, ReadOnlySpan<byte> source, Span<byte> destination, byte* expectedTag)
    {
        var direction = isEncrypting ? 1 : 0;
        int written;
        byte unused;
        fixed (byte* k = key, i = iv, a = associatedData, s = source, d = destination)
        {
            return LibCrypto.EVP_CipherInit_ex(handle, LibCrypto.EVP_aes_256_gcm(), 0, null, null, direction) == 1
                && LibCrypto.EVP_CIPHER_CTX_ctrl(handle, LibCrypto.EvpCtrlAeadSetIvLength, iv.Length, null) == 1
                && LibCrypto.EVP_CipherInit_ex(handle, 0, 0, k, i, direction) == 1
                && (associatedData.IsEmpty || LibCrypto.EVP_CipherUpdate(handle, null, &written, a, associatedData.Length) == 1)
                && (source.IsEmpty || LibCrypto.EVP_CipherUpdate(handle, d, &written, s, source.Length) == 1)
                && (expectedTag == null || LibCrypto.EVP_CIPHER_CTX_ctrl(handle, LibCrypto.EvpCtrlAeadSetTag, TagLength, expectedTag) == 1)
                && LibCrypto.EVP_CipherFinal_ex(handle, &unused, &written) == 1;
        }
    }

    private static void Check(ReadOnlySpan<byte> key, ReadOnlySpan<byte> iv, int sourceLength, int destinationLength)
    {
        SecretBox.CheckLength(key.Length, KeyLength, nameof(key));
        if (iv.Length is not (IvLength or ShortIvLength))
            throw new ArgumentException($"An IV has {IvLength} or {ShortIvLength} bytes, not {iv.Length}.", nameof(iv));
        SecretBox.CheckLength(destinationLength, sourceLength, "destination");
    }
}
