using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Pairwise.Client;
using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;
using Pairwise.Server.Smp;
using Pairwise.Server.Smp.Connections;
using Pairwise.Server.Smp.Forwarding;
using Pairwise.Server.Smp.Store;
using Pairwise.TestKit;
using Pairwise.Transport;
using static Pairwise.Server.Tests.Smp.TestRelay;

namespace Pairwise.Server.Tests.Smp;

/// <summary>PRXY, PFWD and RFWD between two relays over TLS, and every way in which they fail.</summary>
public sealed class ForwardingTests
{
    [Theory]
    [InlineData(8)]
    [InlineData(9)]
    [InlineData(15)]
    [InlineData(17)]
    public async Task A_message_goes_through_a_proxy_that_cannot_read_it(ushort version)
    {
        using TestFolder proxyFolder = new();
        using TestFolder relayFolder = new();
        await using SmpServer proxy = await StartAsync(proxyFolder);
        await using SmpServer relay = await ListenAsync(relayFolder);
        await using RelayClient recipient = await RelayClient.ConnectAsync(relay);
        await using RelayClient sender = await RelayClient.ConnectAsync(proxy);
        OwnedQueue queue = await recipient.NewQueueAsync(request: new QueueRequest.Messaging(null));
        BrokerMessage.PKey session = await OpenAsync(sender, relay);
        Assert.Equal(SmpVersions.ProxiedRange, session.Versions);

        using X25519PrivateKey senderKey = X25519PrivateKey.Generate(SystemRandom.Instance);
        if (version >= SmpVersions.SenderAuthKey.Number)
            AssertOk(await ForwardAsync(sender, session, new SmpVersion(version), queue.Theirs, new SmpCommand.SKey(senderKey.PublicKey), senderKey));
        AssertOk(await ForwardAsync(sender, session, new SmpVersion(version), queue.Theirs, Text("by a proxy"), version >= 9 ? senderKey : null));
        Assert.Equal("by a proxy", queue.OpenText((await recipient.NextEventAsync()).Message));
    }

    [Fact]
    public async Task Links_are_read_through_a_proxy_and_nothing_else_is_allowed_there()
    {
        using TestFolder proxyFolder = new();
        using TestFolder relayFolder = new();
        await using SmpServer proxy = await StartAsync(proxyFolder);
        await using SmpServer relay = await ListenAsync(relayFolder);
        await using RelayClient owner = await RelayClient.ConnectAsync(relay);
        await using RelayClient client = await RelayClient.ConnectAsync(proxy);
        OwnedQueue queue = await owner.NewQueueAsync(request: new QueueRequest.Contact(null));
        LinkId link = new(SystemRandom.Instance.Bytes(24));
        AssertOk(await owner.AskAsync(queue.Mine, new SmpCommand.LSet(link, new QueueLinkData("fixed"u8.ToArray(), "user"u8.ToArray())), queue.Key));
        BrokerMessage.PKey session = await OpenAsync(client, relay);
        BrokerMessage.Lnk read = Assert.IsType<BrokerMessage.Lnk>(
            await ForwardAsync(client, session, SmpVersions.ShortLinks, link.ToEntityId(), SmpCommand.LGet.Instance, null));
        Assert.Equal(queue.Sender, read.Sender);
        AssertError(SmpError.Command.Prohibited, await ForwardAsync(client, session, SmpVersions.ShortLinks, queue.Mine, SmpCommand.Sub.Instance, queue.Key));
        AssertError(SmpError.Auth.Instance, await ForwardAsync(client, session, SmpVersions.ShortLinks, new EntityId(SystemRandom.Instance.Bytes(24)), Text("nobody"), null));
    }

    [Fact]
    public async Task All_clients_of_a_proxy_share_one_session_with_a_relay()
    {
        using TestFolder proxyFolder = new();
        using TestFolder relayFolder = new();
        await using SmpServer proxy = await StartAsync(proxyFolder);
        await using SmpServer relay = await ListenAsync(relayFolder);
        await using RelayClient first = await RelayClient.ConnectAsync(proxy);
        await using RelayClient second = await RelayClient.ConnectAsync(proxy);
        BrokerMessage.PKey one = await OpenAsync(first, relay);
        BrokerMessage.PKey other = await OpenAsync(second, relay);
        Assert.Equal(one.Session, other.Session);
    }

