using System.Globalization;
using Pairwise.Client;
using Pairwise.Demo.Processes;
using Pairwise.Protocol;
using Pairwise.TestKit;
using Pairwise.Transport;

namespace Pairwise.EndToEnd.Tests;

/// <summary>
/// A relay that ends again and again while messages come and go, and the promises that it has to keep: every message that
/// it answered with OK is there afterwards, in order, and none comes again whose acknowledgement it answered with OK.
/// <c>PAIRWISE_RELAY_KILL_ROUNDS</c> sets the rounds (.ci/run: 200), <c>PAIRWISE_SEED</c> repeats a run.
/// </summary>
internal static class RelayLoad
{
    private const int DefaultRounds = 60;
    private const int Queues = 4;
    private const int MaxMessages = 60;

    private static readonly TimeSpan Patience = Eventually.Patience;

    /// <summary>Runs all rounds over one folder.</summary>
    /// <param name="folder">A folder that <c>init</c> was run in.</param>
    /// <param name="address">The relay's address.</param>
    /// <param name="end">Ends the relay of a round.</param>
    /// <param name="output">Says how it went.</param>
    public static async Task RunAsync(string folder, string address, Func<RelayProcess, int, Task> end, ITestOutputHelper output)
    {
        var rounds = ReadNumber("PAIRWISE_RELAY_KILL_ROUNDS") ?? DefaultRounds;
        var seed = ReadNumber("PAIRWISE_SEED") ?? Environment.TickCount;
        output.WriteLine($"seed {seed}, {rounds} rounds");
        var random = new Random(seed);
        Assert.True(ServerAddress.TryParse(address, out var server));

        var queues = new List<LoadedQueue>();
        for (var round = 0; round <= rounds; round++)
        {
            await using var relay = await RelayProcess.StartAsync(folder, address);
            await using var client = await ConnectAsync(server);
            while (queues.Count < Queues)
                queues.Add(await LoadedQueue.CreateAsync(client));
            if (round == rounds)
            {
                foreach (var queue in queues)
                    await queue.ReceiveAsync(client, isLast: true);
                break;
            }

            var working = Task.WhenAll(queues.SelectMany(queue => new[] { queue.SendAsync(client), queue.ReceiveAsync(client, isLast: false) }));
            await WaitForAsync(queues, queues.Sum(queue => queue.AcceptedCount) + random.Next(1, MaxMessages));
            await end(relay, round);
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

    /// <summary>Changes settings of the relay's ini file.</summary>
    public static async Task ConfigureAsync(string folder, params (string Key, string Value)[] settings)
    {
        var ini = Path.Combine(folder, "etc", "smp-server.ini");
        var lines = await File.ReadAllLinesAsync(ini);
        foreach (var (key, value) in settings)
        {
            var at = Array.FindIndex(lines, line => line.TrimStart('#', ' ').Split(':', '=')[0].TrimEnd() == key);
            Assert.True(at >= 0, $"init writes no {key}");
            lines[at] = $"{key} = {value}";
        }

        await File.WriteAllLinesAsync(ini, lines);
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
                await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, deadline.Token);
            }
        }
    }

    // A round is as long as its messages take, so that there is work under way whenever the relay ends.
    private static async Task WaitForAsync(List<LoadedQueue> queues, int accepted)
    {
        using var deadline = new CancellationTokenSource(Patience, TimeProvider.System);
        while (queues.Sum(queue => queue.AcceptedCount) < accepted)
            await Task.Delay(TimeSpan.FromMilliseconds(2), TimeProvider.System, deadline.Token);
    }

    private static int? ReadNumber(string variable) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.Integer, CultureInfo.InvariantCulture, out var number) ? number : null;
}
