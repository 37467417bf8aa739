using System.Runtime.CompilerServices;
using System.Text;
using System.Threading.Channels;
using Pairwise.Agent.Connections;
using Pairwise.Agent.Relays;
using Pairwise.Agent.Store;
using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Agent;
using Pairwise.Protocol.Smp;
using Pairwise.Ratchet;
using Pairwise.Storage;
using Pairwise.TestKit;

namespace Pairwise.Agent.Tests;

/// <summary>
/// Recorded connections of two agents of the reference (agent_trace.json), received by our agent in the place of either:
/// it is given that side's keys and, before each message, its recorded ratchet, and says what the message said, with the
/// whole hash chain in order.
/// </summary>
public sealed class TraceReplayTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("alice")]
    [InlineData("bob")]
    public async Task Our_agent_understands_every_message_of_the_recorded_connections(string side)
    {
        var records = VectorFile.Load("agent_trace.json").OfKind("agentTrace").ToList();
        Assert.Equal(3, records.Count);
        foreach (var record in records)
        {
            using var folder = new TemporaryFolder();
            var messages = record["messages"].EnumerateArray().Select((json, index) => new VectorRecord(index, json)).Where(message => message.String("receiver") == side).ToList();
            Assert.NotEmpty(messages);
            await ReplayAsync(folder, record, messages, side);
        }
    }

    private static async Task ReplayAsync(TemporaryFolder folder, VectorRecord record, List<VectorRecord> messages, string side)
    {
        Assert.True(ConnectionRequest.TryParse(record.String("invitation"), out var link));
        var server = link.Queues[0].Address.Server;
        var relay = new ScriptedRelay();
        using var relayPrivate = X25519PrivateKey.Generate(SystemRandom.Instance);
        using var dhPrivate = X25519PrivateKey.Generate(SystemRandom.Instance);
        var recorded = new VectorRecord(0, record[side + "Queue"]);
        var queue = new ReceiveQueue
        {
            Connection = ConnectionId.Generate(SystemRandom.Instance),
            User = new UserId(1),
            Server = server,
            Recipient = new RecipientId(recorded.Bytes("recipientId")),
            RecipientKey = Key<Ed25519PrivateKey>(recorded.Bytes("recipientPrivateKeyPkcs8")),
            DhPrivate = dhPrivate,
            ServerDhPublic = relayPrivate.PublicKey,
            E2ePrivate = Key<X25519PrivateKey>(recorded.Bytes("e2ePrivateKeyPkcs8")),
            Sender = new SenderId(recorded.Bytes("senderId")),
            Mode = QueueMode.Messaging,
            ClientVersion = (ushort)messages[0].Int("smpClientVersion"),
        };
        await using var agent = await TestAgent.StartAsync(folder, side, null, relay, new ServerAddressWithPassword(server, null));
        await agent.Database.TransactAsync(session => Prepare(session, agent.User, record, messages, side, queue), Token);
        await agent.Client.SubscribeAllAsync(Token);
        using var secret = relayPrivate.DeriveSharedSecret(dhPrivate.PublicKey);
        using var relayKey = BoxKey.From(secret);
        foreach (var message in messages)
        {
            if (message.Has("ratchetStateBefore"))
            {
                Assert.True(ReferenceRatchetJson.TryParse(Encoding.UTF8.GetBytes(message.String("ratchetStateBefore")), out var state));
                using (state) await agent.Database.TransactAsync(session => RatchetRows.Create(session, queue.Connection, state), Token);
            }

            var id = new MessageId(message.Bytes("serverMsgId"));
            var sealedMessage = new byte[RelayMessage.SealedLength];
            new RelayMessage.Content(new WireTime(1_700_000_000), new MessageFlags(message.Bool("notification")), message.Bytes("sentBody")).Seal(relayKey, id, sealedMessage);
            relay.Deliver(new RelayEvent(queue.Recipient.ToEntityId(), new BrokerMessage.Msg(id, sealedMessage)));
            Assert.True(AgentMessage.TryDecode(message.Bytes("agentMessage"), out var expected));
            await ExpectAsync(agent, queue.Connection, expected);
            await Eventually.UntilAsync(() => relay.Acknowledged.TryPeek(out _), Token, $"{message.String("kind")} is acknowledged");
            Assert.True(relay.Acknowledged.TryRead(out var acknowledged), $"{message.String("kind")}: {string.Join(", ", agent.Untaken())}");
            Assert.Equal(id, acknowledged);
            if (expected is AgentMessage.ConnectionInfoReply) await agent.Database.TransactAsync(session => AddSendQueue(session, queue), Token);
        }

        Assert.DoesNotContain(agent.Untaken(), raised => raised is AgentEvent.ConnectionFailed or AgentEvent.RatchetSyncChanged or AgentEvent.Failed);
    }

    private static async Task ExpectAsync(TestAgent agent, ConnectionId connection, AgentMessage expected)
    {
        switch (expected)
        {
            case AgentMessage.ConnectionInfoReply reply:
                Assert.Equal(reply.Info.ToArray(), (await agent.NextAsync<AgentEvent.ConfirmationReceived>()).Info.ToArray());
                break;
            case AgentMessage.ConnectionInfo info:
                Assert.Equal(info.Info.ToArray(), (await agent.NextAsync<AgentEvent.InfoReceived>()).Info.ToArray());
                break;
            case AgentMessage.Sequenced { Content: AgentMessageContent.Message content } sequenced:
                var received = await agent.NextAsync<AgentEvent.MessageReceived>();
                Assert.Equal(content.Body.ToArray(), received.Body.ToArray());
                Assert.Equal(sequenced.MessageId, received.Meta.SenderMessageId);
                Assert.Equal(MessageIntegrity.Ok.Instance, received.Meta.Integrity);
                await agent.Client.AckMessageAsync(connection, received.Meta.Id, receipt: null, Token);
                break;
            case AgentMessage.Sequenced { Content: AgentMessageContent.Receipts }:
                Assert.All((await agent.NextAsync<AgentEvent.ReceiptsReceived>()).Receipts, receipt => Assert.True(receipt.IsHashCorrect));
                break;
            case AgentMessage.Sequenced { Content: AgentMessageContent.Hello }:
                break;
            default:
                Assert.Fail(expected.ToString());
                break;
        }
    }

    /// <summary>The state of that side when its first recorded message comes: for the joiner, a send queue that was confirmed; and what receipts will be for.</summary>
    private static void Prepare(DatabaseSession session, UserId user, VectorRecord record, List<VectorRecord> messages, string side, ReceiveQueue queue)
    {
        var isOld = messages[0].Int("smpClientVersion") < 3;
        ConnectionRows.Add(session, new ConnectionRow(queue.Connection, user, ConnectionMode.Invitation, new AgentVersion(isOld ? (ushort)4 : (ushort)7), record.Bool("pqSupport"), RatchetSyncState.Ok));
        QueueRows.Add(session, queue);
        if (side == "alice")
        {
            RatchetRows.SetX3dhKeys(session, queue.Connection, X3dhKeysOf(record));
        }
        else
        {
            AddSendQueue(session, queue);
        }

        foreach (var message in messages)
        {
            if (!AgentMessage.TryDecode(message.Bytes("agentMessage"), out var decoded) || decoded is not AgentMessage.Sequenced { Content: AgentMessageContent.Receipts receipts }) continue;
            foreach (var receipt in receipts.Items)
            {
                var sent = new PendingMessage(queue.Connection, new AgentMessageId(1000 + receipt.MessageId), MessageKind.User, IsNotificationWanted: true, IsPostQuantum: true, TimeProvider.System.GetUtcNow(), [], Encryption: null);
                SentMessageRows.Add(session, sent, receipt.MessageId, receipt.MessageHash.ToArray());
            }
        }
    }

    /// <summary>A send queue through which the confirmation and the greeting went.</summary>
    private static void AddSendQueue(DatabaseSession session, ReceiveQueue queue)
    {
        QueueRows.Add(session, new SendQueue
        {
            Connection = queue.Connection,
            User = queue.User,
            Server = queue.Server,
            Sender = new SenderId("sender"u8),
            SenderKey = Ed25519PrivateKey.Generate(SystemRandom.Instance),
            Mode = QueueMode.Messaging,
            E2ePrivate = X25519PrivateKey.Generate(SystemRandom.Instance),
            PeerE2ePublic = X25519PrivateKey.Generate(SystemRandom.Instance).PublicKey,
            Status = QueueStatus.Active,
            ClientVersion = queue.ClientVersion,
        });
        ConnectionRows.NextSendIds(session, queue.Connection);
    }

    // Our stored form: %x01 key1 key2 ("N" / "P" publicKey secretKey); the reference's: "P" and both with their lengths.
    private static byte[] X3dhKeysOf(VectorRecord record)
    {
        List<byte> stored = [1, .. Key<X448PrivateKey>(record.Bytes("aliceX3dhKey1Pkcs8")).Raw, .. Key<X448PrivateKey>(record.Bytes("aliceX3dhKey2Pkcs8")).Raw];
        if (!record.Has("aliceKemStored")) return [.. stored, (byte)'N'];
        var kem = record.Bytes("aliceKemStored");
        return [.. stored, (byte)'P', .. kem[3..(3 + Sntrup761.PublicKeyLength)], .. kem[(5 + Sntrup761.PublicKeyLength)..]];
    }

    private static T Key<T>(byte[] pkcs8)
        where T : PrivateKey => PrivateKey.TryFromPkcs8(pkcs8, out var key) ? Assert.IsType<T>(key) : throw new FormatException("not a key");

    /// <summary>A relay that says yes to everything and delivers what the test says.</summary>
    private sealed class ScriptedRelay : IRelayConnector, IRelayConnection
    {
        private readonly Channel<RelayEvent> _events = Channel.CreateUnbounded<RelayEvent>();
        private readonly Channel<MessageId> _acknowledged = Channel.CreateUnbounded<MessageId>();

        public SmpVersion Version => SmpVersions.Current;

        public ChannelReader<MessageId> Acknowledged => _acknowledged.Reader;

        public void Deliver(RelayEvent received) => Assert.True(_events.Writer.TryWrite(received));

        public Task<IRelayConnection> ConnectAsync(ServerAddress server, CancellationToken cancellationToken) => Task.FromResult<IRelayConnection>(this);

        public async IAsyncEnumerable<RelayEvent> ReadEventsAsync([EnumeratorCancellation] CancellationToken cancellationToken)
        {
            await foreach (var received in _events.Reader.ReadAllAsync(cancellationToken)) yield return received;
        }

        public Task<BrokerMessage> SendAsync(RelayCommand command, CancellationToken cancellationToken)
        {
            if (command.Command is SmpCommand.Ack ack) Assert.True(_acknowledged.Writer.TryWrite(ack.Message));
            return Task.FromResult<BrokerMessage>(BrokerMessage.Ok.Instance);
        }

        public async Task<IReadOnlyList<RelayAnswer>> SendBatchAsync(IReadOnlyList<RelayCommand> commands, CancellationToken cancellationToken)
        {
            var answers = new List<RelayAnswer>();
            foreach (var command in commands) answers.Add(new RelayAnswer(await SendAsync(command, cancellationToken), null));
            return answers;
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
