using System.Net;
using System.Net.Sockets;
using Pairwise.Transport.Sockets;

namespace Pairwise.Transport.Tests.Sockets;

/// <summary>The client's side of SOCKS5 against a scripted proxy: every byte of RFC 1928 and 1929.</summary>
public sealed class SocksTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_name_goes_to_the_proxy_unresolved()
    {
        byte[] connect = [5, 1, 0, 3, 13, .. "relay.example"u8, 0x14, 0x67];
        await using var stream = await ConnectAsync("relay.example", 5223, credentials: null, async proxy =>
        {
            await ExpectAsync(proxy, [5, 1, 0]);
            await proxy.WriteAsync(new byte[] { 5, 0 }, Token);
            await ExpectAsync(proxy, connect);
            await proxy.WriteAsync(new byte[] { 5, 0, 0, 1, 1, 2, 3, 4, 0, 80 }, Token);
            await proxy.WriteAsync("hello"u8.ToArray(), Token);
        });
        await ExpectAsync(stream, "hello"u8.ToArray());
    }

    [Fact]
    public async Task Addresses_go_as_addresses_and_credentials_isolate()
    {
        byte[] login = [1, 4, .. "name"u8, 6, .. "secret"u8];
        await using var stream = await ConnectAsync("2001:db8::1", 443, new SocksCredentials("name", "secret"), async proxy =>
        {
            await ExpectAsync(proxy, [5, 1, 2]);
            await proxy.WriteAsync(new byte[] { 5, 2 }, Token);
            await ExpectAsync(proxy, login);
            await proxy.WriteAsync(new byte[] { 1, 0 }, Token);
            await ExpectAsync(proxy, [5, 1, 0, 4, 0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0xbb]);
            await proxy.WriteAsync(new byte[] { 5, 0, 0, 3, 2, (byte)'o', (byte)'k', 0, 1 }, Token);
            await proxy.WriteAsync(new byte[] { 9 }, Token);
        });
        await ExpectAsync(stream, [9]);
    }

    [Fact]
    public async Task Names_that_only_isolate_are_offered_and_a_proxy_without_users_will_do()
    {
        var credentials = new SocksCredentials("name", "") { IsOptional = true };
        await using var stream = await ConnectAsync("127.0.0.1", 5223, credentials, async proxy =>
        {
            await ExpectAsync(proxy, [5, 2, 0, 2]);
            await proxy.WriteAsync(new byte[] { 5, 0 }, Token);
            await ExpectAsync(proxy, [5, 1, 0, 1, 127, 0, 0, 1, 0x14, 0x67]);
            await proxy.WriteAsync(new byte[] { 5, 0, 0, 1, 1, 2, 3, 4, 0, 80, 9 }, Token);
        });
        await ExpectAsync(stream, [9]);
    }

    [Theory]
    [InlineData(1, TransportFailure.ProxyRefused)]
    [InlineData(2, TransportFailure.ProxyRefused)]
    [InlineData(4, TransportFailure.Unreachable)]
    [InlineData(5, TransportFailure.Unreachable)]
    [InlineData(8, TransportFailure.ProxyRefused)]
    public async Task A_refusal_is_told(byte status, TransportFailure expected)
    {
        var error = await Assert.ThrowsAsync<TransportException>(() => ConnectAsync("127.0.0.1", 5223, credentials: null, async proxy =>
        {
            await ExpectAsync(proxy, [5, 1, 0]);
            await proxy.WriteAsync(new byte[] { 5, 0 }, Token);
            await ExpectAsync(proxy, [5, 1, 0, 1, 127, 0, 0, 1, 0x14, 0x67]);
            await proxy.WriteAsync(new byte[] { 5, status, 0, 1, 0, 0, 0, 0, 0, 0 }, Token);
        }));
        Assert.Equal(expected, error.Failure);
    }

    [Theory]
    [InlineData(new byte[] { 5, 0xff })]
    [InlineData(new byte[] { 4, 0 })]
    [InlineData(new byte[] { 5 })]
    [InlineData(new byte[] { })]
    public async Task A_proxy_that_does_not_agree_is_told(byte[] answer)
    {
        var error = await Assert.ThrowsAsync<TransportException>(() => ConnectAsync("relay.example", 5223, credentials: null, async proxy =>
        {
            await ExpectAsync(proxy, [5, 1, 0]);
            await proxy.WriteAsync(answer, Token);
        }));
        Assert.Equal(TransportFailure.ProxyRefused, error.Failure);
    }

    [Fact]
    public async Task Wrong_credentials_are_told()
    {
        var error = await Assert.ThrowsAsync<TransportException>(() => ConnectAsync("relay.example", 5223, new SocksCredentials("a", ""), async proxy =>
        {
            await ExpectAsync(proxy, [5, 1, 2]);
            await proxy.WriteAsync(new byte[] { 5, 2 }, Token);
            await ExpectAsync(proxy, [1, 1, (byte)'a', 0]);
            await proxy.WriteAsync(new byte[] { 1, 1 }, Token);
        }));
        Assert.Equal(TransportFailure.ProxyRefused, error.Failure);
    }

    [Fact]
    public void Credentials_do_not_show_themselves() => Assert.Equal("[secret]", new SocksCredentials("name", "secret").ToString());

    private static async Task<Stream> ConnectAsync(string host, int port, SocksCredentials? credentials, Func<Stream, Task> script)
    {
        using var listening = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listening.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listening.Listen();
        var proxy = RunAsync();
        var options = new TcpConnectOptions { Proxy = new SocksProxy((IPEndPoint)listening.LocalEndPoint!, credentials) };
        var connecting = TcpConnector.ConnectAsync(host, port, options, Token);
        await proxy;
        return await connecting;

        async Task RunAsync()
        {
            using var accepted = await listening.AcceptAsync(Token);
            await using var stream = new NetworkStream(accepted, ownsSocket: false);
            await script(stream);
            accepted.Shutdown(SocketShutdown.Send);
        }
    }

    private static async Task ExpectAsync(Stream stream, byte[] expected)
    {
        var read = new byte[expected.Length];
        await stream.ReadExactlyAsync(read, Token);
        Assert.Equal(expected, read);
    }
}
