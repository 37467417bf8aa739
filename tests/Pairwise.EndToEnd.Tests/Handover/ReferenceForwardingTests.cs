using Pairwise.Client;
using Pairwise.Crypto;
using Pairwise.Demo.Processes;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;

namespace Pairwise.EndToEnd.Tests.Handover;

/// <summary>The original relay and ours as proxy and destination of each other.</summary>
[Trait("Needs", "originals")]
public sealed class ReferenceForwardingTests
{
    private static string? Original => Environment.GetEnvironmentVariable("PAIRWISE_REFERENCE_SMP_SERVER");

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Either_relay_forwards_to_the_other(bool isProxyOurs)
    {
        Assert.SkipWhen(Original is null, "the original relay is not here: ./test reference --smp-server PATH");
        using var folder = new TestFolder();
        var proxyProgram = isProxyOurs ? null : Original;
        var relayProgram = isProxyOurs ? Original : null;
        var proxyAddress = await RelayProcess.InitAsync(folder["proxy"], proxyProgram);
        var relayAddress = await RelayProcess.InitAsync(folder["relay"], relayProgram);
        await using var proxy = await RelayProcess.StartAsync(folder["proxy"], proxyAddress, proxyProgram);
        await using var relay = await RelayProcess.StartAsync(folder["relay"], relayAddress, relayProgram);
        await using var recipient = await ConnectAsync(relayAddress);
        await using var sender = await ConnectAsync(proxyAddress);
        var link = await HeldQueue.CreateAsync(recipient, "one-time link", KeyAlgorithm.X25519, QueueMode.Messaging, hasLink: true);
        var contact = await HeldQueue.CreateAsync(recipient, "contact address", KeyAlgorithm.Ed25519, QueueMode.Contact, hasLink: true);
        var plain = await HeldQueue.CreateAsync(recipient, "conversation", KeyAlgorithm.Ed25519, QueueMode.Messaging);
        var forwarded = await OpenAsync(sender, relayAddress);
        Assert.True(forwarded.Version <= new SmpVersion(SmpVersions.ProxiedRange.Max));

        // Everything that senders and guests do; what the destination says comes through as its own.
        foreach (var queue in new[] { link, contact, plain })
            queue.SendThrough(command => forwarded.SendAsync(command, isInteractive: true, CancellationToken.None));
        await link.OpenLinkAsync(recipient);
        await contact.CheckLinkAsync(recipient);
        await plain.SecureAsync(recipient, KeyAlgorithm.X25519, bySender: true);
        foreach (var queue in new[] { link, contact, plain })
        {
            await queue.SendNextAsync(recipient);
            await queue.SendAsync(recipient, "longest", SmpLimits.MaxMessageLength(forwarded.Version));
            await queue.DrainAsync(recipient);
        }

        await plain.DeleteAsync(recipient);
        await plain.SendNextAsync(recipient);
    }

    private static async Task<ProxiedRelay> OpenAsync(SmpClient proxy, string address)
    {
        Assert.True(ServerAddress.TryParse(address, out var relay));
        var (opened, error) = await ProxiedRelay.OpenAsync(proxy, relay, null, new SmpClientOptions(), isInteractive: true, CancellationToken.None);
        Assert.True(opened is not null, error?.ToString());
        return opened;
    }

    private static Task<SmpClient> ConnectAsync(string address)
    {
        Assert.True(ServerAddress.TryParse(address, out var relay));
        return SmpClient.ConnectAsync(relay, new SmpClientOptions(), isInteractive: true, CancellationToken.None);
    }
}
