using System.Buffers.Binary;
using Pairwise.Crypto;

namespace Pairwise.Protocol.Xftp;

/// <summary>
/// Encrypts a file piece by piece, in place, into the one box that is then cut into chunks. The caller puts the content
/// where <see cref="Begin"/> says; everything else (length, header, padding, tag) is put around it. Not thread-safe.
/// </summary>
public sealed class FileEncryptor : IDisposable
{
    private const byte Filler = (byte)'#';

    private readonly BoxStream _box;
    private readonly byte[] _prefix;
    private readonly long _contentEnd;
    private readonly long _tagStart;
    private long _position;

    /// <param name="key">The file's key; never used for another file or other content.</param>
    /// <param name="header">What stands before the content.</param>
    /// <param name="contentLength">Bytes of the content.</param>
    /// <param name="encryptedSize">Bytes of all pieces together, not less than <see cref="ChunkPlan.PayloadSize"/>.</param>
    /// <exception cref="ArgumentException">Header and content do not fit.</exception>
    public FileEncryptor(FileKey key, ReadOnlySpan<byte> header, long contentLength, long encryptedSize)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(contentLength);
        if (ChunkPlan.PayloadSize(header.Length, contentLength) > encryptedSize)
        {
            throw new ArgumentException("The file does not fit in its encrypted size.", nameof(encryptedSize));
        }

        _prefix = new byte[XftpLimits.FileLengthSize + header.Length];
        BinaryPrimitives.WriteInt64BigEndian(_prefix, header.Length + contentLength);
        header.CopyTo(_prefix.AsSpan(XftpLimits.FileLengthSize));
        _contentEnd = _prefix.Length + contentLength;
        _tagStart = encryptedSize - XftpLimits.TagLength;
        EncryptedSize = encryptedSize;
        _box = key.StartStream();
    }

    /// <summary>Bytes of all pieces together.</summary>
    public long EncryptedSize { get; }

    /// <summary>Where in the next piece the next bytes of the content belong; may be empty.</summary>
    public Range Begin(int pieceLength)
    {
        if (pieceLength > EncryptedSize - _position)
        {
            throw new ArgumentException("The piece goes beyond the file's end.", nameof(pieceLength));
        }

        var start = Math.Clamp(_prefix.Length - _position, 0, pieceLength);
        var end = Math.Clamp(_contentEnd - _position, start, pieceLength);
        return (int)start..(int)end;
    }

    // encryptedFile = encrypted(length header content *"#") tag ; length = int64 of header and content
    /// <summary>Encrypts the piece in which the content was put. The tag is never split: the last piece has at least its length.</summary>
    public void Complete(Span<byte> piece)
    {
        var content = Begin(piece.Length);
        var (start, end) = (content.Start.Value, content.End.Value);
        if (start > 0)
        {
            _prefix.AsSpan((int)_position, start).CopyTo(piece);
        }

        var encryptedEnd = (int)Math.Clamp(_tagStart - _position, 0, piece.Length);
        var isLast = _position + piece.Length == EncryptedSize;
        if (encryptedEnd < piece.Length && !isLast)
        {
            throw new ArgumentException("The last piece is shorter than the tag.", nameof(piece));
        }

        if (isLast && piece.Length < XftpLimits.TagLength)
        {
            throw new ArgumentException("The last piece is shorter than the tag.", nameof(piece));
        }

        piece[end..encryptedEnd].Fill(Filler);
        _box.Encrypt(piece[..encryptedEnd], piece[..encryptedEnd]);
        if (isLast)
        {
            _box.Finish(piece[encryptedEnd..]);
        }

        _position += piece.Length;
    }

    public void Dispose() => _box.Dispose();
}

/// <summary>Why an encrypted file was refused.</summary>
public enum FileDecryptionError
{
    None,

    /// <summary>Its length cannot be: negative, or more than there is.</summary>
    Length,

