using System.Threading.Channels;
using Pairwise.Agent;
using Pairwise.Agent.Store;
using Pairwise.Chat.Commands;
using Pairwise.Chat.Files;
using Pairwise.Chat.Protocol;
using Pairwise.Chat.Store;
using Pairwise.Protocol;
using Pairwise.Storage;

namespace Pairwise.Chat;

/// <summary>
/// The chat of one profile: contacts and conversations over an agent, driven by commands as one types them, telling
/// what happens as events. Everything it answers or tells is stored first. Thread-safe.
/// </summary>
public sealed class ChatCore : IAsyncDisposable
{
    /// <summary>What waits for a front end that does not read; then the chat receives no more until it does.</summary>
    private const int EventCapacity = 4096;

    /// <summary>How often the agent is asked whether it has sent what is no line of a conversation: it tells nothing of that.</summary>
    private static readonly TimeSpan UnsentInterval = TimeSpan.FromMilliseconds(100);

    private static readonly TimeSpan StorageRetry = TimeSpan.FromSeconds(5);

    private readonly Channel<ChatEvent> _events = Channel.CreateBounded<ChatEvent>(new BoundedChannelOptions(EventCapacity) { SingleReader = true });
    private readonly CancellationTokenSource _stopping = new();
    private readonly Database _database;
    private readonly IAgentClient _agent;
    private readonly ChatOptions _options;
    private readonly MessageSender _sender;
    private readonly FileExchange _files;
    private readonly AgentEventHandler _handler;
    private readonly CommandExecutor _executor;
    private Task _receiving = Task.CompletedTask;
    private Task _subscribing = Task.CompletedTask;

    // Completed and replaced whenever an event is told: somebody may wait for the state to change. Guarded by Interlocked.
    private TaskCompletionSource _changed = NewSignal();

    private ChatCore(ChatOptions options, Database database, IAgentClient agent)
    {
        _options = options;
        _database = database;
        _agent = agent;
        _sender = new MessageSender(database, agent, options);
        _files = new FileExchange(database, agent, _sender, options, TellAsync);
        _handler = new AgentEventHandler(database, agent, _sender, _files, options, TellAsync);
        _executor = new CommandExecutor(database, agent, _sender, _files, options);
    }

    /// <summary>The tables of chat and agent, which live in one file: what the front end opens the database with.</summary>
    public static IReadOnlyList<DatabaseSchema> Schemas { get; } = [AgentSchema.Schema, ChatSchema.Schema];

    /// <summary>Our own profile; null before the first start's <see cref="CreateProfileAsync"/>.</summary>
    public Profile? Profile => _executor.Profile;

    /// <summary>
    /// Starts the chat over a database and an agent that was started on the same database. The chat owns the agent from
    /// here on; the database stays the caller's, who disposes it after the chat. It does not wait for relays: events tell
    /// which of them are there.
    /// </summary>
    public static async Task<ChatCore> StartAsync(ChatOptions options, Database database, IAgentClient agent, CancellationToken cancellationToken)
    {
        if (options.Servers.Count == 0)
            throw new ArgumentException("A chat needs at least one relay.", nameof(options));
        var core = new ChatCore(options, database, agent);
        await core._executor.LoadAsync(cancellationToken);
        await core._files.LoadAsync(cancellationToken);
        core._receiving = core.ReceiveAsync();
        if (core.Profile is not null)
        {
            await core._sender.ResumeAsync(cancellationToken);
            core._subscribing = core.SubscribeAsync();
        }

        return core;
    }

    /// <summary>Creates our profile at the first start.</summary>
    /// <exception cref="ChatException">The name is not allowed (<see cref="ChatError.InvalidName"/>).</exception>
    public Task CreateProfileAsync(string displayName, string fullName, CancellationToken cancellationToken) =>
        _executor.CreateProfileAsync(displayName, fullName, cancellationToken);

    /// <summary>Carries out a command. What a user can do wrong, and what can fail, is <see cref="ChatResponse.Failed"/>.</summary>
    public async Task<ChatResponse> ExecuteAsync(string command, CancellationToken cancellationToken)
    {
        if (!ChatCommandParser.TryParse(command, out var parsed, out var fault))
            return new ChatResponse.Failed(ChatError.Syntax, fault);
        try
        {
            return await _executor.ExecuteAsync(parsed, cancellationToken);
        }
        catch (ChatException e)
        {
            return new ChatResponse.Failed(e.Error, e.Message);
        }
        catch (AgentException e)
        {
            var mapped = ChatErrors.From(e);
            return new ChatResponse.Failed(mapped.Error, mapped.Message);
        }
        catch (StorageException e)
        {
            var mapped = ChatErrors.From(e);
            return new ChatResponse.Failed(mapped.Error, mapped.Message);
        }
    }

