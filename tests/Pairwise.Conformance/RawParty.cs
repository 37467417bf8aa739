using Pairwise.Client;
using Pairwise.Crypto;
using Pairwise.Protocol.Smp;
using Pairwise.TestKit;
using Pairwise.Transport;
using Pairwise.Transport.Smp;
using Pairwise.Wire;

namespace Pairwise.Conformance;

/// <summary>A client without manners: it sends the bytes that a test makes, and reads what comes.</summary>
public sealed class RawParty : IAsyncDisposable
{
    private static readonly TimeSpan Patience = Eventually.Patience;

    private readonly SmpClientSession _session;
    private readonly TransmissionFormat _format;

    private RawParty(SmpClientSession session)
    {
        _session = session;
        _format = new TransmissionFormat(session.Version, session.SessionId.Span);
    }

    public BlockConnection Blocks => _session.Blocks;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static async Task<RawParty> ConnectAsync(RelayUnderTest relay, SmpVersion? version = null)
    {
        var options = new SmpClientOptions
        {
            Versions = version is { } only ? new VersionRange(only.Number, only.Number) : SmpVersions.ClientRange,
        };
        return new RawParty(await SmpConnector.ConnectAsync(relay.Address, options, isInteractive: true, Token));
    }

    public ValueTask DisposeAsync() => _session.DisposeAsync();

    /// <summary>Sends a block of transmissions.</summary>
    public async Task SendAsync(params byte[][] transmissions)
    {
        var buffer = new byte[BlockConnection.MaxContent];
        var writer = new WireWriter(buffer);
        writer.WriteByte((byte)transmissions.Length);
        foreach (var transmission in transmissions)
            writer.WriteLarge(transmission);
        await Blocks.WriteAsync(buffer.AsSpan(0, writer.Written), Token);
    }

    // transmission = authorization [sessionId] corrId entity command
    public byte[] Transmission(ReadOnlySpan<byte> command, ReadOnlySpan<byte> entity = default, ReadOnlySpan<byte> authorization = default, byte corrId = 1, byte[]? sessionId = null)
    {
        var buffer = new byte[BlockConnection.MaxContent];
        var writer = new WireWriter(buffer);
        writer.WriteShort(authorization);
        if (_format.HasServiceSignature && !authorization.IsEmpty)
            writer.WriteMaybe(false);
        if (!_format.ImpliesSessionId)
            writer.WriteShort(sessionId ?? _session.SessionId.ToArray());
        writer.WriteShort([.. Enumerable.Repeat(corrId, SmpLimits.IdLength)]);
        writer.WriteShort(entity);
        writer.WriteBytes(command);
        return buffer[..writer.Written];
    }

    /// <summary>All messages of the next block; null when the relay closes.</summary>
    public async Task<IReadOnlyList<BrokerMessage>?> ReadAsync()
    {
        using var limit = new CancellationTokenSource(Patience, TimeProvider.System);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, Token);
        byte[] content;
        try
        {
            using var block = await Blocks.ReadAsync(either.Token);
            if (block is null)
                return null;
            content = block.Content.ToArray();
        }
        catch (TransportException)
        {
            return null;
        }

        Assert.True(BatchReader.TryOpen(content, _format, out var batch));
        var messages = new List<BrokerMessage>();
        while (batch.TryReadNext(out var transmission))
        {
            Assert.True(transmission.TryDecodeMessage(_session.Version, out var message, out var error), error?.ToString());
            messages.Add(message);
        }

        return messages;
    }

    /// <summary>The next block has one message: this error.</summary>
    public async Task ExpectErrorAsync(SmpError expected)
    {
        var messages = await ReadAsync();
        Assert.NotNull(messages);
        Assert.Equal(expected, Assert.IsType<BrokerMessage.Err>(Assert.Single(messages)).Error);
    }

    /// <summary>The relay goes on with this connection.</summary>
    public async Task ExpectServiceAsync()
    {
        await SendAsync(Transmission("PING"u8));
        var messages = await ReadAsync();
        Assert.NotNull(messages);
        Assert.IsType<BrokerMessage.Pong>(Assert.Single(messages));
    }
}
