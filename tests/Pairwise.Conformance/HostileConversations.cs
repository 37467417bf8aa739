using Pairwise.Crypto;
using Pairwise.Protocol.Smp;
using Pairwise.Transport;
using Pairwise.Transport.Smp;
using Pairwise.Transport.Sockets;
using Pairwise.Transport.Tls;
using Pairwise.Wire;

namespace Pairwise.Conformance;

/// <summary>What a relay does with clients that break the rules: it answers or closes, and goes on serving the others.</summary>
public sealed class HostileConversations(RelayUnderTest relay)
{
    private static readonly byte[] Id = [.. Enumerable.Repeat((byte)7, SmpLimits.IdLength)];
    private static readonly byte[] Signature = new byte[64];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Commands_that_are_none_are_answered_with_the_reason()
    {
        await using var party = await RawParty.ConnectAsync(relay);
        await ExpectAsync(party, party.Transmission("WHAT"u8), SmpError.Command.Unknown);
        await ExpectAsync(party, party.Transmission(""u8), SmpError.Command.Unknown);
        await ExpectAsync(party, party.Transmission("ACK"u8, Id, Signature), SmpError.Command.Syntax);
        await ExpectAsync(party, party.Transmission("KEY \u0005short"u8, Id, Signature), SmpError.Command.Syntax);
        await ExpectAsync(party, party.Transmission("SEND"u8, Id), SmpError.Command.Syntax);
        await party.ExpectServiceAsync();
    }

    [Fact]
    public async Task Credentials_too_few_and_too_many_are_answered_with_the_reason()
    {
        await using var party = await RawParty.ConnectAsync(relay);
        await ExpectAsync(party, party.Transmission("SUB"u8, Id), SmpError.Command.NoAuth);
        await ExpectAsync(party, party.Transmission("SUB"u8, default, Signature), SmpError.Command.NoAuth);
        await ExpectAsync(party, party.Transmission("SEND F body"u8), SmpError.Command.NoEntity);
        await ExpectAsync(party, party.Transmission("PING"u8, Id), SmpError.Command.HasAuth);
        await ExpectAsync(party, party.Transmission("PING"u8, default, Signature), SmpError.Command.HasAuth);
        await party.ExpectServiceAsync();
    }

    [Fact]
    public async Task An_authorization_of_no_known_length_is_refused()
    {
        await using var party = await RawParty.ConnectAsync(relay);
        await party.SendAsync(party.Transmission("SUB"u8, Id, new byte[63]));
        var messages = await party.ReadAsync();
        Assert.NotNull(messages);
        Assert.IsType<BrokerMessage.Err>(Assert.Single(messages));
        await party.ExpectServiceAsync();
    }

    [Fact]
    public async Task A_transmission_of_another_session_is_refused()
    {
        await using var party = await RawParty.ConnectAsync(relay, new SmpVersion(6));
        await ExpectAsync(party, party.Transmission("PING"u8, sessionId: new byte[32]), SmpError.Session.Instance);
        await party.ExpectServiceAsync();
    }

    [Fact]
    public async Task A_signature_of_another_session_is_worth_nothing()
    {
        await using var owner = await relay.ConnectAsync();
        await using var thief = await RawParty.ConnectAsync(relay);
        var queue = await owner.CreateQueueAsync();
        var foreign = new TransmissionAuthorizer(new TransmissionFormat(owner.Version, owner.Client.SessionId.Span), null);
        Assert.True(foreign.TryEncode(new CorrId(Id), queue.Recipient.ToEntityId(), SmpCommand.Del.Instance, queue.RecipientKey, out var captured));
        await thief.SendAsync(captured);
        await thief.ExpectErrorAsync(SmpError.Auth.Instance);
        Assert.True((await owner.SendAsync(SmpCommand.Que.Instance, queue.Recipient.ToEntityId(), queue.RecipientKey)).IsOk);
    }

