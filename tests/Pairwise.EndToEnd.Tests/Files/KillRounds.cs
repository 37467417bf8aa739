using System.Globalization;

namespace Pairwise.EndToEnd.Tests.Files;

/// <summary>How often processes are killed, and where the randomness of a run begins.</summary>
internal static class KillRounds
{
    public static int Read(int usual) => ReadNumber("PAIRWISE_KILL_ROUNDS") ?? usual;

    public static int Seed() => ReadNumber("PAIRWISE_SEED") ?? Environment.TickCount;

    private static int? ReadNumber(string variable) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.Integer, CultureInfo.InvariantCulture, out var number) ? number : null;
}
