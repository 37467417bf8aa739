using System.Buffers;
using System.Runtime.ExceptionServices;
using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;
using Pairwise.Client.Xftp.Http;
using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;
using Pairwise.Protocol.Xftp;
using Pairwise.Transport;
using Pairwise.Transport.Sockets;
using Pairwise.Transport.Tls;
using Pairwise.Wire;

namespace Pairwise.Client.Xftp;

/// <summary>
/// One connection to a file server. Commands may be given at the same time and are sent one after the other. When the
/// connection ends, or a command comes to no end, every further one fails, and a new client has to be made: sessions do not
/// continue. Errors are values; only cancellation and <see cref="ConnectAsync"/> throw.
/// </summary>
public sealed class XftpClient : IAsyncDisposable
{
    private const int PieceLength = 128 * 1024;

    private static readonly TlsContext Context = TlsContext.ForClient(new TlsClientOptions { ApplicationProtocols = [XftpVersions.ApplicationProtocol] });
    private static readonly TlsContext LegacyContext = TlsContext.ForClient(new TlsClientOptions());

    // fixed after construction
    private readonly ISecureConnection _connection;
    private readonly Http2Connection _http;
    private readonly XftpClientOptions _options;
    private readonly TransmissionFormat _format;
    private readonly SemaphoreSlim _turn = new(1, 1); // never disposed: it holds nothing, and commands may still wait for it
    private X25519PublicKey? _serverKey;
    private int _isBroken;

    private XftpClient(ServerAddress server, ISecureConnection connection, string authority, XftpClientOptions options)
    {
        Server = server;
        _connection = connection;
        _options = options;
        _format = TransmissionFormat.WithSentSessionId(connection.SessionId.Span);
        _http = new Http2Connection(connection, authority);
    }

    public ServerAddress Server { get; }

    /// <summary>The agreed version.</summary>
    public XftpVersion Version { get; private set; } = XftpVersions.Initial;

    /// <summary>Whether a command found the connection ended: then no other one can succeed.</summary>
    public bool IsBroken => Volatile.Read(ref _isBroken) != 0;

    /// <summary>Connects, checks the server's identity, and shakes hands, within the options' time.</summary>
    /// <exception cref="TransportException">The server cannot be reached, is another one, or speaks no common version.</exception>
    public static async Task<XftpClient> ConnectAsync(ServerAddress server, XftpClientOptions options, CancellationToken cancellationToken)
    {
        var host = SmpConnector.ChooseHost(server, options.Network);
        if (!server.TryGetPort(out var port))
            throw new TransportException(TransportFailure.Unreachable, "The port in the server's address is not a number from 0 to 65535.");
        using var limit = new CancellationTokenSource(options.Network.ConnectTime.Background, options.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            var tcp = new TcpConnectOptions { Proxy = SmpConnector.ChooseProxy(host, options.Network, options.IsolationKey), KeepAlive = options.Network.KeepAlive };
            var stream = await TcpConnector.ConnectAsync(host.Name, port, tcp, either.Token);
            var target = new TlsTarget(PeerChecks.Server(server.KeyHash, options.Time));
            var connection = await TlsConnection.ConnectAsync(options.IsHandshakeUsed ? Context : LegacyContext, target, stream, options.Time, either.Token);
            var client = new XftpClient(server, connection, new UriBuilder(Uri.UriSchemeHttp, host.Name, port).Uri.Authority, options);
            try
            {
                if (connection.ApplicationProtocol is not null)
                    await client.ShakeHandsAsync(either.Token);
                return client;
            }
            catch
            {
                await client.DisposeAsync();
                throw;
            }
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new TransportException(TransportFailure.TimedOut, "The file server did not answer in time.");
        }
    }

    /// <summary>FNEW: registers a chunk.</summary>
    /// <param name="senderKey">The private key of the chunk's sender key.</param>
    public async Task<XftpResult<XftpResponse.SenderIds>> CreateAsync(ChunkInfo chunk, PrivateKey senderKey, ValueList<PublicKey> recipientKeys, BasicAuth? password, CancellationToken cancellationToken) =>
        await SendAsync<XftpResponse.SenderIds>(new XftpCommand.New(chunk, recipientKeys, password), default, senderKey, cancellationToken) is var result
        && (!result.IsOk || result.Value.Recipients.Count == recipientKeys.Count) ? result : new XftpClientError.BadAnswer(null);

