using System.Threading.Channels;
using Pairwise.Client;
using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;
using Pairwise.Transport;
using Pairwise.Transport.Smp;
using Pairwise.Transport.Sockets;
using Pairwise.Transport.Tls;
using Pairwise.Wire;

namespace Pairwise.EndToEnd.Tests.Differential;

/// <summary>A transmission as it came, not looked into.</summary>
/// <param name="Block">The number of its block in the connection.</param>
internal sealed record RawAnswer(int Block, byte[] CorrId, byte[] Entity, byte[] Message);

/// <summary>A client that sends the bytes a script makes, and keeps all that comes.</summary>
internal sealed class ScriptClient : IAsyncDisposable
{
    private readonly SmpClientSession _session;
    private readonly Channel<RawAnswer> _received = Channel.CreateUnbounded<RawAnswer>();
    private readonly Task _reading;
    private readonly byte[] _certificateHash;

    private ScriptClient(SmpClientSession session, byte[] certificateHash)
    {
        _session = session;
        _certificateHash = certificateHash;
        Format = new TransmissionFormat(session.Version, session.SessionId.Span);
        _reading = ReadAsync();
    }

    public TransmissionFormat Format { get; }

    public SmpVersion Version => _session.Version;

    public SmpOwnService? Service => _session.Service;

    public ChannelReader<RawAnswer> Received => _received.Reader;

    public static async Task<ScriptClient> ConnectAsync(ServerAddress server, ushort version, bool hasProtocol, SmpServiceCredential? service, CancellationToken cancellationToken)
    {
        if (!server.TryGetPort(out var port)) throw new ArgumentException("The address has no port.", nameof(server));
        using var context = TlsContext.ForClient(new TlsClientOptions
        {
            ApplicationProtocols = hasProtocol ? ["smp/1"] : [],
            Credential = service?.ToTlsCredential(),
        });
        var stream = await TcpConnector.ConnectAsync(server.Hosts[0].Name, port, new TcpConnectOptions(), cancellationToken);
        var connection = await TlsConnection.ConnectAsync(
            context, new TlsTarget(PeerChecks.Server(server.KeyHash, TimeProvider.System)), stream, TimeProvider.System, cancellationToken);
        var options = new SmpClientHandshakeOptions { KeyHash = server.KeyHash, Versions = new VersionRange(version, version), Service = service };
        var session = await SmpClientHandshake.RunAsync(connection, options, SystemRandom.Instance, cancellationToken);
        return new ScriptClient(session, service is null ? [] : service.CertificateHash.ToArray());
    }

    /// <summary>Sends a block; whatever the relay does with it comes by itself.</summary>
    public async Task SendAsync(byte[] content, CancellationToken cancellationToken)
    {
        try
        {
            await _session.Blocks.WriteAsync(content, cancellationToken);
        }
        catch (TransportException)
        {
            // The relay has closed: the reader tells.
        }
    }

    /// <summary>The bytes of a transmission.</summary>
    public byte[] Encode(ScriptWorld world, ScriptTransmission said)
    {
        var command = said.Command(world, this);
        var entity = said.Entity(world, this);
        var corrId = world.Salted(said.CorrId);
        byte[] body = [(byte)corrId.Length, .. corrId, (byte)entity.Length, .. entity, .. command];
        byte[] session = [(byte)Format.SessionId.Length, .. Format.SessionId];
        byte[] signed = [.. session, .. body];
        var isServiceSigned = said.Authorization is { Service: true, Key: not null } && _session.Service is not null;
        var authorization = Authorize(world.Keys, said, corrId, isServiceSigned ? [.. _certificateHash, .. signed] : signed);
        byte[] service = [];
        if (Format.HasServiceSignature && authorization.Length > 0)
        {
            var signature = isServiceSigned ? _session.Service!.SessionKey.Sign(signed) : said.Authorization.ServiceJunk;
            service = signature is null ? "0"u8.ToArray() : [(byte)'1', (byte)signature.Length, .. signature];
        }

        byte[] encoded = [(byte)authorization.Length, .. authorization, .. service, .. Format.ImpliesSessionId ? body : signed];
        return said.Spoil is null ? encoded : said.Spoil.Change(encoded);
    }

    /// <summary>A batch of these; null when they do not fit into a block.</summary>
    public static byte[]? Batch(IReadOnlyList<byte[]> transmissions)
    {
        var length = 1 + transmissions.Sum(each => 2 + each.Length);
        if (length > BlockConnection.MaxContent) return null;
        var content = new byte[length];
        var writer = new WireWriter(content);
        writer.WriteByte((byte)transmissions.Count);
        foreach (var each in transmissions) writer.WriteLarge(each);
        return content;
    }

    public async ValueTask DisposeAsync()
    {
        await _session.DisposeAsync();
        await _reading;
    }

    private byte[] Authorize(ScriptKeys keys, ScriptTransmission said, byte[] corrId, byte[] signed)
    {
        if (said.Authorization.Junk is { } junk) return junk;
        if (said.Authorization.Key is not { } index)
            return said.Authorization.Service == true && _session.Service is { } own ? own.SessionKey.Sign(signed) : [];
        byte[] made;
        switch (keys[index])
        {
            case SigningKey signing:
                made = signing.Sign(signed);
                break;
            case X25519PrivateKey agreement when _session.ServerKey is { } server:
                using (var secret = agreement.DeriveSharedSecret(server))
                using (var box = BoxKey.From(secret))
                    made = Authenticator.Create(box, BoxNonce.From(corrId), signed);
                break;
            default:
                made = new byte[Authenticator.Length];
                break;
        }

        if (said.Authorization.IsFlipped) made[made.Length / 2] ^= 4;
        return made;
    }

    private async Task ReadAsync()
    {
        try
        {
            for (var number = 0; ; number++)
            {
                using var block = await _session.Blocks.ReadAsync(CancellationToken.None);
                if (block is null) break;
                Keep(number, block.Content.Span);
            }
        }
        catch (TransportException)
        {
            // The relay closed the connection, or this side did: nothing more comes.
        }

        _received.Writer.Complete();
    }

    // Apart from the relay's own codecs, which must not be a judge of themselves.
    private void Keep(int number, ReadOnlySpan<byte> content)
    {
        var reader = new WireReader(content);
        if (!reader.TryReadByte(out var count)) throw new InvalidDataException("A block of the relay has no count.");
        for (var i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> corrId = default;
            ReadOnlySpan<byte> entity = default;
            if (!reader.TryReadLarge(out var encoded)) throw new InvalidDataException("A block of the relay is cut.");
            var inner = new WireReader(encoded);
            var isRead = inner.TryReadShort(out var authorization) && authorization.IsEmpty
                && (Format.ImpliesSessionId || inner.TryReadShort(out _))
                && inner.TryReadShort(out corrId) && inner.TryReadShort(out entity);
            if (!isRead) throw new InvalidDataException("A transmission of the relay cannot be read.");
            _received.Writer.TryWrite(new RawAnswer(number, corrId.ToArray(), entity.ToArray(), encoded[inner.Position..].ToArray()));
        }

        if (!reader.IsAtEnd) throw new InvalidDataException("A block of the relay has something behind its transmissions.");
    }
}