    /// <summary>The header does not parse.</summary>
    Header,

    /// <summary>The tag is not that of the content: tampered with, or another key.</summary>
    Tag,
}

/// <summary>
/// Decrypts a file piece by piece, in place. Nothing of it is authentic before the last piece was, so the content belongs
/// into a place from which it is taken away again when the tag is wrong. Not thread-safe.
/// </summary>
public sealed class FileDecryptor : IDisposable
{
    private readonly BoxStream _box;
    private readonly long _tagStart;
    private long _position;
    private long _contentStart;
    private long _contentEnd;

    /// <param name="key">The file's key.</param>
    /// <param name="encryptedSize">Bytes of all pieces together.</param>
    public FileDecryptor(FileKey key, long encryptedSize)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(encryptedSize);
        EncryptedSize = encryptedSize;
        _tagStart = encryptedSize - XftpLimits.TagLength;
        _box = key.StartStream();
    }

    /// <summary>Bytes of all pieces together.</summary>
    public long EncryptedSize { get; }

    /// <summary>Known after the first piece.</summary>
    public FileHeader? Header { get; private set; }

    /// <summary>Bytes of the content; known after the first piece.</summary>
    public long ContentLength => _contentEnd - _contentStart;

    /// <summary>Whether the last piece was decrypted and the whole file is authentic.</summary>
    public bool IsComplete { get; private set; }

    /// <summary>
    /// Decrypts the next piece in place; the content in it is where <paramref name="content"/> says. The first piece has at
    /// least <see cref="XftpLimits.MaxFileHeader"/> and 8 bytes, or is the whole file; the last one at least the tag's.
    /// </summary>
    public FileDecryptionError Decrypt(Span<byte> piece, out Range content)
    {
        content = 0..0;
        if (piece.Length > EncryptedSize - _position || EncryptedSize < XftpLimits.FileLengthSize + XftpLimits.TagLength)
        {
            return FileDecryptionError.Length;
        }

        var encryptedEnd = (int)Math.Clamp(_tagStart - _position, 0, piece.Length);
        var isLast = _position + piece.Length == EncryptedSize;
        if (isLast ? piece.Length - encryptedEnd != XftpLimits.TagLength : encryptedEnd < piece.Length)
        {
            return FileDecryptionError.Length;
        }

        var plain = piece[..encryptedEnd];
        _box.Decrypt(plain, plain);
        if (_position == 0 && ReadPrefix(plain) is var error and not FileDecryptionError.None)
        {
            return error;
        }

        var start = (int)Math.Clamp(_contentStart - _position, 0, encryptedEnd);
        content = start..(int)Math.Clamp(_contentEnd - _position, start, encryptedEnd);
        _position += piece.Length;
        if (isLast)
        {
            if (!_box.TryFinish(piece[encryptedEnd..]))
            {
                return FileDecryptionError.Tag;
            }

            IsComplete = true;
        }

        return FileDecryptionError.None;
    }

    public void Dispose() => _box.Dispose();

    private FileDecryptionError ReadPrefix(ReadOnlySpan<byte> plain)
    {
        if (plain.Length < XftpLimits.FileLengthSize)
        {
            return FileDecryptionError.Length;
        }

        var length = BinaryPrimitives.ReadInt64BigEndian(plain);
        if (length < 0 || length > _tagStart - XftpLimits.FileLengthSize)
        {
            return FileDecryptionError.Length;
        }

        var head = plain[XftpLimits.FileLengthSize..];
        head = head[..(int)Math.Min(Math.Min(head.Length, length), XftpLimits.MaxFileHeader)];
        if (!FileHeader.TryRead(head, out var header, out var headerLength))
        {
            return FileDecryptionError.Header;
        }

        Header = header;
        _contentStart = XftpLimits.FileLengthSize + headerLength;
        _contentEnd = XftpLimits.FileLengthSize + length;
        return FileDecryptionError.None;
    }
}