    /// <summary>FADD: registers more recipients.</summary>
    public Task<XftpResult<XftpResponse.RecipientIds>> AddRecipientsAsync(ChunkId chunk, PrivateKey senderKey, ValueList<PublicKey> recipientKeys, CancellationToken cancellationToken) =>
        SendAsync<XftpResponse.RecipientIds>(new XftpCommand.Add(recipientKeys), chunk, senderKey, cancellationToken);

    /// <summary>FPUT: uploads the content of a registered chunk. Can be repeated when it is not known whether it arrived.</summary>
    /// <param name="progress">Hears how many bytes more were handed to the connection.</param>
    public async Task<XftpResult<XftpResponse.Ok>> UploadAsync(ChunkId chunk, PrivateKey senderKey, ReadOnlyMemory<byte> content, IProgress<int>? progress, CancellationToken cancellationToken)
    {
        if (!TryEncode(XftpCommand.Put.Instance, chunk, senderKey, out var block))
            return XftpClientError.NoServerKey.Instance;
        return await RunAsync<XftpResponse.Ok>(
            limit => new MemoryBody(block, content, progress, limit),
            async (limit, token) => Expect<XftpResponse.Ok>(await ReadAnswerAsync(limit, token)),
            cancellationToken);
    }

    /// <summary>FPUT of a part of a file, read as it is sent: little of it is in memory.</summary>
    /// <param name="file">Open for asynchronous reading, and not shorter than the part.</param>
    /// <param name="start">Where the part begins.</param>
    /// <param name="length">Bytes of the part.</param>
    /// <param name="progress">Hears how many bytes more were handed to the connection.</param>
    public async Task<XftpResult<XftpResponse.Ok>> UploadAsync(ChunkId chunk, PrivateKey senderKey, SafeFileHandle file, long start, int length, IProgress<int>? progress, CancellationToken cancellationToken)
    {
        if (!TryEncode(XftpCommand.Put.Instance, chunk, senderKey, out var block))
            return XftpClientError.NoServerKey.Instance;
        return await RunAsync<XftpResponse.Ok>(
            limit => new FileBody(block, file, start, length, progress, limit),
            async (limit, token) => Expect<XftpResponse.Ok>(await ReadAnswerAsync(limit, token)),
            cancellationToken);
    }

    /// <summary>FDEL: deletes a chunk for everybody.</summary>
    public Task<XftpResult<XftpResponse.Ok>> DeleteAsync(ChunkId chunk, PrivateKey senderKey, CancellationToken cancellationToken) =>
        SendAsync<XftpResponse.Ok>(XftpCommand.Delete.Instance, chunk, senderKey, cancellationToken);

    /// <summary>FACK: says that this recipient has the chunk; the id is not known afterwards.</summary>
    public Task<XftpResult<XftpResponse.Ok>> AcknowledgeAsync(ChunkId chunk, PrivateKey recipientKey, CancellationToken cancellationToken) =>
        SendAsync<XftpResponse.Ok>(XftpCommand.Ack.Instance, chunk, recipientKey, cancellationToken);

    /// <summary>PING.</summary>
    public Task<XftpResult<XftpResponse.Pong>> PingAsync(CancellationToken cancellationToken) =>
        SendAsync<XftpResponse.Pong>(XftpCommand.Ping.Instance, default, null, cancellationToken);

