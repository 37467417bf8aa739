using System.Net.Sockets;

namespace Pairwise.Transport.Sockets;

/// <summary>
/// Accepted sockets whose peer has sent no whole hello yet. They cost a descriptor and what was sent, and there are at most
/// so many: one more closes the one that has waited longest. Thread-safe.
/// </summary>
internal sealed class SilentSockets(int limit)
{
    private readonly Lock _gate = new();

    // guarded by _gate; the oldest first
    private readonly LinkedList<(Socket Socket, Stream Stream)> _sockets = new();
    private long _cut;

    /// <summary>How many were closed to make room.</summary>
    public long Cut => Interlocked.Read(ref _cut);

    /// <summary>Adds one with the stream that owns it, to be given back to <see cref="Leave"/>.</summary>
    public LinkedListNode<(Socket Socket, Stream Stream)> Enter(Socket socket, Stream stream)
    {
        LinkedListNode<(Socket, Stream)> node;
        Stream? oldest = null;
        lock (_gate)
        {
            node = _sockets.AddLast((socket, stream));
            if (_sockets.Count > limit)
                oldest = TakeOldest();
        }

        Close(oldest);
        return node;
    }

    /// <summary>Takes one out whose hello has come, or that was closed.</summary>
    public void Leave(LinkedListNode<(Socket Socket, Stream Stream)> node)
    {
        lock (_gate)
        {
            if (node.List is not null)
                _sockets.Remove(node);
        }
    }

    /// <summary>Closes the one that has waited longest, as when descriptors run out.</summary>
    public void CutOldest()
    {
        Stream? oldest;
        lock (_gate)
        {
            oldest = TakeOldest();
        }

        Close(oldest);
    }

    // Those whose bytes have come, but were not seen yet, are passed over; but not without end.
    private Stream? TakeOldest()
    {
        const int MaxPassed = 16;
        var oldest = _sockets.First;
        var passed = 0;
        for (var node = oldest; node is not null && passed < MaxPassed; node = node.Next, passed++)
        {
            if (!HasSpoken(node.Value.Socket))
            {
                oldest = node;
                break;
            }
        }

        if (oldest is not null)
            _sockets.Remove(oldest);
        return oldest?.Value.Stream;
    }

    private static bool HasSpoken(Socket socket)
    {
        try
        {
            return socket.Available > 0;
        }
        catch (Exception e) when (e is ObjectDisposedException or SocketException)
        {
            return false; // closed in this moment
        }
    }

    private void Close(Stream? stream)
    {
        if (stream is null)
            return;
        Interlocked.Increment(ref _cut);
        stream.Dispose(); // whoever waits for its first byte wakes up with an error
    }
}
