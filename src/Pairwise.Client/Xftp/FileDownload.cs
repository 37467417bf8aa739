using System.Security.Cryptography;
using System.Threading.Channels;
using Pairwise.Protocol.Xftp;

namespace Pairwise.Client.Xftp;

/// <summary>How files are received.</summary>
public sealed record FileDownloadOptions
{
    /// <summary>A folder for this transfer alone: the encrypted chunks wait in it, also for the next attempt.</summary>
    public required string ChunkFolder { get; init; }

    /// <summary>Attempts for each command.</summary>
    public int Attempts { get; init; } = 3;

    /// <summary>Chunks on their way at the same time.</summary>
    public int ParallelChunks { get; init; } = 16;

    /// <summary>The largest encrypted file that is accepted.</summary>
    public long MaxSize { get; init; } = XftpLimits.HardMaxFileSize;

    /// <summary>Hears how many more bytes of the encrypted file have arrived; those of an earlier attempt at once.</summary>
    public IProgress<int>? Progress { get; init; }

    /// <summary>Hears of every error after which there is another attempt.</summary>
    public Action<XftpClientError>? Retrying { get; init; }
}

/// <summary>
/// Receives a file: downloads the chunks, several at a time, and decrypts them in order as they arrive. Memory does not
/// grow with the file. Nothing is called received before its last byte was authentic.
/// </summary>
public static class FileDownload
{
    /// <summary>
    /// Receives the file behind a description; the redirect of a description that is a file itself is not followed
    /// (<see cref="FollowRedirectAsync"/>). Chunks that an earlier attempt left in the folder are not downloaded again.
    /// </summary>
    /// <param name="open">Opens the place for the content, given its header, when the first chunk is there.</param>
    /// <returns>The header.</returns>
    /// <exception cref="FileTransferException">A server refused for good, or the file is not the one described.</exception>
    public static async Task<FileHeader> ReceiveAsync(FileDescription description, XftpClientPool clients, FileDownloadOptions options, Func<FileHeader, Stream> open, CancellationToken cancellationToken)
    {
        if (description.Size > options.MaxSize || description.Chunks.Any(chunk => !ChunkPlan.IsAllowed(chunk.Size)))
            throw new FileTransferException($"The file is too large: {FileSize.ToText(description.Size)} (at most {FileSize.ToText(options.MaxSize)}).");
        if (description.Chunks.Count == 0)
            throw new FileTransferException("The file description has no chunks.");
        Directory.CreateDirectory(options.ChunkFolder);
        using var failing = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var waiting = Channel.CreateUnbounded<FileChunk>();
        var arrived = description.Chunks.Select(_ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).ToArray();
        foreach (var chunk in description.Chunks)
            waiting.Writer.TryWrite(chunk);
        waiting.Writer.Complete();
        var workers = Enumerable.Range(0, Math.Min(options.ParallelChunks, description.Chunks.Count)).Select(_ => DownloadAllAsync()).ToArray();
        var decrypting = DecryptAsync();
        Task[] all = [decrypting, .. workers];
        try
        {
            await Task.WhenAll(all);
        }
        catch (Exception) when (FileUpload.FirstCause(all) is { } cause)
        {
            throw new FileTransferException(cause.Message, cause.Error, cause);
        }

        return await decrypting;

        async Task DownloadAllAsync()
        {
            try
            {
                await foreach (var chunk in waiting.Reader.ReadAllAsync(failing.Token))
                {
                    await DownloadAsync(chunk, clients, options, failing.Token);
                    arrived[chunk.Number - 1].TrySetResult();
                }
            }
            catch
            {
                await failing.CancelAsync();
                throw;
            }
        }

        async Task<FileHeader> DecryptAsync()
        {
            try
            {
                return await DecryptInOrderAsync(description, options, arrived.Select(chunk => chunk.Task).ToArray(), open, failing.Token);
            }
            catch
            {
                await failing.CancelAsync();
                throw;
            }
        }
    }

    /// <summary>Receives a description that is itself a file, and checks it against what the first one promises.</summary>
    public static async Task<FileDescription> FollowRedirectAsync(FileDescription description, XftpClientPool clients, FileDownloadOptions options, CancellationToken cancellationToken)
    {
        var redirect = description.Redirect ?? throw new ArgumentException("The description is not a redirect.", nameof(description));
        using var text = new MemoryStream();
        await ReceiveAsync(description, clients, options with { MaxSize = XftpLimits.MaxDescriptionLength, Progress = null }, _ => new UnclosedStream(text), cancellationToken);
        return FileDescriptionCodec.TryDecode(text.GetBuffer().AsSpan(0, (int)text.Length), out var target)
            && target.Party == FileParty.Recipient
            && target.Redirect is null
            && target.Size == redirect.Size
            && target.Digest == redirect.Digest
                ? target
                : throw new FileTransferException("The link leads to a file description that is not the one promised.");
    }

