using System.Runtime.CompilerServices;
using Pairwise.TestKit;

namespace Pairwise.Crypto.Tests;

/// <summary>
/// What is left of secrets that nobody disposed, and that nothing is taken from those who still use them. Run alone: no
/// other test's collection comes between.
/// </summary>
[Collection(nameof(SecretBytesTests))]
[CollectionDefinition(nameof(SecretBytesTests), DisableParallelization = true)]
public sealed class SecretBytesTests
{
    [Fact]
    public void A_secret_that_is_in_use_is_not_wiped_although_its_owner_is_gone()
    {
        var span = Forgotten();
        Collect();
        Assert.Equal(new byte[] { 1, 2, 3 }, span.ToArray());
        Collect();
        Assert.Equal(new byte[] { 1, 2, 3 }, span.ToArray());
    }

    [Fact]
    public void The_memory_of_a_key_that_is_in_use_is_not_wiped_although_the_key_is_gone()
    {
        var seed = new SeededRandom(9).NextBytes(32);
        var raw = ForgottenKey(seed);
        Collect();
        Assert.Equal(seed, raw.ToArray());
    }

    [Fact]
    public void A_secret_that_nobody_disposed_is_wiped_at_the_end_of_its_memory()
    {
        // The finalizer has seen it last, and it is there until the next collection, which the system may begin by itself.
        const int attempts = 50;
        var seen = Enumerable.Range(0, attempts).Select(_ =>
        {
            var memory = ForgottenMemory();
            Collect();
            return memory.Target as byte[];
        }).First(bytes => bytes is not null);
        Assert.Equal(new byte[3], seen);
    }

    [Fact]
    public void A_secret_may_be_disposed_twice_and_then_not_be_read()
    {
        var secret = SecretBytes.CopyOf([1, 2, 3]);
        var span = secret.Span;
        secret.Dispose();
        secret.Dispose();
        Assert.Equal(new byte[3], span.ToArray());
        Assert.Throws<ObjectDisposedException>(() => secret.Span.Length);
    }

    // Apart, so that no register or stack slot of the test holds the owner.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Span<byte> Forgotten() => SecretBytes.CopyOf([1, 2, 3]).Span;

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ReadOnlySpan<byte> ForgottenKey(byte[] seed) => Ed25519PrivateKey.FromRaw(seed).Raw;

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference ForgottenMemory()
    {
        var secret = SecretBytes.CopyOf([1, 2, 3]);
        return new WeakReference(BytesOf(secret), trackResurrection: true);
    }

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_bytes")]
    private static extern ref byte[] BytesOf(SecretBytes secret);

    // Once for the owner, once for the memory.
    private static void Collect()
    {
        for (var i = 0; i < 2; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
    }
}
