using Pairwise.Client;
using Pairwise.Crypto;
using Pairwise.Protocol.Smp;
using Pairwise.TestKit;
using Pairwise.Transport;
using Pairwise.Wire;

namespace Pairwise.Client.Tests;

public sealed class SmpClientTests
{
    private static readonly PrivateKey Key = Ed25519PrivateKey.FromRaw(new byte[32]);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Answers_find_their_commands_in_any_order()
    {
        var (relay, client) = await ScriptedRelay.StartAsync();
        await using var _ = relay;
        await using var __ = client;
        var first = client.SendAsync(Subscribe(1), Token);
        var one = await relay.ReadAsync();
        var second = client.SendAsync(Subscribe(2), Token);
        var two = await relay.ReadAsync();
        await relay.AnswerAsync(two, BrokerMessage.Ok.Instance);
        Assert.IsType<BrokerMessage.Ok>((await second).Message);
        Assert.False(first.IsCompleted);
        await relay.AnswerAsync(one, new BrokerMessage.Err(SmpError.Auth.Instance));
        Assert.Equal(new SmpClientError.Relay(SmpError.Auth.Instance), (await first).Error);
    }

    [Fact]
    public async Task A_batch_shares_blocks_and_its_results_have_the_order_of_the_commands()
    {
        var (relay, client) = await ScriptedRelay.StartAsync();
        await using var _ = relay;
        await using var __ = client;
        var sending = client.SendBatchAsync([.. Enumerable.Range(0, 200).Select(i => Subscribe(i))], Token);
        var received = new List<ReceivedCommand>();
        var blocks = 0;
        while (received.Count < 200)
        {
            received.AddRange(await relay.ReadBlockAsync());
            blocks++;
        }

        Assert.InRange(blocks, 2, 10);
        Assert.Equal(Enumerable.Range(0, 200).Select(i => Entity(i)), received.Select(command => command.Entity));
        for (var i = 199; i >= 0; i--)
            await relay.AnswerAsync(received[i], i % 2 == 0 ? BrokerMessage.Ok.Instance : new BrokerMessage.Err(SmpError.Auth.Instance));
        var results = await sending;
        Assert.All(Enumerable.Range(0, 200), i => Assert.Equal(i % 2 == 0, results[i].IsOk));
    }

    [Fact]
    public async Task Commands_about_one_entity_do_not_share_a_block()
    {
        var (relay, client) = await ScriptedRelay.StartAsync();
        await using var _ = relay;
        await using var __ = client;
        var sending = client.SendBatchAsync([Send(1, "a"), Send(1, "b"), Send(2, "c"), Send(1, "d")], Token);
        var order = new List<string>();
        while (order.Count < 4)
        {
            var block = await relay.ReadBlockAsync();
            Assert.Equal(block.Count, block.Select(command => command.Entity).Distinct().Count());
            foreach (var command in block)
            {
                order.Add(System.Text.Encoding.ASCII.GetString(((SmpCommand.Send)command.Command).Body.Span));
                await relay.AnswerAsync(command, BrokerMessage.Ok.Instance);
            }
        }

        Assert.Equal(["a", "b", "c", "d"], order);
        Assert.All(await sending, result => Assert.True(result.IsOk));
    }

    [Fact]
    public async Task Events_come_in_order_with_bodies_that_stay()
    {
        var (relay, client) = await ScriptedRelay.StartAsync();
        await using var _ = relay;
        await using var __ = client;
        for (byte i = 0; i < 50; i++)
            await relay.SayAsync((CorrId.None, Entity(i), Message(i)), (CorrId.None, Entity(i), BrokerMessage.End.Instance));
        for (byte i = 0; i < 50; i++)
        {
            var message = await client.Events.ReadAsync(Token);
            Assert.Equal(Entity(i), message.Entity);
            Assert.Equal([i], Assert.IsType<BrokerMessage.Msg>(message.Message).EncryptedBody.ToArray());
            Assert.IsType<BrokerMessage.End>((await client.Events.ReadAsync(Token)).Message);
        }
    }

