using Microsoft.Extensions.Logging;

namespace Pairwise.Server.Smp.Operation;

/// <summary>
/// Tells the operator that the disk, or the database, refuses what clients ask for, once a minute at most: clients are told each time, and
/// try again. Thread-safe.
/// </summary>
internal sealed partial class DiskTrouble(ILogger logger, TimeProvider time)
{
    private static readonly TimeSpan Quiet = TimeSpan.FromMinutes(1);
    private readonly Lock _gate = new();
    private long _refused;
    private long? _told;

    /// <summary>A command could not be carried out.</summary>
    public void Report(Exception fault)
    {
        long refused;
        lock (_gate)
        {
            _refused++;
            if (_told is { } before && time.GetElapsedTime(before) < Quiet)
            {
                return;
            }

            _told = time.GetTimestamp();
            refused = _refused;
            _refused = 0;
        }

        Log.Refused(logger, refused, DiskFaults.Describe(fault));
    }

    private static partial class Log
    {
        [LoggerMessage(2056, LogLevel.Error, "What is stored could not be changed or read for commands of clients ({Count} since the last such line): {Words}. Look at the room on the disk and at the rights of the folders, or at the database.")]
        public static partial void Refused(ILogger logger, long count, string words);
    }
}
