using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;
using Pairwise.TestKit;
using Pairwise.Transport;
using Pairwise.Transport.Smp;
using Pairwise.Transport.Sockets;
using Pairwise.Transport.Tls;

namespace Pairwise.Client.Tests;

public sealed class SmpConnectorTests
{
    private static readonly string KeyHash = TestCertificates.Server.Chain.IdentityFingerprint.ToBase64Url();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(HostMode.OnionViaSocks, false, "relay.example")]
    [InlineData(HostMode.OnionViaSocks, true, "abc.onion")]
    [InlineData(HostMode.Onion, false, "abc.onion")]
    [InlineData(HostMode.Public, true, "relay.example")]
    public void The_host_is_chosen_by_the_settings(HostMode mode, bool hasProxy, string expected)
    {
        var network = new NetworkOptions { HostMode = mode, Socks = hasProxy ? new SocksOptions() : null };
        Assert.Equal(expected, SmpConnector.ChooseHost(Address("relay.example,abc.onion"), network).Name);
    }

    [Fact]
    public void A_required_kind_of_host_is_not_replaced_by_another()
    {
        var network = new NetworkOptions { HostMode = HostMode.Onion };
        Assert.Equal("relay.example", SmpConnector.ChooseHost(Address("relay.example"), network).Name);
        Assert.Throws<TransportException>(() => SmpConnector.ChooseHost(Address("relay.example"), network with { IsHostModeRequired = true }));
    }

    [Theory]
    [InlineData("relay.example", SocksMode.Always, false, true)]
    [InlineData("relay.example", SocksMode.OnionOnly, false, false)]
    [InlineData("abc.onion", SocksMode.OnionOnly, true, true)]
    [InlineData("127.0.0.1", SocksMode.Always, false, true)]
    [InlineData("127.0.0.1", SocksMode.Always, true, false)]
    [InlineData("localhost", SocksMode.Always, true, false)]
    public void The_proxy_is_used_by_the_settings(string host, SocksMode mode, bool isThisMachineDirect, bool isUsed)
    {
        var network = new NetworkOptions { Socks = new SocksOptions { Mode = mode, IsThisMachineDirect = isThisMachineDirect } };
        Assert.Equal(isUsed, SmpConnector.ChooseProxy(Address(host).Hosts[0], network, null) is not null);
    }

    [Fact]
    public async Task A_relay_over_sockets_is_reached_and_its_identity_is_checked()
    {
        await using var listener = Listen(RunAsync);
        await using (var client = await SmpClient.ConnectAsync(Address(listener), new SmpClientOptions(), isInteractive: true, Token))
        {
            Assert.Equal(SmpVersions.Current, client.Version);
            Assert.True(client.Session.Blocks.IsEncrypted);
        }

        Assert.True(ServerAddress.TryParse($"smp://{TestCertificates.OtherServer.Chain.IdentityFingerprint.ToBase64Url()}@127.0.0.1:{listener.EndPoints[0].Port}", out var other));
        var error = await Assert.ThrowsAsync<TransportException>(() => SmpClient.ConnectAsync(other, new SmpClientOptions(), isInteractive: true, Token));
        Assert.Equal(TransportFailure.UnknownIdentity, error.Failure);

        static async Task RunAsync(ISecureConnection connection, CancellationToken cancellationToken)
        {
            await using var session = await HandshakeAsync(connection, register: null, cancellationToken);
            await session.Blocks.ReadAsync(cancellationToken);
        }
    }

    [Fact]
    public async Task A_service_is_known_by_its_certificate()
    {
        SmpServiceClaim? seen = null;
        var id = new ServiceId(new byte[24]);
        await using var listener = Listen(async (connection, cancellationToken) =>
        {
            await using var session = await HandshakeAsync(connection, (claim, _) => { seen = claim; return ValueTask.FromResult<ServiceId?>(id); }, cancellationToken);
            await session.Blocks.ReadAsync(cancellationToken);
        });
        var (chain, key) = TestCertificates.Service;
        var options = new SmpClientOptions { Service = new SmpServiceCredential(SmpServiceRole.Notifier, chain, key) };
        await using var client = await SmpClient.ConnectAsync(Address(listener), options, isInteractive: true, Token);
        Assert.Equal(id, client.Service!.Id);
        Assert.Equal(SmpServiceRole.Notifier, seen!.Role);
        Assert.Equal(chain.IdentityFingerprint, seen.CertificateHash);
        Assert.Equal(client.Service.SessionKey.PublicKey.ToSpki(), seen.SessionKey.ToSpki());
    }

    [Fact]
    public async Task A_relay_that_takes_no_services_says_so()
    {
        await using var listener = Listen(async (connection, cancellationToken) =>
        {
            await using var session = await HandshakeAsync(connection, register: null, cancellationToken);
        });
        var (chain, key) = TestCertificates.Service;
        var options = new SmpClientOptions { Service = new SmpServiceCredential(SmpServiceRole.Messaging, chain, key) };
        var error = await Assert.ThrowsAsync<TransportException>(() => SmpClient.ConnectAsync(Address(listener), options, isInteractive: true, Token));
        Assert.Equal(TransportError.HandshakeBadService, error.Error);
    }

    [Fact]
    public async Task Versions_without_overlap_are_refused()
    {
        await using var listener = Listen(async (connection, cancellationToken) =>
        {
            await using var session = await HandshakeAsync(connection, register: null, cancellationToken);
        });
        var options = new SmpClientOptions { Versions = new Wire.VersionRange(19, 20) };
        var error = await Assert.ThrowsAsync<TransportException>(() => SmpClient.ConnectAsync(Address(listener), options, isInteractive: true, Token));
        Assert.Equal(TransportError.Version, error.Error);
    }

    [Fact]
    public async Task Nobody_there_is_unreachable()
    {
        await using var listener = Listen((_, _) => Task.CompletedTask);
        var address = Address(listener);
        await listener.DisposeAsync();
        var error = await Assert.ThrowsAsync<TransportException>(() => SmpClient.ConnectAsync(address, new SmpClientOptions(), isInteractive: true, Token));
        Assert.Equal(TransportFailure.Unreachable, error.Failure);
        Assert.True(error.IsTransient);
    }

    [Fact]
    public async Task A_relay_that_says_nothing_times_out()
    {
        var time = new ManualTime(TimeProvider.System.GetUtcNow());
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var listener = Listen(async (_, cancellationToken) =>
        {
            reached.SetResult();
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
        });
        var connecting = SmpClient.ConnectAsync(Address(listener), new SmpClientOptions { Time = time }, isInteractive: true, Token);
        await reached.Task;
        time.Advance(TimeSpan.FromSeconds(16));
        Assert.Equal(TransportFailure.TimedOut, (await Assert.ThrowsAsync<TransportException>(() => connecting)).Failure);
    }

    [Fact]
    public async Task A_port_that_is_none_is_told()
    {
        Assert.True(ServerAddress.TryParse($"smp://{KeyHash}@127.0.0.1:99999", out var address));
        var error = await Assert.ThrowsAsync<TransportException>(() => SmpClient.ConnectAsync(address, new SmpClientOptions(), isInteractive: true, Token));
        Assert.Equal(TransportFailure.Unreachable, error.Failure);
    }

    private static Task<SmpServerSession> HandshakeAsync(ISecureConnection connection, SmpServiceRegistration? register, CancellationToken cancellationToken)
    {
        var (chain, key) = TestCertificates.Server;
        return SmpServerHandshake.RunAsync(connection, new SmpServerIdentity(chain, key), SmpVersions.ServerRange, SystemRandom.Instance, register, cancellationToken);
    }

    private static TlsListener Listen(Func<ISecureConnection, CancellationToken, Task> handler)
    {
        var (chain, key) = TestCertificates.Server;
        var context = TlsContext.ForServer(new TlsServerOptions
        {
            Credential = TlsCredential.From(chain, key),
            ApplicationProtocols = ["smp/1"],
            CheckClient = PeerChecks.Service(TimeProvider.System),
        });
        return TlsListener.Start(new TlsListenerOptions { EndPoints = [new IPEndPoint(IPAddress.Loopback, 0)] }, context, handler, TimeProvider.System, NullLogger.Instance);
    }

    private static ServerAddress Address(TlsListener listener) => Address($"127.0.0.1:{listener.EndPoints[0].Port}");

    private static ServerAddress Address(string hosts)
    {
        Assert.True(ServerAddress.TryParse($"smp://{KeyHash}@{hosts}", out var address));
        return address;
    }
}
