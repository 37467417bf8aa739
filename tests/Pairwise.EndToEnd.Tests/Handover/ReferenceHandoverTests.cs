using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Pairwise.Client;
using Pairwise.Crypto;
using Pairwise.Demo.Processes;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;
using Pairwise.TestKit;
using Pairwise.Transport.Smp;

namespace Pairwise.EndToEnd.Tests.Handover;

/// <summary>
/// The original relay and ours take turns over the same folders, and no client notices: queues of every kind, their
/// messages, links, notifiers, blocks and services are there whoever runs.
/// <c>./test reference --smp-server PATH</c> runs these; without the original they are skipped.
/// </summary>
[Trait("Needs", "originals")]
public sealed class ReferenceHandoverTests(ITestOutputHelper output)
{
    private const string Password = "operator";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static string? Original => Environment.GetEnvironmentVariable("PAIRWISE_REFERENCE_SMP_SERVER");

    [Theory]
    [InlineData("memory", false, false)]
    [InlineData("memory", true, false)]
    [InlineData("journal", false, false)]
    [InlineData("journal", true, true)]
    [InlineData("journal", false, true)]
    public async Task The_original_relay_and_ours_take_turns(string messages, bool areOursFirst, bool isKilled)
    {
        Assert.SkipWhen(Original is null, "the original relay is not here: ./test reference --smp-server PATH");
        using var folder = new TestFolder();
        var address = await RelayProcess.InitAsync(folder["relay"], areOursFirst ? null : Original);
        var controlPort = await ConfigureAsync(folder["relay"], ("store_messages", messages));
        await TakeTurnsAsync(folder, address, controlPort, areOursFirst, isKilled);
    }

    [Theory]
    [InlineData("journal", false, false, false)]
    [InlineData("journal", true, true, true)]
    [InlineData("database", false, false, true)]
    [InlineData("database", true, false, false)]
    [InlineData("database", false, true, false)]
    [InlineData("database", true, true, true)]
    public async Task They_take_turns_over_one_database(string messages, bool areOursFirst, bool isKilled, bool hasLog)
    {
        Assert.SkipWhen(Original is null, "the original relay is not here: ./test reference --smp-server PATH");
        Assert.SkipUnless(PostgresCluster.IsInstalled, "PostgreSQL is not installed (apt-get install postgresql)");
        using var folder = new TestFolder();
        await SkipWithoutDatabaseAsync(folder["none"]);
        await using var database = await PostgresCluster.StartAsync(TestContext.Current.CancellationToken);
        var address = await RelayProcess.InitAsync(folder["relay"], areOursFirst ? null : Original);
        var controlPort = await ConfigureAsync(
            folder["relay"],
            ("store_queues", "database"),
            ("store_messages", messages),
            ("db_connection", database.Address),
            ("db_store_log", hasLog ? "on" : "off"));
        if (!areOursFirst)
        {
            // The original makes tables, but no schema, and starts no log.
            await database.ExecuteAsync("CREATE SCHEMA smp_server", TestContext.Current.CancellationToken);
            if (hasLog)
                await File.WriteAllTextAsync(Path.Combine(RelayProcess.StateOf(folder["relay"]), "smp-server-store.log"), "", TestContext.Current.CancellationToken);
        }

        await TakeTurnsAsync(folder, address, controlPort, areOursFirst, isKilled, "--confirm-migrations", "up");
    }

    private static async Task SkipWithoutDatabaseAsync(string folder)
    {
        await RelayProcess.InitAsync(folder, Original);
        var (_, said) = await RelayProcess.RunAsync(folder, Original, "database", "export", "-d", "postgresql:///none?host=" + folder);
        Assert.SkipWhen(said.Contains("without support for PostgreSQL", StringComparison.OrdinalIgnoreCase), "the original relay was built without PostgreSQL");
    }

    private async Task TakeTurnsAsync(TestFolder folder, string address, int controlPort, bool areOursFirst, bool isKilled, params string[] options)
    {
        Assert.True(ServerAddress.TryParse(address, out var server));
        HeldService[] services = [new HeldService(SmpServiceRole.Messaging), new HeldService(SmpServiceRole.Notifier)];
        List<HeldQueue> queues = [];
        const int turns = 5;
        for (var turn = 0; turn < turns; turn++)
        {
            var isOurs = areOursFirst == (turn % 2 == 0);
            output.WriteLine($"turn {turn}: {(isOurs ? "ours" : "the original")}");
            await using var relay = await RelayProcess.StartAsync(folder["relay"], address, isOurs ? null : Original, options);
            try
            {
                await using var client = await SmpClient.ConnectAsync(server, new SmpClientOptions(), isInteractive: true, CancellationToken.None);
                await using (var notifier = await SmpClient.ConnectAsync(server, new SmpClientOptions(), isInteractive: true, CancellationToken.None))
                {
                    HeldNotifier[] notifiers = [.. queues.Select(queue => queue.Notifier).OfType<HeldNotifier>()];
                    if (isKilled && !isOurs)
                        await HeldNotifier.ForgetAsync(notifier, notifiers); // they wait in memory only, with either program
                    foreach (var each in notifiers)
                        await each.TakeAsync(notifier);
                }

                foreach (var queue in queues)
                    await queue.CheckAsync(client, take: 3);
                foreach (var service in services)
                    await service.CheckAsync(server, client);
                var made = await MakeAsync(client, controlPort, turn);
                if (turn > 0)
                    await queues[^made.Count].OpenLinkAsync(client); // that of the turn before
                queues.AddRange(made);
                if (turn == turns - 1)
                {
                    foreach (var queue in queues)
                        await queue.DrainAsync(client);
                }
            }
            catch (Exception fault) when (fault is not OperationCanceledException)
            {
                output.WriteLine(string.Join('\n', relay.Lines));
                throw;
            }

            if (isOurs && isKilled)
                await relay.KillAsync();
            else
                Assert.True(await relay.InterruptAsync(Patience) == 0, string.Join('\n', relay.Lines));

            if (isOurs)
                Assert.DoesNotContain(relay.Lines, line => line.Contains("left out", StringComparison.Ordinal) && !line.EndsWith("left out: 0", StringComparison.Ordinal));
        }
    }

