using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Pairwise.TestKit;
using Pairwise.Transport.Interop;
using Pairwise.Transport.Memory;
using Pairwise.Transport.Tls;
using Pairwise.Transport.Tls.Records;

namespace Pairwise.Transport.Tests.Tls;

/// <summary>Our records of TLS 1.3 against OpenSSL's, and against peers that break the rules.</summary>
public sealed class RecordSessionTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    [InlineData(true, true)]
    public async Task Content_of_all_lengths_passes_between_ours_and_OpenSSL(bool isClientOurs, bool isServerOurs)
    {
        await using var pair = await OpenAsync(isClientOurs, isServerOurs);
        Assert.Equal(!isClientOurs, pair.Client.Session.UsesOpenSsl);
        Assert.Equal(!isServerOurs, pair.Server.Session.UsesOpenSsl);
        foreach (var length in new[] { 1, 15, 16, 17, 255, 16_383, 16_384, 16_385, 40_000 })
        {
            await PassAsync(pair.Client, pair.Server, length, readLength: length);
            await PassAsync(pair.Server, pair.Client, length, readLength: length);
            await PassAsync(pair.Client, pair.Server, length, readLength: 1000);
        }

        await pair.Client.DisposeAsync();
        Assert.Equal(0, await pair.Server.ReadAsync(new byte[1], Token));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task OpenSSL_may_change_the_keys_and_have_ours_changed(bool isServerOurs)
    {
        const int UpdateNotRequested = 0;
        const int UpdateRequested = 1;
        await using var pair = await OpenAsync(!isServerOurs, isServerOurs);
        var (ours, theirs) = isServerOurs ? (pair.Server, pair.Client) : (pair.Client, pair.Server);
        foreach (var kind in new[] { UpdateNotRequested, UpdateRequested, UpdateRequested })
        {
            Assert.Equal(1, LibSsl.SSL_key_update(theirs.Session.OpenSslHandle, kind));
            await PassAsync(theirs, ours, 500, 500);
            await PassAsync(ours, theirs, 20_000, 20_000);
            await PassAsync(theirs, ours, 500, 500);
        }
    }

    [Theory]
    [InlineData(SslProtocols.Tls12)]
    [InlineData(SslProtocols.Tls13)]
    public async Task Sessions_of_browsers_are_served_with_ours_or_with_OpenSSL(SslProtocols protocol)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=relay.example", key, HashAlgorithmName.SHA256);
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(200));
        var (near, far) = MemoryDuplex.CreatePair();
        using var context = TlsContext.ForServer(TlsPair.ServerOptions with
        {
            WebCredential = TlsCredential.FromPem(certificate.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem()),
        });
        var accepting = TlsConnection.AcceptAsync(context, far, TimeProvider.System, Token).AsTask();
        await using var browser = new SslStream(near, leaveInnerStreamOpen: false);
        await browser.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions
            {
                TargetHost = "relay.example",
                EnabledSslProtocols = protocol,
                ApplicationProtocols = [new SslApplicationProtocol("smp/1")],
#pragma warning disable CA5359 // the certificate is the test's own
                RemoteCertificateValidationCallback = (_, _, _, _) => true,
#pragma warning restore CA5359
            },
            Token);
        await using var server = await accepting;
        Assert.Equal(protocol == SslProtocols.Tls12 ? 0x0303 : 0x0304, server.ProtocolVersion);
        Assert.Equal(server.Session.CipherSuite != "TLS_CHACHA20_POLY1305_SHA256", server.Session.UsesOpenSsl);
        foreach (var length in new[] { 1, 40_000 })
        {
            var sent = RandomNumberGenerator.GetBytes(length);
            var received = new byte[length];
            var writing = browser.WriteAsync(sent, Token).AsTask();
            for (var read = 0; read < length;)
                read += await server.ReadAsync(received.AsMemory(read), Token);
            await writing;
            Assert.Equal(sent, received);
            writing = server.WriteAsync(sent, Token).AsTask();
            await browser.ReadExactlyAsync(received, Token);
            await writing;
            Assert.Equal(sent, received);
        }
    }

    // That the secrets are the right ones show the tests with OpenSSL at the other end; this is section 7.1 once more, of HMAC.
    [Fact]
    public void Keys_follow_from_the_secret_by_the_expansion_of_RFC_8446()
    {
        var secret = RandomNumberGenerator.GetBytes(32);
        using var sender = new RecordKeys(secret);
        var record = new byte[3 + 1 + 16];
        sender.Seal("head!"u8, "abc"u8, 23, record);

        using var cipher = new ChaCha20Poly1305(Expand(secret, "key", 32));
        var opened = new byte[4];
        cipher.Decrypt(Expand(secret, "iv", 12), record.AsSpan(0, 4), record.AsSpan(4), opened, "head!"u8);
        Assert.Equal([.. "abc"u8, 23], opened);

        sender.Update();
        sender.Seal("head!"u8, "abc"u8, 23, record);
        var next = Expand(secret, "traffic upd", 32);
        using var nextCipher = new ChaCha20Poly1305(Expand(next, "key", 32));
        nextCipher.Decrypt(Expand(next, "iv", 12), record.AsSpan(0, 4), record.AsSpan(4), opened, "head!"u8);
        Assert.Equal([.. "abc"u8, 23], opened);
    }

    [Fact]
    public void Padding_is_taken_off_and_a_record_may_come_in_pieces()
    {
        using var peer = new Peer();
        var record = peer.Record([.. "hello"u8, 23, 0, 0, 0, 0]);
        var destination = new byte[100];
        for (var length = 0; length < record.Length; length++)
        {
            var none = peer.Ours.Read(destination, record.AsSpan(0, length));
            Assert.Equal(TlsStep.NeedsInput, none.Step);
            Assert.Equal(0, none.Consumed);
        }

        var call = peer.Ours.Read(destination, record);
        Assert.Equal(TlsStep.Done, call.Step);
        Assert.Equal(record.Length, call.Consumed);
        Assert.Equal("hello"u8.ToArray(), destination[..call.Count]);
    }

    [Fact]
    public void A_changed_bit_anywhere_ends_the_session_with_an_alert()
    {
        byte[] template;
        using (var peer = new Peer())
            template = peer.Record([.. "hello"u8, 23]);
        for (var i = 0; i < template.Length; i++)
        {
            using var peer = new Peer();
            var record = peer.Record([.. "hello"u8, 23]);
            record[i] ^= 1;
            byte[] input = [.. record, 0];
            var call = peer.Ours.Read(new byte[100], input);
            if (i is 3 or 4 && call.Step == TlsStep.NeedsInput)
                continue; // a longer record was announced
            AssertFailed(peer, call);
            Assert.Equal(TlsStep.Ended, peer.Ours.Read(new byte[100], record).Step);
        }
    }

    [Fact]
    public void A_record_that_is_played_again_is_not_authentic()
    {
        using var peer = new Peer();
        var record = peer.Record([1, 23]);
        Assert.Equal(TlsStep.Done, peer.Ours.Read(new byte[100], record).Step);
        AssertFailed(peer, peer.Ours.Read(new byte[100], record), alert: 20);
    }

    [Theory]
    [InlineData(new byte[] { 22, 3, 3, 0, 5, 24, 0, 0, 1, 0 }, 10)]
    [InlineData(new byte[] { 20, 3, 3, 0, 1, 1 }, 10)]
    [InlineData(new byte[] { 21, 3, 3, 0, 2, 1, 0 }, 10)]
    [InlineData(new byte[] { 23, 3, 3, 0, 0 }, 20)]
    [InlineData(new byte[] { 23, 3, 3, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }, 20)]
    [InlineData(new byte[] { 23, 3, 3, 0x41, 1 }, 22)]
    public void What_is_no_encrypted_record_of_a_right_length_is_refused(byte[] input, byte alert)
    {
        using var peer = new Peer();
        AssertFailed(peer, peer.Ours.Read(new byte[100], input), alert);
    }

    [Theory]
    [InlineData(new byte[] { 0, 0, 0 }, 10)] // no type
    [InlineData(new byte[] { 1, 20 }, 10)] // a change of ciphers
    [InlineData(new byte[] { 22 }, 10)] // an empty handshake message
    [InlineData(new byte[] { 24, 0, 0, 1, 2, 22 }, 47)] // a key update that asks for something else
    [InlineData(new byte[] { 24, 0, 0, 0, 22 }, 50)]
    [InlineData(new byte[] { 24, 0, 0, 2, 0, 0, 22 }, 50)]
    [InlineData(new byte[] { 24, 0, 0, 1, 0, 4, 22 }, 10)] // something behind a key update
    [InlineData(new byte[] { 4, 0, 0, 0, 22 }, 10)] // a ticket, to a server
    [InlineData(new byte[] { 1, 0, 0, 0, 22 }, 10)] // a new handshake
    [InlineData(new byte[] { 1, 0, 0x40, 0, 22 }, 10)] // the same, of which only the beginning came
    [InlineData(new byte[] { 24, 0, 0x40, 0, 22 }, 50)]
    [InlineData(new byte[] { 21 }, 10)] // an empty alert
    [InlineData(new byte[] { 1, 21 }, 50)]
    public void What_does_not_belong_after_a_handshake_is_refused(byte[] content, byte alert)
    {
        using var peer = new Peer();
        AssertFailed(peer, peer.Ours.Read(new byte[100], peer.Record(content)), alert);
    }

    [Fact]
    public void A_record_with_more_than_16_KiB_of_content_is_refused()
    {
        using var peer = new Peer();
        AssertFailed(peer, peer.Ours.Read(new byte[20_000], peer.Record([.. new byte[16_385], 23])), alert: 22);
    }

    [Fact]
    public void A_handshake_message_may_come_in_two_records_with_nothing_in_between()
    {
        using (var peer = new Peer())
        {
            byte[] input = [.. peer.Record([24, 0, 22]), .. peer.Record([0, 1, 0, 22])];
            Assert.Equal(TlsStep.NeedsInput, peer.Ours.Read(new byte[100], input).Step);
            peer.Sending.Update();
            var call = peer.Ours.Read(new byte[100], peer.Record([7, 23]));
            Assert.Equal((TlsStep.Done, 1), (call.Step, call.Count));
        }

        using (var peer = new Peer())
        {
            byte[] input = [.. peer.Record([24, 0, 22]), .. peer.Record([7, 23])];
            AssertFailed(peer, peer.Ours.Read(new byte[100], input), alert: 10);
        }
    }

    [Fact]
    public void Key_updates_without_end_are_refused_and_their_answers_are_one()
    {
        using var peer = new Peer();
        TlsCall call;
        var count = 0;
        do
        {
            call = peer.Ours.Read(new byte[100], peer.Record([24, 0, 0, 1, 1, 22]));
            peer.Sending.Update();
            count++;
            Assert.True(count < 100);
        }
        while (call.Step == TlsStep.NeedsInput);
        Assert.Equal(TlsStep.Failed, call.Step);
        Assert.Equal([24, 0, 0, 1, 0, 22], peer.Open(call.Output.AsSpan(0, 5 + 6 + 16)));
        peer.Receiving.Update();
        Assert.Equal([2, 10, 21], peer.Open(call.Output.AsSpan(5 + 6 + 16, 5 + 3 + 16)));
        Assert.Equal((5 + 6 + 16) + (5 + 3 + 16), call.OutputLength);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_peer_that_asks_for_new_keys_without_end_is_cut_and_its_answers_take_no_memory(bool isServerOurs)
    {
        const int updateRequested = 1;
        const int most = 5000;
        var (near, far) = MemoryDuplex.CreatePair();
        await using var pair = await OpenAsync(isClientOurs: false, isServerOurs, near, far);
        var reading = pair.Server.ReadAsync(new byte[100], Token).AsTask();
        var count = 0;
        for (; count < most && !reading.IsCompleted; count++)
        {
            Assert.Equal(1, LibSsl.SSL_key_update(pair.Client.Session.OpenSslHandle, updateRequested));
            var call = pair.Client.Session.Handshake(default, isInputEnded: false); // sends it
            await near.WriteAsync(call.Output.AsMemory(0, call.OutputLength), Token);
            await Task.Yield();
        }

        await Assert.ThrowsAsync<TransportException>(() => reading.EndsAsync(Token));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task A_key_update_and_then_silence_is_not_the_beginning_of_a_block(int kind)
    {
        var (near, far) = MemoryDuplex.CreatePair();
        await using var pair = await OpenAsync(isClientOurs: false, isServerOurs: true, near, far);
        await using var blocks = new BlockConnection(pair.Server);
        Assert.Equal(1, LibSsl.SSL_key_update(pair.Client.Session.OpenSslHandle, kind));
        var update = pair.Client.Session.Handshake(default, isInputEnded: false); // sends it
        await near.WriteAsync(update.Output.AsMemory(0, update.OutputLength), Token);
        var reading = blocks.ReadAsync(Token).AsTask(); // reads, on this thread, all that is there
        Assert.False(reading.IsCompleted);
        Assert.Equal((0, 0), (blocks.Begun, blocks.Received));
        Assert.False(pair.Server.HoldsPart);

        await pair.Client.WriteAsync(new byte[Block.Size], Token);
        using (await reading)
            Assert.Equal((1, 1), (blocks.Begun, blocks.Received));
        await near.WriteAsync(new byte[] { 23, 3, 3 }, Token);
        _ = blocks.ReadAsync(Token).AsTask();
        Assert.True(pair.Server.HoldsPart);
    }

    [Fact]
    public void A_client_that_asks_for_short_records_gets_them()
    {
        const byte of512Bytes = 1;
        using var clientContext = TlsContext.ForClient(TlsPair.ClientOptions);
        using var serverContext = TlsContext.ForServer(TlsPair.ServerOptions);
        clientContext.KeepsOpenSsl = true;
        using var client = new TlsSession(clientContext, TlsPair.Target);
        using var server = new TlsSession(serverContext, target: null);
        Assert.Equal(1, LibSsl.SSL_set_tlsext_max_fragment_length(client.OpenSslHandle, of512Bytes));
        var hello = client.Handshake(default, isInputEnded: false);
        var flight = server.Handshake(hello.Output.AsSpan(0, hello.OutputLength), isInputEnded: false);
        var finished = client.Handshake(flight.Output.AsSpan(0, flight.OutputLength), isInputEnded: false);
        Assert.Equal(TlsStep.Done, finished.Step);
        Assert.Equal(TlsStep.Done, server.Handshake(finished.Output.AsSpan(0, finished.OutputLength), isInputEnded: false).Step);

        var sent = RandomNumberGenerator.GetBytes(2000);
        var call = server.Write(sent);
        var received = new byte[sent.Length];
        for (var (read, consumed) = (0, 0); read < sent.Length;)
        {
            var reading = client.Read(received.AsSpan(read), call.Output.AsSpan(consumed, call.OutputLength - consumed), isInputEnded: false);
            Assert.Equal(TlsStep.Done, reading.Step);
            read += reading.Count;
            consumed += reading.Consumed;
        }

        Assert.Equal(sent, received);
    }

    [Fact]
    public void A_farewell_ends_the_session_and_another_alert_fails_it()
    {
        using (var peer = new Peer())
            Assert.Equal(TlsStep.Ended, peer.Ours.Read(new byte[100], peer.Record([1, 0, 21])).Step);
        using (var peer = new Peer())
            Assert.Equal(TransportFailure.UnknownIdentity, peer.Ours.Read(new byte[100], peer.Record([2, 48, 21])).Error!.Failure);
        using (var peer = new Peer())
            Assert.Equal(TransportFailure.Tls, peer.Ours.Read(new byte[100], peer.Record([2, 40, 21])).Error!.Failure);
    }

    [Fact]
    public void A_client_takes_no_notice_of_tickets()
    {
        using var peer = new Peer(isServer: false);
        byte[] input = [.. peer.Record([4, 0, 0, 3, 1, 2, 3, 4, 0, 0, 0, 22]), .. peer.Record([7, 23])];
        var call = peer.Ours.Read(new byte[100], input);
        Assert.Equal((TlsStep.Done, 1, input.Length), (call.Step, call.Count, call.Consumed));
    }

    [Fact]
    public async Task A_peer_that_goes_away_within_a_record_is_no_orderly_end()
    {
        var (near, far) = MemoryDuplex.CreatePair();
        using var clientContext = TlsContext.ForClient(TlsPair.ClientOptions);
        using var serverContext = TlsContext.ForServer(TlsPair.ServerOptions);
        var accepting = TlsConnection.AcceptAsync(serverContext, far, TimeProvider.System, Token).AsTask();
        await using var client = await TlsConnection.ConnectAsync(clientContext, TlsPair.Target, near, TimeProvider.System, Token);
        await using var server = await accepting;
        await near.WriteAsync(new byte[] { 23, 3, 3, 0, 50, 1, 2, 3 }, Token);
        await near.DisposeAsync();
        var error = await Assert.ThrowsAsync<TransportException>(async () => await server.ReadAsync(new byte[100], Token));
        Assert.Equal(TransportFailure.Closed, error.Failure);
    }

    private static void AssertFailed(Peer peer, TlsCall call, byte? alert = null)
    {
        Assert.Equal(TlsStep.Failed, call.Step);
        Assert.Equal(TransportFailure.Tls, call.Error!.Failure);
        var told = peer.Open(call.Output.AsSpan(0, call.OutputLength));
        Assert.Equal(alert ?? told[1], told[1]);
        Assert.Equal((2, 21), (told[0], told[2]));
    }

    private static Task<TlsPair> OpenAsync(bool isClientOurs, bool isServerOurs)
    {
        var (near, far) = MemoryDuplex.CreatePair();
        return OpenAsync(isClientOurs, isServerOurs, near, far);
    }

    private static async Task<TlsPair> OpenAsync(bool isClientOurs, bool isServerOurs, Stream near, Stream far)
    {
        using var clientContext = TlsContext.ForClient(TlsPair.ClientOptions);
        using var serverContext = TlsContext.ForServer(TlsPair.ServerOptions);
        clientContext.KeepsOpenSsl = !isClientOurs;
        serverContext.KeepsOpenSsl = !isServerOurs;
        var client = TlsConnection.ConnectAsync(clientContext, TlsPair.Target, near, TimeProvider.System, Token).AsTask();
        var server = TlsConnection.AcceptAsync(serverContext, far, TimeProvider.System, Token).AsTask();
        return new TlsPair(await client, await server);
    }

    private static async Task PassAsync(TlsConnection from, TlsConnection to, int length, int readLength)
    {
        var sent = RandomNumberGenerator.GetBytes(length);
        var writing = from.WriteAsync(sent, Token).AsTask();
        var received = new byte[length];
        for (var read = 0; read < length;)
            read += await to.ReadAsync(received.AsMemory(read, Math.Min(readLength, length - read)), Token);
        await writing;
        Assert.Equal(sent, received);
    }

    private static byte[] Expand(byte[] secret, string label, int length) =>
        HMACSHA256.HashData(secret, (byte[])[0, (byte)length, (byte)(6 + label.Length), .. Encoding.ASCII.GetBytes("tls13 " + label), 0, 1])[..length];

    /// <summary>The other side of a session, which may say anything.</summary>
    private sealed class Peer : IDisposable
    {
        private static readonly byte[] Secret = new byte[32];
        private static readonly byte[] OtherSecret = [.. Enumerable.Repeat((byte)1, 32)];

        public Peer(bool isServer = true) => Ours = new RecordSession(isServer, new RecordKeys(OtherSecret), new RecordKeys(Secret));

        public RecordSession Ours { get; }

        public RecordKeys Sending { get; } = new(Secret);

        public RecordKeys Receiving { get; } = new(OtherSecret);

        /// <summary>A record whose content ends with its type and the padding.</summary>
        public byte[] Record(ReadOnlySpan<byte> content)
        {
            var length = content.Length + 16;
            byte[] record = [23, 3, 3, (byte)(length >> 8), (byte)(length & 0xFF), .. new byte[length]];
            Sending.Seal(record.AsSpan(0, 5), content[..^1], content[^1], record.AsSpan(5));
            return record;
        }

        public byte[] Open(ReadOnlySpan<byte> record)
        {
            var content = new byte[record.Length - 5 - 16];
            Assert.True(Receiving.TryOpen(record[..5], record[5..], content.AsSpan(0, content.Length - 1), out content[^1]));
            return content;
        }

        public void Dispose()
        {
            Ours.Dispose();
            Sending.Dispose();
            Receiving.Dispose();
        }
    }
}
