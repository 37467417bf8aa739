using Pairwise.Agent.Files;
using Pairwise.Client;
using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.TestKit;
using Pairwise.Wire;

namespace Pairwise.Agent.Tests.Files;

/// <summary>What is remembered of file servers: pauses after failures, and connections.</summary>
public sealed class FileServerMemoryTests
{
    private static readonly RetryInterval Interval = new(TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(180));

    [Fact]
    public void A_server_that_nobody_asks_for_any_more_is_forgotten()
    {
        var time = new ManualTime();
        var pauses = new ServerPauses(Interval, time);
        for (var i = 0; i < 100; i++) pauses.Fail(new UserId(1), Server(i));
        Assert.Equal(100, pauses.Count);
        Assert.Equal(Interval.Initial, pauses.Remaining(new UserId(1), Server(0)));
        time.Advance(TimeSpan.FromHours(2));
        pauses.Fail(new UserId(1), Server(100));
        Assert.Equal(1, pauses.Count);
    }

    [Fact]
    public void Pauses_of_a_server_that_stays_away_grow()
    {
        var time = new ManualTime();
        var pauses = new ServerPauses(Interval, time);
        for (var last = TimeSpan.Zero; last < Interval.Maximum;)
        {
            pauses.Fail(new UserId(1), Server(1));
            var pause = pauses.Remaining(new UserId(1), Server(1));
            Assert.True(pause >= last);
            time.Advance(last = pause);
        }
    }

    [Theory]
    [InlineData(SessionMode.User)]
    [InlineData(SessionMode.Session)]
    [InlineData(SessionMode.Server)]
    public async Task Connections_to_a_server_that_nothing_uses_close_while_another_one_is_used(SessionMode mode)
    {
        var time = new ManualTime();
        await using var sessions = new FileServerSessions(new FileTransferOptions { SessionMode = mode }, time, SystemRandom.Instance);
        await using var used = sessions.Enter(new UserId(1), Server(1), default);
        await (sessions.Enter(new UserId(1), Server(2), default)).DisposeAsync();
        Assert.Equal(2, sessions.Count);
        time.Advance(TimeSpan.FromMinutes(2));
        await sessions.DropIdleAsync();
        Assert.Equal(1, sessions.Count);
    }

    private static ServerAddress Server(int number) =>
        ServerAddress.TryParse($"xftp://AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=@server{number}.example.org", out var address) ? address : throw new InvalidOperationException();
}
