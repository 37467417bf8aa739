using System.Security.Cryptography;
using Pairwise.Crypto;
using Pairwise.TestKit;
using Pairwise.Transport.Tls;

namespace Pairwise.Transport.Tests.Tls;

public sealed class TlsConnectionTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Both_sides_have_the_same_session_id_and_protocol()
    {
        await using var pair = await TlsPair.OpenAsync();
        Assert.Equal(32, pair.Client.SessionId.Length);
        Assert.Equal(pair.Client.SessionId.ToArray(), pair.Server.SessionId.ToArray());
        Assert.Equal("smp/1", pair.Client.ApplicationProtocol);
        Assert.Equal("smp/1", pair.Server.ApplicationProtocol);
        Assert.Equal(0x0304, pair.Client.ProtocolVersion);
        Assert.Equal(TestCertificates.Server.Chain.Certificates.Select(c => c.Fingerprint), pair.Client.PeerCertificates.Select(c => Wire.Bytes.Wrap(SHA256.HashData(c.Span))));
        Assert.Empty(pair.Server.PeerCertificates);
        Assert.False(pair.Client.IsCertificateSent);
    }

    [Fact]
    public async Task Session_ids_differ_between_connections()
    {
        await using var first = await TlsPair.OpenAsync();
        await using var second = await TlsPair.OpenAsync();
        Assert.NotEqual(first.Client.SessionId.ToArray(), second.Client.SessionId.ToArray());
    }

    [Fact]
    public async Task A_client_without_application_protocol_is_served()
    {
        await using var pair = await TlsPair.OpenAsync(new TlsClientOptions());
        Assert.Null(pair.Server.ApplicationProtocol);
        Assert.Null(pair.Client.ApplicationProtocol);
    }

    [Fact]
    public async Task The_servers_order_of_application_protocols_decides()
    {
        await using var pair = await TlsPair.OpenAsync(
            new TlsClientOptions { ApplicationProtocols = ["http/1.1", "h2", "smp/1"] },
            TlsPair.ServerOptions with { ApplicationProtocols = ["smp/1", "h2"] });
        Assert.Equal("smp/1", pair.Client.ApplicationProtocol);
    }

    [Fact]
    public async Task A_client_with_other_application_protocols_only_is_refused()
    {
        var (client, server) = TlsPair.Start(new TlsClientOptions { ApplicationProtocols = ["xftp/1"] });
        Assert.Equal(TransportFailure.Tls, (await Assert.ThrowsAsync<TransportException>(() => server)).Failure);
        await Assert.ThrowsAsync<TransportException>(() => client);
    }

    [Theory]
    [InlineData(KeyAlgorithm.Ed448, KeyAlgorithm.Ed25519)]
    [InlineData(KeyAlgorithm.Ed448, KeyAlgorithm.Ed448)]
    [InlineData(KeyAlgorithm.Ed25519, KeyAlgorithm.Ed25519)]
    [InlineData(KeyAlgorithm.Ed25519, KeyAlgorithm.Ed448)]
    public async Task All_kinds_of_server_certificates_are_understood(KeyAlgorithm authority, KeyAlgorithm leaf)
    {
        var (chain, key) = TestCertificates.Issue(authority, leaf);
        await using var pair = await TlsPair.OpenAsync(
            serverOptions: TlsPair.ServerOptions with { Credential = TlsCredential.From(chain, key) },
            target: TlsPair.TargetOf(chain.IdentityFingerprint));
        Assert.Equal(2, pair.Client.PeerCertificates.Count);
    }

    [Fact]
    public async Task A_server_with_another_identity_is_refused()
    {
        var (client, server) = TlsPair.Start(target: TlsPair.TargetOf(TestCertificates.OtherServer.Chain.IdentityFingerprint));
        var error = await Assert.ThrowsAsync<TransportException>(() => client);
        Assert.Equal(TransportFailure.UnknownIdentity, error.Failure);
        Assert.False(error.IsTransient);
        await Assert.ThrowsAsync<TransportException>(() => server);
    }

    [Fact]
    public async Task A_leaf_that_another_authority_signed_is_refused()
    {
        var mixed = CertificateChain.From(TestCertificates.OtherServer.Chain.Leaf, TestCertificates.Server.Chain.Identity);
        var (client, server) = TlsPair.Start(
            serverOptions: TlsPair.ServerOptions with { Credential = TlsCredential.From(mixed, TestCertificates.OtherServer.Key) });
        Assert.Equal(TransportFailure.UnknownIdentity, (await Assert.ThrowsAsync<TransportException>(() => client)).Failure);
        await Assert.ThrowsAsync<TransportException>(() => server);
    }

    [Fact]
    public async Task A_server_that_shows_only_its_leaf_is_refused()
    {
        var alone = CertificateChain.From(TestCertificates.Server.Chain.Leaf);
        var (client, server) = TlsPair.Start(
            serverOptions: TlsPair.ServerOptions with { Credential = TlsCredential.From(alone, TestCertificates.Server.Key) });
        Assert.Equal(TransportFailure.UnknownIdentity, (await Assert.ThrowsAsync<TransportException>(() => client)).Failure);
        await Assert.ThrowsAsync<TransportException>(() => server);
    }

    [Fact]
    public async Task A_check_that_fails_itself_becomes_the_cause_and_crosses_no_native_frame()
    {
        var (client, server) = TlsPair.Start(target: new TlsTarget(_ => throw new InvalidOperationException("broken check")));
        var error = await Assert.ThrowsAsync<TransportException>(() => client);
        Assert.IsType<InvalidOperationException>(error.InnerException);
        await Assert.ThrowsAsync<TransportException>(() => server);
    }

    [Fact]
    public void A_key_that_is_not_the_certificates_is_refused()
    {
        var wrong = TlsCredential.From(TestCertificates.Server.Chain, TestCertificates.OtherServer.Key);
        Assert.Throws<TransportException>(() => TlsContext.ForServer(TlsPair.ServerOptions with { Credential = wrong }));
    }

    [Fact]
    public async Task A_service_shows_its_certificate_when_asked()
    {
        var (chain, key) = TestCertificates.Service;
        await using var pair = await TlsPair.OpenAsync(
            TlsPair.ClientOptions with { Credential = TlsCredential.From(chain, key) },
            TlsPair.ServerOptions with { CheckClient = PeerChecks.Service(TimeProvider.System) });
        Assert.True(pair.Client.IsCertificateSent);
        Assert.Equal(chain.Leaf.Der.ToArray(), Assert.Single(pair.Server.PeerCertificates).ToArray());
    }

    [Fact]
    public async Task A_service_shows_nothing_to_a_server_that_does_not_ask()
    {
        var (chain, key) = TestCertificates.Service;
        await using var pair = await TlsPair.OpenAsync(TlsPair.ClientOptions with { Credential = TlsCredential.From(chain, key) });
        Assert.False(pair.Client.IsCertificateSent);
        Assert.Empty(pair.Server.PeerCertificates);
    }

    [Fact]
    public async Task A_client_without_certificate_is_served_by_a_server_that_asks()
    {
        await using var pair = await TlsPair.OpenAsync(serverOptions: TlsPair.ServerOptions with { CheckClient = PeerChecks.Service(TimeProvider.System) });
        Assert.False(pair.Client.IsCertificateSent);
        Assert.Empty(pair.Server.PeerCertificates);
    }

    [Fact]
    public async Task A_host_name_gets_the_certificate_for_browsers()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new System.Security.Cryptography.X509Certificates.CertificateRequest("CN=relay.example", key, HashAlgorithmName.SHA256);
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(200));
        var options = TlsPair.ServerOptions with
        {
            WebCredential = TlsCredential.FromPem(certificate.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem()),
            ApplicationProtocols = ["smp/1", "h2", "http/1.1"],
        };
        await using (var smp = await TlsPair.OpenAsync(serverOptions: options))
            Assert.False(smp.Server.IsServerNameUsed);

        // A browser, for which .NET's own TLS stands in.
        var (near, far) = Memory.MemoryDuplex.CreatePair();
        using var context = TlsContext.ForServer(options);
        var accepted = TlsConnection.AcceptAsync(context, far, TimeProvider.System, Token).AsTask();
        await using var browser = new System.Net.Security.SslStream(near, leaveInnerStreamOpen: false);
        var browserOptions = new System.Net.Security.SslClientAuthenticationOptions
        {
            TargetHost = "relay.example",
            ApplicationProtocols = [System.Net.Security.SslApplicationProtocol.Http2],
#pragma warning disable CA5359 // the certificate is the test's own, and compared below
            RemoteCertificateValidationCallback = (_, _, _, _) => true,
#pragma warning restore CA5359
        };
        await browser.AuthenticateAsClientAsync(browserOptions, Token);
        await using var server = await accepted;
        Assert.True(server.IsServerNameUsed);
        Assert.Equal("h2", server.ApplicationProtocol);
        Assert.Equal(certificate.RawData, browser.RemoteCertificate!.GetRawCertData());
        await browser.WriteAsync("GET"u8.ToArray(), Token);
        var read = new byte[3];
        Assert.Equal(3, await server.ReadAsync(read, Token));
        Assert.Equal("GET"u8.ToArray(), read);
    }

    [Fact]
    public async Task Blocks_go_both_ways_at_the_same_time()
    {
        await using var pair = await TlsPair.OpenAsync();
        const int Count = 200;
        var tasks = new[]
        {
            SendAsync(pair.Client, 1), SendAsync(pair.Server, 2), ReceiveAsync(pair.Server, 1), ReceiveAsync(pair.Client, 2),
        };
        await Task.WhenAll(tasks);

        static async Task SendAsync(TlsConnection connection, byte seed)
        {
            for (var i = 0; i < Count; i++)
                await connection.WriteAsync(Enumerable.Repeat((byte)(seed + i), Block.Size).ToArray(), Token);
        }

        static async Task ReceiveAsync(TlsConnection connection, byte seed)
        {
            var block = new byte[Block.Size];
            for (var i = 0; i < Count; i++)
            {
                for (var read = 0; read < block.Length;)
                    read += await connection.ReadAsync(block.AsMemory(read), Token);
                Assert.False(block.AsSpan().ContainsAnyExcept((byte)(seed + i)));
            }
        }
    }

    [Fact]
    public async Task Waiting_ends_when_bytes_come_and_takes_none()
    {
        await using var pair = await TlsPair.OpenAsync();
        var waiting = pair.Server.WaitForBytesAsync(Token).AsTask();
        Assert.False(waiting.IsCompleted);
        await pair.Client.WriteAsync(new byte[] { 1, 2, 3 }, Token);
        await waiting;
        var first = new byte[1];
        Assert.Equal(1, await pair.Server.ReadAsync(first, Token));
        Assert.True(pair.Server.WaitForBytesAsync(Token).AsTask().IsCompletedSuccessfully);
        var rest = new byte[10];
        Assert.Equal(2, await pair.Server.ReadAsync(rest, Token));
        Assert.Equal([1, 2, 3], [first[0], rest[0], rest[1]]);
    }

    [Fact]
    public async Task A_closed_connection_reads_as_ended_on_the_other_side()
    {
        await using var pair = await TlsPair.OpenAsync();
        await pair.Client.DisposeAsync();
        await pair.Server.WaitForBytesAsync(Token);
        Assert.Equal(0, await pair.Server.ReadAsync(new byte[1], Token));
        Assert.Equal(0, await pair.Server.ReadAsync(new byte[1], Token));
    }

    [Fact]
    public async Task Break_wakes_the_reader_with_the_first_cause()
    {
        await using var pair = await TlsPair.OpenAsync();
        var reading = pair.Server.ReadAsync(new byte[1], Token).AsTask();
        pair.Server.Break(new TransportException(TransportFailure.TimedOut, "first"));
        pair.Server.Break(new TransportException(TransportFailure.Tls, "second"));
        Assert.Equal(TransportFailure.TimedOut, (await Assert.ThrowsAsync<TransportException>(() => reading)).Failure);
        var writing = await Assert.ThrowsAsync<TransportException>(async () => await pair.Server.WriteAsync(new byte[1], Token));
        Assert.Equal("first", writing.Message);
    }

    [Fact]
    public async Task Disposing_wakes_whoever_waits()
    {
        var pair = await TlsPair.OpenAsync();
        var waiting = pair.Server.WaitForBytesAsync(Token).AsTask();
        await pair.DisposeAsync();
        var error = await Record.ExceptionAsync(() => waiting);
        Assert.True(error is null or TransportException);
    }

    [Fact]
    public async Task A_write_after_the_end_says_that_it_is_closed()
    {
        var pair = await TlsPair.OpenAsync();
        await pair.DisposeAsync();
        var error = await Assert.ThrowsAsync<TransportException>(async () => await pair.Client.WriteAsync(new byte[1], Token));
        Assert.Equal(TransportFailure.Closed, error.Failure);
    }

    [Fact]
    public async Task A_cancelled_wait_loses_nothing()
    {
        await using var pair = await TlsPair.OpenAsync();
        using var cancel = new CancellationTokenSource();
        var waiting = pair.Server.WaitForBytesAsync(cancel.Token).AsTask();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        await pair.Client.WriteAsync(new byte[] { 7 }, Token);
        var read = new byte[1];
        Assert.Equal(1, await pair.Server.ReadAsync(read, Token));
        Assert.Equal(7, read[0]);
    }

    [Fact]
    public async Task Two_writers_at_once_are_a_mistake()
    {
        await using var pair = await TlsPair.OpenAsync();

        // Nobody reads: after the stream's buffer is full, a write waits.
        var writes = new List<Task>();
        var large = new byte[Memory.MemoryDuplex.BufferSize * 2];
        writes.Add(pair.Client.WriteAsync(large, Token).AsTask());
        Assert.False(writes[0].IsCompleted);
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await pair.Client.WriteAsync(large, Token));
        await pair.Server.DisposeAsync();
        await Assert.ThrowsAsync<TransportException>(() => writes[0]);
    }

    [Fact]
    public async Task Garbage_instead_of_a_handshake_fails_it()
    {
        var (near, far) = Memory.MemoryDuplex.CreatePair();
        using var context = TlsContext.ForServer(TlsPair.ServerOptions);
        var accepted = TlsConnection.AcceptAsync(context, far, TimeProvider.System, Token).AsTask();
        await near.WriteAsync("GET / HTTP/1.1\r\n\r\n"u8.ToArray(), Token);
        Assert.Equal(TransportFailure.Tls, (await Assert.ThrowsAsync<TransportException>(() => accepted)).Failure);
        await near.DisposeAsync();
    }

    [Fact]
    public async Task A_peer_that_goes_away_in_the_handshake_fails_it()
    {
        var (near, far) = Memory.MemoryDuplex.CreatePair();
        using var context = TlsContext.ForServer(TlsPair.ServerOptions);
        var accepted = TlsConnection.AcceptAsync(context, far, TimeProvider.System, Token).AsTask();
        await near.DisposeAsync();
        Assert.Equal(TransportFailure.Closed, (await Assert.ThrowsAsync<TransportException>(() => accepted)).Failure);
    }
}
