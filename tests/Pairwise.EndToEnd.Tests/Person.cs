using System.Globalization;
using Pairwise.Demo.Processes;

namespace Pairwise.EndToEnd.Tests;

/// <summary>Somebody whose chat program is killed and started again, and who numbers what they type.</summary>
internal sealed class Person(string name, string peer, string folder, string? address) : IAsyncDisposable
{
    private readonly List<string> _lines = [];
    private ChatProcess? _chat;
    private int _typed;

    public string Name => name;

    public ChatProcess Chat => _chat ?? throw new InvalidOperationException(name + " is not running.");

    public int LastTyped => _typed;

    /// <summary>Numbers of the messages that the program said it took.</summary>
    public IReadOnlyList<int> Acknowledged => NumbersOf("@" + peer + " ");

    /// <summary>Numbers of the messages that the program showed, in the order of showing.</summary>
    public IReadOnlyList<int> Shown => NumbersOf(peer + "> ");

    /// <summary>Numbers of the messages in the history, as the last call of <see cref="WaitForAsync"/> found it.</summary>
    public IReadOnlyList<int> Stored { get; private set; } = [];

    public Task StartAsync(bool isFirst)
    {
        _chat = ChatProcess.Start(folder, address is null ? [] : [address], isFirst ? name : null);
        return Task.CompletedTask;
    }

    public Task WaitConnectedAsync(TimeSpan patience) =>
        Chat.WaitForLineAsync(line => line.Contains(": contact is connected", StringComparison.Ordinal), patience);

    /// <summary>Waits until the program has taken a message since it was started.</summary>
    public Task WaitUntilTakingAsync(TimeSpan patience) =>
        Chat.WaitForLineAsync(line => line.StartsWith("@" + peer + " number ", StringComparison.Ordinal), patience);

    public Task TypeNextAsync() => Chat.TypeAsync(string.Create(CultureInfo.InvariantCulture, $"@{peer} number {++_typed}"));

    public async Task KillAndRestartAsync()
    {
        await Chat.KillAsync();
        _lines.AddRange(Chat.Lines);
        await Chat.DisposeAsync();
        await StartAsync(isFirst: false);
    }

    /// <summary>Types one more message and waits until the program took it.</summary>
    public async Task SendLastAsync(TimeSpan patience)
    {
        await TypeNextAsync();
        var echo = string.Create(CultureInfo.InvariantCulture, $"@{peer} number {_typed}");
        await Chat.WaitForLineAsync(line => line == echo, patience);
    }

    /// <summary>Waits until the peer's message is shown, and reads the history.</summary>
    public async Task WaitForAsync(int number, TimeSpan patience)
    {
        var text = string.Create(CultureInfo.InvariantCulture, $"{peer}> number {number}");
        await Chat.WaitForLineAsync(line => line == text, patience);

        var from = Chat.Lines.Count;
        await Chat.TypeAsync($"/tail @{peer} 10000");
        await Chat.TypeAsync("/help");
        await Chat.WaitForLineAsync(line => line.StartsWith("/help", StringComparison.Ordinal), patience, from);
        var marker = " " + peer + "> number ";
        Stored = [.. from line in Chat.Lines.Skip(@from)
                     let at = line.IndexOf(marker, StringComparison.Ordinal)
                     where at > 0
                     select ParseNumber(line[(at + marker.Length)..])];
    }

    public async ValueTask DisposeAsync()
    {
        if (_chat is not null) await _chat.DisposeAsync();
    }

    private List<int> NumbersOf(string prefix)
    {
        var start = prefix + "number ";
        return [.. from line in _lines.Concat(Chat.Lines)
                   where line.StartsWith(start, StringComparison.Ordinal)
                   select ParseNumber(line[start.Length..])];
    }

    private static int ParseNumber(string text) => int.Parse(text.Split(' ')[0], CultureInfo.InvariantCulture);
}
