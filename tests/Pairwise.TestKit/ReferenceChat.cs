using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;

namespace Pairwise.TestKit;

/// <summary>
/// The original chat program, driven through its WebSocket. Where it is, <c>PAIRWISE_REFERENCE_CHAT</c> says
/// (<c>./test reference --chat PATH</c>).
/// </summary>
public sealed class ReferenceChat : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly string _prefix;
    private readonly string _server;
    private readonly List<JsonElement> _received = [];
    private readonly Lock _lock = new();
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Process _process = null!;
    private ClientWebSocket _socket = null!;
    private Task _reading = Task.CompletedTask;
    private int _commands;
    private bool _isClosed;

    private readonly string[] _more;

    private ReferenceChat(string prefix, string server, string[] more)
    {
        _prefix = prefix;
        _server = server;
        _more = more;
    }

    /// <summary>Path of the program; null where it is not at hand.</summary>
    public static string? Program => Environment.GetEnvironmentVariable("PAIRWISE_REFERENCE_CHAT");

    /// <summary>Starts the program with a new profile on a new database.</summary>
    /// <param name="more">Further options of the program.</param>
    public static async Task<ReferenceChat> StartAsync(string folder, string name, string server, params string[] more)
    {
        var chat = new ReferenceChat(Path.Combine(folder, "reference_" + name), server, more);
        await chat.OpenAsync(name);
        return chat;
    }

    /// <summary>Ends the program; <see cref="RestartAsync"/> starts it again.</summary>
    public Task StopAsync() => CloseAsync();

    /// <summary>Ends the program and starts it again on the same database.</summary>
    public async Task RestartAsync()
    {
        await StopAsync();
        await OpenAsync(null);
    }

    /// <summary>Carries out a command and gives the response.</summary>
    public async Task<JsonElement> DoAsync(string command)
    {
        var id = (++_commands).ToString(System.Globalization.CultureInfo.InvariantCulture);
        await _socket.SendAsync(JsonSerializer.SerializeToUtf8Bytes(new { corrId = id, cmd = command }), WebSocketMessageType.Text, endOfMessage: true, CancellationToken.None);
        var answer = await WaitAsync(message => message.TryGetProperty("corrId", out var corrId) && corrId.GetString() == id, "the answer to " + command[..Math.Min(command.Length, 40)]);
        return answer.GetProperty("resp");
    }

    /// <summary>A full one-time link.</summary>
    public async Task<string> CreateLinkAsync() =>
        (await DoAsync("/c")).GetProperty("connLinkInvitation").GetProperty("connFullLink").GetString()!;

    /// <summary>Waits for an event of a type about a contact.</summary>
    public Task SeesContactAsync(string type, string name) =>
        WaitAsync(message => IsEvent(message, type) && message.GetProperty("resp").GetProperty("contact").GetProperty("localDisplayName").GetString() == name, $"{type} {name}");

    /// <summary>Waits for an event of a type that meets a condition, and gives it.</summary>
    public async Task<JsonElement> SeesEventAsync(string type, Func<JsonElement, bool> isWanted) =>
        (await WaitAsync(message => IsEvent(message, type) && isWanted(message.GetProperty("resp")), type)).GetProperty("resp");

    /// <summary>Waits for a received text.</summary>
    public Task SeesTextAsync(string text) => WaitAsync(
        message => IsEvent(message, "newChatItems") && message.GetProperty("resp").GetProperty("chatItems").EnumerateArray().Any(item => ReceivedText(item) == text),
        "message " + text[..Math.Min(text.Length, 40)]);

    /// <summary>Waits for the offer of a file, and gives its number there.</summary>
    public async Task<long> SeesFileAsync(string fileName)
    {
        long? Number(JsonElement message) => IsEvent(message, "newChatItems")
            ? message.GetProperty("resp").GetProperty("chatItems").EnumerateArray().Select(item => FileOf(item.GetProperty("chatItem"), fileName)).FirstOrDefault(number => number is not null)
            : null;
        return Number(await WaitAsync(message => Number(message) is not null, "file " + fileName))!.Value;
    }

    /// <summary>Waits for an event about a file by its number there.</summary>
    public Task<JsonElement> SeesFileEventAsync(string type, long file) => WaitAsync(
        message => IsEvent(message, type) && message.GetProperty("resp").TryGetProperty("chatItem", out var item)
            && (item.TryGetProperty("chatItem", out var inner) ? inner : item).TryGetProperty("file", out var known) && known.GetProperty("fileId").GetInt64() == file,
        $"{type} {file}");

    /// <summary>Waits for the content of a received message of a type.</summary>
    public async Task<JsonElement> SeesContentAsync(string type)
    {
        JsonElement? Content(JsonElement message) => IsEvent(message, "newChatItems")
            ? message.GetProperty("resp").GetProperty("chatItems").EnumerateArray()
                .Select(item => item.GetProperty("chatItem").GetProperty("content"))
                .Where(content => content.GetProperty("type").GetString() == "rcvMsgContent" && content.GetProperty("msgContent").GetProperty("type").GetString() == type)
                .Select(content => (JsonElement?)content.GetProperty("msgContent")).FirstOrDefault()
            : null;
        return Content(await WaitAsync(message => Content(message) is not null, "content " + type))!.Value;
    }

    /// <summary>How often a text was received.</summary>
    public int CountTexts(string text)
    {
        lock (_lock)
        {
            return _received.Where(message => IsEvent(message, "newChatItems"))
                .Sum(message => message.GetProperty("resp").GetProperty("chatItems").EnumerateArray().Count(item => ReceivedText(item) == text));
        }
    }

    /// <summary>Waits until a text of ours has a status.</summary>
    public Task SeesStatusAsync(string text, string status) => WaitAsync(
        message => IsEvent(message, "chatItemsStatusesUpdated") && message.GetProperty("resp").GetProperty("chatItems").EnumerateArray().Any(item =>
            item.GetProperty("chatItem").GetProperty("meta").GetProperty("itemText").GetString() == text
            && item.GetProperty("chatItem").GetProperty("meta").GetProperty("itemStatus").GetProperty("type").GetString() == status),
        $"{text} {status}");

    public async ValueTask DisposeAsync() => await CloseAsync();

    private static bool IsEvent(JsonElement message, string type) =>
        message.TryGetProperty("resp", out var response) && response.TryGetProperty("type", out var actual) && actual.GetString() == type;

    private static string? ReceivedText(JsonElement item)
    {
        var content = item.GetProperty("chatItem").GetProperty("content");
        return content.GetProperty("type").GetString() == "rcvMsgContent" ? content.GetProperty("msgContent").GetProperty("text").GetString() : null;
    }

    private static long? FileOf(JsonElement item, string fileName) =>
        item.TryGetProperty("file", out var file) && file.GetProperty("fileName").GetString() == fileName ? file.GetProperty("fileId").GetInt64() : null;

    private async Task<JsonElement> WaitAsync(Func<JsonElement, bool> isWanted, string what)
    {
        var begin = TimeProvider.System.GetTimestamp();
        while (true)
        {
            Task changed;
            lock (_lock)
            {
                foreach (var message in _received)
                {
                    if (isWanted(message))
                        return message;
                }

                changed = _changed.Task;
            }

            var left = Patience - TimeProvider.System.GetElapsedTime(begin);
            if (left <= TimeSpan.Zero || await Task.WhenAny(changed, Task.Delay(left, TimeProvider.System)) != changed)
            {
                lock (_lock)
                    throw new TimeoutException($"The original chat was to see {what}. It saw:\n{string.Join('\n', _received.Select(message => message.GetRawText()[..Math.Min(600, message.GetRawText().Length)]))}");
            }
        }
    }

    private async Task OpenAsync(string? name)
    {
        var port = FreePort();
        _isClosed = false;
        _process = Process.Start(new ProcessStartInfo(Program!, ["-d", _prefix, "-s", _server, "-p", port.ToString(System.Globalization.CultureInfo.InvariantCulture), .. _more])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        _process.OutputDataReceived += static (_, _) => { };
        _process.ErrorDataReceived += static (_, _) => { };
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        if (name is not null)
            await _process.StandardInput.WriteLineAsync(name);
        await _process.StandardInput.FlushAsync();

        var begin = TimeProvider.System.GetTimestamp();
        while (true)
        {
            _socket = new ClientWebSocket();
            try
            {
                await _socket.ConnectAsync(new Uri($"ws://127.0.0.1:{port}"), CancellationToken.None);
                break;
            }
            catch (WebSocketException) when (TimeProvider.System.GetElapsedTime(begin) < Patience)
            {
                _socket.Dispose();
                await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System);
            }
        }

        _reading = ReadAsync(_socket);
    }

    private async Task CloseAsync()
    {
        if (_isClosed) return;
        _isClosed = true;
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        await _reading;
        _socket.Dispose();
        _process.Dispose();
    }

    private async Task ReadAsync(ClientWebSocket socket)
    {
        var buffer = new byte[65_536];
        var message = new MemoryStream();
        try
        {
            while (true)
            {
                var part = await socket.ReceiveAsync(buffer, CancellationToken.None);
                if (part.MessageType == WebSocketMessageType.Close)
                    return;
                message.Write(buffer, 0, part.Count);
                if (!part.EndOfMessage)
                    continue;
                using var document = JsonDocument.Parse(Encoding.UTF8.GetString(message.ToArray()));
                message.SetLength(0);
                lock (_lock)
                {
                    _received.Add(document.RootElement.Clone());
                    _changed.SetResult();
                    _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                }
            }
        }
        catch (WebSocketException)
        {
            // The program was ended.
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
