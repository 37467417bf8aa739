using System.Runtime.InteropServices;

namespace Pairwise.Crypto.Interop;

/// <summary>
/// OpenSSL 3 operations on raw keys of the curves that libsodium lacks. Failures clear OpenSSL's per-thread error
/// queue, because a left-over error would be taken for one of the next TLS operation on that thread.
/// </summary>
internal static unsafe class Evp
{
    internal static void GetPublicKey(int type, ReadOnlySpan<byte> privateRaw, Span<byte> publicRaw)
    {
        using var key = EvpKey.FromPrivate(type, privateRaw);
        var length = (nuint)publicRaw.Length;
        fixed (byte* p = publicRaw)
        {
            if (LibCrypto.EVP_PKEY_get_raw_public_key(key.DangerousGetHandle(), p, &length) != 1 || (int)length != publicRaw.Length)
                throw Failure("The public key could not be computed.");
        }
    }

    /// <summary>X448; false when the result is all zero (a peer's point of small order).</summary>
    internal static bool TryDerive(ReadOnlySpan<byte> privateRaw, ReadOnlySpan<byte> publicRaw, ReadOnlySpan<byte> peerRaw, Span<byte> secret)
    {
        using var key = EvpKey.FromX448Pair(privateRaw, publicRaw);
        using var peer = EvpKey.FromPublic(LibCrypto.EvpPkeyX448, peerRaw);
        var context = LibCrypto.EVP_PKEY_CTX_new(key.DangerousGetHandle(), 0);
        if (context == 0)
            throw Failure("No context for a key agreement.");
        try
        {
            if (LibCrypto.EVP_PKEY_derive_init(context) != 1)
                throw Failure("The key agreement could not be prepared.");
            var length = (nuint)secret.Length;
            bool isDerived;
            fixed (byte* p = secret)
                isDerived = !peer.IsInvalid && LibCrypto.EVP_PKEY_derive_set_peer(context, peer.DangerousGetHandle()) == 1
                    && LibCrypto.EVP_PKEY_derive(context, p, &length) == 1 && (int)length == secret.Length;
            if (!isDerived)
                LibCrypto.ERR_clear_error();
            return isDerived;
        }
        finally
        {
            LibCrypto.EVP_PKEY_CTX_free(context);
        }
    }

    internal static void Sign(int type, ReadOnlySpan<byte> privateRaw, ReadOnlySpan<byte> message, Span<byte> signature)
    {
        using var key = EvpKey.FromPrivate(type, privateRaw);
        using var context = EvpDigestContext.Create();
        var length = (nuint)signature.Length;
        fixed (byte* s = signature, m = message)
        {
            // A null pointer would ask for the length only, so an empty message needs some address.
            byte nothing;
            if (LibCrypto.EVP_DigestSignInit(context.DangerousGetHandle(), 0, 0, 0, key.DangerousGetHandle()) != 1
                || LibCrypto.EVP_DigestSign(context.DangerousGetHandle(), s, &length, m == null ? &nothing : m, (nuint)message.Length) != 1
                || (int)length != signature.Length)
                throw Failure("The signature could not be made.");
        }
    }

    internal static bool Verify(int type, ReadOnlySpan<byte> publicRaw, ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature)
    {
        using var key = EvpKey.FromPublic(type, publicRaw);
        using var context = EvpDigestContext.Create();
        fixed (byte* s = signature, m = message)
        {
            byte nothing;
            var isValid = !key.IsInvalid
                && LibCrypto.EVP_DigestVerifyInit(context.DangerousGetHandle(), 0, 0, 0, key.DangerousGetHandle()) == 1
                && LibCrypto.EVP_DigestVerify(context.DangerousGetHandle(), s, (nuint)signature.Length, m == null ? &nothing : m, (nuint)message.Length) == 1;
            if (!isValid)
                LibCrypto.ERR_clear_error();
            return isValid;
        }
    }

    internal static InvalidOperationException Failure(string message)
    {
        LibCrypto.ERR_clear_error();
        return new InvalidOperationException(message);
    }
}

