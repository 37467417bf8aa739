using System.Globalization;
using System.Text;
using Pairwise.Client;
using Pairwise.Crypto;
using Pairwise.Demo.Processes;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;
using Pairwise.Transport;

namespace Pairwise.EndToEnd.Tests;

/// <summary>
/// A relay with a journal that dies by <c>kill -9</c> while messages come and go: every message that it answered with
/// OK is there afterwards, in order, and none comes again whose acknowledgement it answered with OK.
/// <c>PAIRWISE_RELAY_KILL_ROUNDS</c> sets the rounds, <c>PAIRWISE_SEED</c> repeats a run.
/// </summary>
public sealed class RelayKillTests(ITestOutputHelper output)
{
    private const int DefaultRounds = 12;
    private const int Queues = 4;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_killed_relay_keeps_what_it_answered_for()
    {
        var rounds = ReadNumber("PAIRWISE_RELAY_KILL_ROUNDS") ?? DefaultRounds;
        var seed = ReadNumber("PAIRWISE_SEED") ?? Environment.TickCount;
        output.WriteLine($"seed {seed}, {rounds} rounds");
        var random = new Random(seed);

        using var folder = new TestFolder();
        var address = await RelayProcess.InitAsync(folder["relay"]);
        await UseJournalAsync(folder["relay"]);
        Assert.True(ServerAddress.TryParse(address, out var server));

        var queues = new List<Queue>();
        for (var round = 0; round <= rounds; round++)
        {
            await using var relay = await RelayProcess.StartAsync(folder["relay"], address);
            await using var client = await ConnectAsync(server);
            while (queues.Count < Queues)
                queues.Add(await Queue.CreateAsync(client));
            if (round == rounds)
            {
                foreach (var queue in queues)
                    await queue.ReceiveAsync(client, isLast: true);
                break;
            }

            var working = Task.WhenAll(queues.SelectMany(queue => new[] { queue.SendAsync(client), queue.ReceiveAsync(client, isLast: false) }));
            await Task.Delay(TimeSpan.FromMilliseconds(random.Next(20, 400)), TimeProvider.System, TestContext.Current.CancellationToken);
            await relay.KillAsync();
            await working.WaitAsync(Patience, TimeProvider.System, TestContext.Current.CancellationToken);
        }

        foreach (var queue in queues)
        {
            output.WriteLine($"{queue.Accepted.Count} messages accepted, {queue.Received.Count} received");
            Assert.NotEmpty(queue.Accepted);
            Assert.Empty(queue.Accepted.Except(queue.Received));

            // A message may come twice only if the answer to its acknowledgement was lost; order is kept.
            Assert.Equal(queue.Received.Order(), queue.Received);
            Assert.Empty(queue.CameAgain);
        }
    }

    private static async Task UseJournalAsync(string folder)
    {
        var ini = Path.Combine(folder, "etc", "smp-server.ini");
        var lines = await File.ReadAllLinesAsync(ini);
        var changed = lines.Select(line => line.StartsWith("store_messages", StringComparison.Ordinal) ? "store_messages: journal" : line).ToArray();
        Assert.NotEqual(lines, changed);
        await File.WriteAllLinesAsync(ini, changed);
    }

    private static async Task<SmpClient> ConnectAsync(ServerAddress server)
    {
        using var deadline = new CancellationTokenSource(Patience, TimeProvider.System);
        while (true)
        {
            try
            {
                return await SmpClient.ConnectAsync(server, new SmpClientOptions(), isInteractive: true, deadline.Token);
            }
            catch (TransportException fault) when (fault.IsTransient)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, deadline.Token);
            }
        }
    }

    private static int? ReadNumber(string variable) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.Integer, CultureInfo.InvariantCulture, out var number) ? number : null;

    /// <summary>A queue with its sender and its recipient, and what both know. Numbers rise with every message.</summary>
    private sealed class Queue
    {
        private readonly RecipientId _recipient;
        private readonly SenderId _sender;
        private readonly PrivateKey _key;
        private readonly BoxKey _box;
        private readonly HashSet<int> _acknowledged = [];
        private int _next;

        private Queue(RecipientId recipient, SenderId sender, PrivateKey key, BoxKey box) =>
            (_recipient, _sender, _key, _box) = (recipient, sender, key, box);

        /// <summary>Numbers of messages whose SEND was answered with OK.</summary>
        public List<int> Accepted { get; } = [];

        /// <summary>Numbers of messages that came, each once.</summary>
        public List<int> Received { get; } = [];

        /// <summary>Numbers of messages that came after their ACK was answered with OK.</summary>
        public List<int> CameAgain { get; } = [];

        public static async Task<Queue> CreateAsync(SmpClient client)
        {
            var key = Ed25519PrivateKey.Generate(SystemRandom.Instance);
            using var dhKey = X25519PrivateKey.Generate(SystemRandom.Instance);
            var result = await client.SendAsync(
                new SmpRequest(new SmpCommand.New(key.PublicKey, dhKey.PublicKey, null, SubscriptionMode.OnlyCreate, null, null), EntityId.None, key),
                CancellationToken.None);
            Assert.True(result.IsOk, $"{result.Error}");
            var ids = Assert.IsType<BrokerMessage.Ids>(result.Message);
            using var secret = dhKey.DeriveSharedSecret(ids.ServerDhKey);
            return new Queue(ids.Recipient, ids.Sender, key, BoxKey.From(secret));
        }

        /// <summary>Sends until the relay is gone.</summary>
        public async Task SendAsync(SmpClient client)
        {
            while (true)
            {
                var number = _next++;
                var body = Encoding.ASCII.GetBytes(number.ToString(CultureInfo.InvariantCulture).PadRight(200));
                var result = await client.SendAsync(new SmpRequest(new SmpCommand.Send(new MessageFlags(false), new BlockSlice(body)), _sender.ToEntityId(), null), CancellationToken.None);
                if (result.IsOk)
                    Accepted.Add(number);
                else if (result.Error is not SmpClientError.Relay { Error: SmpError.Quota })
                    return;
            }
        }

        /// <summary>Gets and acknowledges until the relay is gone or, the last time, the queue is empty.</summary>
        public async Task ReceiveAsync(SmpClient client, bool isLast)
        {
            while (true)
            {
                var got = await client.SendAsync(new SmpRequest(SmpCommand.Get.Instance, _recipient.ToEntityId(), _key), CancellationToken.None);
                if (!got.IsOk)
                {
                    Assert.False(isLast, $"{got.Error}");
                    return;
                }

                if (got.Message is not BrokerMessage.Msg message)
                {
                    if (isLast)
                        return;
                    continue;
                }

                Assert.True(RelayMessage.TryOpen(_box, message.Message, message.EncryptedBody.Span, out var opened));
                int? number = opened is RelayMessage.Content content ? int.Parse(Encoding.ASCII.GetString(content.Body.Span).Trim(), CultureInfo.InvariantCulture) : null;
                if (number is { } came)
                {
                    if (_acknowledged.Contains(came))
                        CameAgain.Add(came);
                    if (Received.Count == 0 || Received[^1] != came)
                        Received.Add(came);
                }

                var acknowledged = await client.SendAsync(new SmpRequest(new SmpCommand.Ack(message.Message), _recipient.ToEntityId(), _key), CancellationToken.None);
                if (acknowledged.IsOk && number is { } done)
                    _acknowledged.Add(done);
            }
        }
    }
}
