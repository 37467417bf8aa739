using Pairwise.Client;
using Pairwise.Crypto;
using Pairwise.Protocol.Smp;
using Pairwise.TestKit;
using Pairwise.Transport;

namespace Pairwise.Client.Tests;

public sealed class ReconnectingSmpClientTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public void Waits_are_even_at_first_then_grow_to_the_limit()
    {
        var backOff = new BackOff();
        var waits = new List<double>();
        var waited = TimeSpan.Zero;
        for (var wait = backOff.Next(TimeSpan.Zero, waited); waits.Count < 20; wait = backOff.Next(wait, waited))
        {
            waits.Add(wait.TotalSeconds);
            waited += wait;
        }

        Assert.Equal([2, 2, 2, 2, 2], waits[..5]);
        Assert.Equal(3, waits[5]);
        Assert.Equal(4.5, waits[6]);
        Assert.Equal(180, waits[^1]);
        Assert.Equal(waits.Order(), waits);
    }

    [Fact]
    public void Jitter_adds_at_most_a_fifth()
    {
        var none = BackOff.WithJitter(TimeSpan.FromSeconds(10), new ReplayRandom(new byte[] { 0 }));
        var most = BackOff.WithJitter(TimeSpan.FromSeconds(10), new ReplayRandom(new byte[] { 255 }));
        Assert.Equal(TimeSpan.FromSeconds(10), none);
        Assert.Equal(TimeSpan.FromSeconds(12), most);
    }

    [Fact]
    public async Task It_comes_back_after_failures_and_losses()
    {
        var time = new ManualTime();
        var attempts = 0;
        ScriptedRelay? current = null;
        async Task<SmpClient> ConnectAsync(CancellationToken cancellationToken)
        {
            if (++attempts is 1 or 2)
                throw new TransportException(TransportFailure.Unreachable, "not there yet");
            var (relay, client) = await ScriptedRelay.StartAsync();
            current = relay;
            return client;
        }

        var options = new SmpClientOptions { Time = time, Random = new ReplayRandom(new byte[16]) };
        await using var reconnecting = new ReconnectingSmpClient(ConnectAsync, options, new BackOff());
        var failed = Assert.IsType<SmpConnectionEvent.AttemptFailed>(await reconnecting.Events.ReadAsync(Token));
        Assert.Equal(TimeSpan.FromSeconds(2), failed.NextIn);
        Assert.Null(reconnecting.Current);
        await NextAttemptAsync(time);
        Assert.IsType<SmpConnectionEvent.AttemptFailed>(await reconnecting.Events.ReadAsync(Token));
        await NextAttemptAsync(time);
        var connected = Assert.IsType<SmpConnectionEvent.Connected>(await reconnecting.Events.ReadAsync(Token));
        Assert.Same(connected.Client, reconnecting.Current);

        await current!.SayAsync((CorrId.None, new EntityId(new byte[24]), BrokerMessage.End.Instance));
        Assert.IsType<BrokerMessage.End>(Assert.IsType<SmpConnectionEvent.Received>(await reconnecting.Events.ReadAsync(Token)).Event.Message);
        await current.DisposeAsync();
        Assert.IsType<SmpConnectionEvent.Lost>(await reconnecting.Events.ReadAsync(Token));
        var again = Assert.IsType<SmpConnectionEvent.Connected>(await reconnecting.Events.ReadAsync(Token));
        Assert.NotSame(connected.Client, again.Client);
        await reconnecting.DisposeAsync();
        Assert.False(await reconnecting.Events.WaitToReadAsync(Token));
        await current.DisposeAsync();
    }

    private static async Task NextAttemptAsync(ManualTime time)
    {
        await Eventually.UntilAsync(() => time.TimerCount > 0, Token);
        time.Advance(TimeSpan.FromSeconds(2));
    }
}
