using Pairwise.Server.Configuration;
using Pairwise.Server.Smp;

namespace Pairwise.SmpRelay;

/// <summary>The section LIMITS of the ini file, which the reference does not have, and the limit of its section PROXY.</summary>
internal static class SmpLimitSettings
{
    private const string Section = "LIMITS";

    /// <summary>Reads them; what is not set is as usual.</summary>
    public static SmpServerLimits Read(IniReader ini, SmpServerLimits usual)
    {
        const int maxConnections = 10_000_000;
        const int maxHandshakes = 100_000;
        const int maxSeconds = 86_400;
        const long maxMegabytes = 1L << 32;
        const int mega = 1 << 20;
        const int percent = 100;
        int Number(string key, long min, long max, int otherwise) => (int)(ini.Number(Section, key, min, max) ?? otherwise);
        int refuse = Number("memory_refuse_percent", 20, percent, usual.MemoryRefusePercent);
        int cut = Number("memory_cut_percent", 20, percent, usual.MemoryCutPercent);
        if (cut < refuse)
        {
            ini.Report(Section, "memory_cut_percent", "it cannot be below memory_refuse_percent.");
        }

        return usual with
        {
            ForwardedCommands = (int)(ini.Number("PROXY", "client_concurrency", 1, int.MaxValue) ?? usual.ForwardedCommands),
            Connections = Number("max_connections", 1, maxConnections, usual.Connections),
            RelaySessions = Number("max_relay_sessions", 1, maxConnections, usual.RelaySessions),
            Handshakes = Number("max_handshakes", 1, maxHandshakes, usual.Handshakes),
            BlockTime = TimeSpan.FromSeconds(Number("block_timeout", 1, maxSeconds, (int)usual.BlockTime.TotalSeconds)),
            WriteTime = TimeSpan.FromSeconds(Number("write_timeout", 1, maxSeconds, (int)usual.WriteTime.TotalSeconds)),
            MemoryLimit = ini.Number(Section, "memory_limit_mb", 1, maxMegabytes) * mega ?? usual.MemoryLimit,
            MemoryRefusePercent = refuse,
            MemoryCutPercent = cut,
        };
    }
}