    /// <summary>What happens, in order; one reader. Ends when the chat is disposed.</summary>
    public IAsyncEnumerable<ChatEvent> ReadEventsAsync(CancellationToken cancellationToken) => _events.Reader.ReadAllAsync(cancellationToken);

    /// <summary>Whether events wait to be read.</summary>
    public bool HasUnreadEvents => _events.Reader.Count > 0;

    /// <summary>Completes when all that commands had to send, messages and what goes unseen, is at its relay or given up.</summary>
    public async Task WaitUntilSentAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var changed = Volatile.Read(ref _changed).Task;
            var hasPending = await _database.ReadAsync(static session => new ChatStore(session).HasPending(), cancellationToken);
            if (!hasPending && !await HasUploadsAsync(cancellationToken) && !await _agent.HasUnsentAsync(cancellationToken))
                return;
            await Task.WhenAny(changed, Task.Delay(UnsentInterval, _options.Time, cancellationToken));
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    /// <summary>Whether a file of ours is on its way to its file relays.</summary>
    public Task<bool> HasUploadsAsync(CancellationToken cancellationToken) => _files.HasUploadsAsync(cancellationToken);

    /// <summary>
    /// The line with its first word, or the name after '@', completed as far as all that fits agrees; null when there is
    /// nothing to add.
    /// </summary>
    public async Task<string?> CompleteAsync(string line, CancellationToken cancellationToken)
    {
        var contacts = await _database.ReadAsync(static session => new ChatStore(session).GetContacts(), cancellationToken);
        return CommandCompletion.Complete(line, contacts);
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _receiving;
        await _subscribing;
        await _files.StopAsync();
        await _agent.DisposeAsync();
        _events.Writer.TryComplete();
        _files.Dispose();
        _sender.Dispose();
        _stopping.Dispose();
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private async ValueTask TellAsync(ChatEvent happened, CancellationToken cancellationToken)
    {
        await _events.Writer.WriteAsync(happened, cancellationToken);
        Interlocked.Exchange(ref _changed, NewSignal()).SetResult();
    }

    // Owned by this object from StartAsync to DisposeAsync. A relay that does not answer is the agent's to tell of.
    private async Task SubscribeAsync()
    {
        var token = _stopping.Token;
        try
        {
            // At once: the relay of a file's connection may be one that does not answer for a while.
            await Task.WhenAll(ResumeFilesAsync(token), _agent.SubscribeAllAsync(token));
        }
        catch (OperationCanceledException) when (token.IsCancellationRequested)
        {
            // The chat is being disposed.
        }
        catch (Exception e)
        {
            // The boundary of the task: whatever it was, nobody else sees it.
            _events.Writer.TryWrite(new ChatEvent.Problem($"Messages of some contacts are not received until the chat is started again: {e.Message}"));
        }
    }

    // What one file cannot do must not keep messages away.
    private async Task ResumeFilesAsync(CancellationToken cancellationToken)
    {
        try
        {
            await _files.ResumeAsync(cancellationToken);
        }
        catch (Exception e) when (e is ChatException or AgentException or StorageException)
        {
            await TellAsync(new ChatEvent.Problem($"Files that were on their way go on at the next start: {e.Message}"), cancellationToken);
        }
    }

    // Owned by this object from StartAsync to DisposeAsync. Asking the agent for the next event says that the one before was handled.
    private async Task ReceiveAsync()
    {
        var token = _stopping.Token;
        try
        {
            await foreach (var happened in _agent.ReadEventsAsync(token))
                await HandleAsync(happened, token);
        }
        catch (OperationCanceledException) when (token.IsCancellationRequested)
        {
            // The chat is being disposed.
        }
        catch (Exception e)
        {
            // The boundary of the loop: whatever it was, what is not acknowledged stays at the relay and comes at the next start.
            _events.Writer.TryWrite(new ChatEvent.Problem($"Nothing more is received until the chat is started again: {e.Message}"));
        }
    }

    private async Task HandleAsync(AgentEvent happened, CancellationToken cancellationToken)
    {
        var isTold = false;
        while (true)
        {
            try
            {
                await _handler.HandleAsync(happened, cancellationToken);
                return;
            }
            catch (StorageException e) when (e.IsTransient)
            {
                // What cannot be stored is not acknowledged: the relay keeps it until there is space again.
                if (!isTold)
                    await TellAsync(new ChatEvent.Problem(ChatErrors.From(e).Message), cancellationToken);
                isTold = true;
                await Task.Delay(StorageRetry, _options.Time, cancellationToken);
            }
            catch (ChatException e)
            {
                await TellAsync(new ChatEvent.Problem(e.Message), cancellationToken);
                return;
            }
            catch (AgentException e)
            {
                await TellAsync(new ChatEvent.Problem(ChatErrors.Describe(e.Error)), cancellationToken);
                return;
            }
        }
    }
}
