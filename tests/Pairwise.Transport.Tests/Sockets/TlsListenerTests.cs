using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging.Abstractions;
using Pairwise.Crypto;
using Pairwise.TestKit;
using Pairwise.Transport.Memory;
using Pairwise.Transport.Sockets;
using Pairwise.Transport.Tests.Tls;
using Pairwise.Transport.Tls;

namespace Pairwise.Transport.Tests.Sockets;

public sealed class TlsListenerTests
{
    private static readonly TlsContext ClientContext = TlsContext.ForClient(TlsPair.ClientOptions);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Many_connections_are_served_at_once()
    {
        await using var listener = Listen(EchoAsync);
        var clients = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => ConnectAsync(listener)));
        foreach (var client in clients)
            Assert.Equal([1, 2, 3], await RoundTripAsync(client, [1, 2, 3]));
        Assert.Equal(50, listener.Counts.Active);
        foreach (var client in clients)
            await client.DisposeAsync();
        await UntilAsync(() => listener.Counts.Active == 0);
        Assert.Equal(50, listener.Counts.Accepted);
    }

    [Fact]
    public async Task Half_handshakes_are_closed_in_time_and_others_are_served_meanwhile()
    {
        var time = new ManualTime();
        await using var listener = Listen(EchoAsync, new TlsListenerOptions { EndPoints = [Loopback], HandshakeTime = TimeSpan.FromSeconds(60) }, time);
        var idle = new List<Stream>();
        for (var i = 0; i < 20; i++)
        {
            var stream = await TcpConnector.ConnectAsync("127.0.0.1", listener.EndPoints[0].Port, new TcpConnectOptions(), Token);
            if (i % 2 == 0)
                await stream.WriteAsync(new byte[] { 0x16, 3, 1 }, Token);
            idle.Add(stream);
        }

        await using var client = await ConnectAsync(listener);
        Assert.Equal([7], await RoundTripAsync(client, [7]));
        await UntilAsync(() => listener.Counts.Active == 21 && time.TimerCount == 20);
        time.Advance(TimeSpan.FromSeconds(61));
        await UntilAsync(() => listener.Counts.Active == 1);
        Assert.Equal(20, listener.Counts.FailedHandshakes);
        foreach (var stream in idle)
        {
            Assert.Equal(0, await ReadToEndAsync(stream));
            await stream.DisposeAsync();
        }

        Assert.Equal([8], await RoundTripAsync(client, [8]));
    }

    [Fact]
    public async Task More_handshakes_than_allowed_wait_for_their_turn()
    {
        var time = new ManualTime();
        var options = new TlsListenerOptions { EndPoints = [Loopback], MaxHandshakes = 1, HandshakePatience = TimeSpan.FromHours(1), SilenceTime = TimeSpan.FromHours(1), HandshakeTime = TimeSpan.FromSeconds(60) };
        await using var listener = Listen(EchoAsync, options, time);
        await using var first = await BeginAsync(listener);
        await UntilAsync(() => listener.Counts.Handshakes == 1);
        var second = ConnectAsync(listener);
        await UntilAsync(() => listener.Counts.Accepted == 2);
        Assert.False(second.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(59));
        Assert.Equal(0, listener.Counts.FailedHandshakes);
        time.Advance(TimeSpan.FromSeconds(2));
        await using var client = await second;
        Assert.Equal([1], await RoundTripAsync(client, [1]));
    }

    [Fact]
    public async Task Sockets_that_say_nothing_hold_no_place_and_make_room_for_others()
    {
        const int limit = 8;
        var options = new TlsListenerOptions { EndPoints = [Loopback], MaxHandshakes = 1, MaxSilent = limit };
        await using var listener = Listen(EchoAsync, options, new ManualTime());
        var silent = new List<Stream>();
        for (var i = 0; i < 5 * limit; i++)
            silent.Add(await TcpConnector.ConnectAsync("127.0.0.1", listener.EndPoints[0].Port, new TcpConnectOptions(), Token));
        await using var client = await ConnectAsync(listener);
        Assert.Equal([1], await RoundTripAsync(client, [1]));
        await UntilAsync(() => listener.Counts.Accepted == (5 * limit) + 1 && listener.Counts.Active <= limit + 1);
        Assert.InRange(listener.Counts.SilentCut, 4 * limit, (4 * limit) + 1);
        for (var i = 0; i < 4 * limit; i++)
            Assert.Equal(0, await ReadToEndAsync(silent[i])); // the oldest first
        foreach (var stream in silent)
            await stream.DisposeAsync();
    }

    [Fact]
    public async Task A_hello_in_pieces_is_put_together_and_holds_no_place_before_it_is_whole()
    {
        var options = new TlsListenerOptions { EndPoints = [Loopback], MaxHandshakes = 1 };
        await using var listener = Listen(EchoAsync, options);
        await using var slow = await TcpConnector.ConnectAsync("127.0.0.1", listener.EndPoints[0].Port, new TcpConnectOptions(), Token);
        await slow.WriteAsync(new byte[] { 22, 3, 1, 2, 0, 1 }, Token);
        var stream = await TcpConnector.ConnectAsync("127.0.0.1", listener.EndPoints[0].Port, new TcpConnectOptions(), Token);
        await using var client = await TlsConnection.ConnectAsync(ClientContext, TlsPair.Target, new ByteWiseStream(stream), TimeProvider.System, Token);
        Assert.Equal([1, 2], await RoundTripAsync(client, [1, 2]));
        Assert.Equal(0, listener.Counts.Handshakes);
    }

    [Fact]
    public async Task Whoever_says_nothing_is_cut_sooner_than_a_slow_handshake()
    {
        var time = new ManualTime();
        await using var listener = Listen(EchoAsync, new TlsListenerOptions { EndPoints = [Loopback], SilenceTime = TimeSpan.FromSeconds(15) }, time);
        await using var silent = await TcpConnector.ConnectAsync("127.0.0.1", listener.EndPoints[0].Port, new TcpConnectOptions(), Token);
        await UntilAsync(() => listener.Counts.Active == 1 && time.TimerCount == 1);
        time.Advance(TimeSpan.FromSeconds(16));
        Assert.Equal(0, await ReadToEndAsync(silent));
        await UntilAsync(() => listener.Counts.Active == 0);
    }

    [Fact]
    public async Task Whoever_comes_ends_the_oldest_handshake_when_places_are_gone()
    {
        var options = new TlsListenerOptions { EndPoints = [Loopback], MaxHandshakes = 3, HandshakePatience = TimeSpan.Zero, SilenceTime = TimeSpan.FromHours(1) };
        await using var listener = Listen(EchoAsync, options);
        var stopped = new List<Stream>();
        for (var i = 1; i <= 3; i++)
        {
            stopped.Add(await BeginAsync(listener));
            await UntilAsync(() => listener.Counts.Handshakes == i);
        }

        await using var client = await ConnectAsync(listener);
        Assert.Equal([1], await RoundTripAsync(client, [1]));
        Assert.Equal(1, listener.Counts.FailedHandshakes);
        Assert.Equal(0, await ReadToEndAsync(stopped[0]));
        foreach (var stream in stopped)
            await stream.DisposeAsync();
    }

    [Fact]
    public async Task A_flood_of_handshakes_from_one_address_holds_up_no_client_of_another()
    {
        const int places = 8;
        var options = new TlsListenerOptions { EndPoints = [Loopback], MaxHandshakes = places, HandshakePatience = TimeSpan.FromHours(1), SilenceTime = TimeSpan.FromHours(1) };
        await using var listener = Listen(EchoAsync, options, new ManualTime());
        var stopped = new List<Stream>();
        for (var i = 0; i < 2 * places; i++)
            stopped.Add(await BeginAsync(listener));
        await UntilAsync(() => listener.Counts.Handshakes == places - 1 && listener.Counts.Accepted == stopped.Count);

        for (var i = 0; i < 3; i++)
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            socket.Bind(new IPEndPoint(IPAddress.Parse("127.0.0.2"), 0));
            await socket.ConnectAsync(listener.EndPoints[0], Token);
            var stream = new NetworkStream(socket, ownsSocket: true);
            await using var client = await TlsConnection.ConnectAsync(ClientContext, TlsPair.Target, stream, TimeProvider.System, Token);
            Assert.Equal([1], await RoundTripAsync(client, [1]));
        }

        Assert.Equal(0, listener.Counts.FailedHandshakes);
        foreach (var stream in stopped)
            await stream.DisposeAsync();
    }

    [Fact]
    public async Task A_hello_of_many_KB_is_read_to_its_end()
    {
        await using var listener = Listen(EchoAsync);
        using var context = TlsContext.ForClient(new TlsClientOptions
        {
            ApplicationProtocols = [.. Enumerable.Range(0, 50).Select(i => new string((char)('A' + i), 250)), "smp/1"],
        });
        var stream = await TcpConnector.ConnectAsync("127.0.0.1", listener.EndPoints[0].Port, new TcpConnectOptions(), Token);
        await using var client = await TlsConnection.ConnectAsync(context, TlsPair.Target, stream, TimeProvider.System, Token);
        Assert.Equal("smp/1", client.ApplicationProtocol);
        Assert.Equal([1], await RoundTripAsync(client, [1]));
    }

    [Fact]
    public async Task Slow_handshakes_get_less_time_while_places_are_short()
    {
        const int places = 4;
        var time = new ManualTime();
        var options = new TlsListenerOptions { EndPoints = [Loopback], MaxHandshakes = places, HandshakePatience = TimeSpan.FromHours(1), SilenceTime = TimeSpan.FromHours(1) };
        await using var listener = Listen(EchoAsync, options, time);
        var slow = new List<Stream>();
        for (var i = 0; i < places; i++)
        {
            slow.Add(await BeginAsync(listener));
            await UntilAsync(() => listener.Counts.Handshakes == slow.Count);
        }

        var begin = time.GetUtcNow();
        var waiting = ConnectAsync(listener);
        await UntilAsync(() => listener.Counts.Accepted == places + 1);
        // A handshake's clock may begin a moment after it is counted: then it takes a second or two more of the listener's time.
        time.Advance(options.BusyHandshakeTime);
        for (var more = 0; listener.Counts.FailedHandshakes < places / 2; more++)
        {
            if (more % 500 == 499)
                time.Advance(TimeSpan.FromSeconds(1));
            Assert.InRange(time.GetUtcNow() - begin, options.BusyHandshakeTime, options.HandshakeTime - TimeSpan.FromSeconds(1));
            await Task.Delay(TimeSpan.FromMilliseconds(2), TimeProvider.System, Token);
        }

        await using var client = await waiting;
        Assert.Equal([1], await RoundTripAsync(client, [1]));
        Assert.Equal(places / 2, listener.Counts.FailedHandshakes);
        foreach (var stream in slow)
            await stream.DisposeAsync();
    }

    [Fact]
    public async Task Connections_beyond_the_limit_or_while_nobody_is_admitted_are_refused_at_once()
    {
        var isAdmitting = true;
        var options = new TlsListenerOptions { EndPoints = [Loopback], MaxConnections = 2, IsAdmitting = () => isAdmitting };
        await using var listener = Listen(EchoAsync, options);
        await using var first = await ConnectAsync(listener);
        await using (await ConnectAsync(listener))
        {
            await Assert.ThrowsAsync<TransportException>(() => ConnectAsync(listener));
            Assert.Equal(1, listener.Counts.Refused);
        }

        await UntilAsync(() => listener.Counts.Active == 1);
        isAdmitting = false;
        await Assert.ThrowsAsync<TransportException>(() => ConnectAsync(listener));
        isAdmitting = true;
        await using var second = await ConnectAsync(listener);
        Assert.Equal([1], await RoundTripAsync(first, [1]));
        Assert.Equal([2], await RoundTripAsync(second, [2]));
    }

    [Fact]
    public async Task Garbage_ends_its_own_connection_only()
    {
        await using var listener = Listen(EchoAsync);
        await using var client = await ConnectAsync(listener);
        for (var seed = 0; seed < 20; seed++)
        {
            await using var hostile = await TcpConnector.ConnectAsync("127.0.0.1", listener.EndPoints[0].Port, new TcpConnectOptions(), Token);
            await hostile.WriteAsync(new SeededRandom(seed).NextBytes(1000), Token);
            await ReadToEndAsync(hostile);
        }

        Assert.Equal([1], await RoundTripAsync(client, [1]));
        await UntilAsync(() => listener.Counts.Active == 1);
    }

    [Fact]
    public async Task A_handler_that_fails_ends_its_connection_and_nothing_else()
    {
        var count = 0;
        await using var listener = Listen((connection, cancellationToken) =>
            Interlocked.Increment(ref count) == 1 ? throw new InvalidOperationException("fault") : EchoAsync(connection, cancellationToken));
        await using var first = await ConnectAsync(listener);
        Assert.Equal(0, await ReadOrEndAsync(first));
        await using var second = await ConnectAsync(listener);
        Assert.Equal([2], await RoundTripAsync(second, [2]));
    }

    [Fact]
    public async Task New_certificates_serve_new_connections_and_old_ones_go_on()
    {
        await using var listener = Listen(EchoAsync);
        await using var before = await ConnectAsync(listener);
        var (chain, key) = TestCertificates.OtherServer;
        listener.Replace(TlsContext.ForServer(TlsPair.ServerOptions with { Credential = TlsCredential.From(chain, key) }));
        GC.Collect();
        GC.WaitForPendingFinalizers();
        await Assert.ThrowsAsync<TransportException>(() => ConnectAsync(listener));
        await using var after = await ConnectAsync(listener, TlsPair.TargetOf(chain.IdentityFingerprint));
        Assert.Equal([1], await RoundTripAsync(after, [1]));
        Assert.Equal([2], await RoundTripAsync(before, [2]));
    }

    [Fact]
    public async Task Stopping_ends_all_connections_and_waits_for_the_handlers()
    {
        var ended = 0;
        var listener = Listen(async (connection, cancellationToken) =>
        {
            try
            {
                await EchoAsync(connection, cancellationToken);
            }
            finally
            {
                Interlocked.Increment(ref ended);
            }
        });
        var clients = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => ConnectAsync(listener)));
        foreach (var client in clients)
            await RoundTripAsync(client, [1]);
        await listener.DisposeAsync();
        await listener.DisposeAsync();
        Assert.Equal(10, ended);
        foreach (var client in clients)
        {
            Assert.Equal(0, await ReadOrEndAsync(client));
            await client.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_port_in_use_is_told_by_the_system()
    {
        await using var listener = Listen(EchoAsync);
        var options = new TlsListenerOptions { EndPoints = [listener.EndPoints[0]] };
        var error = Assert.Throws<SocketException>(() => Listen(EchoAsync, options));
        Assert.Equal(SocketError.AddressAlreadyInUse, error.SocketErrorCode);
    }

    [Theory]
    [InlineData(null, true)]
    [InlineData(1, false)]
    public async Task The_certificate_for_browsers_is_shown_on_its_port_only(int? webPort, bool isShown)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=relay.example", key, HashAlgorithmName.SHA256);
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(200));
        var context = TlsContext.ForServer(TlsPair.ServerOptions with
        {
            WebCredential = TlsCredential.FromPem(certificate.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem()),
        });
        await using var listener = TlsListener.Start(
            new TlsListenerOptions { EndPoints = [Loopback], WebPort = webPort }, context, EchoAsync, TimeProvider.System, NullLogger.Instance);
        IReadOnlyList<ReadOnlyMemory<byte>> shown = [];
        var named = new TlsTarget(
            certificates =>
            {
                shown = certificates;
                return TlsPeerVerdict.Accepted;
            },
            "relay.example");
        if (isShown)
        {
            // Clients of the protocol do not know the algorithms of browsers.
            await Assert.ThrowsAsync<TransportException>(() => ConnectAsync(listener, named));
            return;
        }

        await using var client = await ConnectAsync(listener, named);
        Assert.Equal(TestCertificates.Server.Chain.Leaf.Der.ToArray(), shown[0].ToArray());
        Assert.Equal([1], await RoundTripAsync(client, [1]));
    }

    private static IPEndPoint Loopback => new(IPAddress.Loopback, 0);

    private static TlsListener Listen(Func<ISecureConnection, CancellationToken, Task> handler, TlsListenerOptions? options = null, TimeProvider? time = null) =>
        TlsListener.Start(
            options ?? new TlsListenerOptions { EndPoints = [Loopback] },
            TlsContext.ForServer(TlsPair.ServerOptions),
            handler,
            time ?? TimeProvider.System,
            NullLogger.Instance);

    private static async Task<TlsConnection> ConnectAsync(TlsListener listener, TlsTarget? target = null)
    {
        var stream = await TcpConnector.ConnectAsync("127.0.0.1", listener.EndPoints[0].Port, new TcpConnectOptions(), Token);
        return await TlsConnection.ConnectAsync(ClientContext, target ?? TlsPair.Target, stream, TimeProvider.System, Token);
    }

    // A whole hello, and nothing of what has to follow the server's answer.
    private static async Task<Stream> BeginAsync(TlsListener listener)
    {
        var (near, far) = MemoryDuplex.CreatePair();
        var hello = new byte[4096];
        int length;
        await using (near)
        {
            var connecting = TlsConnection.ConnectAsync(ClientContext, TlsPair.Target, near, TimeProvider.System, Token).AsTask();
            length = await far.ReadAsync(hello, Token);
            await far.DisposeAsync();
            await Assert.ThrowsAsync<TransportException>(() => connecting);
        }

        var stream = await TcpConnector.ConnectAsync("127.0.0.1", listener.EndPoints[0].Port, new TcpConnectOptions(), Token);
        await stream.WriteAsync(hello.AsMemory(0, length), Token);
        return stream;
    }

    private static async Task EchoAsync(ISecureConnection connection, CancellationToken cancellationToken)
    {
        var buffer = new byte[100];
        while (true)
        {
            await connection.WaitForBytesAsync(cancellationToken);
            var count = await connection.ReadAsync(buffer, cancellationToken);
            if (count == 0)
                return;
            await connection.WriteAsync(buffer.AsMemory(0, count), cancellationToken);
        }
    }

    private static async Task<byte[]> RoundTripAsync(TlsConnection client, byte[] sent)
    {
        await client.WriteAsync(sent, Token);
        var read = new byte[sent.Length];
        for (var count = 0; count < read.Length;)
            count += await client.ReadAsync(read.AsMemory(count), Token);
        return read;
    }

    private static async Task<int> ReadOrEndAsync(TlsConnection client)
    {
        try
        {
            return await client.ReadAsync(new byte[1], Token);
        }
        catch (TransportException)
        {
            return 0;
        }
    }

    /// <summary>0 when the other side has closed, whatever it said before (an alert).</summary>
    private static async Task<int> ReadToEndAsync(Stream stream)
    {
        var buffer = new byte[1000];
        try
        {
            while (await stream.ReadAsync(buffer, Token) > 0)
            {
            }
        }
        catch (IOException)
        {
            return 0;
        }

        return 0;
    }

    private static Task UntilAsync(Func<bool> isTrue, [CallerArgumentExpression(nameof(isTrue))] string what = "") => Eventually.UntilAsync(isTrue, Token, what);

    // Writes every byte by itself.
    private sealed class ByteWiseStream(Stream inner) : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => inner.ReadAsync(buffer, cancellationToken);

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            for (var i = 0; i < buffer.Length; i++)
                await inner.WriteAsync(buffer.Slice(i, 1), cancellationToken);
        }

        protected override void Dispose(bool disposing)
        {
            inner.Dispose();
            base.Dispose(disposing);
        }
    }
}
