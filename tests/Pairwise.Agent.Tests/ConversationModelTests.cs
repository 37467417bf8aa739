using System.Text;
using Pairwise.Agent.Relays;
using Pairwise.Agent.Store;
using Pairwise.Client;
using Pairwise.Protocol;
using Pairwise.Protocol.Agent;
using Pairwise.Protocol.Smp;
using Pairwise.Storage;
using Pairwise.TestKit;

namespace Pairwise.Agent.Tests;

/// <summary>
/// Whole conversations against a simple model, two lists of texts: whatever is cut, lost, stopped and started again,
/// each side receives what the other sent, once and in order, with nothing missing between.
/// </summary>
public sealed class ConversationModelTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<int> Seeds => [.. Environment.GetEnvironmentVariable("PAIRWISE_MODEL_SEEDS")?.Split(',').Select(int.Parse) ?? Enumerable.Range(1, Rounds)];

    /// <summary>More rounds can be asked for by the environment variable.</summary>
    private static int Rounds => int.TryParse(Environment.GetEnvironmentVariable("PAIRWISE_MODEL_ROUNDS"), out var rounds) ? rounds : 6;

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task Nothing_is_lost_repeated_or_reordered(int seed)
    {
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        var random = new Random(seed);
        using var folder = new TemporaryFolder();
        await using var relay = await TestRelay.StartAsync(folder, "relay");
        await using var other = await TestRelay.StartAsync(folder, "other");
        await using var alice = await Party.StartAsync(folder, "alice", random.Next(), relay.Address, other.Address);
        await using var bob = await Party.StartAsync(folder, "bob", random.Next(), other.Address);

        var created = await alice.Agent.CreateConnectionAsync(alice.User, ConnectionMode.Invitation, PostQuantumMode.On, Token);
        alice.Connection = created.Connection;
        bob.Connection = await bob.Agent.PrepareToJoinAsync(bob.User, created.Link, isPostQuantum: true, Token);
        await bob.JoinAsync(created.Link);

        for (var step = 0; step < 60; step++)
        {
            var (party, peer) = random.Next(2) == 0 ? (alice, bob) : (bob, alice);
            switch (random.Next(10))
            {
                case < 5 when party.CanSend:
                    await party.SendAsync($"{party.Name} {step} {new string('x', random.Next(2000))}");
                    break;
                case 5:
                    await party.Connector.CutAsync();
                    break;
                case 6:
                    await party.RestartAsync();
                    break;
                case 7:
                    party.LoseNext(random.Next(3));
                    break;
                case 8:
                    await Task.Delay(TimeSpan.FromMilliseconds(random.Next(60)), TimeProvider.System, Token);
                    break;
                case 9 when random.Next(4) == 0:
                    await (random.Next(2) == 0 ? relay : other).RestartAsync();
                    break;
                case 9:
                    party.CrashBeforeNextAck();
                    break;
                default:
                    break;
            }
        }

        alice.Heal();
        bob.Heal();
        await Party.WaitForAsync(() => alice.IsConnected && bob.IsConnected, alice, bob);
        await alice.SendAsync("last of alice");
        await bob.SendAsync("last of bob");
        await Party.WaitForAsync(() => bob.Received.Count >= alice.Sent.Count, alice, bob);
        await Party.WaitForAsync(() => alice.Received.Count >= bob.Sent.Count, alice, bob);
        Assert.Equal(alice.Sent, bob.Received);
        Assert.Equal(bob.Sent, alice.Received);
        Assert.True(alice.Faults.Count == 0 && bob.Faults.Count == 0, alice.Describe() + "\n" + bob.Describe());
    }

    /// <summary>An agent and the application on it, which keeps what it received when it is restarted, as a chat's database does.</summary>
    private sealed class Party : IAsyncDisposable
    {
        private readonly string _path;
        private readonly ServerAddressWithPassword[] _servers;
        private readonly Random _random;
        private readonly HashSet<AgentMessageId> _seen = [];
        private readonly List<string> _log = [];
        private readonly SemaphoreSlim _restarting = new(1, 1);
        private Database _database = null!;
        private CancellationTokenSource _stop = null!;
        private Task _reading = Task.CompletedTask;
        private int _lose = -1;
        private bool _skipsAck;

        private Party(string path, string name, int seed, ServerAddressWithPassword[] servers)
        {
            _path = path;
            Name = name;
            _random = new Random(seed);
            _servers = servers;
            Connector = new FaultyConnector(new SmpRelayConnector(new SmpClientOptions())) { OnSend = ChooseFault };
        }

        public string Name { get; }

        public AgentClient Agent { get; private set; } = null!;

        public FaultyConnector Connector { get; }

        public UserId User { get; private set; }

        public ConnectionId Connection { get; set; }

        public List<string> Sent { get; } = [];

        public List<string> Received { get; } = [];

        public List<string> Faults { get; } = [];

        public bool IsConnected { get; private set; }

        public bool CanSend { get; private set; }

        public static async Task<Party> StartAsync(TemporaryFolder folder, string name, int seed, params ServerAddressWithPassword[] servers)
        {
            var party = new Party(folder.File(name + ".db"), name, seed, servers);
            await party.OpenAsync();
            party.User = await party.Agent.CreateUserAsync(servers, Token);
            return party;
        }

        /// <summary>Joins, as often as it takes.</summary>
        public async Task JoinAsync(ConnectionRequest link)
        {
            while (true)
            {
                try
                {
                    await Agent.JoinConnectionAsync(Connection, link, Encoding.UTF8.GetBytes(Name), isPostQuantum: true, Token);
                    CanSend = true;
                    return;
                }
                catch (AgentException e) when (e.IsTransient)
                {
                    await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, Token);
                }
            }
        }

        public async Task SendAsync(string text)
        {
            await _restarting.WaitAsync(Token);
            try
            {
                await Agent.SendMessageAsync(Connection, Encoding.UTF8.GetBytes(text), isNotificationWanted: true, isPostQuantum: _random.Next(8) != 0, Token);
                Sent.Add(text);
            }
            finally
            {
                _restarting.Release();
            }
        }

        public async Task RestartAsync()
        {
            await _restarting.WaitAsync(Token);
            try
            {
                _log.Add("--- restart ---");
                await CloseAsync();
                await OpenAsync();
                Agent.SetServers(User, _servers);
                await Agent.SubscribeAllAsync(Token);
            }
            finally
            {
                _restarting.Release();
            }
        }

        private async Task RestartAfterCrashAsync()
        {
            try
            {
                await RestartAsync();
            }
            catch (Exception e)
            {
                Faults.Add(e.ToString());
                throw;
            }
        }

        /// <summary>The next command is lost, or its answer is.</summary>
        public void LoseNext(int skip) => _lose = skip;

        /// <summary>The application records the next message and is stopped before it can acknowledge it.</summary>
        public void CrashBeforeNextAck() => _skipsAck = true;

        public void Heal()
        {
            _lose = -1;
            _skipsAck = false;
        }

        public static async Task WaitForAsync(Func<bool> condition, params Party[] parties)
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(Token);
            limit.CancelAfter(Eventually.Patience);
            try
            {
                while (!condition()) await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, limit.Token);
            }
            catch (OperationCanceledException) when (!Token.IsCancellationRequested)
            {
                throw new TimeoutException(string.Join("\n", parties.Select(party => party.Describe())));
            }
        }

        public string Describe() =>
            $"{Name}: connected {IsConnected}, sent {Sent.Count}, received {Received.Count}, faults [{string.Join("; ", Faults)}], last events:\n  {string.Join("\n  ", _log)}\nCOMMANDS\n {string.Join("\n  ", Connector.Log)}";

        public async ValueTask DisposeAsync() => await CloseAsync();

        private SendFault ChooseFault(RelayCommand command)
        {
            if (_lose < 0) return SendFault.None;
            if (_lose-- > 0) return SendFault.None;
            return _random.Next(2) == 0 ? SendFault.LoseCommand : SendFault.LoseAnswer;
        }

        private async Task OpenAsync()
        {
            using var passphrase = Passphrase.Empty();
            _database = Database.Open(new DatabaseOptions { Path = _path, Schemas = [AgentSchema.Schema] }, passphrase);
            Agent = await AgentClient.StartAsync(TestAgent.FastOptions, new AgentDependencies(_database, Connector), Token);
            _stop = new CancellationTokenSource();
            _reading = ReadAsync(Agent, _stop.Token);
        }

        private async Task CloseAsync()
        {
            await _stop.CancelAsync();
            await _reading;
            _stop.Dispose();
            await Agent.DisposeAsync();
            await _database.DisposeAsync();
        }

        private async Task ReadAsync(AgentClient agent, CancellationToken stop)
        {
            try
            {
                await foreach (var raised in agent.ReadEventsAsync(stop)) await HandleAsync(agent, raised, stop);
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                // The application is stopped.
            }
        }

        private async Task HandleAsync(AgentClient agent, AgentEvent raised, CancellationToken stop)
        {
            _log.Add(raised.ToString()!);
            switch (raised)
            {
                case AgentEvent.ConfirmationReceived confirmation:
                    await agent.AllowConnectionAsync(confirmation.Connection, confirmation.Confirmation, Encoding.UTF8.GetBytes(Name), stop);
                    break;
                case AgentEvent.Connected:
                    IsConnected = true;
                    CanSend = true;
                    break;
                case AgentEvent.MessageReceived message:
                    // What a chat's unique index does.
                    if (_seen.Add(message.Meta.Id))
                    {
                        Received.Add(Encoding.UTF8.GetString(message.Body.Span));
                        if (message.Meta.Integrity is not MessageIntegrity.Ok) Faults.Add($"integrity {message.Meta.Integrity}");
                    }

                    if (_skipsAck)
                    {
                        _skipsAck = false;
                        _ = RestartAfterCrashAsync();
                        break;
                    }

                    await agent.AckMessageAsync(message.Connection, message.Meta.Id, _random.Next(3) == 0 ? ReadOnlyMemory<byte>.Empty : (ReadOnlyMemory<byte>?)null, stop);
                    break;
                case AgentEvent.ReceiptsReceived receipts:
                    if (receipts.Receipts.Any(receipt => !receipt.IsHashCorrect)) Faults.Add("receipt with a wrong hash");
                    await agent.AckMessageAsync(receipts.Connection, receipts.Meta.Id, receipt: null, stop);
                    break;
                case AgentEvent.ConnectionFailed failed:
                    Faults.Add(failed.Error.ToString());
                    break;
                case AgentEvent.SendFailed failed:
                    Faults.Add(failed.Error.ToString());
                    break;
                default:
                    break;
            }
        }
    }
}