    private static async Task<IReadOnlyList<HeldQueue>> MakeAsync(SmpClient client, int controlPort, int turn)
    {
        string Name(string kind) => string.Create(CultureInfo.InvariantCulture, $"{kind} of turn {turn}");
        var oneTime = await HeldQueue.CreateAsync(client, Name("one-time link"), KeyAlgorithm.Ed25519, QueueMode.Messaging, hasLink: true);
        var address = await HeldQueue.CreateAsync(client, Name("contact address"), KeyAlgorithm.Ed448, QueueMode.Contact, hasLink: true);
        var plain = await HeldQueue.CreateAsync(client, Name("unsecured"), KeyAlgorithm.X25519, QueueMode.Messaging);
        var old = await HeldQueue.CreateAsync(client, Name("without a mode"), KeyAlgorithm.Ed25519, null);
        await old.SecureAsync(client, KeyAlgorithm.Ed448, bySender: false);
        var secured = await HeldQueue.CreateAsync(client, Name("secured by the sender"), KeyAlgorithm.X25519, QueueMode.Messaging, hasNotifier: true);
        await secured.SecureAsync(client, KeyAlgorithm.X25519, bySender: true);
        var owners = await HeldQueue.CreateAsync(client, Name("two owners"), KeyAlgorithm.Ed25519, QueueMode.Contact);
        await owners.AddRecipientKeyAsync(client);
        var notified = await HeldQueue.CreateAsync(client, Name("notified"), KeyAlgorithm.Ed25519, QueueMode.Messaging);
        await notified.AddNotifierAsync(client);
        var suspended = await HeldQueue.CreateAsync(client, Name("suspended"), KeyAlgorithm.Ed25519, QueueMode.Messaging);
        var deleted = await HeldQueue.CreateAsync(client, Name("deleted"), KeyAlgorithm.Ed25519, QueueMode.Messaging);
        var full = await HeldQueue.CreateAsync(client, Name("full"), KeyAlgorithm.Ed25519, QueueMode.Messaging);
        var blocked = await HeldQueue.CreateAsync(client, Name("blocked"), KeyAlgorithm.Ed25519, QueueMode.Contact, hasLink: true);
        var spam = await HeldQueue.CreateAsync(client, Name("blocked as spam"), KeyAlgorithm.Ed25519, QueueMode.Messaging);
        HeldQueue[] queues = [oneTime, address, plain, old, secured, owners, notified, suspended, deleted, full, blocked, spam];
        foreach (var queue in queues)
        {
            for (var i = 0; i < 5; i++)
                await queue.SendNextAsync(client);
        }

        await plain.SendAsync(client, "shortest", length: 1); // an empty one stops the original's own start
        await plain.SendAsync(client, "longest", SmpLimits.MaxMessageLength(client.Version));
        await suspended.SuspendAsync(client);
        await deleted.DeleteAsync(client);
        await full.FillAsync(client);
        await BlockAsync(controlPort, blocked, new SmpError.Blocked(BlockingReason.Content, new ClientNotice(3600)), "reason=content,notice={\"ttl\":3600}");
        await BlockAsync(controlPort, spam, new SmpError.Blocked(BlockingReason.Spam), "reason=spam");
        return queues;
    }

    private static async Task BlockAsync(int controlPort, HeldQueue queue, SmpError.Blocked block, string how)
    {
        using var connection = new TcpClient();
        await connection.ConnectAsync(IPAddress.Loopback, controlPort);
        using var reader = new StreamReader(connection.GetStream());
        await using var writer = new StreamWriter(connection.GetStream()) { AutoFlush = true, NewLine = "\n" };
        await writer.WriteLineAsync($"auth {Password}");
        await writer.WriteLineAsync($"block {queue.SenderIdText} {how}");
        await writer.WriteLineAsync("quit");
        var answer = await reader.ReadToEndAsync();
        Assert.Contains("blocked", answer, StringComparison.Ordinal);
        queue.SetBlocked(block);
    }

    // The ini file stays that of the program that made it, but for what the test needs.
    private static async Task<int> ConfigureAsync(string folder, params (string Key, string Value)[] storage)
    {
        var file = Path.Combine(folder, "etc", "smp-server.ini");
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        (string Key, string Value)[] settings =
        [
            .. storage,
            ("log_stats", "on"),
            ("control_port", port.ToString(CultureInfo.InvariantCulture)),
            ("control_port_user_password", Password),
            ("daily_block_queue_quota", "0"),
        ];
        var lines = await File.ReadAllLinesAsync(file);
        foreach (var (key, value) in settings)
        {
            var at = Array.FindIndex(lines, line => line.TrimStart('#', ' ').Split(':', '=')[0].TrimEnd() == key);
            Assert.True(at >= 0, $"init writes no {key}");
            lines[at] = $"{key} = {value}";
        }

        await File.WriteAllLinesAsync(file, lines);
        return port;
    }
}
