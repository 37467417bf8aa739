using Pairwise.Client;
using Pairwise.Crypto;
using Pairwise.Protocol.Smp;
using Pairwise.TestKit;
using Pairwise.Transport;
using Pairwise.Transport.Memory;
using Pairwise.Transport.Smp;
using Pairwise.Wire;

namespace Pairwise.Client.Tests;

/// <summary>The relay's end of a connection in memory, played by the test: it reads blocks and answers as it likes.</summary>
internal sealed class ScriptedRelay : IAsyncDisposable
{
    private static readonly byte[] SessionId = [.. Enumerable.Range(1, 32).Select(i => (byte)i)];

    private readonly SmpServerSession _session;
    private readonly TransmissionFormat _format;

    private ScriptedRelay(SmpServerSession session)
    {
        _session = session;
        _format = new TransmissionFormat(session.Version, session.SessionId.Span);
    }

    public BlockConnection Blocks => _session.Blocks;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>A relay and a client that talks to it, handshake done.</summary>
    public static async Task<(ScriptedRelay Relay, SmpClient Client)> StartAsync(SmpClientOptions? options = null, bool isLegacy = false)
    {
        var (near, far) = MemoryDuplex.CreatePair();
        var (chain, key) = TestCertificates.Server;
        var client = new MemoryConnection(near, SessionId) { PeerCertificates = [.. chain.Certificates.Select(certificate => certificate.Der)] };
        var server = new MemoryConnection(far, SessionId) { ApplicationProtocol = isLegacy ? null : "smp/1" };
        options ??= new SmpClientOptions();
        var accepted = SmpServerHandshake.RunAsync(server, new SmpServerIdentity(chain, key), SmpVersions.ServerRange, SystemRandom.Instance, register: null, Token);
        var handshake = new SmpClientHandshakeOptions { KeyHash = chain.IdentityFingerprint, Versions = options.Versions };
        var session = await SmpClientHandshake.RunAsync(client, handshake, SystemRandom.Instance, Token);
        return (new ScriptedRelay(await accepted), SmpClient.Start(session, options));
    }

    public ValueTask DisposeAsync() => _session.DisposeAsync();

    /// <summary>The commands of the next block.</summary>
    public async Task<IReadOnlyList<ReceivedCommand>> ReadBlockAsync()
    {
        using var block = await _session.Blocks.ReadAsync(Token);
        Assert.NotNull(block);
        return Parse(block.Content.ToArray());
    }

    /// <summary>The one command of the next block.</summary>
    public async Task<ReceivedCommand> ReadAsync() => Assert.Single(await ReadBlockAsync());

    /// <summary>Sends messages in one block.</summary>
    public ValueTask SayAsync(params (CorrId CorrId, EntityId Entity, BrokerMessage Message)[] messages)
    {
        var block = new Block();
        var batch = new BatchWriter(block.Room, _format);
        foreach (var (corrId, entity, message) in messages)
            Assert.True(batch.TryAppend(corrId, entity, message));
        block.SetContentLength(batch.WrittenSpan.Length);
        return _session.Blocks.WriteAsync(block, Token);
    }

    public ValueTask AnswerAsync(ReceivedCommand command, BrokerMessage message) => SayAsync((command.CorrId, command.Entity, message));

    private List<ReceivedCommand> Parse(byte[] content)
    {
        Assert.True(BatchReader.TryOpen(content, _format, out var batch));
        var commands = new List<ReceivedCommand>();
        while (batch.TryReadNext(out var transmission))
        {
            Assert.True(transmission.TryDecodeCommand(_session.Version, out var command, out var error), error?.ToString());
            commands.Add(new ReceivedCommand(transmission.CorrId, transmission.Entity, command));
        }

        return commands;
    }
}

internal sealed record ReceivedCommand(CorrId CorrId, EntityId Entity, SmpCommand Command);
