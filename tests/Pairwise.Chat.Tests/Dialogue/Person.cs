using System.Text;
using Pairwise.Agent;
using Pairwise.Agent.Relays;
using Pairwise.Client;
using Pairwise.Protocol;
using Pairwise.Storage;
using Pairwise.TestKit;

namespace Pairwise.Chat.Tests.Dialogue;

/// <summary>Somebody with a chat on a database of their own: types commands, and sees answers and events as lines.</summary>
internal sealed class Person : IAsyncDisposable
{
    private static readonly TimeSpan Patience = Eventually.Patience;

    private readonly string _path;
    private readonly ChatOptions _options;
    private readonly List<string> _seen = [];
    private readonly Lock _lock = new();
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Database _database = null!;
    private ChatCore _core = null!;
    private Task _reading = Task.CompletedTask;

    private Person(string path, ChatOptions options)
    {
        _path = path;
        _options = options;
    }

    public ChatCore Core => _core;

    public Database Database => _database;

    public static async Task<Person> StartAsync(string folder, string name, string server, Func<ChatOptions, ChatOptions>? change = null)
    {
        Assert.True(ServerAddressWithPassword.TryParse(server, out var address));
        var options = new ChatOptions { Servers = [address] };
        var person = new Person(Path.Combine(folder, name + ".db"), change?.Invoke(options) ?? options);
        await person.OpenAsync();
        await person._core.CreateProfileAsync(name, "", TestContext.Current.CancellationToken);
        return person;
    }

    /// <summary>Quits and starts again on the same database.</summary>
    public async Task RestartAsync()
    {
        await CloseAsync();
        await OpenAsync();
    }

    public async Task<ChatResponse> DoAsync(string command) => await _core.ExecuteAsync(command, TestContext.Current.CancellationToken);

    /// <summary>Types a command whose answer is of one kind.</summary>
    public async Task<T> DoAsync<T>(string command)
        where T : ChatResponse => Assert.IsType<T>(await DoAsync(command));

    /// <summary>Everything seen so far, one event a line.</summary>
    public IReadOnlyList<string> Seen
    {
        get
        {
            lock (_lock)
                return [.. _seen];
        }
    }

    /// <summary>Waits until a line was seen.</summary>
    public Task SeesAsync(string line) => SeesAsync(seen => seen == line, line);

    /// <summary>Waits until a line was seen that begins so, and gives it.</summary>
    public Task<string> SeesFirstAsync(string start) => SeesAsync(seen => seen.StartsWith(start, StringComparison.Ordinal), start);

    private async Task<string> SeesAsync(Predicate<string> isWanted, string line)
    {
        var deadline = TimeProvider.System.GetTimestamp();
        while (true)
        {
            Task changed;
            lock (_lock)
            {
                if (_seen.Find(isWanted) is { } seen)
                    return seen;
                changed = _changed.Task;
            }

            var left = Patience - TimeProvider.System.GetElapsedTime(deadline);
            if (left <= TimeSpan.Zero || await Task.WhenAny(changed, Task.Delay(left, TimeProvider.System, TestContext.Current.CancellationToken)) != changed)
                Assert.Fail($"Waited for: {line}\nSeen:\n{string.Join('\n', Seen.Select(seen => seen[..Math.Min(200, seen.Length)]))}");
        }
    }

    /// <summary>The conversation with somebody as it is stored, one line each.</summary>
    public async Task<IReadOnlyList<string>> ConversationAsync(string name) =>
        [.. (await DoAsync<ChatResponse.Tail>($"/tail @{name} 10000")).Lines.Select(line => Show(line.Contact, line.Item))];

    public async ValueTask DisposeAsync() => await CloseAsync();

    public static string Show(ChatEvent happened) => happened switch
    {
        ChatEvent.ContactConnecting e => $"{e.Contact.Name} is connecting",
        ChatEvent.ContactConnected e => $"{e.Contact.Name} is connected",
        ChatEvent.MessageReceived e => Show(e.Contact, e.Item),
        ChatEvent.MessageUpdated e => "changed: " + Show(e.Contact, e.Item),
        ChatEvent.StatusChanged e => $"{e.Item.Status}: {Show(e.Contact, e.Item)}",
        ChatEvent.FileStarted e => $"started {File(e.Item)}",
        ChatEvent.FileProgress e => $"progress {File(e.Item)}",
        ChatEvent.FileCompleted e => $"completed {File(e.Item)}",
        ChatEvent.FileFailed e => $"failed {File(e.Item)}: {e.Item.File!.Error}",
        ChatEvent.FileDelayed e => $"delayed {File(e.Item)}: {e.Item.File!.Error}",
        ChatEvent.FileCancelledByPeer e => $"{e.Contact.Name} cancelled {File(e.Item)}",
        ChatEvent.StandaloneProgress e => $"progress standalone file {e.File.Id}",
        ChatEvent.StandaloneUploaded e => $"uploaded standalone file {e.File.Id}",
        ChatEvent.StandaloneCompleted e => $"completed standalone file {e.File.Id} {e.Link}".TrimEnd(),
        ChatEvent.StandaloneFailed e => $"failed standalone file {e.File.Id}: {e.File.Error}",
        ChatEvent.StandaloneDelayed e => $"delayed standalone file {e.File.Id}: {e.File.Error}",
        ChatEvent.ContactUpdated e => $"{e.Before.Name} is now {e.After.Name} {e.After.Profile.Display}",
        ChatEvent.ContactDeletedByPeer e => $"{e.Contact.Name} deleted you",
        ChatEvent.ServerUp => "server up",
        ChatEvent.ServerDown => "server down",
        ChatEvent.Unsupported e => $"{e.Contact.Name} sent {e.Tag}",
        ChatEvent.Problem e => "problem: " + e.Sentence,
        _ => throw new ArgumentException("An event that nobody shows.", nameof(happened)),
    };

    private static string File(ChatItem item) => $"{item.Direction} file {item.File!.Id} ({item.File.Name})";

    private static string Show(Contact contact, ChatItem item)
    {
        var line = new StringBuilder(item.Direction == ItemDirection.Sent ? $"@{contact.Name} " : $"{contact.Name}> ");
        line.Append(item.IsDeleted ? "(deleted)" : item.Text);
        if (item.IsEdited)
            line.Append(" (edited)");
        if (item.File is { } file)
            line.Append($" [file {file.Id} {file.Name} {file.Size}]");
        if (item.Notice is not null)
            line.Append($" [{item.Notice}]");
        return line.ToString();
    }

    private async Task OpenAsync()
    {
        var token = TestContext.Current.CancellationToken;
        using var passphrase = Passphrase.Empty();
        _database = Database.Open(new() { Path = _path, Schemas = ChatCore.Schemas }, passphrase);
        var agent = await AgentClient.StartAsync(new AgentOptions(), new AgentDependencies(_database, new SmpRelayConnector(new SmpClientOptions())), token);
        _core = await ChatCore.StartAsync(_options, _database, agent, token);
        _reading = ReadAsync(_core, token);
    }

    private async Task CloseAsync()
    {
        await _core.DisposeAsync();
        await _reading;
        await _database.DisposeAsync();
    }

    private async Task ReadAsync(ChatCore core, CancellationToken cancellationToken)
    {
        await foreach (var happened in core.ReadEventsAsync(cancellationToken))
        {
            lock (_lock)
            {
                _seen.Add(Show(happened));
                _changed.SetResult();
                _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            }
        }
    }
}
