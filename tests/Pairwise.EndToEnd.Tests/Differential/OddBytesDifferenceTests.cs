using System.Globalization;
using System.Text;
using Pairwise.Client;
using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;
using Pairwise.Transport;
using Pairwise.Transport.Sockets;
using Pairwise.Transport.Tls;

namespace Pairwise.EndToEnd.Tests.Differential;

/// <summary>
/// What no client sends - hellos of every kind and length, blocks and transmissions that are none, every word with every
/// kind of authorization - to the original relay and to ours, and what comes back, byte for byte.
/// </summary>
[Trait("Needs", "originals")]
public sealed class OddBytesDifferenceTests
{
    private const int AtOnce = 8;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);
    // No conversation ends in silence with the original: this only bounds one that does.
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(60);

    private static readonly string[] Words =
    [
        "SUB", "PING", "SEND T hi", "LGET", "NSUB", "NSUBS", "SUBS", "GET", "DEL", "OFF", "QUE", "NDEL", "LDEL", "RFWD x", "PRXY x",
        "WHAT", "NEW ", "KEY", "SKEY", "LKEY", "LSET", "RKEY", "NKEY", "ACK", "ACK ", "IDS", "MSG", "OK", "PFWD", "RFWD", "PRXY ", "SEND ",
        "SEND T", " SUB", "SUB\n", "sub", "RSLV x", "ALLS",
    ];

    private static string? Original => Environment.GetEnvironmentVariable("PAIRWISE_REFERENCE_SMP_SERVER");

    [Fact]
    public Task Hellos_are_answered_alike() => CompareAsync(Hellos());

    [Fact]
    public Task Blocks_and_transmissions_are_answered_alike() => CompareAsync(Blocks());

    private static async Task CompareAsync(IEnumerable<OddConversation> conversations)
    {
        Assert.SkipWhen(Original is null, "the original relay is not here: ./test reference --smp-server PATH");
        await using var pair = await RelayPair.StartAsync(Original!, "memory", null);
        List<string> reports = [];
        await Parallel.ForEachAsync(conversations, new ParallelOptions { MaxDegreeOfParallelism = AtOnce }, async (each, _) =>
        {
            var said = await Task.WhenAll(PlayAsync(pair.Original.Address, each), PlayAsync(pair.Ours.Address, each));
            if (said[0] == said[1]) return;
            lock (reports) reports.Add($"{each.Says}\n   original {said[0]}\n   ours     {said[1]}");
        });
        Assert.True(reports.Count == 0, $"{reports.Count} differences.\n{string.Join('\n', reports)}");
    }

    private static IEnumerable<OddConversation> Hellos()
    {
        foreach (var hasProtocol in new[] { true, false })
        {
            foreach (ushort version in (ushort[])[0, 5, 6, 7, 8, 10, 11, 12, 14, 15, 16, 17, 18, 19, 65535])
            {
                yield return new OddConversation($"v{version} ALPN {hasProtocol}", version, hasProtocol);
                yield return new OddConversation($"v{version} ALPN {hasProtocol} without a key", version, hasProtocol, HasKey: false);
                if (version >= 14) yield return new OddConversation($"v{version} ALPN {hasProtocol} of a proxy", version, hasProtocol, IsProxy: true);
            }
        }

        foreach (ushort version in (ushort[])[6, 8, 14, 18])
        {
            yield return Changed("with a tail", version, hello => [.. hello, 1, 2, 3]);
            yield return Changed("for another relay", version, hello => [.. hello[..3], .. new byte[32], .. hello[35..]]);
            foreach (var length in new[] { 0, 1, 31, 33, 255 })
                yield return Changed($"with a key hash of {length}", version, hello => [.. hello[..2], (byte)length, .. new byte[length], .. hello[35..]]);
            for (var cut = 0; cut < 90; cut += cut is < 3 or > 70 ? 1 : 11)
            {
                var at = cut;
                yield return Changed($"cut at {at}", version, hello => hello[..Math.Min(at, hello.Length)]);
            }
        }

        static OddConversation Changed(string says, ushort version, Func<byte[], byte[]> change) => new($"v{version} {says}", version) { Hello = change };
    }

    private static IEnumerable<OddConversation> Blocks()
    {
        foreach (ushort version in (ushort[])[6, 7, 10, 11, 15, 16, 18])
        {
            yield return Say("no content", version, _ => []);
            yield return Say("no transmission", version, _ => [0]);
            yield return Say("no transmission, and more", version, _ => [0, 1, 2]);
            yield return Say("255 that are missing", version, _ => [255]);
            yield return Say("an empty transmission", version, _ => [1, 0, 0]);
            yield return Say("a transmission of a byte", version, _ => [1, 0, 1, 255]);
            yield return Say("count too small", version, client => [1, .. client.Batch("PING", "PING")[1..]]);
            yield return Say("count too large", version, client => [2, .. client.Batch("PING")[1..]]);
            yield return Say("255 pings", version, client => client.Batch([.. Enumerable.Repeat("PING", 255)]));
            foreach (var length in new[] { 0, 1, 23, 24, 25, 255 })
            {
                yield return Say($"corr id of {length}", version, client => OddClient.Batch([client.Transmission("PING", corrId: new byte[length])]));
                foreach (var word in new[] { "PING", "SUB", "NSUBS" })
                    yield return Say($"{word} about {length} bytes", version, client => OddClient.Batch([client.Transmission(word, entity: new byte[length])]));
            }

            foreach (var word in Words)
            {
                foreach (var entity in new[] { 0, 24 })
                {
                    foreach (var authorization in new[] { 0, 1, 63, 64, 80, 114, 255 })
                    {
                        yield return Say(
                            $"'{word}' about {entity} bytes, authorized by {authorization}", version,
                            client => OddClient.Batch([client.Transmission(word, new byte[entity], new byte[authorization])]));
                    }
                }
            }

            if (version < 16) continue;
            foreach (var word in new[] { "SUB", "PING", "SEND T hi", "NSUB", "NSUBS", "NEW x", "RFWD x", "LGET" })
            {
                foreach (var service in new[] { 0, 63, 64, 80, 114 })
                {
                    yield return Say(
                        $"'{word}' with a service signature of {service}", version,
                        client => OddClient.Batch([client.Transmission(word, new byte[24], new byte[64], new byte[service])]));
                }
            }
        }

        // Blocks that do not open: the client cannot go on where they are encrypted.
        foreach (ushort version in (ushort[])[6, 10, 11, 18])
        {
            yield return new OddConversation($"v{version} a block of 0xFF", version) { RawBlock = Enumerable.Repeat((byte)0xFF, Block.Size).ToArray() };
        }

        static OddConversation Say(string says, ushort version, Func<OddClient, byte[]> content) => new($"v{version} {says}", version) { Content = content };
    }

    private static async Task<string> PlayAsync(ServerAddress server, OddConversation conversation)
    {
        using var limit = new CancellationTokenSource(Patience, TimeProvider.System);
        await using var client = await OddClient.ConnectAsync(server, conversation, limit.Token);
        if (conversation.RawBlock is { } raw)
        {
            await client.SendRawAsync(raw, limit.Token);
            return await client.HearAsync(1, Silence, limit.Token);
        }

        if (conversation.Content is { } content) await client.SendAsync(content(client), limit.Token);
        return await client.HearAsync(int.MaxValue, Silence, limit.Token);
    }
}

