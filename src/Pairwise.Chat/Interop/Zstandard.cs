using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace Pairwise.Chat.Interop;

/// <summary>Zstandard frames through the system's libzstd. Thread-safe.</summary>
internal static partial class Zstandard
{
    private const string Library = "libzstd.so.1";

    /// <summary>Compresses into one frame that states its content size.</summary>
    public static byte[] Compress(ReadOnlySpan<byte> content, int level)
    {
        var frame = new byte[checked((int)CompressBound((nuint)content.Length))];
        var length = Compress(frame, (nuint)frame.Length, content, (nuint)content.Length, level);
        if (IsError(length) != 0)
            throw new InvalidOperationException("libzstd cannot compress into a buffer of the bound it gave.");
        return frame.AsSpan(0, checked((int)length)).ToArray();
    }

    /// <summary>
    /// Decompresses one frame; false when it is not one, does not state its content size, or states more than
    /// <paramref name="maxLength"/> bytes (checked before anything is allocated).
    /// </summary>
    public static bool TryDecompress(ReadOnlySpan<byte> frame, int maxLength, [NotNullWhen(true)] out byte[]? content)
    {
        content = null;
        // The two highest values mean "unknown" and "not a frame".
        var stated = GetFrameContentSize(frame, (nuint)frame.Length);
        if (stated > (ulong)maxLength)
            return false;
        var buffer = new byte[(int)stated];
        var length = Decompress(buffer, (nuint)buffer.Length, frame, (nuint)frame.Length);
        if (IsError(length) != 0 || length != stated)
            return false;
        content = buffer;
        return true;
    }

    [LibraryImport(Library, EntryPoint = "ZSTD_compressBound")]
    private static partial nuint CompressBound(nuint length);

    [LibraryImport(Library, EntryPoint = "ZSTD_compress")]
    private static partial nuint Compress(Span<byte> destination, nuint capacity, ReadOnlySpan<byte> source, nuint length, int level);

    [LibraryImport(Library, EntryPoint = "ZSTD_decompress")]
    private static partial nuint Decompress(Span<byte> destination, nuint capacity, ReadOnlySpan<byte> source, nuint length);

    [LibraryImport(Library, EntryPoint = "ZSTD_getFrameContentSize")]
    private static partial ulong GetFrameContentSize(ReadOnlySpan<byte> source, nuint length);

    [LibraryImport(Library, EntryPoint = "ZSTD_isError")]
    private static partial uint IsError(nuint result);
}
