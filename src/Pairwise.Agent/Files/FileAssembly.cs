using System.Security.Cryptography;
using Pairwise.Agent.Store;
using Pairwise.Protocol.Xftp;
using Pairwise.Storage;

namespace Pairwise.Agent.Files;

/// <summary>
/// Decrypts files whose chunks are all here, beside their targets, and gives them their names when they are whole and
/// authentic. What turns out to be another file's description starts that one's download.
/// </summary>
internal sealed class FileAssembly : IWorkerSteps<long>, IDisposable
{
    private const int PieceLength = 256 * 1024;
    private const int MaxNames = 10_000;

    private readonly FileServices _services;
    private readonly KeyedWorkers<long> _workers;

    public FileAssembly(FileServices services)
    {
        _services = services;
        _workers = new KeyedWorkers<long>(this, services.Agent.Tasks, services.Agent.Tasks.Report, services.Agent.Time);
    }

    private AgentServices Agent => _services.Agent;

    public void Wake(long file) => _workers.Wake(file);

    public void Dispose() => _workers.Dispose();

    public async Task<bool> TryDoNextAsync(long key, AsyncSignal signal, CancellationToken cancellationToken)
    {
        var file = await Agent.Store.ReadAsync(session => ReceivedFileRows.TryGet(session, key, out var found) && found.Status > ReceivedFileStatus.Receiving ? found : null, cancellationToken);
        if (file is null) return false;
        var active = _services.Active.Get(file.Id);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(active.Ended, cancellationToken);
        try
        {
            await _services.LocalWork.WaitAsync(ending.Token);
            try
            {
                if (file.Status == ReceivedFileStatus.Moving) await MoveAsync(file, cancellationToken);
                else if (file.Redirect is { } redirect) await FollowAsync(file, redirect, ending.Token);
                else await DecryptAsync(file, ending.Token);
            }
            finally
            {
                _services.LocalWork.Release();
            }
        }
        catch (OperationCanceledException) when (active.Ended.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            _services.End(file.Id);
            RemovePart(file);
        }
        catch (AgentException e)
        {
            await _services.Downloads.FailFileAsync(key, file.Id, e.Error, cancellationToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            await _services.Downloads.FailFileAsync(key, file.Id, new AgentError.File(FileFault.LocalFile, e.Message), cancellationToken);
        }

        // Cancelled while this step ran, or just before: nobody else would remove what it has made.
        if (!await Agent.Store.ReadAsync(session => ReceivedFileRows.TryGet(session, key, out _), cancellationToken))
        {
            _services.End(file.Id);
            RemovePart(file);
        }

        return true;
    }

    /// <summary>Removes what decryption has left beside the target.</summary>
    public void RemovePart(ReceivedFileRow file)
    {
        try
        {
            File.Delete(PartPath(file));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            AgentLog.FileLeftBehind(Agent.Log, e.GetType().Name);
        }
    }

    private static string PartPath(ReceivedFileRow file) =>
        Path.Combine(Path.GetDirectoryName(Path.GetFullPath(file.Target.Path))!, $".{file.Id}.part");

    private async Task DecryptAsync(ReceivedFileRow file, CancellationToken cancellationToken)
    {
        string name;
        var part = file.Target with { Path = PartPath(file) };
        await using (var target = part.OpenWrite(FileMode.Create))
        {
            if (await DecryptAsync(file, target, cancellationToken) is not { } header) return;
            await target.CompleteAsync(cancellationToken);
            name = header.FileName;
        }

        var path = FreePath(file.Target.Path);
        await Agent.Store.ChangeAsync(
            transaction =>
            {
                if (ReceivedFileRows.TryGet(transaction.Session, file.Key, out _)) ReceivedFileRows.SetMoving(transaction.Session, file, path, name);
            },
            cancellationToken);
    }

    /// <summary>Gives the decrypted file its name. The name was stored before, so that after a crash it is known whose file is there.</summary>
    private async Task MoveAsync(ReceivedFileRow file, CancellationToken cancellationToken)
    {
        var part = PartPath(file);
        var path = file.FinalPath!;
        if (File.Exists(part))
        {
            if (!TryMove(part, path))
            {
                // Somebody else took the name in between: the next step tries another one.
                var free = FreePath(path);
                await Agent.Store.ChangeAsync(transaction => ReceivedFileRows.SetMoving(transaction.Session, file, free, file.FileName!), cancellationToken);
                return;
            }
        }
        else if (!File.Exists(path))
        {
            throw new IOException("the decrypted file is gone.");
        }

        var isWanted = await Agent.Store.ChangeAsync(
            transaction =>
            {
                if (!ReceivedFileRows.Remove(transaction.Session, file.Key)) return false;
                transaction.Raise(new AgentEvent.FileReceived(file.Id, file.Target with { Path = path }, file.FileName!));
                transaction.AfterCommit(() => _services.End(file.Id));
                return true;
            },
            cancellationToken);
        // It was cancelled in this moment, and nobody will be told of it.
        if (!isWanted) File.Delete(path);
    }

    // False when something is at the target. It is looked at after the attempt, which alone is not raced by anybody.
    private static bool TryMove(string part, string path)
    {
        try
        {
            File.Move(part, path, overwrite: false);
            return true;
        }
        catch (IOException) when (File.Exists(path) || Directory.Exists(path))
        {
            return false;
        }
    }

    private async Task FollowAsync(ReceivedFileRow file, FileRedirect redirect, CancellationToken cancellationToken)
    {
        using var text = new MemoryStream();
        if (await DecryptAsync(file, text, cancellationToken) is null) return;
        if (!FileDescriptionCodec.TryDecode(text.GetBuffer().AsSpan(0, (int)text.Length), out var target) || target.Party != FileParty.Recipient || target.Redirect is not null)
            throw Refuse(FileFault.Redirect, "what the link leads to is no file description");
        if (target.Size != redirect.Size || target.Digest != redirect.Digest) throw Refuse(FileFault.Redirect, "the file description is not the one promised");
        if (FileTransfers.Check(target) is { } error) throw new AgentException(error);
        await Agent.Store.ChangeAsync(
            transaction =>
            {
                if (!ReceivedFileRows.TryGet(transaction.Session, file.Key, out _)) return;
                ReceivedFileRows.SetRedirected(transaction.Session, file, target);
                var servers = ReceivedFileRows.GetPendingServers(transaction.Session, file.Key);
                // Before anybody can see the new chunks: their bytes are counted from nothing.
                _services.Active.Get(file.Id).Reset();
                transaction.AfterCommit(() =>
                {
                    foreach (var server in servers) _services.Downloads.Wake(file.User, server);
                });
            },
            cancellationToken);
    }

    /// <summary>Decrypts and checks the chunks; null if some were lost from the disk and are downloaded once more.</summary>
    private async Task<FileHeader?> DecryptAsync(ReceivedFileRow file, Stream target, CancellationToken cancellationToken)
    {
        var chunks = await Agent.Store.ReadAsync(session => ReceivedFileRows.GetChunks(session, file.Key), cancellationToken);
        var lost = chunks.Where(chunk => new FileInfo(PathOf(file, chunk.Number)) is not { Exists: true } info || info.Length != chunk.Size).Select(chunk => chunk.Number).ToList();
        if (lost.Count > 0)
        {
            await FetchAgainAsync(file, lost, cancellationToken);
            return null;
        }

        using var decryptor = new FileDecryptor(file.FileKey, file.Size);
        using var digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA512);
        var buffer = new byte[PieceLength];
        try
        {
            // The header stands in the first bytes, which chunks of any size give together.
            var pieces = new ChunkReader(chunks.Select(chunk => PathOf(file, chunk.Number)));
            await using (pieces)
            {
                for (var left = file.Size; left > 0;)
                {
                    var piece = buffer.AsMemory(0, NextPiece(left));
                    await pieces.ReadExactlyAsync(piece, cancellationToken);
                    digest.AppendData(piece.Span);
                    if (decryptor.Decrypt(piece.Span, out var content) != FileDecryptionError.None) throw Refuse(FileFault.Tampered, "it does not decrypt");
                    await target.WriteAsync(piece[content], cancellationToken);
                    left -= piece.Length;
                }
            }

            if (!decryptor.IsComplete || !CryptographicOperations.FixedTimeEquals(digest.GetHashAndReset(), file.Digest.Span))
                throw Refuse(FileFault.Tampered, "its digest differs");
            return decryptor.Header!;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(buffer);
        }
    }