/// <summary>What is done to a relay, and what it is called.</summary>
internal sealed record OddConversation(string Says, ushort Version, bool HasProtocol = true, bool HasKey = true, bool IsProxy = false)
{
    public Func<byte[], byte[]>? Hello { get; init; }

    public Func<OddClient, byte[]>? Content { get; init; }

    public byte[]? RawBlock { get; init; }
}

/// <summary>A client that makes its hello and its blocks by hand.</summary>
internal sealed class OddClient : IAsyncDisposable
{
    private static readonly byte[] Fence = Encoding.ASCII.GetBytes("this is the end of it...");

    private readonly BlockConnection _blocks;
    private readonly TransmissionFormat _format;

    private OddClient(BlockConnection blocks, TransmissionFormat format)
    {
        _blocks = blocks;
        _format = format;
    }

    public static async Task<OddClient> ConnectAsync(ServerAddress server, OddConversation conversation, CancellationToken cancellationToken)
    {
        Assert.True(server.TryGetPort(out var port));
        using var context = TlsContext.ForClient(new TlsClientOptions { ApplicationProtocols = conversation.HasProtocol ? ["smp/1"] : [] });
        var stream = await TcpConnector.ConnectAsync(server.Hosts[0].Name, port, new TcpConnectOptions(), cancellationToken);
        var tls = await TlsConnection.ConnectAsync(context, new TlsTarget(PeerChecks.Server(server.KeyHash, TimeProvider.System)), stream, TimeProvider.System, cancellationToken);
        var blocks = new BlockConnection(tls);
        SmpServerHello? theirs;
        using (var block = await blocks.ReadAsync(cancellationToken))
            Assert.True(SmpHandshakeCodec.TryRead(block!.Content.Span, out theirs));
        using var key = X25519PrivateKey.Generate(SystemRandom.Instance);
        byte[] hello = [(byte)(conversation.Version >> 8), (byte)(conversation.Version & 0xFF), 32, .. server.KeyHash.Span];
        if (conversation.Version >= 7 && conversation.HasKey) hello = [.. hello, (byte)key.PublicKey.ToSpki().Length, .. key.PublicKey.ToSpki()];
        if (conversation.Version >= 14) hello = [.. hello, (byte)(conversation.IsProxy ? 'T' : 'F')];
        if (conversation.Version >= 16) hello = [.. hello, (byte)'0'];
        var sent = conversation.Hello?.Invoke(hello) ?? hello;
        await blocks.WriteAsync(sent, cancellationToken);
        if (conversation.Version >= 11 && conversation.HasKey && !conversation.IsProxy && sent.AsSpan().StartsWith(hello) && theirs.SessionKey is { } signed)
        {
            Assert.True(CertificateChain.TryParse([.. signed.Certificates.Select(each => each.Memory)], out var chain));
            Assert.True(SignedKey.TryVerify(signed.SignedKey.Span, Assert.IsAssignableFrom<VerificationKey>(chain.Leaf.PublicKey), out var relayKey));
            using var secret = key.DeriveSharedSecret(Assert.IsType<X25519PublicKey>(relayKey));
            var (serverSends, clientSends) = SecretBoxChain.Init(tls.SessionId.Span, secret);
            blocks.Encrypt(clientSends, serverSends);
        }

        return new OddClient(blocks, new TransmissionFormat(new SmpVersion(conversation.Version), tls.SessionId.Span));
    }

