using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Sockets;
using Pairwise.Transport.Interop;

namespace Pairwise.Transport.Sockets;

/// <summary>
/// A thread that waits until sockets are ready, and on which whoever waits for one of them goes on: no other thread has to
/// wake up. What goes on there must not block. There is one poller for each core, for all of the process.
/// </summary>
public sealed class SocketPoller
{
    private static readonly Lazy<SocketPoller[]> Shared = new(() => [.. Enumerable.Range(0, Environment.ProcessorCount).Select(_ => new SocketPoller(TimeSpan.Zero))]);
    private static uint _next;

    private readonly Epoll _epoll = new();
    private readonly ConcurrentDictionary<ulong, PolledStream> _streams = new();
    private readonly long _spin;
    private ulong _lastNumber;

    /// <summary>Starts the thread, which lives as long as the process.</summary>
    /// <param name="spin">How long it looks for events again and again before it sleeps: burns a core, to have others not pay
    /// for its waking up. Zero in a relay; a load generator may want more.</param>
    public SocketPoller(TimeSpan spin)
    {
        _spin = (long)(spin.TotalSeconds * Stopwatch.Frequency);
        new Thread(Run) { IsBackground = true, Name = "sockets" }.Start();
    }

    /// <summary>One of the shared pollers, each in turn.</summary>
    public static SocketPoller Next() => Shared.Value[Interlocked.Increment(ref _next) % (uint)Shared.Value.Length];

    /// <summary>A stream over a connected socket, which it owns from here on, also when this throws.</summary>
    /// <exception cref="IOException">The system has no room for one more registration.</exception>
    public PolledStream Own(Socket socket)
    {
        var stream = new PolledStream(socket, this, Interlocked.Increment(ref _lastNumber));
        _streams[stream.Number] = stream;
        try
        {
            _epoll.Register(socket.SafeHandle, stream.Number);
            return stream;
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    internal void Forget(PolledStream stream) => _streams.TryRemove(stream.Number, out _);

    private void Run()
    {
        var last = Stopwatch.GetTimestamp();
        while (true)
        {
            var count = _epoll.Wait(isLooking: _spin > 0 && Stopwatch.GetTimestamp() - last < _spin);
            if (count == 0)
                continue;
            for (var i = 0; i < count; i++)
            {
                var (events, number) = _epoll[i];
                if (!_streams.TryGetValue(number, out var stream))
                    continue; // closed in between
                if ((events & Epoll.Readable) != 0)
                    stream.OnReadable(isEnding: (events & Epoll.Ending) != 0);
                if ((events & Epoll.Writable) != 0)
                    stream.OnWritable();
            }

            last = Stopwatch.GetTimestamp();
        }
    }
}
