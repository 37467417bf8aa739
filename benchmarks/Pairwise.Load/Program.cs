using Pairwise.Load;

// Each suite prints a table for people and then one line of JSON with stable keys for programs.
var suites = new Dictionary<string, (string Summary, Func<SuiteOptions, CancellationToken, Task<int>> Run)>(StringComparer.Ordinal)
{
    ["floor"] = (FloorSuite.Summary, FloorSuite.RunAsync),
    ["crypto"] = (CryptoSuite.Summary, CryptoSuite.RunAsync),
    ["smp"] = (SmpSuite.Summary, SmpSuite.RunAsync),
    ["xftp"] = (XftpSuite.Summary, XftpSuite.RunAsync),
};

if (args.Length == 0 || args[0] is "-h" or "--help" or "help" || !suites.TryGetValue(args[0], out var suite))
{
    var isAsked = args.Length > 0 && args[0] is "-h" or "--help" or "help";
    var output = isAsked ? Console.Out : Console.Error;
    if (args.Length > 0 && !isAsked)
        await output.WriteLineAsync($"bench: there is no suite '{args[0]}'");
    await output.WriteLineAsync("usage: ./bench SUITE [--option value]...     ./bench smp --help");
    foreach (var (name, (summary, _)) in suites)
        await output.WriteLineAsync($"  {name,-8} {summary}");
    return isAsked ? 0 : 2;
}

if (!SuiteOptions.TryParse(args.AsSpan(1), out var options, out var fault))
{
    await Console.Error.WriteLineAsync($"bench: {fault}");
    return 2;
}

using var stop = new CancellationTokenSource();
Console.CancelKeyPress += (_, interrupt) =>
{
    interrupt.Cancel = true;
    stop.Cancel();
};
try
{
    return await suite.Run(options, stop.Token);
}
catch (SuiteException failure)
{
    await Console.Error.WriteLineAsync($"bench: {failure.Message}");
    return 1;
}
catch (OperationCanceledException) when (stop.IsCancellationRequested)
{
    return 130;
}
