using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;

namespace Pairwise.Agent.Tests;

/// <summary>
/// The original command-line chat, run with its WebSocket interface. The command is given by the environment variable
/// <c>PAIRWISE_REFERENCE_CHAT</c>; without it the tests that need it are skipped.
/// </summary>
internal sealed class ReferenceChat : IAsyncDisposable
{
    private readonly Process _process;
    private readonly ClientWebSocket _socket;
    private readonly List<JsonElement> _passed = [];
    private int _corrId;
    private bool _isDisposed;

    private ReferenceChat(Process process, ClientWebSocket socket)
    {
        _process = process;
        _socket = socket;
    }

    public static string? Command => Environment.GetEnvironmentVariable("PAIRWISE_REFERENCE_CHAT");

    /// <summary>A relay that both sides use in place of ours, if given.</summary>
    public static string? Relay => Environment.GetEnvironmentVariable("PAIRWISE_REFERENCE_RELAY");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Starts the program on a database, new or not.</summary>
    public static async Task<ReferenceChat> StartAsync(string database, string name, string relay)
    {
        var port = FindFreePort();
        var start = new ProcessStartInfo(Command!) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in new[] { "-d", database, "-s", relay, "-p", port.ToString(System.Globalization.CultureInfo.InvariantCulture) }) start.ArgumentList.Add(argument);
        var process = Process.Start(start) ?? throw new InvalidOperationException("The program did not start.");
        process.OutputDataReceived += static (_, _) => { };
        process.ErrorDataReceived += static (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        await process.StandardInput.WriteLineAsync(name);
        await process.StandardInput.FlushAsync(Token);
        for (var attempt = 0; ; attempt++)
        {
            var socket = new ClientWebSocket();
            try
            {
                await socket.ConnectAsync(new Uri($"ws://127.0.0.1:{port}"), Token);
                return new ReferenceChat(process, socket);
            }
            catch (WebSocketException) when (attempt < 100 && !process.HasExited)
            {
                socket.Dispose();
                await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, Token);
            }
        }
    }

    /// <summary>Runs a command and returns its response.</summary>
    public async Task<JsonElement> RunAsync(string command)
    {
        var corrId = (++_corrId).ToString(System.Globalization.CultureInfo.InvariantCulture);
        var text = JsonSerializer.SerializeToUtf8Bytes(new { corrId, cmd = command });
        await _socket.SendAsync(text, WebSocketMessageType.Text, endOfMessage: true, Token);
        return await NextAsync(message => message.TryGetProperty("corrId", out var id) && id.GetString() == corrId);
    }

    /// <summary>The next event of a type.</summary>
    public Task<JsonElement> NextEventAsync(string type) => NextAsync(message => TypeOf(message) == type);

    /// <summary>The text of the next message received from a contact.</summary>
    public async Task<string> NextTextAsync()
    {
        while (true)
        {
            var items = await NextEventAsync("newChatItems");
            foreach (var item in Unwrap(items).GetProperty("chatItems").EnumerateArray())
            {
                var content = item.GetProperty("chatItem").GetProperty("content");
                if (content.GetProperty("type").GetString() == "rcvMsgContent") return content.GetProperty("msgContent").GetProperty("text").GetString()!;
            }
        }
    }

    /// <summary>The response or event inside a message, whichever wrapping the version has.</summary>
    public static JsonElement Unwrap(JsonElement message)
    {
        var response = message.GetProperty("resp");
        return response.TryGetProperty("Right", out var right) ? right : response.TryGetProperty("result", out var result) ? result : response;
    }

    public async ValueTask DisposeAsync()
    {
        if (_isDisposed) return;
        _isDisposed = true;
        _socket.Dispose();
        if (!_process.HasExited)
        {
            _process.Kill();
            await _process.WaitForExitAsync(CancellationToken.None);
        }

        _process.Dispose();
    }

    private static string? TypeOf(JsonElement message)
    {
        var inner = Unwrap(message);
        return inner.ValueKind == JsonValueKind.Object && inner.TryGetProperty("type", out var type) ? type.GetString() : null;
    }

    private async Task<JsonElement> NextAsync(Func<JsonElement, bool> condition)
    {
        for (var i = 0; i < _passed.Count; i++)
        {
            if (!condition(_passed[i])) continue;
            var found = _passed[i];
            _passed.RemoveAt(i);
            return found;
        }

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Token);
        limit.CancelAfter(TimeSpan.FromSeconds(30));
        try
        {
            while (true)
            {
                var message = await ReadAsync(limit.Token);
                if (condition(message)) return message;
                _passed.Add(message);
            }
        }
        catch (OperationCanceledException) when (!Token.IsCancellationRequested)
        {
            throw new TimeoutException($"The reference said: {string.Join("\n", _passed)}");
        }
    }

    private async Task<JsonElement> ReadAsync(CancellationToken cancellationToken)
    {
        var buffer = new byte[65536];
        using var text = new MemoryStream();
        while (true)
        {
            var part = await _socket.ReceiveAsync(buffer.AsMemory(), cancellationToken);
            text.Write(buffer, 0, part.Count);
            if (part.EndOfMessage) break;
        }

        using var document = JsonDocument.Parse(Encoding.UTF8.GetString(text.ToArray()));
        return document.RootElement.Clone();
    }

    private static int FindFreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