    [Fact]
    public async Task A_proxy_with_a_password_forwards_for_nobody_else()
    {
        using TestFolder folder = new();
        Assert.True(BasicAuth.TryParse("secret", out BasicAuth? password));
        await using SmpServer proxy = await StartAsync(folder, options => options with { CreatePassword = password });
        await using RelayClient client = await RelayClient.ConnectAsync(proxy);
        Assert.True(ServerAddress.TryParse(proxy.Address, out ServerAddress? address));
        BrokerMessage answer = await client.AskAsync(EntityId.None, new SmpCommand.Prxy(address, null), null);
        AssertError(new SmpError.Proxy(ProxyError.BasicAuth.Instance), answer);
    }

    [Fact]
    public async Task A_relay_that_is_not_there_and_a_session_that_is_not_are_told_apart()
    {
        using TestFolder folder = new();
        await using SmpServer proxy = await StartAsync(folder);
        await using RelayClient client = await RelayClient.ConnectAsync(proxy);
        Assert.True(ServerAddress.TryParse($"smp://{proxy.Identity.KeyHash.ToBase64Url()}@127.0.0.1:1", out ServerAddress? nobody));
        BrokerMessage answer = await client.AskAsync(EntityId.None, new SmpCommand.Prxy(nobody, null), null);
        SmpError.Proxy error = Assert.IsType<SmpError.Proxy>(Assert.IsType<BrokerMessage.Err>(answer).Error);
        Assert.IsType<BrokerError.Network>(Assert.IsType<ProxyError.Broker>(error.Reason).Error);

        using X25519PrivateKey key = X25519PrivateKey.Generate(SystemRandom.Instance);
        SmpCommand.PFwd forward = new(SmpVersions.SendingProxy, key.PublicKey, SystemRandom.Instance.Bytes(100));
        answer = await client.AskAsync(new EntityId(SystemRandom.Instance.Bytes(32)), forward, null);
        AssertError(new SmpError.Proxy(ProxyError.NoSession.Instance), answer);
    }

