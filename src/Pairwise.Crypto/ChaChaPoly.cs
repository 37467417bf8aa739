using System.Security.Cryptography;
using Pairwise.Crypto.Interop;

namespace Pairwise.Crypto;

/// <summary>
/// ChaCha20-Poly1305 (RFC 8439), the AEAD of TLS records, over keys in the caller's memory. Stateless and thread-safe:
/// each thread keeps one cipher of OpenSSL for each direction, and no connection owns any.
/// </summary>
/// <remarks>The content is given in two parts, because the last byte of a record is its type and the rest somebody's buffer.</remarks>
public static unsafe class ChaChaPoly
{
    public const int KeyLength = 32;
    public const int NonceLength = 12;

    /// <summary>What sealed content is longer than the content, in bytes.</summary>
    public const int TagLength = 16;

    [ThreadStatic]
    private static EvpCipherContext? _sealing;

    [ThreadStatic]
    private static EvpCipherContext? _opening;

    // sealed = ciphertext tag ; the tag has 16 bytes
    /// <summary>Seals <paramref name="first"/> and then <paramref name="last"/> into a destination of their length and the tag's.</summary>
    public static void Seal(ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> associatedData, ReadOnlySpan<byte> first, ReadOnlySpan<byte> last, Span<byte> destination)
    {
        Check(key, nonce);
        SecretBox.CheckLength(destination.Length, first.Length + last.Length + TagLength, nameof(destination));
        var context = (_sealing ??= Create(isSealing: true)).DangerousGetHandle();
        int written;
        fixed (byte* k = key, n = nonce, a = associatedData, f = first, l = last, d = destination)
        {
            var tag = d + first.Length + last.Length;
            if (LibCrypto.EVP_CipherInit_ex(context, 0, 0, k, n, 1) != 1
                || LibCrypto.EVP_CipherUpdate(context, null, &written, a, associatedData.Length) != 1
                || (first.Length > 0 && LibCrypto.EVP_CipherUpdate(context, d, &written, f, first.Length) != 1)
                || (last.Length > 0 && LibCrypto.EVP_CipherUpdate(context, d + first.Length, &written, l, last.Length) != 1)
                || LibCrypto.EVP_CipherFinal_ex(context, tag, &written) != 1
                || LibCrypto.EVP_CIPHER_CTX_ctrl(context, LibCrypto.EvpCtrlAeadGetTag, TagLength, tag) != 1)
                throw Evp.Failure("ChaCha20-Poly1305 encryption failed.");
        }
    }

    /// <summary>
    /// Opens sealed content into two parts, whose lengths and the tag's are together that of <paramref name="box"/>.
    /// </summary>
    /// <returns>False, with both parts wiped, when the content is not authentic.</returns>
    public static bool TryOpen(ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> associatedData, ReadOnlySpan<byte> box, Span<byte> first, Span<byte> last)
    {
        Check(key, nonce);
        SecretBox.CheckLength(box.Length, first.Length + last.Length + TagLength, nameof(box));
        var context = (_opening ??= Create(isSealing: false)).DangerousGetHandle();
        int written;
        byte unused;
        bool isAuthentic;
        fixed (byte* k = key, n = nonce, a = associatedData, b = box, f = first, l = last)
        {
            var tag = b + first.Length + last.Length;
            isAuthentic = LibCrypto.EVP_CipherInit_ex(context, 0, 0, k, n, 0) == 1
                && LibCrypto.EVP_CipherUpdate(context, null, &written, a, associatedData.Length) == 1
                && (first.Length == 0 || LibCrypto.EVP_CipherUpdate(context, f, &written, b, first.Length) == 1)
                && (last.Length == 0 || LibCrypto.EVP_CipherUpdate(context, l, &written, b + first.Length, last.Length) == 1)
                && LibCrypto.EVP_CIPHER_CTX_ctrl(context, LibCrypto.EvpCtrlAeadSetTag, TagLength, tag) == 1
                && LibCrypto.EVP_CipherFinal_ex(context, &unused, &written) == 1;
        }

        if (!isAuthentic)
        {
            LibCrypto.ERR_clear_error();
            CryptographicOperations.ZeroMemory(first);
            CryptographicOperations.ZeroMemory(last);
        }

        return isAuthentic;
    }

    private static EvpCipherContext Create(bool isSealing)
    {
        var context = EvpCipherContext.Create();
        if (LibCrypto.EVP_CipherInit_ex(context.DangerousGetHandle(), LibCrypto.EVP_chacha20_poly1305(), 0, null, null, isSealing ? 1 : 0) != 1)
            throw Evp.Failure("This OpenSSL lacks ChaCha20-Poly1305.");
        return context;
    }

    private static void Check(ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce)
    {
        SecretBox.CheckLength(key.Length, KeyLength, nameof(key));
        SecretBox.CheckLength(nonce.Length, NonceLength, nameof(nonce));
    }
}
