using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Pairwise.Transport.Interop;

/// <summary>
/// One instance of Linux's epoll(7), for the life of the process. Registrations are edge-triggered, and end when their
/// socket is closed.
/// </summary>
internal sealed unsafe partial class Epoll
{
    /// <summary>EPOLLIN, EPOLLRDHUP, EPOLLHUP and EPOLLERR: a read has something to say.</summary>
    public const uint Readable = 0x001 | 0x2000 | 0x010 | 0x008;

    /// <summary>EPOLLOUT, EPOLLHUP and EPOLLERR: a write has something to say.</summary>
    public const uint Writable = 0x004 | 0x010 | 0x008;

    /// <summary>EPOLLRDHUP, EPOLLHUP and EPOLLERR: the peer sends nothing more; told once, perhaps together with its last bytes.</summary>
    public const uint Ending = 0x2000 | 0x010 | 0x008;

    private const uint EdgeTriggered = 1u << 31;
    private const int CloseOnExec = 0x80000;
    private const int Add = 1;
    private const int Interrupted = 4; // EINTR
    private const int MostEvents = 128;

    // struct epoll_event: the events, then 64 bits of the caller's; packed on x86-64 only
    private static readonly int DataStart = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 4 : 8;
    private static readonly int EventLength = DataStart + sizeof(ulong);

    private readonly byte[] _events = GC.AllocateArray<byte>(MostEvents * EventLength, pinned: true);

    private readonly int _descriptor = epoll_create1(CloseOnExec);

    public Epoll()
    {
        if (_descriptor < 0)
            throw Failure("epoll_create1");
    }

    /// <summary>From here on tells of the socket's readiness under <paramref name="number"/>, first of what it is ready for now.</summary>
    public void Register(SafeSocketHandle socket, ulong number)
    {
        Span<byte> registration = stackalloc byte[EventLength];
        registration.Clear();
        MemoryMarshal.Write(registration, Readable | Writable | EdgeTriggered);
        MemoryMarshal.Write(registration[DataStart..], number);
        fixed (byte* at = registration)
        {
            if (epoll_ctl(_descriptor, Add, socket, at) != 0)
                throw Failure("epoll_ctl");
        }
    }

    /// <summary>Waits for events: for ever, or only looks. To be called by one thread.</summary>
    public int Wait(bool isLooking)
    {
        fixed (byte* events = _events)
        {
            var count = epoll_wait(_descriptor, events, MostEvents, isLooking ? 0 : -1);
            if (count >= 0)
                return count;
            return Marshal.GetLastPInvokeError() == Interrupted ? 0 : throw Failure("epoll_wait");
        }
    }

    /// <summary>An event of the last <see cref="Wait"/>.</summary>
    public (uint Events, ulong Number) this[int index]
    {
        get
        {
            var at = _events.AsSpan(index * EventLength, EventLength);
            return (MemoryMarshal.Read<uint>(at), MemoryMarshal.Read<ulong>(at[DataStart..]));
        }
    }

    private static IOException Failure(string call) => new($"{call} failed with {Marshal.GetLastPInvokeErrorMessage()}.");

    [LibraryImport("libc", SetLastError = true)]
    private static partial int epoll_create1(int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int epoll_ctl(int epoll, int operation, SafeSocketHandle socket, byte* registration);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int epoll_wait(int epoll, byte* events, int most, int milliseconds);
}
