using System.Security.Cryptography;
using System.Text;
using Pairwise.Agent.Store;
using Pairwise.Protocol;
using Pairwise.Protocol.Xftp;
using Pairwise.Wire;

namespace Pairwise.Agent.Files;

/// <summary>
/// Encrypts files that are to be sent, once, into the work folder, and cuts them into chunks that are spread over the user's
/// servers. An attempt that did not come to its end leaves nothing that counts: the next one has another key.
/// </summary>
internal sealed class FilePreparation(FileServices services) : IWorkerSteps<long>
{
    private const int PieceLength = 256 * 1024;

    private AgentServices Agent => services.Agent;

    /// <summary>The chunks of a file; an error if it is too large. The description of another file has to fit into one chunk.</summary>
    public static (IReadOnlyList<int> Sizes, AgentError? Error) Plan(int headerLength, long contentLength, bool isRedirect)
    {
        var payload = ChunkPlan.PayloadSize(headerLength, contentLength);
        if (isRedirect) return ChunkPlan.TryGetSingle(payload, out var single) ? ([single], null) : ([], new AgentError.File(FileFault.TooLarge));
        return contentLength <= XftpLimits.HardMaxFileSize && payload <= XftpLimits.HardMaxFileSize ? (ChunkPlan.Split(payload), null) : ([], new AgentError.File(FileFault.TooLarge));
    }

    /// <summary>The header that bears a name, which is cut to what fits.</summary>
    public static byte[] HeaderOf(string path)
    {
        var name = Path.GetFileName(path);
        while (Encoding.UTF8.GetByteCount(name) > byte.MaxValue) name = name[..^(char.IsLowSurrogate(name[^1]) ? 2 : 1)];
        return new FileHeader(name).Encode();
    }

    public async Task<bool> TryDoNextAsync(long key, AsyncSignal signal, CancellationToken cancellationToken)
    {
        var file = await Agent.Store.ReadAsync(session => SentFileRows.TryGet(session, key, out var found) && found.Status == SentFileStatus.New ? found : null, cancellationToken);
        if (file is null) return false;
        var active = services.Active.Get(file.Id);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(active.Ended, cancellationToken);
        try
        {
            await services.LocalWork.WaitAsync(ending.Token);
            try
            {
                await PrepareAsync(file, ending.Token);
            }
            finally
            {
                services.LocalWork.Release();
            }
        }
        catch (OperationCanceledException) when (active.Ended.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            services.End(file.Id);
        }
        catch (AgentException e)
        {
            await services.Uploads.FailFileAsync(key, file.Id, e.Error, cancellationToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            await services.Uploads.FailFileAsync(key, file.Id, new AgentError.File(FileFault.LocalFile, e.Message), cancellationToken);
        }

        return true;
    }

    private async Task PrepareAsync(SentFileRow file, CancellationToken cancellationToken)
    {
        var servers = services.Servers.Shuffle(file.User);
        if (servers.Length == 0) throw new AgentException(new AgentError.File(FileFault.NoServer));
        services.Folder.Make(file.Id);
        var key = FileKey.Generate(Agent.Random);
        await using Stream content = file.Description is { } description ? new MemoryStream(description) : file.Source.OpenRead();
        var header = file.Description is null ? HeaderOf(file.Source.Path) : new FileHeader("").Encode();
        var (sizes, error) = Plan(header.Length, content.Length, file.Redirect is not null);
        if (error is not null) throw new AgentException(error);

        var (digests, digest) = await EncryptAsync(content, header, key, sizes, services.Folder.EncryptedPath(file.Id), cancellationToken);
        var chunks = new List<CutChunk>(sizes.Count);
        long start = 0;
        for (var i = 0; i < sizes.Count; i++)
        {
            chunks.Add(new CutChunk(i + 1, start, sizes[i], digests[i], servers[i % servers.Length]));
            start += sizes[i];
        }

        await Agent.Store.ChangeAsync(
            transaction =>
            {
                if (!SentFileRows.TryGet(transaction.Session, file.Key, out _))
                {
                    transaction.AfterCommit(() => services.End(file.Id));
                    return;
                }

                SentFileRows.SetEncrypted(transaction.Session, file, key, start, digest, chunks);
                transaction.Raise(new AgentEvent.FileSendProgress(file.Id, 0, start));
                transaction.AfterCommit(() =>
                {
                    foreach (var server in servers.Take(chunks.Count)) services.Uploads.Wake(file.User, server);
                });
            },
            cancellationToken);
    }

    /// <summary>Writes the encrypted file; the digests of its chunks and of all of it are taken on the way.</summary>
    private static async Task<(List<Bytes> Chunks, Bytes All)> EncryptAsync(Stream content, byte[] header, FileKey key, IReadOnlyList<int> sizes, string path, CancellationToken cancellationToken)
    {
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, Share = FileShare.None, BufferSize = 0, Options = FileOptions.Asynchronous };
        await using var target = new FileStream(path, options);
        using var encryptor = new FileEncryptor(key, header, content.Length, sizes.Sum(size => (long)size));
        using var all = IncrementalHash.CreateHash(HashAlgorithmName.SHA512);
        using var chunk = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var digests = new List<Bytes>(sizes.Count);
        var buffer = new byte[PieceLength];
        try
        {
            foreach (var size in sizes)
            {
                for (var left = size; left > 0;)
                {
                    var piece = buffer.AsMemory(0, Math.Min(left, PieceLength));
                    var room = piece[encryptor.Begin(piece.Length)];
                    if (await content.ReadAtLeastAsync(room, room.Length, throwOnEndOfStream: false, cancellationToken) < room.Length)
                        throw new InvalidDataException("The file became shorter while it was read.");
                    encryptor.Complete(piece.Span);
                    all.AppendData(piece.Span);
                    chunk.AppendData(piece.Span);
                    await target.WriteAsync(piece, cancellationToken);
                    left -= piece.Length;
                }

                digests.Add(Bytes.Wrap(chunk.GetHashAndReset()));
            }

            if (content is LocalFileReadStream local) local.CheckEnd();
            target.Flush(flushToDisk: true);
            return (digests, Bytes.Wrap(all.GetHashAndReset()));
        }
        finally
        {
            CryptographicOperations.ZeroMemory(buffer);
        }
    }
}