    public byte[] Transmission(string command, byte[]? entity = null, byte[]? authorization = null, byte[]? service = null, byte[]? corrId = null)
    {
        entity ??= [];
        authorization ??= [];
        corrId ??= new byte[24];
        byte[] second = !_format.HasServiceSignature || authorization.Length == 0 ? []
            : service is null ? "0"u8.ToArray()
            : [(byte)'1', (byte)service.Length, .. service];
        byte[] session = _format.ImpliesSessionId ? [] : [(byte)_format.SessionId.Length, .. _format.SessionId];
        return
        [
            (byte)authorization.Length, .. authorization, .. second, .. session,
            (byte)corrId.Length, .. corrId, (byte)entity.Length, .. entity, .. Encoding.Latin1.GetBytes(command),
        ];
    }

    public byte[] Batch(params string[] commands) => Batch([.. commands.Select(command => Transmission(command, corrId: [7]))]);

    public static byte[] Batch(IReadOnlyList<byte[]> transmissions) => ScriptClient.Batch(transmissions) ?? throw new InvalidOperationException("The batch does not fit.");

    public Task SendAsync(byte[] content, CancellationToken cancellationToken) => TryAsync(() => _blocks.WriteAsync(content, cancellationToken));

    public Task SendRawAsync(byte[] block, CancellationToken cancellationToken) => TryAsync(() => _blocks.Connection.WriteAsync(block, cancellationToken));

    /// <summary>What comes until the answer to a PING, or so many transmissions, or the end.</summary>
    public async Task<string> HearAsync(int most, TimeSpan silence, CancellationToken cancellationToken)
    {
        var heard = new StringBuilder();
        await SendAsync(Batch([Transmission("PING", corrId: Fence)]), cancellationToken);
        using var quiet = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        quiet.CancelAfter(silence);
        try
        {
            for (var count = 0; count < most;)
            {
                using var block = await _blocks.ReadAsync(quiet.Token);
                if (block is null) return heard.Append("closed").ToString();
                foreach (var (corrId, line) in Read(block.Content.ToArray()))
                {
                    if (corrId.AsSpan().SequenceEqual(Fence)) return heard.ToString();
                    heard.Append(CultureInfo.InvariantCulture, $"[{line}]");
                    count++;
                }
            }
        }
        catch (TransportException)
        {
            heard.Append("closed");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            heard.Append("silent");
        }

        return heard.ToString();
    }

    public ValueTask DisposeAsync() => _blocks.DisposeAsync();

    private List<(byte[] CorrId, string Line)> Read(byte[] content)
    {
        List<(byte[], string)> read = [];
        Assert.True(BatchReader.TryOpen(content, _format, out var batch));
        while (batch.TryReadNext(out var transmission))
        {
            var corrId = transmission.CorrId.Value.ToArray();
            read.Add((corrId, $"{corrId.Length} @{transmission.Entity.Value.ToArray().Length} {Encoding.Latin1.GetString(transmission.Command.Span)}"));
        }

        return read;
    }

    // The relay may have closed: whoever listens hears of it.
    private static async Task TryAsync(Func<ValueTask> write)
    {
        try
        {
            await write();
        }
        catch (TransportException)
        {
            return;
        }
    }
}
