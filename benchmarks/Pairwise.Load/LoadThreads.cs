using Pairwise.Transport.Sockets;

namespace Pairwise.Load;

/// <summary>
/// The thread on which the clients of a load run: one for all, because what the relay pays for waking other threads is not
/// its own work.
/// </summary>
internal static class LoadThreads
{
    private static readonly SocketPoller Poller = new(TimeSpan.Zero);

    internal static SocketPoller Next() => Poller;
}
