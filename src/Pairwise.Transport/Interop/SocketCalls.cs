using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Pairwise.Transport.Interop;

/// <summary>
/// recv(2) and send(2) on a socket that does not block, without what the runtime's own calls do beside them: a relay makes
/// five for each message, after a sleep that emptied the caches.
/// </summary>
internal static unsafe partial class SocketCalls
{
    private const int DoNotSignal = 0x4000; // MSG_NOSIGNAL
    private const int Interrupted = 4; // EINTR
    private const int WouldBlock = 11; // EAGAIN

    /// <summary>Receives what is there; zero at the peer's end.</summary>
    /// <returns>How many bytes, or -1 when nothing is there.</returns>
    /// <exception cref="IOException">The connection is lost.</exception>
    /// <exception cref="ObjectDisposedException">The socket is closed.</exception>
    public static int Receive(SafeSocketHandle socket, Span<byte> buffer)
    {
        fixed (byte* to = buffer)
        {
            while (true)
            {
                var count = recv(socket, to, (nuint)buffer.Length, 0);
                if (count >= 0)
                    return (int)count;
                if (IsOver())
                    return -1;
            }
        }
    }

    /// <summary>Sends what the system takes.</summary>
    /// <returns>How many bytes, or -1 when it takes nothing.</returns>
    /// <exception cref="IOException">The connection is lost.</exception>
    /// <exception cref="ObjectDisposedException">The socket is closed.</exception>
    public static int Send(SafeSocketHandle socket, ReadOnlySpan<byte> bytes)
    {
        fixed (byte* from = bytes)
        {
            while (true)
            {
                var count = send(socket, from, (nuint)bytes.Length, DoNotSignal);
                if (count >= 0)
                    return (int)count;
                if (IsOver())
                    return -1;
            }
        }
    }

    // Whether a call that failed has nothing to do for the moment; false when it is to be made again.
    private static bool IsOver() => Marshal.GetLastPInvokeError() switch
    {
        Interrupted => false,
        WouldBlock => true,
        var error => throw new IOException(Marshal.GetPInvokeErrorMessage(error) + "."),
    };

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint recv(SafeSocketHandle socket, byte* buffer, nuint length, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint send(SafeSocketHandle socket, byte* bytes, nuint length, int flags);
}