    /// <summary>
    /// FGET: downloads a chunk into a stream, piece by piece. What was written before an error is worthless. Everything is
    /// checked: the size, the encryption of this download, and the digest. What the destination throws is passed on.
    /// </summary>
    public async Task<XftpResult<XftpResponse.Ok>> DownloadAsync(ChunkId chunk, PrivateKey recipientKey, uint size, Bytes digest, Stream destination, IProgress<int>? progress, CancellationToken cancellationToken)
    {
        using var key = X25519PrivateKey.Generate(_options.Random);
        if (!TryEncode(new XftpCommand.Get(key.PublicKey), chunk, recipientKey, out var block))
            return XftpClientError.NoServerKey.Instance;
        return await RunAsync<XftpResponse.Ok>(
            limit => new MemoryBody(block, default, null, limit),
            async (limit, token) =>
            {
                var answer = Expect<XftpResponse.File>(await ReadAnswerAsync(limit, token));
                if (!answer.IsOk)
                    return answer.Error!;
                using var secret = key.DeriveSharedSecret(answer.Value.Key);
                using var box = BoxKey.From(secret);
                using var opening = box.StartStream(answer.Value.Nonce.Span);
                return await ReceiveAsync(opening, size, digest, destination, progress, limit, token) is { } error
                    ? new XftpClientError.BadContent(error)
                    : XftpResponse.Ok.Instance;
            },
            cancellationToken);
    }

    /// <summary>Closes the connection; commands that run or wait for their turn fail.</summary>
    public ValueTask DisposeAsync() => _connection.DisposeAsync();

    private Task<XftpResult<T>> SendAsync<T>(XftpCommand command, ChunkId chunk, PrivateKey? key, CancellationToken cancellationToken)
        where T : XftpResponse =>
        TryEncode(command, chunk, key, out var block)
            ? RunAsync<T>(
                limit => new MemoryBody(block, default, null, limit),
                async (limit, token) => Expect<T>(await ReadAnswerAsync(limit, token)),
                cancellationToken)
            : Task.FromResult<XftpResult<T>>(XftpClientError.NoServerKey.Instance);

    private bool TryEncode(XftpCommand command, ChunkId chunk, PrivateKey? key, out byte[] block)
    {
        var isEncoded = XftpTransmission.TryEncode(_format.SessionId, _serverKey, CorrId.None, chunk.ToEntityId(), command, key, out var encoded);
        block = encoded ?? [];
        return isEncoded;
    }

    private async Task ShakeHandsAsync(CancellationToken cancellationToken)
    {
        var answer = await PostAsync([], cancellationToken);
        if (!Padding.TryUnpad(answer, out var content) || answer.Length != XftpLimits.BlockSize || !XftpServerHandshake.TryDecode(content, out var hello))
            throw new TransportException(TransportFailure.Protocol, "The file server's hello does not parse.");
        if (!hello.SessionId.Span.SequenceEqual(_format.SessionId))
            throw new TransportException(TransportFailure.Protocol, "The file server's session is not this connection's.");
        if (!hello.Versions.TryIntersect(_options.Versions, out var versions))
            throw new TransportException(TransportFailure.Protocol, "The file server speaks no version that we know.");
        _serverKey = CheckSessionKey(hello.SessionKey);
        Version = new XftpVersion(versions.Max);
        var mine = Padding.Pad(new XftpClientHandshake(Version, Server.KeyHash).Encode(), XftpLimits.BlockSize);
        var end = await PostAsync(mine, cancellationToken);
        if (end.Length != 0)
            throw new TransportException(TransportFailure.Protocol, "The file server refused the handshake.");
    }

    // The hello's certificates are those of TLS, whose identity was checked there.
    private X25519PublicKey CheckSessionKey(CertificateSignedKey sessionKey)
    {
        var peer = _connection.PeerCertificates;
        return sessionKey.Certificates.Count == peer.Count
            && sessionKey.Certificates.Select((certificate, i) => certificate.Span.SequenceEqual(peer[i].Span)).All(isSame => isSame)
            && CertificateChain.TryParse(peer, out var chain)
            && chain.Leaf.PublicKey is VerificationKey signer
            && SignedKey.TryVerify(sessionKey.SignedKey.Span, signer, out var key)
            && key is X25519PublicKey agreed
                ? agreed
                : throw new TransportException(TransportFailure.UnknownIdentity, "The file server's session key is not signed by its certificate.");
    }

