using System.Runtime.CompilerServices;
using Pairwise.Agent.Relays;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;

namespace Pairwise.Agent.Tests;

/// <summary>What happens to one command.</summary>
internal enum SendFault
{
    None,

    /// <summary>The connection breaks before the relay sees the command.</summary>
    LoseCommand,

    /// <summary>The relay does what it is told, and the connection breaks before its answer arrives.</summary>
    LoseAnswer,
}

/// <summary>A connector whose connections break when a test says so.</summary>
internal sealed class FaultyConnector(IRelayConnector inner) : IRelayConnector
{
    // Guarded by itself.
    private readonly List<Connection> _open = [];

    /// <summary>Asked about every command, batches included.</summary>
    public Func<RelayCommand, SendFault> OnSend { get; set; } = static _ => SendFault.None;

    /// <summary>While false, no connection can be made.</summary>
    public bool IsReachable { get; set; } = true;

    /// <summary>Ends before any relay is reached.</summary>
    public Task Way { get; set; } = Task.CompletedTask;

    /// <summary>What was sent and answered, for the report of a failed test.</summary>
    public List<string> Log { get; } = [];

    /// <summary>Connections made so far.</summary>
    public int Connections { get; private set; }

    /// <summary>How often each event of the relay arrives.</summary>
    public int EventCopies { get; set; } = 1;

    public async Task<IRelayConnection> ConnectAsync(ServerAddress server, CancellationToken cancellationToken)
    {
        if (!IsReachable) throw Broken(server);
        await Way.WaitAsync(cancellationToken);
        var connection = new Connection(this, server, await inner.ConnectAsync(server, cancellationToken));
        lock (_open) _open.Add(connection);
        Connections++;
        return connection;
    }

    /// <summary>Breaks all connections.</summary>
    public async Task CutAsync()
    {
        Connection[] open;
        lock (_open) open = [.. _open];
        foreach (var connection in open) await connection.DisposeAsync();
    }

    private static AgentException Broken(ServerAddress server) => new(new AgentError.Broker(server.ToString(), BrokerFault.Network, "cut by the test"));

    private sealed class Connection(FaultyConnector owner, ServerAddress server, IRelayConnection connection) : IRelayConnection
    {
        public SmpVersion Version => connection.Version;

        public async IAsyncEnumerable<RelayEvent> ReadEventsAsync([EnumeratorCancellation] CancellationToken cancellationToken)
        {
            await foreach (var received in connection.ReadEventsAsync(cancellationToken))
            {
                Write($"{received.Message}");
                for (var i = 0; i < owner.EventCopies; i++) yield return received;
            }
        }

        public async Task<BrokerMessage> SendAsync(RelayCommand command, CancellationToken cancellationToken)
        {
            var fault = owner.OnSend(command);
            Write($"{command.Command} {fault}");
            if (fault == SendFault.LoseCommand) await FailAsync();
            var answer = await connection.SendAsync(command, cancellationToken);
            Write($"{command.Command} -> {answer}");
            if (fault == SendFault.LoseAnswer) await FailAsync();
            return answer;
        }

        public async Task<IReadOnlyList<RelayAnswer>> SendBatchAsync(IReadOnlyList<RelayCommand> commands, CancellationToken cancellationToken)
        {
            var faults = commands.Select(owner.OnSend).ToList();
            if (faults.Contains(SendFault.LoseCommand)) await FailAsync();
            var answers = await connection.SendBatchAsync(commands, cancellationToken);
            if (faults.Contains(SendFault.LoseAnswer)) await FailAsync();
            return answers;
        }

        public async ValueTask DisposeAsync()
        {
            lock (owner._open) owner._open.Remove(this);
            await connection.DisposeAsync();
        }

        private void Write(string line)
        {
            lock (owner.Log) owner.Log.Add($"{GetHashCode():x} {line}");
        }

        private async Task FailAsync()
        {
            await DisposeAsync();
            throw Broken(server);
        }
    }
}