    [Theory]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(8)]
    [InlineData(18)]
    public async Task A_forwarded_command_implies_the_session_id_however_old_its_version_is(ushort version)
    {
        using TestFolder proxyFolder = new();
        using TestFolder relayFolder = new();
        await using SmpServer proxy = await StartAsync(proxyFolder);
        await using SmpServer relay = await ListenAsync(relayFolder);
        await using RelayClient client = await RelayClient.ConnectAsync(proxy);
        await using RelayClient recipient = await RelayClient.ConnectAsync(relay);
        BrokerMessage.PKey session = await OpenAsync(client, relay);
        OwnedQueue queue = await recipient.NewQueueAsync();
        AssertOk(await ForwardAsync(client, session, new SmpVersion(version), queue.Theirs, Text("old"), null));
        Assert.Equal("old", queue.OpenText((await recipient.NextEventAsync()).Message));
    }

    [Fact]
    public async Task A_forwarded_command_with_a_services_signature_is_refused_and_the_proxys_session_goes_on()
    {
        using TestFolder proxyFolder = new();
        using TestFolder relayFolder = new();
        await using SmpServer proxy = await StartAsync(proxyFolder);
        await using SmpServer relay = await ListenAsync(relayFolder);
        await using RelayClient client = await RelayClient.ConnectAsync(proxy);
        BrokerMessage.PKey session = await OpenAsync(client, relay);
        using Ed25519PrivateKey key = Ed25519PrivateKey.Generate(SystemRandom.Instance);
        await using RelayClient recipient = await RelayClient.ConnectAsync(relay);
        OwnedQueue queue = await recipient.NewQueueAsync();
        EntityId nobody = new(SystemRandom.Instance.Bytes(24));
        BrokerMessage answer = await ForwardAsync(client, session, new SmpVersion(17), queue.Theirs, Text("signed twice"), key, WithServiceSignature);
        AssertError(SmpError.Service.Instance, answer);
        answer = await ForwardAsync(client, session, new SmpVersion(17), nobody, Text("signed twice"), key, WithServiceSignature);
        AssertError(SmpError.Auth.Instance, answer);
        AssertError(SmpError.Auth.Instance, await ForwardAsync(client, session, new SmpVersion(17), nobody, Text("once"), null));

        // transmission = shortString(authorization) ["0" / "1" shortString(serviceSignature)] rest
        static byte[] WithServiceSignature(byte[] encoded)
        {
            int end = 1 + encoded[0];
            byte[] rest = encoded[end] == (byte)'0' ? encoded[(end + 1)..] : encoded[end..];
            return [.. encoded[..end], (byte)'1', 64, .. new byte[64], .. rest];
        }
    }

    [Fact]
    public async Task What_is_forwarded_is_counted_and_the_operators_own_relays_apart()
    {
        using TestFolder proxyFolder = new();
        using TestFolder relayFolder = new();
        await using SmpServer relay = await ListenAsync(relayFolder);
        await using SmpServer proxy = await StartAsync(proxyFolder, options => options with { OwnDomains = ["example.org", "127.0.0.1"] });
        await using RelayClient client = await RelayClient.ConnectAsync(proxy);
        BrokerMessage.PKey session = await OpenAsync(client, relay);
        await ForwardAsync(client, session, SmpVersions.ShortLinks, new EntityId(SystemRandom.Instance.Bytes(24)), Text("nobody"), null);
        Assert.True(ServerAddress.TryParse($"smp://{proxy.Identity.KeyHash.ToBase64Url()}@localhost:1", out ServerAddress? nobody));
        await client.AskAsync(EntityId.None, new SmpCommand.Prxy(nobody, null), null);
        string metrics = proxy.WriteMetrics();
        Assert.Contains("\nsimplex_smp_relay_sessions_requests{source=\"all\"} 2\nsimplex_smp_relay_sessions_requests{source=\"own\"} 1\n", metrics, StringComparison.Ordinal);
        Assert.Contains("\nsimplex_smp_relay_sessions_errors{source=\"all\",type=\"connect\"} 1\n", metrics, StringComparison.Ordinal);
        Assert.Contains("\nsimplex_smp_relay_messages_successes{source=\"all\"} 1\nsimplex_smp_relay_messages_successes{source=\"own\"} 1\n", metrics, StringComparison.Ordinal);
        Assert.Contains("\nsimplex_smp_relay_messages_received 1\n", relay.WriteMetrics(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("example.org", true)]
    [InlineData("smp4.example.org", true)]
    [InlineData("badexample.org", false)]
    [InlineData("example.org.evil.net", false)]
    public void Own_domains_hold_for_the_hosts_in_them(string host, bool isOwn)
    {
        SmpServerOptions options = new() { ConfigurationFolder = "", OwnDomains = ["example.org"] };
        Assert.True(ServerAddress.TryParse($"smp://AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=@{host}", out ServerAddress? address));
        Assert.Equal(isOwn, options.IsOwn(address));
    }

    [Fact]
    public async Task A_session_that_ended_is_made_anew()
    {
        using TestFolder proxyFolder = new();
        using TestFolder relayFolder = new();
        await using SmpServer proxy = await StartAsync(proxyFolder);
        IPEndPoint endpoint = LoopbackPorts.TakeEndpoint();
        BrokerMessage.PKey former;
        await using RelayClient client = await RelayClient.ConnectAsync(proxy);
        await using (SmpServer relay = await ListenAsync(relayFolder, endpoint))
        {
            former = await OpenAsync(client, relay);
        }

        await using SmpServer restarted = await ListenAsync(relayFolder, endpoint);
        BrokerMessage.PKey next = await OpenAsync(client, restarted);

        // The proxy hears of the end from the network, a moment after this test knows of it.
        await Eventually.UntilAsync(
            async () => next.Session != former.Session || (next = await OpenAsync(client, restarted)).Session != former.Session, TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task A_relay_that_never_answers_does_not_keep_a_client_that_has_gone()
    {
        using TestFolder folder = new();
        using TcpListener silent = new(IPAddress.Loopback, 0);
        silent.Start();
        await using SmpServer proxy = await StartAsync(folder);
        ServerAddress address = AddressOf(silent);
        using Socket accepted = await LeaveAfterAskingAsync(proxy, address, silent);

        // The relay's end of the connection is over before the time for the attempt is.
        Assert.Equal(0, proxy.ConnectionCount);
    }

    [Fact]
    public async Task Whoever_waited_for_an_attempt_longer_than_the_pause_hears_that_it_failed()
    {
        using TcpListener silent = new(IPAddress.Loopback, 0);
        silent.Start();
        ManualTime time = new();
        SmpClientOptions options = new() { Time = time };
        TimeSpan pause = TimeSpan.FromSeconds(30);
        await using RelaySessions sessions = new(options, pause, 10, NullLogger.Instance);
        ServerAddress address = AddressOf(silent);

        Task<SmpClient> first = sessions.GetAsync(address);
        using (await silent.AcceptSocketAsync(TestContext.Current.CancellationToken))
        {
            time.Advance(pause + pause);
        }

        await Assert.ThrowsAsync<TransportException>(() => first.EndsAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_relay_of_many_names_gets_a_bounded_number_of_sessions_and_the_one_in_use_stays()
    {
        const int most = 4;
        using TestFolder folder = new();
        await using SmpServer relay = await ListenAsync(folder, new IPEndPoint(IPAddress.Any, 0));
        await using RelaySessions sessions = new(new SmpClientOptions(), TimeSpan.FromSeconds(30), most, NullLogger.Instance);
        SmpClient used = await sessions.GetAsync(Named("127.0.1.1"));
        for (int i = 1; i <= 20; i++)
        {
            SmpClient another = await sessions.GetAsync(Named($"127.0.0.{i}"));
            Assert.False(another.Completion.IsCompleted);
            Assert.NotNull(sessions.Find(used.SessionId.Span));
            Assert.InRange(sessions.Count, 1, most);
            Assert.InRange(sessions.RelayCount, 1, most);
        }

        Assert.Same(used, await sessions.GetAsync(Named("127.0.1.1")));
        Assert.NotNull(sessions.Find((await sessions.GetAsync(Named("127.0.0.20"))).SessionId.Span));

        // One that made room is made anew when somebody asks.
        Assert.False((await sessions.GetAsync(Named("127.0.0.1"))).Completion.IsCompleted);

        ServerAddress Named(string host)
        {
            Assert.True(ServerAddress.TryParse($"smp://{relay.Identity.KeyHash.ToBase64Url()}@{host}:{relay.Endpoints[0].Port}", out ServerAddress? address));
            return address;
        }
    }

    [Fact]
    public async Task While_many_relays_are_tried_others_are_refused_and_known_ones_are_not()
    {
        using TestFolder folder = new();
        using TcpListener silent = new(IPAddress.Loopback, 0);
        silent.Start();
        await using SmpServer relay = await ListenAsync(folder);
        Assert.True(ServerAddress.TryParse(relay.Address, out ServerAddress? known));
        await using RelaySessions sessions = new(new SmpClientOptions(), TimeSpan.FromSeconds(30), 4, NullLogger.Instance);
        SmpClient client = await sessions.GetAsync(known);
        Task<SmpClient>[] attempts = [sessions.GetAsync(AddressOf(silent)), sessions.GetAsync(AddressOf(silent))];
        TransportException refused = await Assert.ThrowsAsync<TransportException>(() => sessions.GetAsync(AddressOf(silent)));
        Assert.Equal(TransportFailure.Unreachable, refused.Failure);
        Assert.Same(client, await sessions.GetAsync(known));
        silent.Stop();
        await Task.WhenAll(attempts.Select(each => Assert.ThrowsAsync<TransportException>(() => each)));
    }

    [Fact]
    public async Task What_a_proxy_garbles_is_answered_with_crypto_and_block_errors()
    {
        using TestFolder folder = new();
        await using SmpServer relay = await StartAsync(folder);
        await using RelayClient proxy = await RelayClient.ConnectAsync(relay, isProxy: true);
        AssertError(SmpError.Crypto.Instance, await proxy.AskAsync(EntityId.None, new SmpCommand.RFwd(SystemRandom.Instance.Bytes(500)), null));

        CorrId corrId = RelayClient.NewCorrId();
        using BoxKey proxyKey = BoxKey.From(proxy.Session.SessionSecret!);
        using X25519PrivateKey key = X25519PrivateKey.Generate(SystemRandom.Instance);
        byte[] garbled = ProxyForwarding.SealForwarded(
            proxyKey, corrId, new ForwardedTransmission(RelayClient.NewCorrId(), SmpVersions.SendingProxy, key.PublicKey, SystemRandom.Instance.Bytes(200)));
        await proxy.SendBatchAsync(proxy.Encode(corrId, EntityId.None, new SmpCommand.RFwd(garbled), null));
        AssertError(SmpError.Crypto.Instance, await proxy.AnswerAsync(corrId));
    }

    [Fact]
    public void A_senders_secret_is_kept_for_its_own_session_and_never_for_what_proxies_forward()
    {
        using X25519PrivateKey sessionKey = X25519PrivateKey.Generate(SystemRandom.Instance);
        using X25519PrivateKey senderKey = X25519PrivateKey.Generate(SystemRandom.Instance);
        Assert.True(StoredKey.TryFrom(senderKey.PublicKey, out StoredKey stored));
        TransmissionFormat format = new(SmpVersions.Current, SystemRandom.Instance.Bytes(32));
        Assert.True(new TransmissionAuthorizer(format, sessionKey.PublicKey).TryEncode(
            RelayClient.NewCorrId(), new EntityId(SystemRandom.Instance.Bytes(24)), Text("secret"), senderKey, out byte[] encoded));
        byte[] batch = [1, (byte)(encoded.Length >> 8), (byte)encoded.Length, .. encoded];
        using SmpAuthorizer authorizer = new(sessionKey, 16);
        foreach ((SmpAuthorizer each, int kept) in new[] { (authorizer.Forwarded, 0), (authorizer, 1) })
        {
            Assert.True(BatchReader.TryOpen(batch, format, out BatchReader reader));
            Assert.True(reader.TryReadNext(out Transmission transmission));
            byte[] signed = transmission.GetSigned(format, new byte[transmission.GetSignedLength(format)]).ToArray();
            Assert.True(each.Verify(stored, transmission.Authorization, transmission.CorrId, signed));
            Assert.True(each.Verify(stored, transmission.Authorization, transmission.CorrId, signed));
            Assert.False(each.Verify(default, transmission.Authorization, transmission.CorrId, signed));
            Assert.Equal(kept, each.SecretCount);
        }
    }

    [Fact]
    public async Task A_fault_of_the_proxy_costs_one_answer_and_not_the_connection()
    {
        using TestFolder proxyFolder = new();
        using TestFolder relayFolder = new();
        FaultyRandom random = new();
        await using SmpServer proxy = await StartAsync(proxyFolder, options => options with
        {
            Random = random,
            Limits = new SmpServerLimits { ForwardedCommands = 1 },
            Logging = new EventLog(),
        });
        await using SmpServer relay = await ListenAsync(relayFolder);
        await using RelayClient client = await RelayClient.ConnectAsync(proxy);
        BrokerMessage.PKey session = await OpenAsync(client, relay);
        random.IsFaulty = true;
        using X25519PrivateKey key = X25519PrivateKey.Generate(SystemRandom.Instance);
        SmpCommand.PFwd forward = new(SmpVersions.ShortLinks, key.PublicKey, SystemRandom.Instance.Bytes(200));
        for (int i = 0; i < 3; i++)
            AssertError(SmpError.Internal.Instance, await client.AskAsync(new EntityId(session.Session.Span), forward, null));
        random.IsFaulty = false;
        AssertError(
            SmpError.Auth.Instance,
            await ForwardAsync(client, session, SmpVersions.ShortLinks, new EntityId(SystemRandom.Instance.Bytes(24)), Text("nobody"), null));
    }

    private sealed class FaultyRandom : IRandomSource
    {
        public bool IsFaulty { get; set; }

        public void Fill(Span<byte> destination)
        {
            if (IsFaulty)
                throw new InvalidOperationException("There is no randomness.");
            SystemRandom.Instance.Fill(destination);
        }
    }

    private static ServerAddress AddressOf(TcpListener listener)
    {
        string keyHash = Convert.ToBase64String(SystemRandom.Instance.Bytes(32)).Replace('+', '-').Replace('/', '_');
        Assert.True(ServerAddress.TryParse($"smp://{keyHash}@127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}", out ServerAddress? address));
        return address;
    }

    private static async Task<Socket> LeaveAfterAskingAsync(SmpServer proxy, ServerAddress address, TcpListener silent)
    {
        await using RelayClient client = await RelayClient.ConnectAsync(proxy);
        await client.SendBatchAsync(client.Encode(RelayClient.NewCorrId(), EntityId.None, new SmpCommand.Prxy(address, null), null));
        return await silent.AcceptSocketAsync(TestContext.Current.CancellationToken);
    }

    private static Task<SmpServer> ListenAsync(TestFolder folder, IPEndPoint? endpoint = null) =>
        StartAsync(folder, options => options with { Endpoints = [endpoint ?? new IPEndPoint(IPAddress.Loopback, 0)], Host = "" });

    private static async Task<BrokerMessage.PKey> OpenAsync(RelayClient client, SmpServer relay)
    {
        Assert.True(ServerAddress.TryParse(relay.Address, out ServerAddress? address));
        return Assert.IsType<BrokerMessage.PKey>(await client.AskAsync(EntityId.None, new SmpCommand.Prxy(address, null), null));
    }

    // What a client does: its command in a box of its own for the relay, in a transmission for the relay's session.
    private static async Task<BrokerMessage> ForwardAsync(
        RelayClient client, BrokerMessage.PKey session, SmpVersion version, EntityId entity, SmpCommand command, PrivateKey? key, Func<byte[], byte[]>? change = null)
    {
        Assert.True(CertificateChain.TryParse([.. session.RelayKey.Certificates.Select(each => each.Memory)], out CertificateChain? chain));
        Assert.True(SignedKey.TryVerify(session.RelayKey.SignedKey.Span, Assert.IsAssignableFrom<VerificationKey>(chain.Leaf.PublicKey), out PublicKey? relayKey));
        X25519PublicKey relaySessionKey = Assert.IsType<X25519PublicKey>(relayKey);
        TransmissionFormat format = TransmissionFormat.OfForwarded(version, session.Session.Span);
        TransmissionAuthorizer authorizer = new(format, relaySessionKey);
        CorrId corrId = RelayClient.NewCorrId();
        Assert.True(authorizer.TryEncode(corrId, entity, command, key, out byte[] encoded));
        encoded = change?.Invoke(encoded) ?? encoded;
        byte[] batch = [1, (byte)(encoded.Length >> 8), (byte)encoded.Length, .. encoded];

        using X25519PrivateKey commandKey = X25519PrivateKey.Generate(SystemRandom.Instance);
        using SharedSecret secret = commandKey.DeriveSharedSecret(relaySessionKey);
        using BoxKey box = BoxKey.From(secret);
        byte[] sealedCommand = ProxyForwarding.SealTransmission(box, corrId, batch)!;
        await client.SendBatchAsync(client.Encode(corrId, new EntityId(session.Session.Span), new SmpCommand.PFwd(version, commandKey.PublicKey, sealedCommand), null));
        BrokerMessage.PRes answer = Assert.IsType<BrokerMessage.PRes>(await client.AnswerAsync(corrId));
        Assert.True(ProxyForwarding.TryOpenResponse(box, corrId, answer.Response.Span, out byte[]? content));
        Assert.True(BatchReader.TryOpen(content, format, out BatchReader answers));
        Assert.True(answers.TryReadNext(out Transmission transmission));
        Assert.Equal(corrId, transmission.CorrId);
        Assert.True(transmission.TryDecodeMessage(version, out BrokerMessage? message, out SmpError? error), $"{error}");
        return message;
    }
}
