using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Threading.Channels;
using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Xftp;
using Pairwise.Wire;

namespace Pairwise.Client.Xftp;

/// <summary>A transfer failed for good; the message is one sentence for the one who asked for it.</summary>
public sealed class FileTransferException(string message, XftpClientError? error = null, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>What a server or connection said; null if it was something else.</summary>
    public XftpClientError? Error { get; } = error;

    /// <summary>Whether the same transfer may succeed later.</summary>
    public bool IsTransient => Error?.IsTransient ?? false;
}

/// <summary>How files are sent.</summary>
public sealed record FileUploadOptions
{
    /// <summary>Where chunks go; each to one of these, drawn at random, and to another one if that fails.</summary>
    public required IReadOnlyList<ServerAddressWithPassword> Servers { get; init; }

    /// <summary>Recipients, each of whom gets a description with keys of their own; 1 to <see cref="XftpLimits.MaxRecipientsInCommand"/>.</summary>
    public int Recipients { get; init; } = 1;

    /// <summary>Attempts for each command.</summary>
    public int Attempts { get; init; } = 3;

    /// <summary>Chunks on their way at the same time.</summary>
    public int ParallelChunks { get; init; } = 16;

    /// <summary>Bytes of chunks in memory at the same time, however many chunks that are.</summary>
    public long MemoryBudget { get; init; } = 16 * 1024 * 1024;

    public IRandomSource Random { get; init; } = SystemRandom.Instance;

    /// <summary>Hears how many more bytes of the encrypted file were handed to servers.</summary>
    public IProgress<int>? Progress { get; init; }

    /// <summary>Hears of every error after which there is another attempt.</summary>
    public Action<XftpClientError>? Retrying { get; init; }

    /// <summary>Knows which chunks an earlier, interrupted run has uploaded; null remembers nothing.</summary>
    public IUploadJournal? Journal { get; init; }
}

/// <summary>The descriptions of a file that was sent.</summary>
/// <param name="Sender">To delete it.</param>
/// <param name="Recipients">One for each recipient.</param>
public sealed record SentFile(FileDescription Sender, IReadOnlyList<FileDescription> Recipients);

/// <summary>One chunk that was uploaded, with all keys.</summary>
public sealed record SentChunk(int Number, uint Size, Bytes Digest, ServerAddress Server, ChunkId Id, PrivateKey SenderKey, ValueList<ChunkId> RecipientIds, ValueList<PrivateKey> RecipientKeys);

/// <summary>Remembers the chunks of an upload over the death of the process. Called from several tasks, one call at a time.</summary>
public interface IUploadJournal
{
    /// <summary>The chunk with this number, size and digest if it was uploaded; else null.</summary>
    SentChunk? Find(int number, uint size, Bytes digest);

    /// <summary>Says that a chunk was uploaded.</summary>
    void Add(SentChunk chunk);
}

/// <summary>
/// Sends a file: encrypts it piece by piece in memory, and uploads the chunks as they are made. Nothing of it is written to
/// the disk, and memory does not grow with the file.
/// </summary>
public static class FileUpload
{
    private const int PieceLength = 64 * 1024;

    /// <summary>The sizes of a file's chunks, and of the encrypted file.</summary>
    public static (IReadOnlyList<int> Chunks, long EncryptedSize) Plan(FileHeader header, long contentLength)
    {
        var payload = ChunkPlan.PayloadSize(header.Encode().Length, contentLength);
        if (payload > XftpLimits.HardMaxFileSize)
            throw new FileTransferException($"Files larger than {FileSize.ToText(XftpLimits.HardMaxFileSize)} cannot be sent.");
        var chunks = ChunkPlan.Split(payload);
        return (chunks, chunks.Sum(size => (long)size));
    }

    /// <summary>Sends what <paramref name="content"/> holds from its position on.</summary>
    /// <param name="redirect">Says that the content is the description of this other file; null for an ordinary file.</param>
    /// <exception cref="FileTransferException">A server refused for good, or the content ended before its length.</exception>
    public static async Task<SentFile> SendAsync(
        Stream content,
        long contentLength,
        FileHeader header,
        FileKey key,
        XftpClientPool clients,
        FileUploadOptions options,
        FileRedirect? redirect,
        CancellationToken cancellationToken)
    {
        var (sizes, encryptedSize) = Plan(header, contentLength);
        using var failing = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var memory = new MemoryBudget(options.MemoryBudget, sizes[0]);
        var made = Channel.CreateUnbounded<MadeChunk>(); // bounded by the memory budget
        using var digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA512);
        using var chunkDigest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var sent = new SentChunk[sizes.Count];
        var servers = new ServerDraw(options.Servers, options.Random);
        var journalGate = new Lock();

