using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;
using Pairwise.Protocol.Xftp;
using Pairwise.TestKit;
using Pairwise.Transport;
using Pairwise.Transport.Sockets;
using Pairwise.Transport.Tls;
using Pairwise.Wire;

namespace Pairwise.EndToEnd.Tests.Differential;

/// <summary>A request to a file server, made from what this server said before.</summary>
internal sealed record FileRequest(string Says, Func<FileConversation, HttpRequestMessage> Make, int? Chunk = null);

/// <summary>One connection with one file server, with names in the place of the ids that it gives.</summary>
internal sealed class FileConversation : IAsyncDisposable
{
    public const int Chunks = 3;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly ISecureConnection _connection;
    private readonly HttpMessageInvoker _http;
    private readonly Dictionary<string, string> _names = [];
    private readonly Dictionary<string, byte[]> _ids = [];

    private FileConversation(ServerAddress server, ISecureConnection connection)
    {
        Server = server;
        _connection = connection;
        _http = HttpOverStream.Create(new SecureStream(connection));
    }

    public ServerAddress Server { get; }

    public byte[] SessionId => _connection.SessionId.ToArray();

    public static async Task<FileConversation> ConnectAsync(ServerAddress server, string? protocol)
    {
        Assert.True(server.TryGetPort(out var port));
        var stream = await TcpConnector.ConnectAsync(server.Hosts[0].Name, port, new TcpConnectOptions(), CancellationToken.None);
        using var context = TlsContext.ForClient(new TlsClientOptions { ApplicationProtocols = protocol is null ? [] : [protocol] });
        return new FileConversation(server, await TlsConnection.ConnectAsync(
            context, new TlsTarget(PeerChecks.Server(server.KeyHash, TimeProvider.System)), stream, TimeProvider.System, CancellationToken.None));
    }

    /// <summary>The id of that name; of what was not made, one that nobody has.</summary>
    public byte[] Id(string name) => _ids.TryGetValue(name, out var id) ? id : SHA256.HashData(Encoding.ASCII.GetBytes(name))[..XftpLimits.ChunkIdLength];

    // transmission = authorization sessionId corrId entity command
    public byte[] Transmission(byte[] corrId, byte[] entity, byte[] command, SigningKey? key, byte[]? junk, bool isOtherSession)
    {
        var session = SessionId;
        if (isOtherSession) session[0] ^= 1;
        byte[] signed = [(byte)session.Length, .. session, (byte)corrId.Length, .. corrId, (byte)entity.Length, .. entity, .. command];
        var authorization = junk ?? key?.Sign(signed) ?? [];
        return [(byte)authorization.Length, .. authorization, .. signed];
    }

    /// <summary>Sends a request and writes down the answer.</summary>
    public async Task<string> AskAsync(FileRequest asked)
    {
        using var limit = new CancellationTokenSource(Patience, TimeProvider.System);
        try
        {
            using var request = asked.Make(this);
            using var response = await _http.SendAsync(request, limit.Token);
            var body = await response.Content.ReadAsByteArrayAsync(limit.Token);
            return $"{(int)response.StatusCode} {Render(body, asked.Chunk)}";
        }
        catch (Exception cause) when (cause is HttpRequestException or IOException or TransportException)
        {
            return "closed";
        }
        catch (OperationCanceledException)
        {
            return "no answer in time";
        }
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _connection.DisposeAsync();
    }

    private string Render(byte[] body, int? chunk)
    {
        if (body.Length < XftpLimits.BlockSize) return $"{body.Length} bytes";
        var rest = body.Length > XftpLimits.BlockSize ? string.Create(CultureInfo.InvariantCulture, $" + {body.Length - XftpLimits.BlockSize}") : "";
        if (!Padding.TryUnpad(body.AsSpan(0, XftpLimits.BlockSize), out var content)) return "no block" + rest;
        if (XftpServerHandshake.TryDecode(content, out var hello)) return $"hello {hello.Versions.Min}-{hello.Versions.Max}{rest}";
        if (content.Length > 0 && content[0] != 1) return Encoding.Latin1.GetString(content) + rest;
        if (!XftpTransmission.TryOpen(body.AsMemory(0, XftpLimits.BlockSize), TransmissionFormat.WithSentSessionId(SessionId), out var answer)) return "no transmission" + rest;
        var entity = answer.Entity.Value.ToArray();
        return $"[{Convert.ToHexString(answer.CorrId.Value.Span)}] @{Name(entity)} {RenderResponse(answer, chunk)}{rest}";
    }

    private string RenderResponse(Transmission answer, int? chunk)
    {
        if (!answer.TryDecodeResponse(out var response, out _)) return "? " + Encoding.Latin1.GetString(answer.Command.Span);
        switch (response)
        {
            case XftpResponse.SenderIds ids:
                Know($"s{chunk}", ids.Sender.Value.ToArray());
                for (var i = 0; i < ids.Recipients.Count; i++) Know($"r{chunk}.{i}", ids.Recipients[i].Value.ToArray());
                return $"SIDS {ids.Recipients.Count}";
            case XftpResponse.RecipientIds ids:
                for (var i = 0; i < ids.Recipients.Count; i++) Know($"r{chunk}.{i}", ids.Recipients[i].Value.ToArray());
                return $"RIDS {ids.Recipients.Count}";
            case XftpResponse.File:
                return "FILE";
            default:
                return Encoding.Latin1.GetString(answer.Command.Span);
        }
    }

    private void Know(string name, byte[] id)
    {
        _ids[name] = id;
        _names[Convert.ToHexString(id)] = name;
    }

    private string Name(byte[] id) => id.Length == 0 ? "" : _names.GetValueOrDefault(Convert.ToHexString(id), "unknown");
}
