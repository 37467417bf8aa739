using System.Collections.Concurrent;
using Pairwise.Crypto;
using Pairwise.Server.Smp;
using Pairwise.Server.Smp.Store;
using Pairwise.TestKit;
using Xunit;

namespace Pairwise.Server.Tests.Smp;

/// <summary>Ids are drawn many at a time: each is given out once, as the generator made it.</summary>
public sealed class RandomIdTests
{
    [Fact]
    public void Ids_are_the_generators_bytes_in_order()
    {
        RandomIds ids = new(new SeededRandom(7));
        SeededRandom same = new(7);
        for (int i = 0; i < 3; i++)
        {
            byte[] drawn = same.NextBytes(64 * StoredId.Length);
            for (int at = 0; at < drawn.Length; at += StoredId.Length)
                Assert.Equal(StoredId.From(drawn.AsSpan(at, StoredId.Length)), ids.Next());
        }
    }

    [Fact]
    public void No_id_is_given_out_twice_to_many_at_once()
    {
        RandomIds ids = new(SystemRandom.Instance);
        ConcurrentDictionary<StoredId, bool> seen = new();
        Parallel.For(0, 10_000, _ => Assert.True(seen.TryAdd(ids.Next(), true)));
        Assert.Equal(10_000, seen.Count);
    }

    [Fact]
    public void Without_randomness_there_is_no_id()
    {
        FailingRandom random = new();
        RandomIds ids = new(random);
        Assert.Throws<InvalidOperationException>(() => ids.Next());
        Assert.Throws<InvalidOperationException>(() => ids.Next());
        random.IsFailing = false;
        Assert.NotEqual(default, ids.Next());
    }

    private sealed class FailingRandom : IRandomSource
    {
        public bool IsFailing { get; set; } = true;

        public void Fill(Span<byte> destination)
        {
            if (IsFailing)
                throw new InvalidOperationException("There is no randomness.");
            SystemRandom.Instance.Fill(destination);
        }
    }
}
