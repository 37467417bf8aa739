using System.Net;
using Pairwise.Crypto;
using Pairwise.Protocol.Smp;
using Pairwise.Protocol.Xftp;
using Pairwise.TestKit;
using Pairwise.Transport;
using Pairwise.Transport.Sockets;
using Pairwise.Transport.Tls;
using Pairwise.Wire;

namespace Pairwise.Conformance.Xftp;

/// <summary>A client without manners: it posts the bytes that a test makes, and reads what comes.</summary>
public sealed class RawFileClient : IAsyncDisposable
{
    private static readonly TimeSpan Patience = Eventually.Patience;
    private static readonly byte[] SomeCorrId = [.. Enumerable.Repeat((byte)9, 24)];

    private readonly FileServerUnderTest _server;
    private readonly ISecureConnection _connection;
    private readonly HttpMessageInvoker _http;

    private RawFileClient(FileServerUnderTest server, ISecureConnection connection)
    {
        _server = server;
        _connection = connection;
        _http = HttpOverStream.Create(new SecureStream(connection));
    }

    public byte[] SessionId => _connection.SessionId.ToArray();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>A connection on which nothing has been said.</summary>
    public static async Task<ISecureConnection> OpenAsync(FileServerUnderTest server, string? protocol = XftpVersions.ApplicationProtocol)
    {
        Assert.True(server.Address.TryGetPort(out var port));
        var stream = await TcpConnector.ConnectAsync(server.Address.Hosts[0].Name, port, new TcpConnectOptions(), Token);
        var context = TlsContext.ForClient(new TlsClientOptions { ApplicationProtocols = protocol is null ? [] : [protocol] });
        return await TlsConnection.ConnectAsync(context, new TlsTarget(PeerChecks.Server(server.Address.KeyHash, TimeProvider.System)), stream, TimeProvider.System, Token);
    }

    /// <summary>Connects without a handshake of the protocol.</summary>
    public static async Task<RawFileClient> ConnectAsync(FileServerUnderTest server, string? protocol = XftpVersions.ApplicationProtocol) =>
        new(server, await OpenAsync(server, protocol));

    /// <summary>Connects and shakes hands.</summary>
    public static async Task<RawFileClient> ConnectAsync(FileServerUnderTest server, ushort version)
    {
        var client = await ConnectAsync(server);
        Assert.NotNull(await client.AskHelloAsync());
        Assert.Empty(await client.PostAsync(client.Hello(version)));
        return client;
    }

    /// <summary>Asks for the server's hello.</summary>
    public async Task<XftpServerHandshake?> AskHelloAsync() =>
        Padding.TryUnpad(await PostAsync([]), out var content) && XftpServerHandshake.TryDecode(content, out var hello) ? hello : null;

    /// <summary>The client's half of the handshake.</summary>
    public byte[] Hello(ushort version, Bytes? keyHash = null) =>
        Padding.Pad(new XftpClientHandshake(new XftpVersion(version), keyHash ?? _server.Address.KeyHash).Encode(), XftpLimits.BlockSize);

    // transmission = authorization sessionId corrId entity command
    public byte[] Transmission(ReadOnlySpan<byte> command, ReadOnlySpan<byte> entity = default, ReadOnlySpan<byte> authorization = default, byte[]? sessionId = null) =>
        Encode(sessionId ?? SessionId, command, entity, authorization);

    /// <summary>A transmission of a session, signed with a key.</summary>
    public static byte[] Signed(byte[] sessionId, ReadOnlySpan<byte> command, ReadOnlySpan<byte> entity, SigningKey key) =>
        Encode(sessionId, command, entity, key.Sign(Encode(sessionId, command, entity, default).AsSpan(1)));

    private static byte[] Encode(byte[] sessionId, ReadOnlySpan<byte> command, ReadOnlySpan<byte> entity, ReadOnlySpan<byte> authorization)
    {
        var buffer = new byte[XftpLimits.BlockSize];
        var writer = new WireWriter(buffer);
        writer.WriteShort(authorization);
        writer.WriteShort(sessionId);
        writer.WriteShort(SomeCorrId);
        writer.WriteShort(entity);
        writer.WriteBytes(command);
        return buffer[..writer.Written];
    }

    /// <summary>A transmission signed with a key.</summary>
    public byte[] Signed(ReadOnlySpan<byte> command, ReadOnlySpan<byte> entity, SigningKey key) =>
        Signed(SessionId, command, entity, key);

    // block = padded(count *(length transmission))
    public static byte[] Block(params byte[][] transmissions)
    {
        var buffer = new byte[XftpLimits.MaxBlockContent];
        var writer = new WireWriter(buffer);
        writer.WriteByte((byte)transmissions.Length);
        foreach (var transmission in transmissions)
        {
            writer.WriteLarge(transmission);
        }

        return Padding.Pad(buffer.AsSpan(0, writer.Written), XftpLimits.BlockSize);
    }

    /// <summary>Posts bytes; all that the server answers with.</summary>
    public async Task<byte[]> PostAsync(params byte[][] parts)
    {
        using var limit = new CancellationTokenSource(Patience, TimeProvider.System);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, Token);
        using var request = new HttpRequestMessage(HttpMethod.Post, "http://relay/") { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        if (parts.Length > 0)
        {
            request.Content = new ByteArrayContent([.. parts.SelectMany(part => part)]);
        }

        using var response = await _http.SendAsync(request, either.Token);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return await response.Content.ReadAsByteArrayAsync(either.Token);
    }

    /// <summary>Posts a transmission with what follows it; the answer, and what follows that.</summary>
    public async Task<(XftpResponse Response, byte[] Entity, byte[] Body)> AskAsync(byte[] block, byte[]? body = null)
    {
        var answer = await PostAsync(block, body ?? []);
        Assert.True(answer.Length >= XftpLimits.BlockSize, $"an answer of {answer.Length} bytes");
        Assert.True(XftpTransmission.TryOpen(answer.AsMemory(0, XftpLimits.BlockSize), TransmissionFormat.WithSentSessionId(SessionId), out var transmission));
        Assert.True(transmission.TryDecodeResponse(out var response, out var error), error?.ToString());
        if (!transmission.CorrId.IsEmpty)
        {
            Assert.Equal(SomeCorrId, transmission.CorrId.Value.ToArray());
        }

        return (response, transmission.Entity.Value.ToArray(), answer[XftpLimits.BlockSize..]);
    }

    /// <summary>The answer is this error.</summary>
    public async Task ExpectErrorAsync(XftpError expected, byte[] block, byte[]? body = null)
    {
        var (response, _, rest) = await AskAsync(block, body);
        Assert.Equal(expected, Assert.IsType<XftpResponse.Err>(response).Error);
        Assert.Empty(rest);
    }

    /// <summary>The server goes on with this connection.</summary>
    public async Task ExpectServiceAsync() => Assert.IsType<XftpResponse.Pong>((await AskAsync(Block(Transmission("PING"u8)))).Response);

    /// <summary>The answer of a handshake is this error in a block of its own.</summary>
    public static void ExpectRefused(XftpError expected, byte[] answer)
    {
        Assert.True(Padding.TryUnpad(answer, out var content), $"an answer of {answer.Length} bytes");
        Assert.True(XftpErrorCodec.TryDecode(content, out var error));
        Assert.Equal(expected, error);
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _connection.DisposeAsync();
    }
}
