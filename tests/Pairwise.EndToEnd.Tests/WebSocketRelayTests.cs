using System.Globalization;
using Pairwise.Client;
using Pairwise.Crypto;
using Pairwise.Demo.Processes;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;
using Pairwise.TestKit;
using Pairwise.Transport;
using Pairwise.Transport.Smp;
using Pairwise.Transport.Sockets;
using Pairwise.Transport.Tls;
using Pairwise.Transport.WebSockets;

namespace Pairwise.EndToEnd.Tests;

/// <summary>The ports of "websockets" in the ini file, on relays as an operator starts them.</summary>
public sealed class WebSocketRelayTests
{
    private static string? Original => Environment.GetEnvironmentVariable("PAIRWISE_REFERENCE_SMP_SERVER");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public Task Ours_speaks_the_protocol_through_web_sockets() => SpeakAsync(null);

    [Fact]
    [Trait("Needs", "originals")]
    public Task So_does_the_original()
    {
        Assert.SkipWhen(Original is null, "the original relay is not here: ./test reference --smp-server PATH");
        return SpeakAsync(Original);
    }

    private static async Task SpeakAsync(string? program)
    {
        using var folder = new TestFolder();
        var address = await RelayProcess.InitAsync(folder["relay"], program);
        Assert.True(ServerAddress.TryParse(address, out var server));
        Assert.True(server.TryGetPort(out var plain));
        var port = LoopbackPorts.Take();
        var ini = Path.Combine(folder["relay"], "etc", "smp-server.ini");
        var lines = await File.ReadAllLinesAsync(ini, Token);
        var at = Array.FindIndex(lines, line => line.StartsWith("websockets", StringComparison.Ordinal));
        lines[at] = string.Create(CultureInfo.InvariantCulture, $"websockets = {plain},{port}"); // one that is plain already stays so
        await File.WriteAllLinesAsync(ini, lines, Token);
        await using var relay = await RelayProcess.StartAsync(folder["relay"], address, program);

        await using var recipient = await ConnectAsync(server, port);
        await using var sender = await SmpClient.ConnectAsync(server, new SmpClientOptions(), isInteractive: true, Token);
        using var key = Ed25519PrivateKey.Generate(SystemRandom.Instance);
        using var agreement = X25519PrivateKey.Generate(SystemRandom.Instance);
        var create = new SmpCommand.New(key.PublicKey, agreement.PublicKey, null, SubscriptionMode.Subscribe, new QueueRequest.Messaging(null), null);
        var ids = Assert.IsType<BrokerMessage.Ids>(await AskAsync(recipient, create, EntityId.None, key));
        var sent = await sender.SendAsync(new SmpRequest(new SmpCommand.Send(MessageFlags.None, "through two transports"u8.ToArray()), ids.Sender.ToEntityId(), null), isInteractive: true, Token);
        Assert.True(sent.IsOk, $"{sent.Error}");
        var message = Assert.IsType<BrokerMessage.Msg>(await ReadAsync(recipient));
        using var secret = agreement.DeriveSharedSecret(ids.ServerDhKey);
        using var box = BoxKey.From(secret);
        Assert.True(box.TryOpenPadded(message.Message.Value.ToArray(), message.EncryptedBody.ToArray(), out var opened));
        Assert.EndsWith("through two transports", System.Text.Encoding.ASCII.GetString(opened), StringComparison.Ordinal);
    }

    private static async Task<SmpClientSession> ConnectAsync(ServerAddress server, int port)
    {
        var stream = await WaitForPortAsync(server.Hosts[0].Name, port);
        using var context = TlsContext.ForClient(new TlsClientOptions { ApplicationProtocols = ["smp/1"] });
        var tls = await TlsConnection.ConnectAsync(context, new TlsTarget(PeerChecks.Server(server.KeyHash, TimeProvider.System)), stream, TimeProvider.System, Token);
        var messages = await WebSocketConnection.OpenAsync(tls, "localhost", SystemRandom.Instance, Token);
        return await SmpClientHandshake.RunAsync(messages, new SmpClientHandshakeOptions { KeyHash = server.KeyHash }, SystemRandom.Instance, Token);
    }

    // The original opens its ports one after the other.
    private static async Task<Stream> WaitForPortAsync(string host, int port)
    {
        while (true)
        {
            try
            {
                return await TcpConnector.ConnectAsync(host, port, new TcpConnectOptions(), Token);
            }
            catch (TransportException)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, Token);
            }
        }
    }

    private static async Task<BrokerMessage> AskAsync(SmpClientSession session, SmpCommand command, EntityId entity, PrivateKey key)
    {
        var authorizer = new TransmissionAuthorizer(new TransmissionFormat(session.Version, session.SessionId.Span), session.ServerKey);
        Assert.True(authorizer.TryEncode(new CorrId(SystemRandom.Instance.Bytes(24)), entity, command, key, out var encoded));
        byte[] content = [1, (byte)(encoded.Length >> 8), (byte)(encoded.Length & 0xFF), .. encoded];
        await session.Blocks.WriteAsync(content, Token);
        return await ReadAsync(session);
    }

    private static async Task<BrokerMessage> ReadAsync(SmpClientSession session)
    {
        using var block = await session.Blocks.ReadAsync(Token);
        Assert.NotNull(block);
        Assert.True(BatchReader.TryOpen(block.Content.ToArray(), new TransmissionFormat(session.Version, session.SessionId.Span), out var batch));
        Assert.True(batch.TryReadNext(out var transmission));
        Assert.True(transmission.TryDecodeMessage(session.Version, out var message, out var error), $"{error}");
        return message;
    }
}
