using System.Globalization;

namespace Pairwise.Load;

/// <summary>
/// "cores": what a second core brings. The relay is confined to one core, with its clients on the others, and then to two;
/// the rounds alternate. Clients need cores too, so on a small machine the second core is not the relay's alone: what is
/// compared is how much the relay delivers with each second of CPU that it gets, and how many cores it got.
/// </summary>
internal static class CoresScenario
{
    private const int Pairs = 32;
    private const int Rounds = 3;

    internal static async Task RunAsync(SuiteOptions options, IDictionary<string, object?> json, CancellationToken cancellationToken)
    {
        if (Environment.ProcessorCount < 2)
        {
            throw new SuiteException("two cores are needed to compare one with two");
        }

        string all = CpuSet.Read();
        double seconds = options.Number("seconds", 5);
        await using RelayProcess relay = await RelayProcess.StartAsync(null, options.Text("storage") ?? "memory", cancellationToken);
        await SmpSuite.WarmUpAsync(relay, cancellationToken);
        List<MessageRound> one = [];
        List<MessageRound> two = [];
        for (int i = 0; i < Rounds; i++)
        {
            relay.UseCores("0");
            CpuSet.Use(Environment.ProcessId, string.Create(CultureInfo.InvariantCulture, $"1-{Environment.ProcessorCount - 1}"));
            one.Add(await SmpSuite.MeasureMessagesAsync(relay, Pairs, seconds, cancellationToken));
            relay.UseCores("0-1");
            CpuSet.Use(Environment.ProcessId, Environment.ProcessorCount > 3 ? string.Create(CultureInfo.InvariantCulture, $"2-{Environment.ProcessorCount - 1}") : all);
            two.Add(await SmpSuite.MeasureMessagesAsync(relay, Pairs, seconds, cancellationToken));
        }

        CpuSet.Use(Environment.ProcessId, all);
        MessageRound ofOne = Median(one);
        MessageRound ofTwo = Median(two);
        double growth = 2 * ofOne.CpuMicroseconds!.Value / ofTwo.CpuMicroseconds!.Value;
        Console.WriteLine($"{Pairs} pairs, {Rounds} rounds each, medians; {Environment.ProcessorCount} cores for the relay and its clients together");
        Print("relay on one core", ofOne);
        Print("relay on two cores", ofTwo);
        Console.WriteLine(Measure.Row("growth, if both cores were the relay's alone", growth, "", "twice the CPU a message on one core, by that on two"));
        Console.WriteLine(Measure.Row("growth of what was delivered here", ofTwo.PerSecond / ofOne.PerSecond, "", "the clients have the rest of the cores"));
        json["cores_growth_of_two"] = SmpSuite.Round(growth);
        json["cores_growth_delivered"] = SmpSuite.Round(ofTwo.PerSecond / ofOne.PerSecond);
        json["cores_one_cpu_us"] = SmpSuite.Round(ofOne.CpuMicroseconds);
        json["cores_two_cpu_us"] = SmpSuite.Round(ofTwo.CpuMicroseconds);
        json["cores_one_delivered_per_s"] = SmpSuite.Round(ofOne.PerSecond);
        json["cores_two_delivered_per_s"] = SmpSuite.Round(ofTwo.PerSecond);
    }

    private static MessageRound Median(List<MessageRound> rounds) => rounds.OrderBy(round => round.CpuMicroseconds).ElementAt(rounds.Count / 2);

    private static void Print(string name, MessageRound round) => Console.WriteLine(Measure.Row(
        name,
        round.PerSecond,
        "/s",
        string.Create(CultureInfo.InvariantCulture, $"{round.CpuMicroseconds:N1} µs of its CPU a message; it got {round.PerSecond * round.CpuMicroseconds / 1e6:N2} cores")));
}
