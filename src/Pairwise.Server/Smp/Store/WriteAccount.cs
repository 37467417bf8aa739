namespace Pairwise.Server.Smp.Store;

/// <summary>
/// Whose changes a store writes behind: a connection. What the store refuses after it was taken is told here, so that no
/// answer of this connection leaves that says otherwise, and no other connection suffers for it. Thread-safe.
/// </summary>
public sealed class WriteAccount
{
    [ThreadStatic]
    private static WriteAccount? _ofThread;

    private bool _isRefused;

    /// <summary>Whose commands this thread carries out at the moment; null = nobody's.</summary>
    public static WriteAccount? OfThread => _ofThread;

    /// <summary>Whether a change was refused after it was taken.</summary>
    public bool IsRefused => Volatile.Read(ref _isRefused);

    /// <summary>What this thread changes from here on is on the account, until <see cref="End"/>.</summary>
    public void Begin() => _ofThread = this;

    /// <summary>What this thread changes from here on is on nobody's account.</summary>
    public static void End() => _ofThread = null;

    /// <summary>A change on the account was refused.</summary>
    public void Refuse() => Volatile.Write(ref _isRefused, true);
}