    [Fact]
    public async Task A_block_that_is_no_batch_is_answered_or_closes_and_harms_nobody()
    {
        await using var other = await relay.ConnectAsync();
        foreach (var content in new[] { "garbage"u8.ToArray(), [], [0], [1], [1, 0xff, 0xff], [2, 0, 0], [255] })
        {
            await using var party = await RawParty.ConnectAsync(relay);
            await party.Blocks.WriteAsync(content, Token);
            if (await party.ReadAsync() is { } messages)
                Assert.Equal(SmpError.Block.Instance, Assert.IsType<BrokerMessage.Err>(Assert.Single(messages)).Error);
        }

        await other.SendAsync<BrokerMessage.Pong>(SmpCommand.Ping.Instance);
    }

    [Fact]
    public async Task A_block_that_does_not_open_is_answered_or_closes_and_harms_nobody()
    {
        await using var other = await relay.ConnectAsync();
        await using var party = await RawParty.ConnectAsync(relay);
        await party.Blocks.Connection.WriteAsync(TestQueue.Body(Block.Size), Token);
        if (await party.ReadAsync() is { } messages)
            Assert.Equal(SmpError.Block.Instance, Assert.IsType<BrokerMessage.Err>(Assert.Single(messages)).Error);
        await other.SendAsync<BrokerMessage.Pong>(SmpCommand.Ping.Instance);
    }

    [Fact]
    public async Task A_full_batch_of_garbage_is_answered_one_by_one()
    {
        await using var party = await RawParty.ConnectAsync(relay);
        await party.SendAsync([.. Enumerable.Range(0, 255).Select(i => party.Transmission("WHAT"u8, corrId: (byte)(i + 1)))]);
        var answers = 0;
        while (answers < 255)
        {
            var messages = await party.ReadAsync();
            Assert.NotNull(messages);
            Assert.All(messages, message => Assert.IsType<BrokerMessage.Err>(message));
            answers += messages.Count;
        }

        await party.ExpectServiceAsync();
    }

    [Fact]
    public async Task A_client_that_wants_another_relay_is_sent_away()
    {
        await using var connection = await ConnectTlsAsync();
        var blocks = new BlockConnection(connection);
        (await blocks.ReadAsync(Token))!.Dispose();
        await SendHelloAsync(blocks, new SmpClientHello(SmpVersions.Current, Bytes.Wrap(new byte[32]), X25519PrivateKey.Generate(SystemRandom.Instance).PublicKey, IsProxy: false, Service: null));
        await ExpectEndAsync(blocks);
    }

    [Theory]
    [InlineData(5)]
    [InlineData(19)]
    [InlineData(0)]
    public async Task A_version_nobody_offered_is_sent_away(int number)
    {
        await using var connection = await ConnectTlsAsync();
        var blocks = new BlockConnection(connection);
        (await blocks.ReadAsync(Token))!.Dispose();
        await SendHelloAsync(blocks, new SmpClientHello(
            new SmpVersion((ushort)number), relay.Address.KeyHash, X25519PrivateKey.Generate(SystemRandom.Instance).PublicKey, IsProxy: false, Service: null));
        await ExpectEndAsync(blocks);
    }

    [Fact]
    public async Task A_hello_that_does_not_parse_is_sent_away()
    {
        foreach (var content in new[] { [], [0], "garbage"u8.ToArray(), [0, 18, 200, 1] })
        {
            await using var connection = await ConnectTlsAsync();
            var blocks = new BlockConnection(connection);
            (await blocks.ReadAsync(Token))!.Dispose();
            await blocks.WriteAsync(content, Token);
            await ExpectEndAsync(blocks);
        }
    }

    [Fact]
    public async Task A_client_without_application_protocol_is_offered_version_6_only()
    {
        await using var connection = await ConnectTlsAsync(hasProtocol: false);
        Assert.Null(connection.ApplicationProtocol);
        var session = await SmpClientHandshake.RunAsync(
            connection, new SmpClientHandshakeOptions { KeyHash = relay.Address.KeyHash }, SystemRandom.Instance, Token);
        Assert.Equal(6, session.Version.Number);
        await session.DisposeAsync();
    }

