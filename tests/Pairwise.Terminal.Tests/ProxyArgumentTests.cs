using System.CommandLine;
using Pairwise.Client;
using Pairwise.Terminal.Startup;

namespace Pairwise.Terminal.Tests;

/// <summary>How the command line says through what relays are reached.</summary>
public sealed class ProxyArgumentTests
{
    [Theory]
    [InlineData("", "127.0.0.1:9050", "Isolate { }")]
    [InlineData(":1080", "127.0.0.1:1080", "Isolate { }")]
    [InlineData("localhost:1080", "127.0.0.1:1080", "Isolate { }")]
    [InlineData("10.1.2.3", "10.1.2.3:9050", "Isolate { }")]
    [InlineData("10.1.2.3:1", "10.1.2.3:1", "Isolate { }")]
    [InlineData("[::1]:1080", "[::1]:1080", "Isolate { }")]
    [InlineData("::1", "[::1]:9050", "Isolate { }")]
    [InlineData("@:1080", "127.0.0.1:1080", "None { }")]
    [InlineData("ann:se:cr@et@10.1.2.3:1080", "10.1.2.3:1080", "Fixed")]
    public void Proxies_are_read(string text, string endPoint, string authentication)
    {
        Assert.True(ProxyArgument.TryParse(text, out var proxy));
        Assert.Equal(endPoint, proxy.EndPoint.ToString());
        Assert.StartsWith(authentication, proxy.Authentication.ToString(), StringComparison.Ordinal);
        Assert.True(proxy.IsThisMachineDirect);
    }

    [Theory]
    [InlineData("relay.example:1080")]
    [InlineData(":0")]
    [InlineData(":65536")]
    [InlineData(":x")]
    [InlineData("10.1:1080")]
    [InlineData("[]:1080")]
    [InlineData(":password@:1080")]
    [InlineData("user@:1080")]
    public void Anything_else_is_refused(string text) => Assert.False(ProxyArgument.TryParse(text, out _));

    [Theory]
    [InlineData("", null, HostMode.Public, false)]
    [InlineData("-x", SocksMode.Always, HostMode.OnionViaSocks, false)]
    [InlineData("-x --socks-mode onion --required-host-mode", SocksMode.OnionOnly, HostMode.OnionViaSocks, true)]
    [InlineData("--socks-proxy @:1080", SocksMode.Always, HostMode.Public, false)]
    [InlineData("--socks-proxy :1080 --host-mode public", SocksMode.Always, HostMode.Public, false)]
    public async Task Options_become_network_settings(string line, SocksMode? mode, HostMode hosts, bool isRequired)
    {
        PairwiseOptions? read = null;
        var command = CommandLineDefinition.Create(options =>
        {
            read = options;
            return Task.FromResult(0);
        });
        Assert.Equal(0, await command.Parse(line, new ParserConfiguration { ResponseFileTokenReplacer = null }).InvokeAsync(cancellationToken: TestContext.Current.CancellationToken));
        Assert.Equal((mode, hosts, isRequired), (read!.Network.Socks?.Mode, read.Network.HostMode, read.Network.IsHostModeRequired));
    }

    [Theory]
    [InlineData("--socks-proxy relay.example")]
    [InlineData("--socks-mode never")]
    [InlineData("--host-mode private")]
    public void Mistakes_are_found_before_anything_starts(string line) =>
        Assert.NotEmpty(CommandLineDefinition.Create(static _ => Task.FromResult(0)).Parse(line).Errors);
}
