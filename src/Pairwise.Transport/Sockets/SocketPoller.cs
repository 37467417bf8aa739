using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Sockets;
using Pairwise.Transport.Interop;

namespace Pairwise.Transport.Sockets;

/// <summary>
/// A thread that waits until sockets are ready, and on which whoever waits for one of them goes on: no other thread has to
/// wake up. What goes on there must not block. There is one poller for each core, for all of the process.
/// </summary>
/// <remarks>
/// Where what goes on there can be held up after all, as by a disk, <see cref="Guard"/> has another thread take over from one
/// that is: it handles the events that are left, and waits for the next ones; the former thread ends with what it does.
/// </remarks>
public sealed class SocketPoller
{
    private const int HeldUpTime = 100; // ms; also how often the guard looks
    private const int MostHeldUp = 64;

    private static readonly Lazy<SocketPoller[]> Shared = new(() => [.. Enumerable.Range(0, Environment.ProcessorCount).Select(_ => new SocketPoller(TimeSpan.Zero))]);
    private static readonly Lazy<Thread> Guards = new(StartGuard);
    private static uint _next;

    // threads that others took over from, in all pollers
    private static int _heldUp;

    private readonly Epoll _epoll = new();
    private readonly ConcurrentDictionary<ulong, PolledStream> _streams = new();
    private readonly long _spin;
    private ulong _lastNumber;

    // Set by the thread that polls before it handles an event: the event behind it and how many there are, when it began,
    // and its own number. The number goes when the event is handled, or when another thread takes over.
    private int _nextEvent;
    private int _eventCount;
    private long _since;
    private int _handling;

    /// <summary>Starts the thread, which lives as long as the process.</summary>
    /// <param name="spin">How long it looks for events again and again before it sleeps: burns a core, to have others not pay
    /// for its waking up. Zero in a relay; a load generator may want more.</param>
    public SocketPoller(TimeSpan spin)
    {
        _spin = (long)(spin.TotalSeconds * Stopwatch.Frequency);
        Start(number: 1);
    }

    /// <summary>From here on a thread that one event holds up does not keep the sockets of its poller waiting.</summary>
    public static void Guard() => _ = Guards.Value;

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

    private void Start(int number) => new Thread(() => Run(number)) { IsBackground = true, Name = "sockets" }.Start();

    private void Run(int thread)
    {
        var last = Stopwatch.GetTimestamp();
        while (true)
        {
            while (_nextEvent < _eventCount)
            {
                var (events, number) = _epoll[_nextEvent++];
                if (!_streams.TryGetValue(number, out var stream))
                    continue; // closed in between
                Volatile.Write(ref _since, Environment.TickCount64);
                Volatile.Write(ref _handling, thread);
                if ((events & Epoll.Readable) != 0)
                    stream.OnReadable(isEnding: (events & Epoll.Ending) != 0);
                if ((events & Epoll.Writable) != 0)
                    stream.OnWritable();
                if (Interlocked.CompareExchange(ref _handling, 0, thread) != thread)
                {
                    Interlocked.Decrement(ref _heldUp);
                    return;
                }
            }

            if (_spin > 0 && _eventCount > 0)
                last = Stopwatch.GetTimestamp();
            _nextEvent = 0;
            _eventCount = 0; // whoever takes over must not find the former events while this waits
            _eventCount = _epoll.Wait(isLooking: _spin > 0 && Stopwatch.GetTimestamp() - last < _spin);
        }
    }

    private void TakeOver()
    {
        var thread = Volatile.Read(ref _handling);
        if (thread == 0 || Environment.TickCount64 - Volatile.Read(ref _since) < HeldUpTime || Volatile.Read(ref _heldUp) >= MostHeldUp)
            return;

        // It may have gone on to another event since: then it is replaced for nothing, and ends with that.
        if (Interlocked.CompareExchange(ref _handling, 0, thread) == thread)
        {
            Interlocked.Increment(ref _heldUp);
            Start(thread + 1);
        }
    }

    private static Thread StartGuard()
    {
        var guard = new Thread(() =>
        {
            using var never = new ManualResetEvent(false);
            while (true)
            {
                never.WaitOne(HeldUpTime);
                foreach (var poller in Shared.Value)
                    poller.TakeOver();
            }
        })
        {
            IsBackground = true,
            Name = "sockets' guard",
        };
        guard.Start();
        return guard;
    }
}
