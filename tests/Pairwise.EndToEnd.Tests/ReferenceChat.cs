using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using Pairwise.Demo.Processes;

namespace Pairwise.EndToEnd.Tests;

/// <summary>The original chat program, driven through its WebSocket interface (<c>-p PORT</c>).</summary>
internal sealed class ReferenceChat : ChildProcess
{
    private readonly List<JsonElement> _answers = [];
    private readonly Lock _lock = new();
    private readonly ClientWebSocket _socket = new();
    private Task _reading = Task.CompletedTask;
    private int _commands;

    private ReferenceChat(string program, string folder, string server, int port)
        : base([program, "-d", Path.Combine(folder, "reference"), "-s", server, "-p", port.ToString(CultureInfo.InvariantCulture)], new Dictionary<string, string>())
    {
    }

    /// <summary>Path of the original chat program, when the machine has it.</summary>
    public static string? Program => Environment.GetEnvironmentVariable("PAIRWISE_REFERENCE_CHAT");

    public static async Task<ReferenceChat> StartAsync(string folder, string name, string server)
    {
        Directory.CreateDirectory(folder);
        int port;
        using (var listener = new TcpListener(IPAddress.Loopback, 0))
        {
            listener.Start();
            port = ((IPEndPoint)listener.LocalEndpoint).Port;
        }

        var chat = new ReferenceChat(Program!, folder, server, port);
        await chat.TypeAsync(name);
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                using var probe = new TcpClient();
                await probe.ConnectAsync(IPAddress.Loopback, port);
                break;
            }
            catch (SocketException) when (attempt < 600 && !chat.HasExited)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System);
            }
        }

        await chat._socket.ConnectAsync(new Uri(string.Create(CultureInfo.InvariantCulture, $"ws://127.0.0.1:{port}")), CancellationToken.None);
        chat._reading = chat.ReadAnswersAsync();
        return chat;
    }

    /// <summary>Sends a command and gives its answer.</summary>
    public async Task<JsonElement> CommandAsync(string command)
    {
        var id = (++_commands).ToString(CultureInfo.InvariantCulture);
        await _socket.SendAsync(JsonSerializer.SerializeToUtf8Bytes(new { corrId = id, cmd = command }), WebSocketMessageType.Text, endOfMessage: true, CancellationToken.None);
        return await WaitAsync(answer => answer.TryGetProperty("corrId", out var answered) && answered.GetString() == id, $"an answer to {command}");
    }

    /// <summary>Waits for an event whose JSON holds all the words.</summary>
    public Task<JsonElement> WaitForEventAsync(params string[] words) =>
        WaitAsync(answer => Array.TrueForAll(words, word => answer.GetRawText().Contains(word, StringComparison.Ordinal)), string.Join(" ", words));

    /// <summary>How many events hold all the words.</summary>
    public int CountEvents(params string[] words)
    {
        lock (_lock) return _answers.Count(answer => Array.TrueForAll(words, word => answer.GetRawText().Contains(word, StringComparison.Ordinal)));
    }

    /// <summary>Ends the program as its user would and waits for its end.</summary>
    public async Task QuitAsync()
    {
        _socket.Abort();
        await KillAsync();
        await _reading;
        await DisposeAsync();
    }

    private async Task<JsonElement> WaitAsync(Func<JsonElement, bool> condition, string what)
    {
        for (var round = 0; round < 600; round++)
        {
            lock (_lock)
            {
                foreach (var answer in _answers)
                {
                    if (condition(answer)) return answer;
                }
            }

            await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System);
        }

        lock (_lock) throw new TimeoutException($"The original chat did not give {what}:\n{string.Join('\n', _answers.Select(answer => answer.GetRawText()[..Math.Min(600, answer.GetRawText().Length)]))}\n{string.Join('\n', Lines)}");
    }

    private async Task ReadAnswersAsync()
    {
        var buffer = new byte[1 << 20];
        var message = new MemoryStream();
        try
        {
            while (true)
            {
                var part = await _socket.ReceiveAsync(buffer, CancellationToken.None);
                if (part.MessageType == WebSocketMessageType.Close) return;
                message.Write(buffer, 0, part.Count);
                if (!part.EndOfMessage) continue;
                using var document = JsonDocument.Parse(Encoding.UTF8.GetString(message.ToArray()));
                message.SetLength(0);
                lock (_lock) _answers.Add(document.RootElement.Clone());
            }
        }
        catch (WebSocketException)
        {
            // The program ended.
        }
    }
}