    private async Task<byte[]> PostAsync(byte[] content, CancellationToken cancellationToken)
    {
        using var limit = new MovingLimit(_options.Network.ConnectTime.Background, _options.Time);
        try
        {
            await _http.SendAsync(new MemoryBody(content, default, null, limit), cancellationToken);
            var buffer = new byte[XftpLimits.BlockSize + 1];
            return buffer[..await _http.ReadAtLeastAsync(buffer, cancellationToken)];
        }
        catch (Exception cause) when (cause is TransportException or ObjectDisposedException)
        {
            throw new TransportException(TransportFailure.Closed, "The file server ended the handshake.", cause);
        }
    }

    /// <summary>Sends one request and reads its answer; the time limit begins anew whenever something moves.</summary>
    private async Task<XftpResult<T>> RunAsync<T>(
        Func<MovingLimit, RequestBody> makeBody,
        Func<MovingLimit, CancellationToken, Task<XftpResult<T>>> read,
        CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        using var limit = new MovingLimit(_options.Network.CommandTime.Background, _options.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            await _http.SendAsync(makeBody(limit), either.Token);
            return await read(limit, either.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return XftpClientError.TimedOut.Instance;
        }
        catch (LocalFaultException local)
        {
            ExceptionDispatchInfo.Throw(local.InnerException!);
            throw;
        }
        catch (Exception cause) when (cause is TransportException or ObjectDisposedException)
        {
            return new XftpClientError.Disconnected(cause is TransportException transport ? transport.Failure : TransportFailure.Closed);
        }
        finally
        {
            if (!_http.IsUsable)
                Volatile.Write(ref _isBroken, 1);
            _turn.Release();
        }
    }

    private async Task<XftpResult<XftpResponse>> ReadAnswerAsync(MovingLimit limit, CancellationToken cancellationToken)
    {
        var block = new byte[XftpLimits.BlockSize];
        var length = await _http.ReadAtLeastAsync(block, cancellationToken);
        limit.Restart();
        if (length != block.Length || !XftpTransmission.TryOpen(block, _format, out var transmission))
            return new XftpClientError.BadAnswer(XftpError.Block.Instance);
        if (!transmission.TryDecodeResponse(out var response, out var error))
            return new XftpClientError.BadAnswer(error);
        return response is XftpResponse.Err { Error: var refused } ? new XftpClientError.Server(refused) : response;
    }

    private static XftpResult<T> Expect<T>(XftpResult<XftpResponse> answer)
        where T : XftpResponse =>
        !answer.IsOk ? answer.Error! : answer.Value is T expected ? expected : new XftpClientError.BadAnswer(null);

    // body = encrypted(chunk) tag
    private async Task<XftpError?> ReceiveAsync(BoxStream opening, uint size, Bytes digest, Stream destination, IProgress<int>? progress, MovingLimit limit, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = ArrayPool<byte>.Shared.Rent(PieceLength);
        try
        {
            for (long left = size; left > 0;)
            {
                // A full buffer for each write: what arrives at once is much smaller.
                var wanted = (int)Math.Min(buffer.Length, left);
                var count = 0;
                while (count < wanted)
                {
                    var part = await _http.ReadAsync(wanted - count, cancellationToken);
                    if (part.IsEmpty)
                        return XftpError.Size.Instance;
                    limit.Restart();
                    opening.Decrypt(part.Span, buffer.AsSpan(count, part.Length));
                    count += part.Length;
                }

                hash.AppendData(buffer, 0, count);
                try
                {
                    await destination.WriteAsync(buffer.AsMemory(0, count), cancellationToken);
                }
                catch (IOException cause)
                {
                    throw new LocalFaultException(cause);
                }

                progress?.Report(count);
                left -= count;
            }

            var tail = await _http.ReadAtLeastAsync(buffer.AsMemory(0, XftpLimits.TagLength + 1), cancellationToken);
            return tail != XftpLimits.TagLength ? XftpError.Size.Instance
                : !opening.TryFinish(buffer.AsSpan(0, tail)) ? XftpError.Crypto.Instance
                : !CryptographicOperations.FixedTimeEquals(hash.GetHashAndReset(), digest.Span) ? XftpError.Digest.Instance
                : null;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(buffer);
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
