using System.Runtime.InteropServices;

namespace Pairwise.Crypto.Interop;

/// <summary>The functions of OpenSSL 3's libcrypto that we call. Pointers and sizes are the caller's duty.</summary>
internal static unsafe partial class LibCrypto
{
    private const string Library = "libcrypto.so.3";

    internal const int EvpPkeyX448 = 1035;
    internal const int EvpPkeyEd25519 = 1087;
    internal const int EvpPkeyEd448 = 1088;

    // Parameters, private and public key.
    internal const int EvpPkeyKeyPair = 0x87;

    internal const int EvpCtrlAeadSetIvLength = 0x9;
    internal const int EvpCtrlAeadGetTag = 0x10;
    internal const int EvpCtrlAeadSetTag = 0x11;

    [LibraryImport(Library)]
    internal static partial nint EVP_PKEY_new_raw_private_key(int type, nint engine, byte* key, nuint keylen);

    [LibraryImport(Library)]
    internal static partial nint EVP_PKEY_new_raw_public_key(int type, nint engine, byte* key, nuint keylen);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial nint EVP_PKEY_CTX_new_from_name(nint libctx, string name, nint propquery);

    [LibraryImport(Library)]
    internal static partial int EVP_PKEY_fromdata_init(nint ctx);

    [LibraryImport(Library)]
    internal static partial int EVP_PKEY_fromdata(nint ctx, nint* ppkey, int selection, OsslParam* parameters);

    [LibraryImport(Library)]
    internal static partial int EVP_PKEY_get_raw_public_key(nint pkey, byte* pub, nuint* len);

    [LibraryImport(Library)]
    internal static partial void EVP_PKEY_free(nint pkey);

    [LibraryImport(Library)]
    internal static partial nint EVP_PKEY_CTX_new(nint pkey, nint engine);

    [LibraryImport(Library)]
    internal static partial void EVP_PKEY_CTX_free(nint ctx);

    [LibraryImport(Library)]
    internal static partial int EVP_PKEY_derive_init(nint ctx);

    [LibraryImport(Library)]
    internal static partial int EVP_PKEY_derive_set_peer(nint ctx, nint peer);

    [LibraryImport(Library)]
    internal static partial int EVP_PKEY_derive(nint ctx, byte* key, nuint* keylen);

    [LibraryImport(Library)]
    internal static partial nint EVP_MD_CTX_new();

    [LibraryImport(Library)]
    internal static partial void EVP_MD_CTX_free(nint ctx);

    [LibraryImport(Library)]
    internal static partial int EVP_DigestSignInit(nint ctx, nint pctx, nint type, nint engine, nint pkey);

    [LibraryImport(Library)]
    internal static partial int EVP_DigestSign(nint ctx, byte* sig, nuint* siglen, byte* tbs, nuint tbslen);

    [LibraryImport(Library)]
    internal static partial int EVP_DigestVerifyInit(nint ctx, nint pctx, nint type, nint engine, nint pkey);

    [LibraryImport(Library)]
    internal static partial int EVP_DigestVerify(nint ctx, byte* sig, nuint siglen, byte* tbs, nuint tbslen);

    [LibraryImport(Library)]
    internal static partial nint EVP_CIPHER_CTX_new();

    [LibraryImport(Library)]
    internal static partial void EVP_CIPHER_CTX_free(nint ctx);

    [LibraryImport(Library)]
    internal static partial nint EVP_aes_256_gcm();

    [LibraryImport(Library)]
    internal static partial nint EVP_chacha20_poly1305();

    [LibraryImport(Library)]
    internal static partial int EVP_CIPHER_CTX_ctrl(nint ctx, int type, int arg, void* ptr);

    [LibraryImport(Library)]
    internal static partial int EVP_CipherInit_ex(nint ctx, nint type, nint engine, byte* key, byte* iv, int enc);

    [LibraryImport(Library)]
    internal static partial int EVP_CipherUpdate(nint ctx, byte* output, int* outl, byte* input, int inl);

    [LibraryImport(Library)]
    internal static partial int EVP_CipherFinal_ex(nint ctx, byte* output, int* outl);

    [LibraryImport(Library)]
    internal static partial nint EVP_MAC_fetch(nint libctx, byte* algorithm, byte* properties);

    [LibraryImport(Library)]
    internal static partial nint EVP_MAC_CTX_new(nint mac);

    [LibraryImport(Library)]
    internal static partial void EVP_MAC_CTX_free(nint ctx);

    [LibraryImport(Library)]
    [SuppressGCTransition]
    internal static partial int EVP_MAC_init(nint ctx, byte* key, nuint keylen, nint parameters);

    [LibraryImport(Library)]
    internal static partial int EVP_MAC_update(nint ctx, byte* data, nuint datalen);

    [LibraryImport(Library)]
    [SuppressGCTransition]
    internal static partial int EVP_MAC_final(nint ctx, byte* output, nuint* outl, nuint outsize);

    /// <summary>Bytes of OpenSSL's <c>SHA512_CTX</c>: eight words, two of the length, a block and two numbers.</summary>
    internal const int Sha512ContextLength = 216;

    // Deprecated in favour of EVP, whose set-up costs several times what hashing one block does. One block is so little
    // that the collector does not need to be told.
    [LibraryImport(Library)]
    [SuppressGCTransition]
    internal static partial void SHA512_Transform(void* c, byte* data);

    [LibraryImport(Library)]
    [SuppressGCTransition]
    internal static partial int SHA512_Init(void* c);

    [LibraryImport(Library)]
    internal static partial int SHA512_Update(void* c, byte* data, nuint len);

    [LibraryImport(Library)]
    [SuppressGCTransition]
    internal static partial int SHA512_Final(byte* md, void* c);

    [LibraryImport(Library)]
    internal static partial void ERR_clear_error();
}

/// <summary>OpenSSL's <c>OSSL_PARAM</c>: a named value. An array of them ends with one whose key is null.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct OsslParam
{
    internal const uint OctetString = 5;

    internal byte* Key;
    internal uint DataType;
    internal void* Data;
    internal nuint DataSize;
    internal nuint ReturnSize;
}
