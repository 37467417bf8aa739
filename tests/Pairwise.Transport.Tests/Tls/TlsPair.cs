using Pairwise.Crypto;
using Pairwise.TestKit;
using Pairwise.Transport.Memory;
using Pairwise.Transport.Tls;
using Pairwise.Wire;

namespace Pairwise.Transport.Tests.Tls;

/// <summary>The two ends of a TLS connection in memory.</summary>
internal sealed class TlsPair(TlsConnection client, TlsConnection server) : IAsyncDisposable
{
    public TlsConnection Client { get; } = client;

    public TlsConnection Server { get; } = server;

    public static TlsServerOptions ServerOptions { get; } = new()
    {
        Credential = TlsCredential.From(TestCertificates.Server.Chain, TestCertificates.Server.Key),
        ApplicationProtocols = ["smp/1"],
    };

    public static TlsClientOptions ClientOptions { get; } = new() { ApplicationProtocols = ["smp/1"] };

    public static TlsTarget Target { get; } = TargetOf(TestCertificates.Server.Chain.IdentityFingerprint);

    public static TlsTarget TargetOf(Bytes keyHash) => new(PeerChecks.Server(keyHash, TimeProvider.System));

    public static async Task<TlsPair> OpenAsync(
        TlsClientOptions? clientOptions = null, TlsServerOptions? serverOptions = null, TlsTarget? target = null, Func<Stream, Stream>? wrapClient = null)
    {
        var (client, server) = Start(clientOptions, serverOptions, target, wrapClient);
        return new TlsPair(await client, await server);
    }

    /// <summary>Starts both handshakes; either may fail.</summary>
    public static (Task<TlsConnection> Client, Task<TlsConnection> Server) Start(
        TlsClientOptions? clientOptions = null, TlsServerOptions? serverOptions = null, TlsTarget? target = null, Func<Stream, Stream>? wrapClient = null)
    {
        var (near, far) = MemoryDuplex.CreatePair();
        using var clientContext = TlsContext.ForClient(clientOptions ?? ClientOptions);
        using var serverContext = TlsContext.ForServer(serverOptions ?? ServerOptions);
        var cancellationToken = TestContext.Current.CancellationToken;
        var client = TlsConnection.ConnectAsync(clientContext, target ?? Target, wrapClient is null ? near : wrapClient(near), TimeProvider.System, cancellationToken);
        var server = TlsConnection.AcceptAsync(serverContext, far, TimeProvider.System, cancellationToken);
        return (client.AsTask(), server.AsTask());
    }

    public async ValueTask DisposeAsync()
    {
        await Client.DisposeAsync();
        await Server.DisposeAsync();
    }
}
