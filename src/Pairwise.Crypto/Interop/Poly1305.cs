using System.Runtime.InteropServices;

namespace Pairwise.Crypto.Interop;

/// <summary>Poly1305 of OpenSSL, three times as fast as libsodium's on processors with wide vectors. Not thread-safe.</summary>
internal sealed unsafe class Poly1305 : SafeHandle
{
    private const int KeyLength = 32;
    private const int TagLength = 16;

    private static readonly nint Algorithm = Fetch();

    // One for each thread: making one costs as much as authenticating a kilobyte. OpenSSL wipes the key at the end.
    [ThreadStatic]
    private static Poly1305? _ofThread;

    internal Poly1305()
        : base(0, ownsHandle: true)
    {
        SetHandle(LibCrypto.EVP_MAC_CTX_new(Algorithm));
        if (IsInvalid)
            throw Evp.Failure("No context for an authenticator.");
    }

    public override bool IsInvalid => handle == 0;

    /// <summary>Writes the tag of <paramref name="message"/> under a key that is used once.</summary>
    internal static void Authenticate(ReadOnlySpan<byte> key, ReadOnlySpan<byte> message, Span<byte> tag)
    {
        var authenticator = _ofThread ??= new Poly1305();
        authenticator.Start(key);
        authenticator.Add(message);
        authenticator.Finish(tag);
    }

    internal void Start(ReadOnlySpan<byte> key)
    {
        SecretBox.CheckLength(key.Length, KeyLength, nameof(key));
        ObjectDisposedException.ThrowIf(IsClosed, this);
        fixed (byte* k = key)
            Check(LibCrypto.EVP_MAC_init(handle, k, KeyLength, 0));
        GC.KeepAlive(this); // else the context could be freed while it is at work
    }

    internal void Add(ReadOnlySpan<byte> message)
    {
        ObjectDisposedException.ThrowIf(IsClosed, this);
        fixed (byte* m = message)
            Check(LibCrypto.EVP_MAC_update(handle, m, (nuint)message.Length));
        GC.KeepAlive(this);
    }

    internal void Finish(Span<byte> tag)
    {
        SecretBox.CheckLength(tag.Length, TagLength, nameof(tag));
        ObjectDisposedException.ThrowIf(IsClosed, this);
        nuint length;
        fixed (byte* t = tag)
            Check(LibCrypto.EVP_MAC_final(handle, t, &length, TagLength));
        GC.KeepAlive(this);
    }

    protected override bool ReleaseHandle()
    {
        LibCrypto.EVP_MAC_CTX_free(handle);
        return true;
    }

    private static nint Fetch()
    {
        fixed (byte* name = "POLY1305\0"u8)
        {
            var algorithm = LibCrypto.EVP_MAC_fetch(0, name, null);
            return algorithm != 0 ? algorithm : throw Evp.Failure("This OpenSSL lacks Poly1305.");
        }
    }

    private static void Check(int result)
    {
        if (result != 1)
            throw Evp.Failure("Poly1305 failed.");
    }
}