        var making = MakeAsync();
        var workers = Enumerable.Range(0, Math.Min(options.ParallelChunks, sizes.Count)).Select(_ => UploadAllAsync()).ToArray();
        Task[] all = [making, .. workers];
        try
        {
            await Task.WhenAll(all);
        }
        catch (Exception) when (FirstCause(all) is { } cause)
        {
            throw new FileTransferException(cause.Message, cause.Error, cause);
        }

        return Describe(sent, Bytes.Wrap(digest.GetHashAndReset()), encryptedSize, sizes, key, options.Recipients, redirect);

        async Task MakeAsync()
        {
            try
            {
                using var encryptor = new FileEncryptor(key, header.Encode(), contentLength, encryptedSize);
                for (var i = 0; i < sizes.Count; i++)
                {
                    var buffer = await memory.TakeAsync(sizes[i], failing.Token);
                    for (var done = 0; done < sizes[i]; done += PieceLength)
                    {
                        // Everything is done to a piece while the processor has it at hand. No chunk's size leaves a rest.
                        var piece = buffer.AsMemory(done, PieceLength);
                        var room = piece[encryptor.Begin(PieceLength)];
                        if (await content.ReadAtLeastAsync(room, room.Length, throwOnEndOfStream: false, failing.Token) < room.Length)
                            throw new FileTransferException("The file became shorter while it was read.");
                        encryptor.Complete(piece.Span);
                        digest.AppendData(piece.Span);
                        chunkDigest.AppendData(piece.Span);
                    }

                    await made.Writer.WriteAsync(new MadeChunk(i, buffer, sizes[i], Bytes.Wrap(chunkDigest.GetHashAndReset())), failing.Token);
                }
            }
            catch
            {
                await failing.CancelAsync();
                throw;
            }
            finally
            {
                made.Writer.Complete();
            }
        }

        async Task UploadAllAsync()
        {
            try
            {
                await foreach (var chunk in made.Reader.ReadAllAsync(failing.Token))
                {
                    sent[chunk.Index] = await UploadAsync(chunk, failing.Token);
                    memory.Return(chunk.Buffer);
                }
            }
            catch
            {
                await failing.CancelAsync();
                throw;
            }
        }

