using System.Buffers;
using System.Security.Cryptography;
using Pairwise.Crypto;
using Pairwise.Protocol.Xftp;

namespace Pairwise.Agent.Files;

/// <summary>The content of a <see cref="LocalFile"/>, read from its beginning to its end. Not thread-safe.</summary>
public sealed class LocalFileReadStream : Stream
{
    private readonly FileStream _file;
    private readonly BoxStream? _box;
    private long _left;
    private bool _isChecked;
    private bool _isAuthentic;

    internal LocalFileReadStream(FileStream file, BoxStream? box)
    {
        _file = file;
        _box = box;
        Length = _left = file.Length - (box is null ? 0 : XftpLimits.TagLength);
    }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    /// <summary>Bytes of the content when the file was opened.</summary>
    public override long Length { get; }

    public override long Position
    {
        get => Length - _left;
        set => throw new NotSupportedException();
    }

    public override int Read(Span<byte> buffer)
    {
        var wanted = Wanted(buffer.Length);
        var read = _file.Read(buffer[..wanted]);
        return Complete(buffer, wanted, read);
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var wanted = Wanted(buffer.Length);
        var read = await _file.ReadAsync(buffer[..wanted], cancellationToken);
        return Complete(buffer.Span, wanted, read);
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    /// <summary>Makes sure that the content was read to its end and is authentic; for callers that know its length.</summary>
    /// <exception cref="InvalidDataException">It is not.</exception>
    public void CheckEnd()
    {
        if (_left > 0) throw new InvalidDataException("The file was not read to its end.");
        if (_box is null) return;
        if (!_isChecked)
        {
            _isChecked = true;
            Span<byte> tag = stackalloc byte[XftpLimits.TagLength];
            _isAuthentic = _file.ReadAtLeast(tag, tag.Length, throwOnEndOfStream: false) == tag.Length && _box.TryFinish(tag);
        }

        if (!_isAuthentic) throw new InvalidDataException("The file was changed, or its key is another one.");
    }

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _file.Dispose();
            _box?.Dispose();
        }

        base.Dispose(disposing);
    }

    private int Wanted(int room) => (int)Math.Min(room, _left);

    private int Complete(Span<byte> buffer, int wanted, int read)
    {
        if (read == 0 && wanted > 0) throw new InvalidDataException("The file became shorter while it was read.");
        _left -= read;
        // At the end there is nothing more to read, and the box is closed.
        if (read > 0) _box?.Decrypt(buffer[..read], buffer[..read]);
        // The last bytes are not given away before all of them were authentic.
        if (_left == 0)
        {
            try
            {
                CheckEnd();
            }
            catch (InvalidDataException)
            {
                CryptographicOperations.ZeroMemory(buffer[..read]);
                throw;
            }
        }

        return read;
    }
}

/// <summary>
/// Writes the content of a <see cref="LocalFile"/>. A writer that is disposed before it is complete leaves a file that no
/// reader accepts, if it is encrypted. Not thread-safe.
/// </summary>
public sealed class LocalFileWriteStream : Stream
{
    private const int PieceLength = 64 * 1024;

    private readonly FileStream _file;
    private readonly BoxStream? _box;
    private bool _isComplete;

    internal LocalFileWriteStream(FileStream file, BoxStream? box)
    {
        _file = file;
        _box = box;
    }

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => _file.Length;

    public override long Position
    {
        get => _file.Position;
        set => throw new NotSupportedException();
    }

    /// <summary>Ends the content: writes the tag of an encrypted file, and everything to the disk.</summary>
    public async Task CompleteAsync(CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_isComplete, this);
        if (_box is not null)
        {
            var tag = new byte[XftpLimits.TagLength];
            _box.Finish(tag);
            await _file.WriteAsync(tag, cancellationToken);
        }

        _isComplete = true;
        _file.Flush(flushToDisk: true);
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_isComplete, this);
        if (_box is null)
        {
            await _file.WriteAsync(buffer, cancellationToken);
            return;
        }

        var piece = ArrayPool<byte>.Shared.Rent(Math.Min(buffer.Length, PieceLength));
        try
        {
            for (; !buffer.IsEmpty; buffer = buffer[Math.Min(piece.Length, buffer.Length)..])
            {
                var length = Math.Min(piece.Length, buffer.Length);
                _box.Encrypt(buffer.Span[..length], piece.AsSpan(0, length));
                await _file.WriteAsync(piece.AsMemory(0, length), cancellationToken);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(piece);
        }
    }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        ObjectDisposedException.ThrowIf(_isComplete, this);
        if (_box is null)
        {
            _file.Write(buffer);
            return;
        }

        var piece = ArrayPool<byte>.Shared.Rent(Math.Min(buffer.Length, PieceLength));
        try
        {
            for (; !buffer.IsEmpty; buffer = buffer[Math.Min(piece.Length, buffer.Length)..])
            {
                var length = Math.Min(piece.Length, buffer.Length);
                _box.Encrypt(buffer[..length], piece.AsSpan(0, length));
                _file.Write(piece, 0, length);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(piece);
        }
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Flush() => _file.Flush();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _file.Dispose();
            _box?.Dispose();
        }

        base.Dispose(disposing);
    }
}
