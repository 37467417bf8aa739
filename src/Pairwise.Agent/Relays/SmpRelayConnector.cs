using System.Runtime.CompilerServices;
using Pairwise.Client;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;
using Pairwise.Transport;

namespace Pairwise.Agent.Relays;

/// <summary>Reaches relays over the network, with <see cref="SmpClient"/>. Thread-safe.</summary>
public sealed class SmpRelayConnector(SmpClientOptions options) : IRelayConnector
{
    public async Task<IRelayConnection> ConnectAsync(ServerAddress server, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(server);
        try
        {
            return new SmpRelayConnection(server, await SmpClient.ConnectAsync(server, options, isInteractive: false, cancellationToken));
        }
        catch (TransportException e)
        {
            var error = Map(server, e.Failure, e.Message);
            throw new AgentException(e.Error == TransportError.Version ? error with { Fault = BrokerFault.Version } : error, e);
        }
    }

    internal static AgentError.Broker Map(ServerAddress server, TransportFailure failure, string detail) => new(
        server.ToString(),
        failure switch
        {
            TransportFailure.Unreachable or TransportFailure.ProxyRefused or TransportFailure.Closed or TransportFailure.Tls => BrokerFault.Network,
            TransportFailure.TimedOut => BrokerFault.Timeout,
            TransportFailure.HostNotAllowed => BrokerFault.Host,
            TransportFailure.UnknownIdentity => BrokerFault.Transport,
            TransportFailure.Protocol => BrokerFault.Transport,
            _ => BrokerFault.Transport,
        },
        detail);

    internal static AgentError Map(ServerAddress server, SmpClientError error) => error switch
    {
        SmpClientError.Relay relay => new AgentError.Relay(server.ToString(), relay.Error),
        SmpClientError.BadAnswer bad => new AgentError.Broker(server.ToString(), BrokerFault.Response, bad.Error.ToString()),
        SmpClientError.Unexpected => new AgentError.Broker(server.ToString(), BrokerFault.Unexpected, "the answer is about another queue"),
        SmpClientError.TimedOut => new AgentError.Broker(server.ToString(), BrokerFault.Timeout, "no answer in time"),
        SmpClientError.Disconnected lost => Map(server, lost.Failure, "the connection ended") with { Fault = BrokerFault.Network },
        SmpClientError.CannotSend cannot => new AgentError.Broker(server.ToString(), BrokerFault.Transport, $"the command cannot be sent: {cannot.Error}"),
        _ => throw new System.Diagnostics.UnreachableException(),
    };
}

/// <summary>A session of <see cref="SmpClient"/> as the agent sees it.</summary>
internal sealed class SmpRelayConnection : IRelayConnection
{
    private readonly ServerAddress _server;
    private readonly SmpClient _client;

    public SmpRelayConnection(ServerAddress server, SmpClient client)
    {
        _server = server;
        _client = client;
    }

    public SmpVersion Version => _client.Version;

    public async IAsyncEnumerable<RelayEvent> ReadEventsAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var received in _client.Events.ReadAllAsync(cancellationToken))
        {
            // Answers whose caller gave up matter only when they bring a message.
            if (received.LateAnswerTo is null || received.Message is BrokerMessage.Msg) yield return new RelayEvent(received.Entity, received.Message);
        }
    }

    public async Task<BrokerMessage> SendAsync(RelayCommand command, CancellationToken cancellationToken)
    {
        var result = await _client.SendAsync(ToRequest(command), cancellationToken);
        return result switch
        {
            { IsOk: true, Message: { } message } => message,
            { Error: SmpClientError.Relay relay } => new BrokerMessage.Err(relay.Error),
            { Error: { } error } => throw new AgentException(SmpRelayConnector.Map(_server, error)),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
    }

    public async Task<IReadOnlyList<RelayAnswer>> SendBatchAsync(IReadOnlyList<RelayCommand> commands, CancellationToken cancellationToken)
    {
        var results = await _client.SendBatchAsync([.. commands.Select(ToRequest)], isInteractive: false, cancellationToken);
        return [.. results.Select(result => result switch
        {
            { IsOk: true } => new RelayAnswer(result.Message, null),
            { Error: SmpClientError.Relay relay } => new RelayAnswer(new BrokerMessage.Err(relay.Error), null),
            _ => new RelayAnswer(null, SmpRelayConnector.Map(_server, result.Error!)),
        })];
    }

    public ValueTask DisposeAsync() => _client.DisposeAsync();

    private static SmpRequest ToRequest(RelayCommand command) => new(command.Command, command.Entity, command.Key, command.CorrId);
}