        async Task<SentChunk> UploadAsync(MadeChunk chunk, CancellationToken token)
        {
            var bytes = chunk.Buffer.AsMemory(0, chunk.Size);
            if (options.Journal is { } journal)
            {
                lock (journalGate)
                {
                    if (journal.Find(chunk.Index + 1, (uint)chunk.Size, chunk.Digest) is { } known)
                    {
                        options.Progress?.Report(chunk.Size);
                        return known;
                    }
                }
            }

            var uploaded = await UploadNewAsync(chunk.Index + 1, bytes, chunk.Digest, servers, clients, options, token);
            if (options.Journal is not null)
            {
                lock (journalGate)
                    options.Journal.Add(uploaded);
            }

            return uploaded;
        }
    }

    /// <summary>Makes a description of another file into a file of its own, whose description is short.</summary>
    public static async Task<SentFile> SendDescriptionAsync(FileDescription description, XftpClientPool clients, FileUploadOptions options, CancellationToken cancellationToken)
    {
        var text = System.Text.Encoding.UTF8.GetBytes(FileDescriptionCodec.Encode(description));
        using var content = new MemoryStream(text);
        return await SendAsync(content, text.Length, new FileHeader(""), FileKey.Generate(options.Random), clients, options, new FileRedirect(description.Size, description.Digest), cancellationToken);
    }

    // While there is another server, one attempt to register is enough.
    private static async Task<SentChunk> UploadNewAsync(int number, ReadOnlyMemory<byte> bytes, Bytes digest, ServerDraw servers, XftpClientPool clients, FileUploadOptions options, CancellationToken cancellationToken)
    {
        var senderKey = Ed25519PrivateKey.Generate(options.Random);
        var recipientKeys = Enumerable.Range(0, options.Recipients).Select(_ => Ed25519PrivateKey.Generate(options.Random)).ToArray();
        var info = new ChunkInfo(senderKey.PublicKey, (uint)bytes.Length, digest);
        var drawn = servers.Draw();
        for (var i = 0; ; i++)
        {
            var server = drawn[i];
            var isLast = i == drawn.Count - 1;
            var action = "register a part of the file";
            var created = await clients.RunAsync(
                server.Server, isLast ? options.Attempts : 1, client => client.CreateAsync(info, senderKey, [.. recipientKeys.Select(key => key.PublicKey)], server.Password, cancellationToken), options.Retrying, cancellationToken);
            var error = created.Error;
            if (error is null)
            {
                action = "upload a part of the file";
                var uploaded = await clients.RunAsync(
                    server.Server,
                    options.Attempts,
                    async client =>
                    {
                        var progress = new TakenBackOnError(options.Progress);
                        var result = await client.UploadAsync(created.Value.Sender, senderKey, bytes, progress, cancellationToken);
                        if (!result.IsOk)
                            progress.TakeBack();
                        return result;
                    },
                    options.Retrying,
                    cancellationToken);
                error = uploaded.Error;
                if (error is null)
                    return new SentChunk(number, (uint)bytes.Length, digest, server.Server, created.Value.Sender, senderKey, created.Value.Recipients, [.. recipientKeys]);
            }

            if (isLast)
                throw FileTransferErrors.Explain(action, server.Server, error);
            servers.Fail(server);
            options.Retrying?.Invoke(error);
        }
    }

    private static SentFile Describe(SentChunk[] chunks, Bytes digest, long size, IReadOnlyList<int> sizes, FileKey key, int recipients, FileRedirect? redirect)
    {
        FileDescription For(FileParty party, Func<SentChunk, ChunkReplica> replica) => new(
            party, size, digest, key, (uint)sizes[0], [.. chunks.Select(chunk => new FileChunk(chunk.Number, chunk.Size, chunk.Digest, [replica(chunk)]))], redirect);
        return new SentFile(
            For(FileParty.Sender, chunk => new ChunkReplica(chunk.Server, chunk.Id, chunk.SenderKey)),
            [.. Enumerable.Range(0, recipients).Select(i => For(FileParty.Recipient, chunk => new ChunkReplica(chunk.Server, chunk.RecipientIds[i], chunk.RecipientKeys[i])))]);
    }

    // What failed first cancels the others.
    internal static FileTransferException? FirstCause(Task[] tasks) =>
        tasks.SelectMany(task => task.Exception?.InnerExceptions ?? (IEnumerable<Exception>)[]).OfType<FileTransferException>().FirstOrDefault();

    private readonly record struct MadeChunk(int Index, byte[] Buffer, int Size, Bytes Digest);
}

/// <summary>Buffers for chunks, up to so many bytes; who wants more waits. There is always room for one.</summary>
internal sealed class MemoryBudget(long budget, int firstSize) : IDisposable
{
    private readonly SemaphoreSlim _room = new((int)Math.Max(1, budget / firstSize));
    private readonly ConcurrentBag<byte[]> _free = [];

    public async ValueTask<byte[]> TakeAsync(int size, CancellationToken cancellationToken)
    {
        await _room.WaitAsync(cancellationToken);
        return _free.TryTake(out var buffer) && buffer.Length >= size ? buffer : new byte[Math.Max(size, firstSize)];
    }

    /// <summary>Takes a buffer back. What is in it was encrypted.</summary>
    public void Return(byte[] buffer)
    {
        _free.Add(buffer);
        _room.Release();
    }

    public void Dispose() => _room.Dispose();
}

/// <summary>Draws servers for chunks; those that failed in this transfer come last. Thread-safe.</summary>
internal sealed class ServerDraw(IReadOnlyList<ServerAddressWithPassword> servers, IRandomSource random)
{
    private readonly ConcurrentDictionary<ServerAddressWithPassword, byte> _failed = new();

    /// <summary>All servers, in the order in which they are to be tried for one chunk.</summary>
    public IReadOnlyList<ServerAddressWithPassword> Draw()
    {
        var rest = servers.ToList();
        var drawn = new List<ServerAddressWithPassword>(rest.Count);
        Span<byte> number = stackalloc byte[sizeof(uint)];
        while (rest.Count > 0)
        {
            random.Fill(number);
            var at = (int)(BinaryPrimitives.ReadUInt32BigEndian(number) % (uint)rest.Count);
            drawn.Add(rest[at]);
            rest.RemoveAt(at);
        }

        return [.. drawn.OrderBy(_failed.ContainsKey)];
    }

    /// <summary>Says that a server did not take a chunk.</summary>
    public void Fail(ServerAddressWithPassword server) => _failed[server] = 0;
}