    // The last piece holds the whole tag.
    private static int NextPiece(long left) =>
        left <= PieceLength ? (int)left : left < PieceLength + XftpLimits.TagLength ? PieceLength - XftpLimits.TagLength : PieceLength;

    private string PathOf(ReceivedFileRow file, int number) => _services.Folder.ChunkPath(file.Id, file.Stage, number);

    private Task FetchAgainAsync(ReceivedFileRow file, List<int> lost, CancellationToken cancellationToken) => Agent.Store.ChangeAsync(
        transaction =>
        {
            if (!ReceivedFileRows.TryGet(transaction.Session, file.Key, out _)) return;
            ReceivedFileRows.SetLost(transaction.Session, file, lost);
            var servers = ReceivedFileRows.GetPendingServers(transaction.Session, file.Key);
            transaction.AfterCommit(() =>
            {
                foreach (var server in servers) _services.Downloads.Wake(file.User, server);
            });
        },
        cancellationToken);

    /// <summary>The path, or the first one with a number in it at which nothing is.</summary>
    private static string FreePath(string wanted)
    {
        if (!File.Exists(wanted) && !Directory.Exists(wanted)) return wanted;
        var folder = Path.GetDirectoryName(wanted) ?? "";
        var name = Path.GetFileNameWithoutExtension(wanted);
        var extension = Path.GetExtension(wanted);
        for (var i = 1; i < MaxNames; i++)
        {
            var path = Path.Combine(folder, string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{name}_{i}{extension}"));
            if (!File.Exists(path) && !Directory.Exists(path)) return path;
        }

        throw new IOException("there is no free name for the file.");
    }

    private static AgentException Refuse(FileFault fault, string detail) => new(new AgentError.File(fault, detail));
}
