using System.Net;
using Pairwise.Client;
using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;
using Pairwise.Server.Smp;
using Pairwise.Server.Smp.Notifying;
using Pairwise.Server.Smp.Operation;
using Pairwise.Server.Smp.Store;
using Pairwise.TestKit;
using Pairwise.Transport.Smp;
using Pairwise.Wire;
using static Pairwise.Server.Tests.Smp.TestRelay;

namespace Pairwise.Server.Tests.Smp;

/// <summary>Services that the operator does not want, and notifications that nobody fetched.</summary>
public sealed class ServiceAndExpiryTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Certificates_of_services_are_asked_for_unless_that_is_switched_off(bool isOn)
    {
        using TestFolder folder = new();
        await using SmpServer relay = await StartAsync(folder, options => options with
        {
            Endpoints = [new IPEndPoint(IPAddress.Loopback, 0)],
            AcceptServices = isOn,
        });
        Assert.True(ServerAddress.TryParse(relay.Address, out ServerAddress? address));
        (CertificateChain chain, SigningKey key) = TestCertificates.Service;
        SmpClientOptions options = new() { Service = new SmpServiceCredential(SmpServiceRole.Notifier, chain, key) };
        await using SmpClient client = await SmpClient.ConnectAsync(address, options, isInteractive: true, TestContext.Current.CancellationToken);
        Assert.Equal(isOn, client.Service is not null);
    }

    [Fact]
    public void Notifications_older_than_their_time_go_and_the_others_stay()
    {
        SmpStatistics statistics = new();
        NotificationStore store = new(statistics, SystemRandom.Instance);
        StoredId notifier = StoredId.From(SystemRandom.Instance.Bytes(StoredId.Length));
        foreach (long seconds in (long[])[100, 200, 300])
        {
            store.Add(notifier, new StoredNotification(StoredId.From(SystemRandom.Instance.Bytes(StoredId.Length)), seconds, Bytes.Wrap(new byte[24]), new byte[144]));
        }

        Assert.Equal(1, store.Expire(before: 200));
        Assert.Equal(2, store.Count);
        Assert.Equal([200, 300], store.All().Select(each => each.Notification.Seconds));
        Assert.Equal(2, store.Expire(before: 1000));
        Assert.Empty(store.All());
    }
}
