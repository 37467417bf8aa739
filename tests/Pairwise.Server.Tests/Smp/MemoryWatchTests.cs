using Pairwise.Server.Smp;
using Pairwise.Server.Smp.Operation;

namespace Pairwise.Server.Tests.Smp;

/// <summary>When a relay sheds load, and when it stops to.</summary>
public sealed class MemoryWatchTests
{
    [Fact]
    public void It_refuses_then_cuts_and_waits_for_some_room_before_it_stops()
    {
        MemoryWatch watch = new(new SmpServerLimits());
        Assert.Equal(MemoryState.Enough, After(watch, 79, isChanged: false));
        Assert.Equal(MemoryState.Refusing, After(watch, 80, isChanged: true));
        Assert.Equal(MemoryState.Refusing, After(watch, 89, isChanged: false));
        Assert.Equal(MemoryState.Refusing, After(watch, 71, isChanged: false));
        Assert.Equal(MemoryState.Cutting, After(watch, 90, isChanged: true));
        Assert.Equal(MemoryState.Cutting, After(watch, 81, isChanged: false));
        Assert.Equal(MemoryState.Refusing, After(watch, 79, isChanged: true));
        Assert.Equal(MemoryState.Enough, After(watch, 69, isChanged: true));
        Assert.Equal(MemoryState.Enough, After(watch, 79, isChanged: false));
        Assert.Equal(MemoryState.Cutting, After(watch, 95, isChanged: true));
        Assert.Equal(MemoryState.Enough, After(watch, 10, isChanged: true));
    }

    [Fact]
    public void A_limit_that_was_set_counts_when_it_is_less_than_what_there_is()
    {
        MemoryWatch watch = new(new SmpServerLimits { MemoryLimit = 1000 });
        Assert.True(watch.Update(new MemoryReading(850, 1_000_000)));
        Assert.Equal(MemoryState.Refusing, watch.State);
        Assert.True(watch.Update(new MemoryReading(100, 1_000_000)));
        Assert.True(watch.Update(new MemoryReading(100, 110)));
        Assert.Equal(MemoryState.Cutting, watch.State);
    }

    [Fact]
    public void The_system_tells_of_memory_and_descriptors()
    {
        MemoryReading reading = SystemLimits.Memory();
        Assert.InRange(reading.Used, 1, reading.Limit);
        Assert.InRange(SystemLimits.Descriptors() ?? long.MaxValue, 64, long.MaxValue);
    }

    private static MemoryState After(MemoryWatch watch, int percent, bool isChanged)
    {
        const long limit = 1L << 30;
        Assert.Equal(isChanged, watch.Update(new MemoryReading((limit * percent / 100) + 1, limit)));
        return watch.State;
    }
}
