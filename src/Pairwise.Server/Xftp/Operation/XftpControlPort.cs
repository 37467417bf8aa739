using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Logging;
using Pairwise.Protocol;
using Pairwise.Protocol.Xftp;
using Pairwise.Server.Xftp.Store;
using Pairwise.Wire;

namespace Pairwise.Server.Xftp.Operation;

/// <summary>How the control port is guarded.</summary>
/// <param name="Port">On the loopback address only.</param>
/// <param name="AdminPassword">Null: nobody is an administrator.</param>
/// <param name="UserPassword">Null: nobody is a user.</param>
public sealed record XftpControlPortOptions(int Port, BasicAuth? AdminPassword, BasicAuth? UserPassword);

/// <summary>
/// The operator's text commands on the loopback: auth, stats-rts, delete, block, help, quit, one a line, as the reference
/// has them. It owns its listener and its clients.
/// </summary>
public sealed partial class XftpControlPort : IAsyncDisposable
{
    private const int MaxClients = 16;
    private const int MaxLineLength = 1024;

    private readonly XftpServer _server;
    private readonly XftpControlPortOptions _options;
    private readonly ILogger _logger;
    private readonly TcpListener _listener;
    private readonly CancellationTokenSource _stopping = new();
    private readonly SemaphoreSlim _clients = new(MaxClients);
    private readonly Task _accepting;

    /// <summary>Starts to listen.</summary>
    /// <exception cref="SocketException">The port is taken.</exception>
    public XftpControlPort(XftpServer server, XftpControlPortOptions options, ILogger logger)
    {
        _server = server;
        _options = options;
        _logger = logger;
        _listener = new TcpListener(IPAddress.Loopback, options.Port);
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public IPEndPoint EndPoint => (IPEndPoint)_listener.LocalEndpoint;

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        _listener.Stop();
        await _accepting;
        _stopping.Dispose();
        _clients.Dispose();
    }

    private async Task AcceptAsync()
    {
        var running = new List<Task>();
        try
        {
            while (true)
            {
                await _clients.WaitAsync(_stopping.Token);
                running.RemoveAll(task => task.IsCompleted);
                running.Add(ServeAsync(await _listener.AcceptTcpClientAsync(_stopping.Token)));
            }
        }
        catch (Exception cause) when (cause is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The server stops.
        }

        await Task.WhenAll(running);
    }

    private async Task ServeAsync(TcpClient client)
    {
        try
        {
            using (client)
            {
                await using var stream = client.GetStream();
                using var reader = new StreamReader(stream, Encoding.Latin1, leaveOpen: true);
                await using var writer = new StreamWriter(stream, Encoding.Latin1, leaveOpen: true) { NewLine = "\n", AutoFlush = true };
                await writer.WriteLineAsync("XFTP server control port\n'help' for supported commands");
                var role = Role.None;
                while (await reader.ReadLineAsync(_stopping.Token) is { } line && line.Length <= MaxLineLength)
                {
                    if (line == "quit")
                    {
                        return;
                    }

                    if (Answer(line, ref role) is { } answer)
                    {
                        await writer.WriteLineAsync(answer);
                    }
                }
            }
        }
        catch (Exception cause) when (cause is IOException or OperationCanceledException)
        {
            // The operator has gone, or the server stops.
        }
        finally
        {
            _clients.Release();
        }
    }

    private string? Answer(string line, ref Role role)
    {
        var words = line.Split(' ');
        switch (words)
        {
            case [""]:
                return null;
            case ["help"]:
                return "commands: stats-rts, delete, block, help, quit";
            case ["auth", var text]:
                role = RoleOf(text);
                return role switch
                {
                    Role.Administrator => "Current role is admin",
                    Role.User => "Current role is user",
                    _ => "Invalid password",
                };
            case ["stats-rts"]:
                return string.Create(CultureInfo.InvariantCulture, $"memory: {Environment.WorkingSet} bytes, heap: {GC.GetTotalMemory(forceFullCollection: false)} bytes, collections: {GC.CollectionCount(2)}");
            case ["delete" or "block", ..] when role == Role.None:
                Log.Unauthorized(_logger);
                return "AUTH";
            case ["delete", var text] when TryReadId(text, out var id):
                Log.Command(_logger, "delete");
                return _server.TryDelete(id) ? "ok" : "error: AUTH";
            case ["block", var text, var info] when TryReadId(text, out var id) && XftpLogCodec.TryReadBlockingInfo(Encoding.Latin1.GetBytes(info), out var reason):
                Log.Command(_logger, "block");
                return _server.TryBlock(id, reason) ? "ok" : "error: AUTH";
            default:
                return "error: bad command";
        }
    }

    private Role RoleOf(string text) =>
        !BasicAuth.TryParse(text, out var password) ? Role.None
        : password.Equals(_options.AdminPassword) ? Role.Administrator
        : password.Equals(_options.UserPassword) ? Role.User
        : Role.None;

    private static bool TryReadId(string text, out ChunkId id)
    {
        var isRead = TextEncoding.TryFromBase64Url(text, out var bytes) && bytes.Length is > 0 and <= WireId.MaxLength;
        id = isRead ? new ChunkId(bytes) : default;
        return isRead;
    }

    private enum Role
    {
        None,
        User,
        Administrator,
    }

    private static partial class Log
    {
        [LoggerMessage(2104, LogLevel.Warning, "Control port: {Name}.")]
        public static partial void Command(ILogger logger, string name);

        [LoggerMessage(2105, LogLevel.Warning, "Control port: a command without the password for it.")]
        public static partial void Unauthorized(ILogger logger);
    }
}
