using System.Net;
using Pairwise.Client;
using Pairwise.Conformance;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;
using Pairwise.Server.Smp;
using Pairwise.Wire;

[assembly: AssemblyFixture(typeof(RelayUnderTest))]

namespace Pairwise.Conformance;

/// <summary>
/// The relay that the conversations are held with: the one that the environment variable PAIRWISE_SERVER names
/// (<c>./test conformance --server smp://…</c>), or our own in this process. Conversations know its address and nothing else.
/// </summary>
public sealed class RelayUnderTest : IAsyncLifetime
{
    private readonly string _folder = Path.Combine(Path.GetTempPath(), "pairwise-conformance-" + Path.GetRandomFileName());
    private SmpServer? _own;

    public ServerAddress Address { get; private set; } = null!;

    public BasicAuth? Password { get; private set; }

    /// <summary>Whether it is our own, in this process.</summary>
    public bool IsOwn => _own is not null;

    public async ValueTask InitializeAsync()
    {
        var given = Environment.GetEnvironmentVariable("PAIRWISE_SERVER");
        if (string.IsNullOrEmpty(given))
        {
            _own = await SmpServer.StartAsync(new SmpServerOptions { ConfigurationFolder = _folder }, TestContext.Current.CancellationToken);
            given = _own.Address;
        }

        if (!ServerAddressWithPassword.TryParse(given, out var parsed))
            throw new InvalidOperationException($"PAIRWISE_SERVER is not the address of a relay: {given}");
        Address = parsed.Server;
        Password = parsed.Password;
    }

    public async ValueTask DisposeAsync()
    {
        if (_own is null)
            return;
        await _own.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    /// <summary>Starts a relay of ours that keeps its state in <paramref name="folder"/>; port 0 takes a free one.</summary>
    public static async Task<(SmpServer Server, RelayUnderTest Relay)> StartOwnAsync(string folder, int port)
    {
        var server = await SmpServer.StartAsync(
            new SmpServerOptions
            {
                ConfigurationFolder = Path.Combine(folder, "etc"),
                StateFolder = Path.Combine(folder, "log"),
                Endpoints = [new IPEndPoint(IPAddress.Loopback, port)],
            },
            TestContext.Current.CancellationToken);
        Assert.True(ServerAddress.TryParse(server.Address, out var address));
        return (server, new RelayUnderTest { Address = address });
    }

    /// <summary>A new client, by default of the newest version.</summary>
    public async Task<Party> ConnectAsync(SmpVersion? version = null)
    {
        var options = new SmpClientOptions
        {
            Versions = version is { } only ? new VersionRange(only.Number, only.Number) : SmpVersions.ClientRange,
        };
        return new Party(this, await SmpClient.ConnectAsync(Address, options, isInteractive: true, TestContext.Current.CancellationToken));
    }

    /// <summary>A new client that is a service.</summary>
    public async Task<Party> ConnectAsync(TestService service)
    {
        var options = new SmpClientOptions { Service = service.Credential };
        return new Party(this, await SmpClient.ConnectAsync(Address, options, isInteractive: true, TestContext.Current.CancellationToken));
    }
}