/// <summary>An owned <c>EVP_PKEY</c>.</summary>
internal sealed unsafe class EvpKey : SafeHandle
{
    internal EvpKey(nint handle)
        : base(0, ownsHandle: true) => SetHandle(handle);

    public override bool IsInvalid => handle == 0;

    internal static EvpKey FromPrivate(int type, ReadOnlySpan<byte> raw)
    {
        fixed (byte* p = raw)
            return Checked(LibCrypto.EVP_PKEY_new_raw_private_key(type, 0, p, (nuint)raw.Length));
    }

    /// <summary>A key whose public half is known: half the time, as a private key alone has it computed again.</summary>
    internal static EvpKey FromX448Pair(ReadOnlySpan<byte> privateRaw, ReadOnlySpan<byte> publicRaw)
    {
        var context = LibCrypto.EVP_PKEY_CTX_new_from_name(0, "X448", 0);
        if (context == 0)
            throw Evp.Failure("OpenSSL has no X448.");
        try
        {
            nint handle = 0;
            fixed (byte* privateKey = privateRaw, publicKey = publicRaw, privateName = "priv\0"u8, publicName = "pub\0"u8)
            {
                var parameters = stackalloc OsslParam[3];
                parameters[0] = new OsslParam { Key = privateName, DataType = OsslParam.OctetString, Data = privateKey, DataSize = (nuint)privateRaw.Length };
                parameters[1] = new OsslParam { Key = publicName, DataType = OsslParam.OctetString, Data = publicKey, DataSize = (nuint)publicRaw.Length };
                parameters[2] = default;
                if (LibCrypto.EVP_PKEY_fromdata_init(context) != 1 || LibCrypto.EVP_PKEY_fromdata(context, &handle, LibCrypto.EvpPkeyKeyPair, parameters) != 1)
                    throw Evp.Failure("OpenSSL refused a key pair of the right lengths.");
            }

            return Checked(handle);
        }
        finally
        {
            LibCrypto.EVP_PKEY_CTX_free(context);
        }
    }

    /// <summary>The handle is invalid when OpenSSL refuses the bytes, which may be a stranger's.</summary>
    internal static EvpKey FromPublic(int type, ReadOnlySpan<byte> raw)
    {
        fixed (byte* p = raw)
            return new EvpKey(LibCrypto.EVP_PKEY_new_raw_public_key(type, 0, p, (nuint)raw.Length));
    }

    protected override bool ReleaseHandle()
    {
        LibCrypto.EVP_PKEY_free(handle);
        return true;
    }

    private static EvpKey Checked(nint handle) =>
        handle != 0 ? new EvpKey(handle) : throw Evp.Failure("OpenSSL refused a key of the right length.");
}

/// <summary>An owned <c>EVP_MD_CTX</c>.</summary>
internal sealed class EvpDigestContext : SafeHandle
{
    private EvpDigestContext(nint handle)
        : base(0, ownsHandle: true) => SetHandle(handle);

    public override bool IsInvalid => handle == 0;

    internal static EvpDigestContext Create()
    {
        var handle = LibCrypto.EVP_MD_CTX_new();
        return handle != 0 ? new EvpDigestContext(handle) : throw Evp.Failure("No context for a signature.");
    }

    protected override bool ReleaseHandle()
    {
        LibCrypto.EVP_MD_CTX_free(handle);
        return true;
    }
}

/// <summary>An owned <c>EVP_CIPHER_CTX</c>.</summary>
internal sealed class EvpCipherContext : SafeHandle
{
    private EvpCipherContext(nint handle)
        : base(0, ownsHandle: true) => SetHandle(handle);

    public override bool IsInvalid => handle == 0;

    internal static EvpCipherContext Create()
    {
        var handle = LibCrypto.EVP_CIPHER_CTX_new();
        return handle != 0 ? new EvpCipherContext(handle) : throw Evp.Failure("No context for a cipher.");
    }

    protected override bool ReleaseHandle()
    {
        LibCrypto.EVP_CIPHER_CTX_free(handle);
        return true;
    }
}
