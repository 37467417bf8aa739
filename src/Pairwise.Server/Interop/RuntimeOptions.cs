namespace Pairwise.Server.Interop;

/// <summary>
/// Options for the runtime of the official programs: <c>smp-server start +RTS -N -RTS</c> is what its units and images say.
/// They mean nothing here, and whoever keeps such a unit shall not need to change it.
/// </summary>
/// <remarks>
/// <c>+RTS</c> begins them, <c>-RTS</c> or the end of the line ends them; after <c>--RTS</c> and <c>--</c> all is the
/// program's own (GHC user's guide, "Setting RTS options on the command line").
/// </remarks>
public static class RuntimeOptions
{
    /// <summary>The arguments that are for the program.</summary>
    public static string[] LeaveOut(IReadOnlyList<string> arguments)
    {
        var own = new List<string>(arguments.Count);
        var areForRuntime = false;
        for (var i = 0; i < arguments.Count; i++)
        {
            switch (arguments[i])
            {
                case "--RTS":
                    own.AddRange(arguments.Skip(i + 1));
                    return [.. own];
                case "--" when !areForRuntime:
                    own.AddRange(arguments.Skip(i));
                    return [.. own];
                case "+RTS":
                    areForRuntime = true;
                    break;
                case "-RTS":
                    areForRuntime = false;
                    break;
                default:
                    if (!areForRuntime) own.Add(arguments[i]);
                    break;
            }
        }

        return [.. own];
    }
}