    /// <summary>Tells the servers that the file was received, so that this recipient's keys are worth nothing any more.</summary>
    /// <returns>The errors, which change nothing about the file.</returns>
    public static async Task<IReadOnlyList<XftpClientError>> AcknowledgeAsync(FileDescription description, XftpClientPool clients, int attempts, CancellationToken cancellationToken)
    {
        var errors = new List<XftpClientError>();
        foreach (var chunk in description.Chunks)
        {
            var replica = chunk.Replicas[0];
            var result = await clients.RunAsync(replica.Server, attempts, client => client.AcknowledgeAsync(replica.Id, replica.Key, cancellationToken), null, cancellationToken);
            if (!result.IsOk)
                errors.Add(result.Error!);
        }

        return errors;
    }

    private static string PathOf(FileChunk chunk, FileDownloadOptions options) =>
        Path.Combine(options.ChunkFolder, chunk.Number.ToString(System.Globalization.CultureInfo.InvariantCulture));

    // A chunk gets its name when it is whole, so that a name in the folder means that nothing is left to download.
    private static async Task DownloadAsync(FileChunk chunk, XftpClientPool clients, FileDownloadOptions options, CancellationToken cancellationToken)
    {
        var path = PathOf(chunk, options);
        if (File.Exists(path) && new FileInfo(path).Length == chunk.Size)
        {
            options.Progress?.Report((int)chunk.Size);
            return;
        }

        // Half a chunk is of no use to the next attempt.
        var part = path + ".part";
        using var leftover = new RemovedFile(part);
        XftpResult<XftpResponse.Ok> result = new XftpClientError.BadAnswer(null);
        foreach (var replica in chunk.Replicas)
        {
            result = await clients.RunAsync(
                replica.Server,
                options.Attempts,
                async client =>
                {
                    var progress = new TakenBackOnError(options.Progress);
                    // A new file, not a shortened one: some file systems write those to the disk at once when they are closed.
                    File.Delete(part);
                    await using var file = new FileStream(part, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0);
                    var downloaded = await client.DownloadAsync(replica.Id, replica.Key, chunk.Size, chunk.Digest, file, progress, cancellationToken);
                    if (!downloaded.IsOk)
                        progress.TakeBack();
                    return downloaded;
                },
                options.Retrying,
                cancellationToken);
            if (result.IsOk)
            {
                File.Move(part, path, overwrite: true);
                return;
            }
        }

        throw FileTransferErrors.Explain($"download part {chunk.Number} of the file", chunk.Replicas[^1].Server, result.Error!);
    }

    private static async Task<FileHeader> DecryptInOrderAsync(FileDescription description, FileDownloadOptions options, Task[] arrived, Func<FileHeader, Stream> open, CancellationToken cancellationToken)
    {
        // The first piece holds the whole header, since the smallest chunk is larger than one.
        const int pieceLength = 256 * 1024;
        using var decryptor = new FileDecryptor(description.Key, description.Size);
        using var digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA512);
        var buffer = new byte[pieceLength];
        Stream? content = null;
        try
        {
            foreach (var chunk in description.Chunks)
            {
                await arrived[chunk.Number - 1].WaitAsync(cancellationToken);
                await using var file = new FileStream(PathOf(chunk, options), FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
                for (long left = chunk.Size; left > 0;)
                {
                    var piece = buffer.AsMemory(0, (int)Math.Min(pieceLength, left));
                    await file.ReadExactlyAsync(piece, cancellationToken);
                    digest.AppendData(piece.Span);
                    if (decryptor.Decrypt(piece.Span, out var range) is var error and not FileDecryptionError.None)
                        throw Tampered(error);
                    content ??= open(decryptor.Header!);
                    await content.WriteAsync(piece[range], cancellationToken);
                    left -= piece.Length;
                }
            }

            if (!decryptor.IsComplete || !CryptographicOperations.FixedTimeEquals(digest.GetHashAndReset(), description.Digest.Span))
                throw new FileTransferException("The file is not the one that the description promises: its digest differs.");
            await content!.FlushAsync(cancellationToken);
            return decryptor.Header!;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(buffer);
            if (content is not null)
                await content.DisposeAsync();
        }
    }

    private static FileTransferException Tampered(FileDecryptionError error) => new(error switch
    {
        FileDecryptionError.Tag => "The file was tampered with, or the description has another file's key: it does not decrypt.",
        _ => "The file was tampered with, or the description has another file's key: its beginning does not decrypt.",
    });

    private sealed class RemovedFile(string path) : IDisposable
    {
        public void Dispose() => File.Delete(path);
    }

    private sealed class UnclosedStream(Stream inner) : Stream
    {
        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => inner.Length;

        public override long Position
        {
            get => inner.Position;
            set => throw new NotSupportedException();
        }

        public override void Flush() => inner.Flush();

        public override void Write(byte[] buffer, int offset, int count) => inner.Write(buffer, offset, count);

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
