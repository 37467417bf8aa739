using Microsoft.Win32.SafeHandles;

namespace Pairwise.Client.Xftp.Http;

/// <summary>
/// The body of one request: a block, and the content of an upload behind it. It is handed over from its beginning to its
/// end, once.
/// </summary>
/// <param name="contentLength">Bytes of the content.</param>
/// <param name="progress">Hears how many bytes more of the content were handed to the connection.</param>
internal abstract class RequestBody(ReadOnlyMemory<byte> block, int contentLength, IProgress<int>? progress, MovingLimit limit)
{
    private ReadOnlyMemory<byte> _block = block;
    private int _unsentBlock = block.Length;

    /// <summary>Bytes of all of it.</summary>
    public long Length { get; } = block.Length + (long)contentLength;

    /// <summary>Puts the next bytes into all of the room, which is never more than what is left.</summary>
    /// <exception cref="LocalFaultException">The content cannot be read, or became shorter.</exception>
    public ValueTask FillAsync(Memory<byte> room, CancellationToken cancellationToken)
    {
        var count = Math.Min(_block.Length, room.Length);
        _block[..count].CopyTo(room);
        _block = _block[count..];
        return count == room.Length ? ValueTask.CompletedTask : FillContentAsync(room[count..], cancellationToken);
    }

    /// <summary>So many bytes more were handed to the connection.</summary>
    public void Sent(int count)
    {
        limit.Restart();
        var ofBlock = Math.Min(count, _unsentBlock);
        _unsentBlock -= ofBlock;
        if (count > ofBlock)
            progress?.Report(count - ofBlock);
    }

    protected abstract ValueTask FillContentAsync(Memory<byte> room, CancellationToken cancellationToken);
}

/// <summary>A body whose content is in memory.</summary>
internal sealed class MemoryBody(ReadOnlyMemory<byte> block, ReadOnlyMemory<byte> content, IProgress<int>? progress, MovingLimit limit)
    : RequestBody(block, content.Length, progress, limit)
{
    private ReadOnlyMemory<byte> _content = content;

    protected override ValueTask FillContentAsync(Memory<byte> room, CancellationToken cancellationToken)
    {
        _content[..room.Length].CopyTo(room);
        _content = _content[room.Length..];
        return ValueTask.CompletedTask;
    }
}

/// <summary>A body whose content is a part of a file, which is read as it is sent.</summary>
internal sealed class FileBody(ReadOnlyMemory<byte> block, SafeFileHandle file, long start, int length, IProgress<int>? progress, MovingLimit limit)
    : RequestBody(block, length, progress, limit)
{
    private long _position = start;

    protected override async ValueTask FillContentAsync(Memory<byte> room, CancellationToken cancellationToken)
    {
        while (!room.IsEmpty)
        {
            var read = await ReadAsync(room, cancellationToken);
            _position += read;
            room = room[read..];
        }
    }

    private async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        try
        {
            return await RandomAccess.ReadAsync(file, buffer, _position, cancellationToken) is var read and > 0
                ? read
                : throw new EndOfStreamException("The file became shorter while it was sent.");
        }
        catch (IOException cause)
        {
            throw new LocalFaultException(cause);
        }
    }
}

/// <summary>What failed was not the connection, but a file on this device: the inner exception says how.</summary>
internal sealed class LocalFaultException(IOException cause) : Exception(cause.Message, cause);