    [Theory]
    [InlineData(false, 30)]
    [InlineData(true, 10)]
    public async Task A_command_without_answer_times_out_and_its_late_answer_is_an_event(bool isInteractive, int seconds)
    {
        var time = new ManualTime();
        var (relay, client) = await ScriptedRelay.StartAsync(new SmpClientOptions { Time = time });
        await using var _ = relay;
        await using var __ = client;
        var sending = client.SendAsync(Subscribe(1), isInteractive, Token);
        var command = await relay.ReadAsync();
        time.Advance(TimeSpan.FromSeconds(seconds) - TimeSpan.FromMilliseconds(1));
        Assert.False(sending.IsCompleted);

        // The command itself is below 1 KB: less than 5 ms more.
        time.Advance(TimeSpan.FromMilliseconds(6));
        Assert.Equal(SmpClientError.TimedOut.Instance, (await sending).Error);
        Assert.True(SmpClientError.TimedOut.Instance.IsTransient);
        await relay.AnswerAsync(command, Message(7));
        var late = await client.Events.ReadAsync(Token);
        Assert.Equal(Entity(1), late.Entity);
        Assert.IsType<SmpCommand.Sub>(late.LateAnswerTo);
        Assert.IsType<BrokerMessage.Msg>(late.Message);
    }

    [Fact]
    public async Task Larger_commands_have_more_time()
    {
        var time = new ManualTime();
        var (relay, client) = await ScriptedRelay.StartAsync(new SmpClientOptions { Time = time });
        await using var _ = relay;
        await using var __ = client;
        var sending = client.SendAsync(Send(1, new string('x', 16_000)), Token);
        await relay.ReadAsync();
        time.Advance(TimeSpan.FromSeconds(30) + TimeSpan.FromMilliseconds(70));
        Assert.False(sending.IsCompleted);
        time.Advance(TimeSpan.FromMilliseconds(30));
        Assert.False((await sending).IsOk);
    }

