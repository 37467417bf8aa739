using System.Buffers;
using System.Security.Cryptography;

namespace Pairwise.Transport;

/// <summary>
/// A rented array of one block, 16,384 bytes, and where its content is. It has one owner, who disposes it once: then the
/// content is wiped and the array serves somebody else, so no slice of it may be used any more.
/// </summary>
public sealed class Block : IDisposable
{
    /// <summary>Bytes of a block on the wire.</summary>
    public const int Size = 16_384;

    /// <summary>The authentication tag in front of an encrypted block.</summary>
    internal const int TagLength = 16;

    /// <summary>The length in front of the content.</summary>
    internal const int PrefixLength = 2;

    private byte[]? _array = ArrayPool<byte>.Shared.Rent(Size);
    private int _start = TagLength + PrefixLength;
    private int _length;

    // what to wipe: everything until it is known where the content is
    private int _secretStart;
    private int _secretLength = Size;

    /// <summary>
    /// The content: of a received block, what the peer put into it; of a block to send, what was set by
    /// <see cref="SetContentLength"/>.
    /// </summary>
    public ReadOnlyMemory<byte> Content => Array.AsMemory(_start, _length);

    /// <summary>Room for the content of a block to send; at most <see cref="BlockConnection.MaxContent"/> bytes of it fit.</summary>
    public Span<byte> Room => Array.AsSpan(TagLength + PrefixLength, Size - TagLength - PrefixLength);

    internal byte[] Array => _array ?? throw new ObjectDisposedException(nameof(Block));

    /// <summary>Says that the first <paramref name="length"/> bytes of <see cref="Room"/> are the content.</summary>
    public void SetContentLength(int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, Room.Length);
        SetContent(TagLength + PrefixLength, length);
    }

    public void Dispose()
    {
        var array = Interlocked.Exchange(ref _array, null);
        if (array is null)
            return;
        CryptographicOperations.ZeroMemory(array.AsSpan(_secretStart, _secretLength));
        ArrayPool<byte>.Shared.Return(array);
    }

    /// <summary>The content was encrypted in its place: there is nothing left to wipe.</summary>
    internal void SetSealed() => _secretLength = 0;

    /// <summary>What the peer sent has no content; all of it is wiped in the end.</summary>
    internal void SetUnreadable()
    {
        _length = 0;
        _secretStart = 0;
        _secretLength = Size;
    }

    internal void SetContent(int start, int length)
    {
        _start = start;
        _length = length;
        _secretStart = start;
        _secretLength = length;
    }
}
