using Pairwise.Crypto;
using Pairwise.Protocol.Xftp;

namespace Pairwise.Agent.Files;

/// <summary>
/// A file on this device, encrypted there if it has a key. The form is the reference's (CryptoFile): the content under
/// XSalsa20-Poly1305, its tag of 16 bytes behind it. Both ways are streams: memory does not grow with the file.
/// </summary>
/// <param name="Path">Where it is.</param>
/// <param name="Key">Key and nonce, for this one file and content; null for a plain file.</param>
public sealed record LocalFile(string Path, FileKey? Key = null)
{
    // localFile = content / encrypted(content) tag
    /// <summary>A file to be written under a fresh key.</summary>
    public static LocalFile Encrypted(string path, IRandomSource random) => new(path, FileKey.Generate(random));

    /// <summary>Bytes of the content.</summary>
    /// <exception cref="IOException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">It is too short to be encrypted.</exception>
    public long GetContentLength()
    {
        var length = new FileInfo(Path).Length;
        if (Key is null) return length;
        return length >= XftpLimits.TagLength ? length - XftpLimits.TagLength : throw TooShort();
    }

    /// <summary>
    /// Opens the content. Of an encrypted file the last bytes are given only if all of it is authentic; before, reading throws
    /// <see cref="InvalidDataException"/>. So what was read counts when the end was reached.
    /// </summary>
    public LocalFileReadStream OpenRead()
    {
        var file = new FileStream(Path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0, FileOptions.Asynchronous | FileOptions.SequentialScan);
        if (Key is not null && file.Length < XftpLimits.TagLength)
        {
            file.Dispose();
            throw TooShort();
        }

        return new LocalFileReadStream(file, Key?.StartStream());
    }

    /// <summary>
    /// Opens the file for writing, readable by its owner alone; it is whole only after <see cref="LocalFileWriteStream.CompleteAsync"/>.
    /// A key must not be used for two contents.
    /// </summary>
    /// <param name="mode"><see cref="FileMode.CreateNew"/> fails when there is one, <see cref="FileMode.Create"/> replaces it.</param>
    public LocalFileWriteStream OpenWrite(FileMode mode)
    {
        var options = new FileStreamOptions { Mode = mode, Access = FileAccess.Write, Share = FileShare.None, BufferSize = 0, Options = FileOptions.Asynchronous };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        return new LocalFileWriteStream(new FileStream(Path, options), Key?.StartStream());
    }

    /// <summary>The whole content, for small files.</summary>
    /// <exception cref="InvalidDataException">The file is larger than the limit, or not authentic.</exception>
    public async Task<byte[]> ReadAllAsync(long limit, CancellationToken cancellationToken)
    {
        await using var reader = OpenRead();
        if (reader.Length > limit) throw new InvalidDataException("The file is larger than it may be.");
        var content = new byte[reader.Length];
        await reader.ReadExactlyAsync(content, cancellationToken);
        reader.CheckEnd();
        return content;
    }

    /// <summary>Writes a whole small file.</summary>
    public async Task WriteAllAsync(ReadOnlyMemory<byte> content, FileMode mode, CancellationToken cancellationToken)
    {
        await using var writer = OpenWrite(mode);
        await writer.WriteAsync(content, cancellationToken);
        await writer.CompleteAsync(cancellationToken);
    }

    private static InvalidDataException TooShort() => new("The file is too short to be an encrypted one.");
}
