using System.Security.Cryptography;
using Pairwise.Server.Smp.Operation;

namespace Pairwise.Server.Tests.Smp;

/// <summary>Counting without keeping.</summary>
public sealed class DistinctCountTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(100)]
    [InlineData(20_000)]
    [InlineData(300_000)]
    public void Different_ids_are_counted_once_to_within_three_percent(int count)
    {
        var distinct = new DistinctCount();
        for (var round = 0; round < 2; round++)
        {
            for (var i = 0; i < count; i++)
                distinct.Add(Hash(i));
        }

        Assert.InRange(distinct.Estimate(), count * 0.97, count * 1.03);
    }

    [Fact]
    public void Merging_counts_what_both_have_seen_once()
    {
        var (one, other) = (new DistinctCount(), new DistinctCount());
        for (var i = 0; i < 40; i++)
        {
            one.Add(Hash(i));
            other.Add(Hash(i + 20));
        }

        Assert.True(one.TryMerge(other.Registers));
        Assert.InRange(one.Estimate(), 59, 61);
    }

    [Fact]
    public void What_are_no_registers_changes_nothing()
    {
        var distinct = new DistinctCount();
        Assert.False(distinct.TryMerge(new byte[DistinctCount.Size - 1]));
        var wrong = new byte[DistinctCount.Size];
        wrong[7] = 52;
        Assert.False(distinct.TryMerge(wrong));
        Assert.Equal(0, distinct.Estimate());
    }

    [Fact]
    public void Times_to_the_acknowledgement_are_rounded_up_to_buckets()
    {
        var times = new DeliveryTimes();
        foreach (var seconds in new[] { 0, 4, 6, 10, 31, 61, 181, 3600 })
            times.Add(seconds);
        Assert.Equal([(0, 1), (4, 1), (10, 2), (40, 1), (90, 1), (240, 1), (3600, 1)], times.Buckets());
        Assert.Equal((3893, 3600), (times.Sum, times.Longest));
    }

    private static ulong Hash(int number) => BitConverter.ToUInt64(SHA256.HashData(BitConverter.GetBytes(number)));
}
