using System.Net;
using Pairwise.TestKit;
using Pairwise.Transport.Sockets;

namespace Pairwise.Transport.Tests.Sockets;

/// <summary>Who gets a place among the handshakes, and who loses it, when there are too few.</summary>
public sealed class HandshakePlacesTests : IDisposable
{
    private const int Count = 16;
    private const int Kept = 2;
    private static readonly IPAddress Flood = IPAddress.Parse("192.0.2.1");
    private readonly ManualTime _time = new();
    private readonly HandshakePlaces _places;

    public HandshakePlacesTests() => _places = new HandshakePlaces(Count, int.MaxValue, TimeSpan.FromSeconds(2), _time);

    public void Dispose() => _places.Dispose();

    [Fact]
    public void Some_places_are_kept_for_addresses_that_hold_none()
    {
        var flood = Enter(Flood, 100);
        Assert.Equal(Count - Kept, flood.Count(one => one.HasPlace));
        var first = Enter(Other(1));
        var second = Enter(Other(2));
        Assert.True(first.HasPlace && second.HasPlace);
        Assert.False(Enter(Other(3)).HasPlace);
        Assert.False(Enter(Other(1)).HasPlace);
        Assert.Equal(Count, _places.Taken);
        first.Dispose();
        Assert.Equal(Count - Kept, flood.Count(one => one.HasPlace));
    }

    [Fact]
    public void Whoever_waits_is_served_by_turns_of_addresses_and_first_those_that_hold_no_place()
    {
        var flood = Enter(Flood, Count - Kept + 3);
        var holder = Enter(Other(1));
        Enter(Other(2));
        var more = new[] { Enter(Other(1)), Enter(Other(1)) };
        var stranger = Enter(Other(3));
        var strangerToo = Enter(Other(3));

        flood[0].Dispose();
        Assert.Equal([false, false, false, true, false], Places());
        flood[1].Dispose(); // one of the places kept is free; two, and the next turn is the flood's
        Assert.Equal([false, false, false, true, false], Places());
        holder.Dispose(); // its address holds none now
        Assert.Equal([false, true, false, true, false], Places());
        flood[2].Dispose();
        flood[3].Dispose();
        Assert.Equal([true, true, false, true, false], Places());
        flood[4].Dispose();
        Assert.Equal([true, true, false, true, true], Places());
        flood[5].Dispose();
        Assert.Equal([true, true, true, true, true], Places());
        Assert.False(flood[^1].HasPlace);

        bool[] Places() => [flood[Count - Kept].HasPlace, more[0].HasPlace, more[1].HasPlace, stranger.HasPlace, strangerToo.HasPlace];
    }

    [Fact]
    public void The_address_with_most_places_loses_its_oldest_handshake_in_time_and_only_for_those_who_wait()
    {
        var old = Enter(Other(1));
        _time.Advance(TimeSpan.FromSeconds(1));
        var flood = Enter(Flood, Count - Kept - 1);
        _time.Advance(TimeSpan.FromSeconds(1));
        Enter(Other(2));
        Enter(Other(4));
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.DoesNotContain(flood, one => one.IsEnded); // all places are taken, but nobody waits

        var waiting = Enter(Other(3), 2);
        _time.Advance(TimeSpan.Zero);
        Assert.Equal([true, true, false], flood[..3].Select(one => one.IsEnded));
        flood[0].Dispose();
        Assert.True(waiting[0].HasPlace);
        flood[1].Dispose();
        Assert.False(waiting[1].HasPlace); // a place kept is not for who holds one
        _time.Advance(TimeSpan.Zero);
        Assert.True(flood[2].IsEnded);
        Assert.False(old.IsEnded);
    }

    [Fact]
    public void A_handshake_has_the_time_of_the_patience_whoever_waits()
    {
        var flood = Enter(Flood, Count);
        var stranger = Enter(Other(1));
        Enter(Other(2));
        var waiting = Enter(Other(3));
        _time.Advance(TimeSpan.FromSeconds(1.9));
        Assert.DoesNotContain(flood, one => one.IsEnded);
        _time.Advance(TimeSpan.FromSeconds(0.2));
        Assert.Equal(3, flood.Count(one => one.IsEnded)); // for each who waits: the third's, and two of its own
        Assert.False(stranger.IsEnded);
        flood[0].Dispose();
        Assert.True(waiting.HasPlace);
    }