    [Fact]
    public async Task Half_handshakes_and_slow_writers_do_not_stop_others()
    {
        var slow = new List<IAsyncDisposable>();
        for (var i = 0; i < 30; i++)
        {
            var stream = await TcpAsync();
            if (i % 3 == 1)
                await stream.WriteAsync(new byte[] { 0x16, 3, 1, 2, 0 }, Token);
            slow.Add(stream);
        }

        for (var i = 0; i < 5; i++)
        {
            var party = await RawParty.ConnectAsync(relay);
            await party.Blocks.Connection.WriteAsync(new byte[1000 * (i + 1)], Token);
            slow.Add(party);
        }

        await using var recipient = await relay.ConnectAsync();
        await using var sender = await relay.ConnectAsync();
        var queue = await recipient.CreateQueueAsync();
        await sender.SendAsync<BrokerMessage.Ok>(TestQueue.Message("through"u8), queue.Sender.ToEntityId());
        Assert.Equal("through"u8.ToArray(), await recipient.ReceiveAsync(queue));
        foreach (var party in slow)
            await party.DisposeAsync();
        await sender.SendAsync<BrokerMessage.Pong>(SmpCommand.Ping.Instance);
    }

    [Fact]
    public async Task A_client_that_never_reads_costs_itself_only()
    {
        await using var greedy = await RawParty.ConnectAsync(relay);
        var pings = Enumerable.Range(0, 200).Select(i => greedy.Transmission("PING"u8, corrId: (byte)(i + 1))).ToArray();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(2), TimeProvider.System);
        try
        {
            // Far more than any buffer between the two holds; at some time the relay stops reading, or closes.
            for (var i = 0; i < 1000; i++)
                await greedy.SendAsync(pings).WaitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            Assert.True(limit.IsCancellationRequested);
        }
        catch (TransportException e)
        {
            Assert.Equal(TransportFailure.Closed, e.Failure);
        }

        await using var other = await relay.ConnectAsync();
        await other.SendAsync<BrokerMessage.Pong>(SmpCommand.Ping.Instance);
    }

    [Fact]
    public async Task A_connection_that_is_cut_within_a_block_leaves_the_queue_as_it_was()
    {
        await using var recipient = await relay.ConnectAsync();
        var queue = await recipient.CreateQueueAsync();
        for (var i = 0; i < 5; i++)
        {
            var party = await RawParty.ConnectAsync(relay);
            await party.Blocks.Connection.WriteAsync(new byte[Block.Size - 1 - i], Token);
            await party.DisposeAsync();
        }

        await recipient.SendAsync<BrokerMessage.Ok>(TestQueue.Message("whole"u8), queue.Sender.ToEntityId());
        Assert.Equal("whole"u8.ToArray(), await recipient.ReceiveAsync(queue));
    }

    private static async Task ExpectAsync(RawParty party, byte[] transmission, SmpError expected)
    {
        await party.SendAsync(transmission);
        await party.ExpectErrorAsync(expected);
    }

    private static async Task SendHelloAsync(BlockConnection blocks, SmpClientHello hello)
    {
        var buffer = new byte[BlockConnection.MaxContent];
        var writer = new WireWriter(buffer);
        SmpHandshakeCodec.Write(hello, ref writer);
        await blocks.WriteAsync(buffer.AsSpan(0, writer.Written), Token);
    }

    private static async Task ExpectEndAsync(BlockConnection blocks)
    {
        try
        {
            Assert.Null(await blocks.ReadAsync(Token));
        }
        catch (TransportException e)
        {
            Assert.Equal(TransportFailure.Closed, e.Failure);
        }
    }

    private async Task<Stream> TcpAsync()
    {
        Assert.True(relay.Address.TryGetPort(out var port));
        return await TcpConnector.ConnectAsync(relay.Address.Hosts[0].Name, port, new TcpConnectOptions(), Token);
    }

    private async Task<TlsConnection> ConnectTlsAsync(bool hasProtocol = true)
    {
        using var context = TlsContext.ForClient(new TlsClientOptions { ApplicationProtocols = hasProtocol ? ["smp/1"] : [] });
        return await TlsConnection.ConnectAsync(
            context, new TlsTarget(PeerChecks.Server(relay.Address.KeyHash, TimeProvider.System)), await TcpAsync(), TimeProvider.System, Token);
    }
}
