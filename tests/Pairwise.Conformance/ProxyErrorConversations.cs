using System.Net;
using System.Net.Sockets;
using Pairwise.Client;
using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;
using Pairwise.Wire;

namespace Pairwise.Conformance;

/// <summary>What a proxy says when a destination cannot be reached.</summary>
public sealed class ProxyErrorConversations(RelayUnderTest relay, ITestOutputHelper output)
{
    [Fact]
    public async Task A_destination_that_cannot_be_reached_is_told_with_its_reason()
    {
        using var closed = new TcpListener(IPAddress.Loopback, 0);
        closed.Start();
        var closedPort = ((IPEndPoint)closed.LocalEndpoint).Port;
        closed.Stop();
        using var garbage = new TcpListener(IPAddress.Loopback, 0);
        garbage.Start();
        using var stop = new CancellationTokenSource();
        var talking = TalkGarbageAsync(garbage, stop.Token);

        output.WriteLine($"closed: {await OpenAsync($"127.0.0.1:{closedPort}")}");
        output.WriteLine($"again: {await OpenAsync($"127.0.0.1:{closedPort}")}");
        output.WriteLine($"no such host: {await OpenAsync("nowhere.invalid:5223")}");
        output.WriteLine($"onion: {await OpenAsync("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.onion:5223")}");
        output.WriteLine($"garbage: {await OpenAsync($"127.0.0.1:{((IPEndPoint)garbage.LocalEndpoint).Port}")}");
        output.WriteLine($"impostor: {await OpenAsync($"127.0.0.1:{relay.Address.Port}")}");
        await stop.CancelAsync();
        await talking;
    }

    private async Task<SmpError?> OpenAsync(string host)
    {
        await using var sender = await relay.ConnectAsync();
        Assert.True(ServerAddress.TryParse($"smp://{Bytes.Wrap(new byte[32]).ToBase64Url()}@{host}", out var nowhere));
        var result = await sender.Client.SendAsync(new SmpRequest(new SmpCommand.Prxy(nowhere, relay.Password), EntityId.None, null), isInteractive: true, TestContext.Current.CancellationToken);
        return (result.Error as SmpClientError.Relay)?.Error ?? throw new InvalidOperationException($"{host}: {result.Message} {result.Error}");
    }

    private static async Task TalkGarbageAsync(TcpListener listener, CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                using var client = await listener.AcceptTcpClientAsync(cancellationToken);
                await client.GetStream().WriteAsync("220 this is no TLS\r\n"u8.ToArray(), cancellationToken);
                await Task.Delay(TimeSpan.FromMilliseconds(300), TimeProvider.System, cancellationToken);
            }
        }
        catch (OperationCanceledException)
        {
            // The test is over.
        }
    }
}
