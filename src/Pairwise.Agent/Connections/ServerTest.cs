using Pairwise.Agent.Relays;
using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;

namespace Pairwise.Agent.Connections;

/// <summary>Tries a relay out over a connection of its own: connect, create a queue, secure it, delete it.</summary>
internal static class ServerTest
{
    /// <summary>Null when all went well, otherwise the step that failed.</summary>
    public static async Task<ServerTestFailure?> RunAsync(IRelayConnector connector, IRandomSource random, ServerAddressWithPassword server, CancellationToken cancellationToken)
    {
        var step = ServerTestStep.Connect;
        try
        {
            await using var relay = await connector.ConnectAsync(server.Server, cancellationToken);
            using var recipientKey = Ed25519PrivateKey.Generate(random);
            using var senderKey = Ed25519PrivateKey.Generate(random);
            using var dhKey = X25519PrivateKey.Generate(random);

            step = ServerTestStep.CreateQueue;
            var command = new SmpCommand.New(recipientKey.PublicKey, dhKey.PublicKey, server.Password, SubscriptionMode.OnlyCreate, new QueueRequest.Messaging(null), Notifier: null);
            var ids = await SendAsync<BrokerMessage.Ids>(relay, server.Server, new RelayCommand(command, EntityId.None, recipientKey), cancellationToken);

            step = ServerTestStep.SecureQueue;
            RelayCommand secure = relay.Version >= SmpVersions.SenderAuthKey
                ? new(new SmpCommand.SKey(senderKey.PublicKey), ids.Sender.ToEntityId(), senderKey)
                : new(new SmpCommand.Key(senderKey.PublicKey), ids.Recipient.ToEntityId(), recipientKey);
            await SendAsync<BrokerMessage.Ok>(relay, server.Server, secure, cancellationToken);

            step = ServerTestStep.DeleteQueue;
            await SendAsync<BrokerMessage.Ok>(relay, server.Server, new RelayCommand(SmpCommand.Del.Instance, ids.Recipient.ToEntityId(), recipientKey), cancellationToken);
            step = ServerTestStep.Disconnect;
        }
        catch (AgentException e)
        {
            return new ServerTestFailure(step, e.Error);
        }

        return null;
    }

    private static async Task<T> SendAsync<T>(IRelayConnection relay, ServerAddress server, RelayCommand command, CancellationToken cancellationToken)
        where T : BrokerMessage =>
        await relay.SendAsync(command, cancellationToken) switch
        {
            T answer => answer,
            BrokerMessage.Err error => throw new AgentException(new AgentError.Relay(server.ToString(), error.Error)),
            var other => throw new AgentException(new AgentError.Broker(server.ToString(), BrokerFault.Unexpected, other.ToString() ?? string.Empty)),
        };
}
