using System.Net;
using System.Threading.Channels;
using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;
using Pairwise.Server.Smp;
using Pairwise.TestKit;
using Pairwise.Transport;
using Pairwise.Transport.Memory;
using Pairwise.Transport.Smp;
using Pairwise.Wire;

namespace Pairwise.Server.Tests.Smp;

/// <summary>One answer or event as a client sees it.</summary>
public sealed record Received(CorrId CorrId, EntityId Entity, BrokerMessage Message);

/// <summary>A client that says exactly what a test tells it to, over memory, and keeps what it hears.</summary>
public sealed class RelayClient : IAsyncDisposable
{
    private readonly SmpClientSession _session;
    private readonly TransmissionAuthorizer _authorizer;
    private readonly Channel<Received> _received = Channel.CreateUnbounded<Received>();
    private readonly Task _serving;
    private readonly Task _reading;
    private readonly CancellationTokenSource _ending = new();

    private RelayClient(SmpClientSession session, Task serving)
    {
        _session = session;
        _serving = serving;
        Format = new TransmissionFormat(session.Version, session.SessionId.Span);
        _authorizer = new TransmissionAuthorizer(Format, session.ServerKey);
        _reading = ReadAsync();
    }

    public TransmissionFormat Format { get; }

    public SmpClientSession Session => _session;

    public static async Task<RelayClient> ConnectAsync(SmpServer server, SmpVersion? version = null, bool isProxy = false)
    {
        (Stream mine, Stream theirs) = MemoryDuplex.CreatePair();
        byte[] sessionId = SystemRandom.Instance.Bytes(32);
        Task serving = server.ServeAsync(new MemoryConnection(theirs, sessionId), CancellationToken.None);
        if (!ServerAddress.TryParse(server.Address, out ServerAddress? address))
            throw new InvalidOperationException("The relay's address does not parse.");
        VersionRange versions = new(6, (version ?? SmpVersions.Current).Number);
        SmpClientSession session = await SmpClientHandshake.RunAsync(
            new MemoryConnection(mine, sessionId) { PeerCertificates = [.. server.Identity.Certificates.Certificates.Select(each => each.Der)] },
            new SmpClientHandshakeOptions { KeyHash = address.KeyHash, Versions = versions, IsProxy = isProxy },
            SystemRandom.Instance,
            CancellationToken.None);
        return new RelayClient(session, serving);
    }

    public static CorrId NewCorrId() => new(SystemRandom.Instance.Bytes(24));

    public byte[] Encode(CorrId corrId, EntityId entity, SmpCommand command, PrivateKey? key)
    {
        if (!_authorizer.TryEncode(corrId, entity, command, key, out byte[] encoded))
            throw new InvalidOperationException("The relay has no session key.");
        return encoded;
    }

    public async Task SendRawAsync(ReadOnlyMemory<byte> content) => await _session.Blocks.WriteAsync(content.Span, CancellationToken.None);

    public async Task SendBatchAsync(params byte[][] transmissions)
    {
        byte[] content = new byte[1 + transmissions.Sum(each => 2 + each.Length)];
        WireWriter writer = new(content);
        writer.WriteByte((byte)transmissions.Length);
        foreach (byte[] each in transmissions)
            writer.WriteLarge(each);
        await SendRawAsync(content);
    }

    public async Task<CorrId> SendAsync(EntityId entity, SmpCommand command, PrivateKey? key)
    {
        CorrId corrId = NewCorrId();
        await SendBatchAsync(Encode(corrId, entity, command, key));
        return corrId;
    }

    /// <summary>Sends a command and gives its answer; events that come before it are kept for <see cref="NextEventAsync"/>.</summary>
    public async Task<BrokerMessage> AskAsync(EntityId entity, SmpCommand command, PrivateKey? key) =>
        await AnswerAsync(await SendAsync(entity, command, key));

    public async Task<BrokerMessage> AnswerAsync(CorrId corrId)
    {
        List<Received> others = [];
        while (true)
        {
            Received received = await NextAsync();
            if (received.CorrId == corrId)
            {
                foreach (Received other in others)
                    _events.Enqueue(other);
                return received.Message;
            }

            others.Add(received);
        }
    }

    private readonly Queue<Received> _events = new();

    public async Task<Received> NextEventAsync() => _events.TryDequeue(out Received? kept) ? kept : await NextAsync();

    public async Task<Received> NextAsync()
    {
        return await _received.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask().EndsAsync(TestContext.Current.CancellationToken, "the relay says something");
    }

    /// <summary>Shows that nothing came: whatever was on its way arrived before the answer to a PING.</summary>
    public async Task AssertNothingCameAsync()
    {
        BrokerMessage answer = await AskAsync(EntityId.None, SmpCommand.Ping.Instance, null);
        Assert.IsType<BrokerMessage.Pong>(answer);
        Assert.Empty(_events);
    }

    /// <summary>Waits until the relay has closed the connection.</summary>
    public async Task AssertClosedAsync() => await _serving.EndsAsync(CancellationToken.None, "the relay closes the connection");

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        await _session.DisposeAsync();
        await _reading;
        await _serving.EndsAsync(CancellationToken.None, "the relay lets go of the connection");
        _ending.Dispose();
    }

    private async Task ReadAsync()
    {
        try
        {
            while (await _session.Blocks.ReadAsync(_ending.Token) is { } block)
            {
                using (block)
                {
                    // A copy: what a test keeps lives longer than the block.
                    byte[] content = block.Content.ToArray();
                    Assert.True(BatchReader.TryOpen(content, Format, out BatchReader batch));
                    while (batch.TryReadNext(out Transmission transmission))
                    {
                        Assert.True(transmission.TryDecodeMessage(Format.Version, out BrokerMessage? message, out SmpError? error), $"{error}");
                        _received.Writer.TryWrite(new Received(transmission.CorrId, transmission.Entity, message));
                    }
                }
            }

            _received.Writer.Complete();
        }
        catch (Exception cause) when (cause is TransportException or OperationCanceledException)
        {
            _received.Writer.TryComplete(cause);
        }
    }
}