    [Fact]
    public async Task Cancelling_stops_waiting_and_the_session_goes_on()
    {
        var (relay, client) = await ScriptedRelay.StartAsync();
        await using var _ = relay;
        await using var __ = client;
        using var cancel = new CancellationTokenSource();
        var sending = client.SendAsync(Subscribe(1), cancel.Token);
        var command = await relay.ReadAsync();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending);
        await relay.AnswerAsync(command, BrokerMessage.Ok.Instance);
        Assert.IsType<SmpCommand.Sub>((await client.Events.ReadAsync(Token)).LateAnswerTo);
        var ping = client.SendAsync(new SmpRequest(SmpCommand.Ping.Instance), Token);
        await relay.AnswerAsync(await relay.ReadAsync(), BrokerMessage.Pong.Instance);
        Assert.True((await ping).IsOk);
    }

    [Fact]
    public async Task An_answer_about_another_entity_is_unexpected()
    {
        var (relay, client) = await ScriptedRelay.StartAsync();
        await using var _ = relay;
        await using var __ = client;
        var sending = client.SendAsync(Subscribe(1), Token);
        var command = await relay.ReadAsync();
        await relay.SayAsync((command.CorrId, Entity(2), BrokerMessage.Ok.Instance));
        Assert.Equal(SmpClientError.Unexpected.Instance, (await sending).Error);
    }

    [Fact]
    public async Task An_answer_that_does_not_parse_is_a_bad_answer_and_harms_no_other()
    {
        var (relay, client) = await ScriptedRelay.StartAsync();
        await using var _ = relay;
        await using var __ = client;
        var bad = client.SendAsync(Subscribe(1), Token);
        var badCommand = await relay.ReadAsync();
        var good = client.SendAsync(Subscribe(2), Token);
        var goodCommand = await relay.ReadAsync();
        await relay.Blocks.WriteAsync(RawBatch(RawTransmission(badCommand, "NONSENSE"), RawTransmission(goodCommand, "OK")), Token);
        Assert.IsType<SmpClientError.BadAnswer>((await bad).Error);
        Assert.True((await good).IsOk);
    }

    [Fact]
    public async Task A_block_that_is_no_batch_ends_the_session()
    {
        var (relay, client) = await ScriptedRelay.StartAsync();
        await using var _ = relay;
        await using var __ = client;
        var sending = client.SendAsync(Subscribe(1), Token);
        await relay.ReadAsync();
        await relay.Blocks.WriteAsync("garbage"u8, Token);
        Assert.IsType<SmpClientError.Disconnected>((await sending).Error);
        Assert.Equal(TransportError.Block, (await client.Completion).Error);
    }

    [Fact]
    public async Task A_block_that_does_not_open_ends_the_session()
    {
        var (relay, client) = await ScriptedRelay.StartAsync();
        await using var _ = relay;
        await using var __ = client;
        await relay.Blocks.Connection.WriteAsync(new byte[Block.Size], Token);
        Assert.Equal(TransportError.Block, (await client.Completion).Error);
    }

    [Fact]
    public async Task When_the_relay_goes_every_command_fails_and_the_events_end()
    {
        var (relay, client) = await ScriptedRelay.StartAsync();
        await using var __ = client;
        var sending = Enumerable.Range(0, 10).Select(i => client.SendAsync(Subscribe(i), Token)).ToArray();
        for (var read = 0; read < sending.Length;)
            read += (await relay.ReadBlockAsync()).Count;
        await relay.SayAsync((CorrId.None, Entity(1), Message(1)));
        await relay.DisposeAsync();
        foreach (var result in await Task.WhenAll(sending))
            Assert.True(Assert.IsType<SmpClientError.Disconnected>(result.Error).IsTransient);
        Assert.IsType<BrokerMessage.Msg>((await client.Events.ReadAsync(Token)).Message);
        Assert.False(await client.Events.WaitToReadAsync(Token));
        Assert.Equal(TransportFailure.Closed, (await client.Completion).Failure);
        Assert.IsType<SmpClientError.Disconnected>((await client.SendAsync(Subscribe(1), Token)).Error);
    }

    [Fact]
    public async Task A_batch_on_an_ended_session_fails_at_once()
    {
        var (relay, client) = await ScriptedRelay.StartAsync();
        await relay.DisposeAsync();
        await client.Completion;
        var results = await client.SendBatchAsync([Subscribe(1), Subscribe(2)], Token);
        Assert.Equal(2, results.Count);
        Assert.All(results, result => Assert.IsType<SmpClientError.Disconnected>(result.Error));
        await client.DisposeAsync();
    }

    [Fact]
    public async Task Disposing_fails_what_waits_and_can_be_repeated()
    {
        var (relay, client) = await ScriptedRelay.StartAsync();
        await using var _ = relay;
        var sending = client.SendAsync(Subscribe(1), Token);
        await relay.ReadAsync();
        await client.DisposeAsync();
        await client.DisposeAsync();
        Assert.IsType<SmpClientError.Disconnected>((await sending).Error);
        Assert.Null(await relay.Blocks.ReadAsync(Token));
    }

    [Fact]
    public async Task What_fits_in_no_block_is_not_sent()
    {
        var (relay, client) = await ScriptedRelay.StartAsync();
        await using var _ = relay;
        await using var __ = client;
        var result = await client.SendAsync(Send(1, new string('x', 17_000)), Token);
        Assert.Equal(new SmpClientError.CannotSend(TransportError.LargeMessage), result.Error);
    }

    [Fact]
    public async Task A_relay_without_application_protocol_speaks_version_6_and_has_no_key_for_authenticators()
    {
        var (relay, client) = await ScriptedRelay.StartAsync(isLegacy: true);
        await using var _ = relay;
        await using var __ = client;
        Assert.Equal(6, client.Version.Number);
        Assert.Null(client.Session.ServerKey);
        Assert.False(client.Session.Blocks.IsEncrypted);
        var key = X25519PrivateKey.Generate(SystemRandom.Instance);
        var result = await client.SendAsync(new SmpRequest(SmpCommand.Sub.Instance, Entity(1), key), Token);
        Assert.Equal(new SmpClientError.CannotSend(TransportError.NoServerAuth), result.Error);
        var signed = client.SendAsync(Subscribe(1), Token);
        await relay.AnswerAsync(await relay.ReadAsync(), BrokerMessage.Ok.Instance);
        Assert.True((await signed).IsOk);
    }

    [Fact]
    public async Task A_silent_relay_is_pinged_only_when_something_is_subscribed()
    {
        var time = new ManualTime();
        var (relay, client) = await ScriptedRelay.StartAsync(new SmpClientOptions { Time = time });
        await using var _ = relay;
        await using var __ = client;
        time.Advance(TimeSpan.FromMinutes(30));
        await Eventually.UntilAsync(() => time.TimerCount == 1, Token); // that of the pings: it was set anew
        var subscribing = client.SendAsync(Subscribe(1), Token);
        var first = await relay.ReadAsync();
        Assert.IsType<SmpCommand.Sub>(first.Command);
        await relay.AnswerAsync(first, BrokerMessage.Ok.Instance);
        Assert.True((await subscribing).IsOk);
        time.Advance(TimeSpan.FromMinutes(10));
        var pinged = await relay.ReadAsync().EndsAsync(Token);
        Assert.IsType<SmpCommand.Ping>(pinged.Command);
        await relay.AnswerAsync(pinged, BrokerMessage.Pong.Instance);
    }

    [Fact]
    public async Task A_relay_that_never_answers_is_dropped()
    {
        var time = new ManualTime();
        var (relay, client) = await ScriptedRelay.StartAsync(new SmpClientOptions { Time = time });
        await using var _ = relay;
        await using var __ = client;
        var subscribing = client.SendAsync(Subscribe(1), Token);
        await relay.AnswerAsync(await relay.ReadAsync(), BrokerMessage.Ok.Instance);
        Assert.True((await subscribing).IsOk);
        for (var missed = 0; missed < 3; missed++)
        {
            // A timer is set at a time, that of the next ping and that of its answer in turn.
            await Eventually.UntilAsync(() => time.TimerCount == 1, Token);
            time.Advance(TimeSpan.FromMinutes(10));
            Assert.IsType<SmpCommand.Ping>((await relay.ReadAsync().EndsAsync(Token)).Command);
            await Eventually.UntilAsync(() => time.TimerCount == 1, Token);
            Assert.False(client.Completion.IsCompleted);
            time.Advance(TimeSpan.FromSeconds(31));
        }

        Assert.Equal(TransportFailure.TimedOut, (await client.Completion.EndsAsync(Token)).Failure);
    }

    private static SmpRequest Subscribe(int number) => new(SmpCommand.Sub.Instance, Entity(number), Key);

    private static SmpRequest Send(int number, string body) =>
        new(new SmpCommand.Send(MessageFlags.None, System.Text.Encoding.ASCII.GetBytes(body)), Entity(number), null);

    private static BrokerMessage.Msg Message(byte content) => new(new MessageId(new byte[24]), new[] { content });

    private static EntityId Entity(int number)
    {
        var id = new byte[24];
        BitConverter.TryWriteBytes(id, number + 1);
        return new EntityId(id);
    }

    // transmission = authorization (empty) corrId entityId message
    private static byte[] RawTransmission(ReceivedCommand command, string message)
    {
        var buffer = new byte[200];
        var writer = new WireWriter(buffer);
        writer.WriteByte(0);
        var (corrId, entity) = (command.CorrId.Value, command.Entity.Value);
        writer.WriteShort(corrId.Span);
        writer.WriteShort(entity.Span);
        writer.WriteBytes(System.Text.Encoding.ASCII.GetBytes(message));
        return buffer[..writer.Written];
    }

    private static byte[] RawBatch(params byte[][] transmissions)
    {
        var buffer = new byte[1000];
        var writer = new WireWriter(buffer);
        writer.WriteByte((byte)transmissions.Length);
        foreach (var transmission in transmissions)
            writer.WriteLarge(transmission);
        return buffer[..writer.Written];
    }
}
