namespace Pairwise.Fuzz;

/// <summary>All parsers under fuzz, layer by layer.</summary>
internal static class FuzzTargets
{
    public static IReadOnlyList<FuzzTarget> All { get; } =
    [
        .. WireTargets.All,
        .. CryptoTargets.All,
        .. RatchetTargets.All,
        .. SmpTargets.All,
        .. AgentTargets.All,
        .. XftpTargets.All,
        .. ServerTargets.All,
        .. ChatTargets.All,
    ];
}
