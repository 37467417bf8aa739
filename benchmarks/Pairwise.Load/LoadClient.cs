using System.Net.Sockets;
using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;
using Pairwise.Transport;
using Pairwise.Transport.Smp;
using Pairwise.Transport.Tls;
using Pairwise.Wire;

namespace Pairwise.Load;

/// <summary>A client with as little work of its own as the protocol allows: it asks, and reads what comes, one task at a time.</summary>
internal sealed class LoadClient : IAsyncDisposable
{
    private static readonly TlsContext Context = TlsContext.ForClient(new TlsClientOptions { ApplicationProtocols = ["smp/1"] });

    private readonly SmpClientSession _session;
    private readonly TransmissionAuthorizer _authorizer;
    private readonly TransmissionFormat _format;
    private readonly Queue<(CorrId CorrId, EntityId Entity, BrokerMessage Message)> _read = new();

    private LoadClient(SmpClientSession session)
    {
        _session = session;
        _format = new TransmissionFormat(session.Version, session.SessionId.Span);
        _authorizer = new TransmissionAuthorizer(_format, session.ServerKey);
    }

    internal static Task<LoadClient> ConnectAsync(ServerAddress server, CancellationToken cancellationToken) =>
        ConnectAsync(server, (_, stream) => stream, cancellationToken);

    /// <summary>A client with a stream of the caller's between TLS and the socket's stream.</summary>
    internal static async Task<LoadClient> ConnectAsync(ServerAddress server, Func<Socket, Stream, Stream> wrap, CancellationToken cancellationToken)
    {
        if (!server.TryGetPort(out ushort port))
        {
            throw new SuiteException($"the port of {server} is no number");
        }

        try
        {
            Socket socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            // Asynchronously the runtime would watch the socket too from here on, and whoever sends to it pays for waking both.
            await Task.Run(() => socket.Connect(server.Hosts[0].Name, port), cancellationToken);
            TlsTarget target = new(PeerChecks.Server(server.KeyHash, TimeProvider.System));
            TlsConnection connection = await TlsConnection.ConnectAsync(Context, target, wrap(socket, LoadThreads.Next().Own(socket)), TimeProvider.System, cancellationToken);
            SmpClientHandshakeOptions handshake = new() { KeyHash = server.KeyHash, Versions = SmpVersions.ClientRange };
            return new LoadClient(await SmpClientHandshake.RunAsync(connection, handshake, SystemRandom.Instance, cancellationToken));
        }
        catch (Exception failure) when (failure is TransportException or SocketException)
        {
            throw new SuiteException($"the relay {server} cannot be reached: {failure.Message}");
        }
    }

    internal static CorrId NewCorrId() => new(SystemRandom.Instance.Bytes(24));

    internal byte[] Encode(CorrId corrId, EntityId entity, SmpCommand command, PrivateKey? key) =>
        _authorizer.TryEncode(corrId, entity, command, key, out byte[] encoded) ? encoded : throw new SuiteException("the relay has no session key");

    /// <summary>Puts transmissions into as few blocks as hold them, in order.</summary>
    internal static IReadOnlyList<IReadOnlyList<byte[]>> Pack(IReadOnlyList<byte[]> transmissions)
    {
        const int lengthSize = sizeof(ushort);
        int room;
        using (Block block = new())
        {
            room = block.Room.Length;
        }

        List<IReadOnlyList<byte[]>> blocks = [];
        List<byte[]> current = [];
        int used = 1;
        foreach (byte[] transmission in transmissions)
        {
            if (current.Count == byte.MaxValue || used + lengthSize + transmission.Length > room)
            {
                blocks.Add(current);
                current = [];
                used = 1;
            }

            current.Add(transmission);
            used += lengthSize + transmission.Length;
        }

        blocks.Add(current);
        return blocks;
    }

    internal async ValueTask SendAsync(IReadOnlyList<byte[]> transmissions, CancellationToken cancellationToken)
    {
        Block block = new();
        block.SetContentLength(Fill(block, transmissions));
        await _session.Blocks.WriteAsync(block, cancellationToken);
    }

    /// <summary>Sends bytes that need not be a block.</summary>
    internal ValueTask SendBytesAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken) =>
        _session.Blocks.Connection.WriteAsync(bytes, cancellationToken);

    internal ValueTask SendAsync(EntityId entity, SmpCommand command, PrivateKey? key, CancellationToken cancellationToken) =>
        SendAsync([Encode(NewCorrId(), entity, command, key)], cancellationToken);

    /// <summary>The next answer or event; bodies are copied.</summary>
    internal async ValueTask<(CorrId CorrId, EntityId Entity, BrokerMessage Message)> NextAsync(CancellationToken cancellationToken)
    {
        while (_read.Count == 0)
        {
            using Block block = await _session.Blocks.ReadAsync(cancellationToken) ?? throw new SuiteException("the relay closed a connection");
            ReadBatch(block.Content);
        }

        return _read.Dequeue();
    }

    /// <summary>Asks and waits; anything but an answer to a command is left out.</summary>
    internal async ValueTask<BrokerMessage> AskAsync(EntityId entity, SmpCommand command, PrivateKey? key, CancellationToken cancellationToken)
    {
        await SendAsync(entity, command, key, cancellationToken);
        while (true)
        {
            (CorrId corrId, _, BrokerMessage message) = await NextAsync(cancellationToken);
            if (!corrId.IsEmpty)
            {
                return message is BrokerMessage.Err error ? throw new SuiteException($"the relay answered {command} with ERR {error.Error}") : message;
            }
        }
    }

    public ValueTask DisposeAsync() => _session.DisposeAsync();

    private void ReadBatch(ReadOnlyMemory<byte> content)
    {
        if (!BatchReader.TryOpen(content.ToArray(), _format, out BatchReader batch))
        {
            throw new SuiteException("the relay sent a block that is no batch");
        }

        while (batch.TryReadNext(out Transmission transmission))
        {
            if (!transmission.TryDecodeMessage(_format.Version, out BrokerMessage? message, out SmpError? error))
            {
                throw new SuiteException($"the relay sent what does not parse: {error}");
            }

            _read.Enqueue((transmission.CorrId, transmission.Entity, message));
        }
    }

    private static int Fill(Block block, IReadOnlyList<byte[]> transmissions)
    {
        WireWriter writer = new(block.Room);
        writer.WriteByte((byte)transmissions.Count);
        foreach (byte[] transmission in transmissions)
        {
            writer.WriteLarge(transmission);
        }

        return writer.Written;
    }
}