    [Fact]
    public void Few_hellos_are_answered_at_the_same_time_and_nobody_is_ended_for_those_who_wait_for_that()
    {
        using var places = new HandshakePlaces(Count, mostAnswering: 2, TimeSpan.Zero, _time);
        using var limit = new CancellationTokenSource();
        var flood = Enumerable.Range(0, 5).Select(_ => places.Enter(Flood, limit)).ToList();
        var other = places.Enter(Other(1), limit);
        Assert.Equal(2, places.Taken);
        places.Answered(flood[0]);
        Assert.True(other.Granted.IsCompleted);
        Assert.Equal(3, places.Taken);
        places.Leave(flood[0]);
        Assert.Equal(2, places.Taken);
        places.Leave(flood[4]); // gave up
        places.Leave(flood[1]); // without an answer
        places.Answered(other);
        Assert.All(flood[2..4], place => Assert.True(place.Granted.IsCompleted));
        _time.Advance(TimeSpan.Zero);
        Assert.False(limit.IsCancellationRequested);
    }

    [Fact]
    public void Networks_of_IPv6_and_mapped_addresses_count_as_one()
    {
        Assert.Equal(Count - Kept, Enter(IPAddress.Parse("2001:db8:0:1::1"), Count - Kept).Count(one => one.HasPlace));
        Assert.False(Enter(IPAddress.Parse("2001:db8:0:1:ffff::2")).HasPlace);
        var neighbour = Enter(IPAddress.Parse("2001:db8:0:2::1"));
        Assert.True(neighbour.HasPlace);
        neighbour.Dispose();
        Assert.True(Enter(Other(1)).HasPlace);
        Assert.False(Enter(Other(1).MapToIPv6()).HasPlace);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Whatever_happens_no_place_is_lost_and_nobody_waits_beside_a_free_one(int seed)
    {
        var random = new SeededRandom(seed);
        var all = new List<Handshake>();
        for (var step = 0; step < 3000; step++)
        {
            var choice = random.NextBytes(2);
            switch (choice[0] % 8)
            {
                case < 4:
                    all.Add(Enter(Other(choice[1] % 10)));
                    break;
                case < 6 when all.Count > 0:
                    var one = all[choice[1] % all.Count];
                    all.Remove(one);
                    one.Dispose();
                    break;
                case 6:
                    _time.Advance(TimeSpan.FromMilliseconds(choice[1] * 2));
                    break;
                default:
                    foreach (var ended in all.FindAll(handshake => handshake.IsEnded))
                    {
                        all.Remove(ended);
                        ended.Dispose();
                    }

                    break;
            }

            var taken = all.Count(handshake => handshake.HasPlace);
            Assert.Equal(taken, _places.Taken);
            Assert.InRange(taken, 0, Count);
            if (taken < Count - Kept)
                Assert.Equal(all.Count, taken);
            var holders = all.Where(handshake => handshake.HasPlace).Select(handshake => handshake.Address).ToHashSet();
            if (taken < Count)
                Assert.All(all, handshake => Assert.Contains(handshake.Address, holders));
        }

        foreach (var one in all)
            one.Dispose();
        Assert.Equal(0, _places.Taken);
        Assert.Equal(Count - Kept, Enter(Flood, Count).Count(one => one.HasPlace));
    }

    private static IPAddress Other(int number) => new([198, 51, 100, (byte)number]);

    private Handshake Enter(IPAddress address) => new(_places, address, _time);

    private List<Handshake> Enter(IPAddress address, int count) => [.. Enumerable.Range(0, count).Select(_ => Enter(address))];

    /// <summary>One client, until it leaves or gives up.</summary>
    private sealed class Handshake : IDisposable
    {
        private readonly HandshakePlaces _places;
        private readonly CancellationTokenSource _limit;
        private readonly HandshakePlaces.Place _place;

        public Handshake(HandshakePlaces places, IPAddress address, TimeProvider time)
        {
            _places = places;
            _limit = new CancellationTokenSource(Timeout.InfiniteTimeSpan, time);
            _place = places.Enter(address, _limit);
            Address = address;
        }

        public IPAddress Address { get; }

        public bool HasPlace => _place.Granted.IsCompletedSuccessfully;

        public bool IsEnded => _limit.IsCancellationRequested;

        public void Dispose()
        {
            _places.Leave(_place);
            _limit.Dispose();
        }
    }
}
