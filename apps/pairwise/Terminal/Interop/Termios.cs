using System.Runtime.InteropServices;

namespace Pairwise.Terminal.Interop;

/// <summary>The few terminal calls of libc that the line editor needs (Linux, glibc and musl).</summary>
internal static unsafe partial class Termios
{
    /// <summary>More than any libc's <c>struct termios</c> takes (60 bytes with glibc on x86-64 and arm64).</summary>
    public const int StateSize = 128;

    private const int ApplyAfterOutput = 1;
    private const int WindowSizeRequest = 0x5413;
    private const int LocalFlagsOffset = 12;
    private const uint Echo = 0x8;

    [LibraryImport("libc", EntryPoint = "isatty")]
    private static partial int IsATerminal(int descriptor);

    [LibraryImport("libc", EntryPoint = "tcgetattr")]
    private static partial int GetState(int descriptor, byte* state);

    [LibraryImport("libc", EntryPoint = "tcsetattr")]
    private static partial int SetState(int descriptor, int when, byte* state);

    [LibraryImport("libc", EntryPoint = "cfmakeraw")]
    private static partial void MakeRaw(byte* state);

    [LibraryImport("libc", EntryPoint = "ioctl")]
    private static partial int Control(int descriptor, nuint request, ushort* window);

    /// <summary>Whether a descriptor is a terminal.</summary>
    public static bool IsTerminal(int descriptor) => IsATerminal(descriptor) == 1;

    /// <summary>Reads the terminal's settings; false when the descriptor is no terminal.</summary>
    public static bool TryGet(int descriptor, Span<byte> state)
    {
        fixed (byte* pointer = state) return GetState(descriptor, pointer) == 0;
    }

    /// <summary>Applies settings that <see cref="TryGet"/> gave.</summary>
    public static void Set(int descriptor, ReadOnlySpan<byte> state)
    {
        fixed (byte* pointer = state) _ = SetState(descriptor, ApplyAfterOutput, pointer);
    }

    /// <summary>Turns settings into those of a raw terminal: no echo, no line buffering, no signals from keys.</summary>
    public static void ToRaw(Span<byte> state)
    {
        fixed (byte* pointer = state) MakeRaw(pointer);
    }

    /// <summary>Turns the echo of typed characters off and leaves the rest as it is.</summary>
    public static void WithoutEcho(Span<byte> state)
    {
        var flags = BitConverter.ToUInt32(state[LocalFlagsOffset..]);
        _ = BitConverter.TryWriteBytes(state[LocalFlagsOffset..], flags & ~Echo);
    }

    /// <summary>Columns of the terminal; 80 when it does not say.</summary>
    public static int Columns(int descriptor)
    {
        var window = stackalloc ushort[4];
        return Control(descriptor, WindowSizeRequest, window) == 0 && window[1] > 0 ? window[1] : 80;
    }
}
