using System.Runtime.InteropServices;

namespace Pairwise.Crypto.Interop;

/// <summary>The functions of libsodium 1.0.18 that we call. Sizes are the caller's duty; nothing is checked here.</summary>
internal static unsafe partial class LibSodium
{
    private const string Library = "libsodium.so.23";

    static LibSodium()
    {
        // Chooses the fastest implementations for this processor; 0 = done now, 1 = was done before.
        if (sodium_init() < 0)
            throw new InvalidOperationException("libsodium could not be initialised.");
    }

    [LibraryImport(Library)]
    private static partial int sodium_init();

    [LibraryImport(Library)]
    internal static partial int crypto_scalarmult_curve25519(byte* q, byte* n, byte* p);

    [LibraryImport(Library)]
    internal static partial int crypto_scalarmult_curve25519_base(byte* q, byte* n);

    [LibraryImport(Library)]
    internal static partial int crypto_sign_ed25519_seed_keypair(byte* pk, byte* sk, byte* seed);

    [LibraryImport(Library)]
    internal static partial int crypto_sign_ed25519_detached(byte* sig, ulong* siglen, byte* m, ulong mlen, byte* sk);

    [LibraryImport(Library)]
    internal static partial int crypto_sign_ed25519_verify_detached(byte* sig, byte* m, ulong mlen, byte* pk);

    [LibraryImport(Library)]
    [SuppressGCTransition]
    internal static partial int crypto_core_hsalsa20(byte* output, byte* input, byte* k, byte* c);

    [LibraryImport(Library)]
    internal static partial int crypto_stream_salsa20_xor_ic(byte* c, byte* m, ulong mlen, byte* n, ulong ic, byte* k);
}
