using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using Pairwise.Crypto;
using Pairwise.Protocol.Xftp;

namespace Pairwise.Server.Xftp.Store;

/// <summary>
/// The chunks that the server knows, in memory, with a log that restores them. It knows ids, keys and paths, and does not
/// touch content (<see cref="ChunkFiles"/> does). Thread-safe: one lock, held for memory and one append to the log.
/// </summary>
internal sealed class ChunkStore(IRandomSource random, long quota, int mostRecords = int.MaxValue) : IAsyncDisposable
{
    // guarded by _gate
    private readonly Lock _gate = new();
    private readonly Dictionary<ChunkId, StoredChunk> _chunks = [];
    private readonly Dictionary<ChunkId, StoredChunk> _recipients = [];
    private IChunkLog? _log;
    private long _used;

    /// <summary>Bytes uploaded, and of uploads that are under way.</summary>
    public long UsedBytes
    {
        get
        {
            lock (_gate)
            {
                return _used;
            }
        }
    }

    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _chunks.Count;
            }
        }
    }

    public int RecipientCount
    {
        get
        {
            lock (_gate)
            {
                return _recipients.Count;
            }
        }
    }

    /// <summary>From here on every change is logged before it is made.</summary>
    public void AttachLog(IChunkLog log) => _log = log;

    /// <summary>Completes when everything that was changed before the call survives a failure of the power.</summary>
    /// <exception cref="IOException">It cannot be stored now.</exception>
    public ValueTask WhenWrittenAsync() => _log?.WhenWrittenAsync() ?? ValueTask.CompletedTask;

    /// <summary>Registers a chunk with its recipients.</summary>
    public XftpResponse Register(ChunkInfo info, IReadOnlyList<PublicKey> recipientKeys, long now)
    {
        lock (_gate)
        {
            if (IsFull(1 + recipientKeys.Count))
            {
                return new XftpResponse.Err(XftpError.Quota.Instance);
            }

            var chunk = new StoredChunk(NewId(), info, now - (now % StoredChunk.TimePrecision));
            var recipients = NewRecipients(recipientKeys);
            if (!TryLog(new XftpLogRecord.Add(chunk.SenderId, info, chunk.CreatedAt, null), new XftpLogRecord.AddRecipients(chunk.SenderId, recipients)))
            {
                return new XftpResponse.Err(XftpError.Internal.Instance);
            }

            _chunks.Add(chunk.SenderId, chunk);
            AddRecipients(chunk, recipients);
            return new XftpResponse.SenderIds(chunk.SenderId, [.. recipients.Select(recipient => recipient.Id)]);
        }
    }

    /// <summary>Registers more recipients.</summary>
    public XftpResponse AddRecipients(StoredChunk chunk, IReadOnlyList<PublicKey> keys)
    {
        lock (_gate)
        {
            if (chunk.IsDeleted)
            {
                return new XftpResponse.Err(XftpError.Auth.Instance);
            }

            if (IsFull(keys.Count))
            {
                return new XftpResponse.Err(XftpError.Quota.Instance);
            }

            var recipients = NewRecipients(keys);
            if (!TryLog(new XftpLogRecord.AddRecipients(chunk.SenderId, recipients)))
            {
                return new XftpResponse.Err(XftpError.Internal.Instance);
            }

            AddRecipients(chunk, recipients);
            return new XftpResponse.RecipientIds([.. recipients.Select(recipient => recipient.Id)]);
        }
    }

    /// <summary>Finds a chunk by its sender's id, with the key that authorizes the sender.</summary>
    public bool TryFindAsSender(ChunkId id, [NotNullWhen(true)] out StoredChunk? chunk, out XftpError.Blocked? block)
    {
        lock (_gate)
        {
            block = _chunks.TryGetValue(id, out chunk) ? chunk.Block : null;
            if (chunk is { IsOff: true })
            {
                chunk = null;
            }

            return chunk is not null;
        }
    }

    /// <summary>Finds a chunk by a recipient's id, with the key that authorizes this recipient.</summary>
    public bool TryFindAsRecipient(ChunkId id, [NotNullWhen(true)] out StoredChunk? chunk, [NotNullWhen(true)] out PublicKey? key, out XftpError.Blocked? block)
    {
        lock (_gate)
        {
            key = null;
            block = _recipients.TryGetValue(id, out chunk) ? chunk.Block : null;
            if (chunk is { IsOff: true })
            {
                chunk = null;
            }

            return chunk is not null && chunk.Recipients.TryGetValue(id, out key);
        }
    }

    /// <summary>Where the content is now; null if there is none.</summary>
    public string? PathOf(StoredChunk chunk)
    {
        lock (_gate)
        {
            return chunk.Path;
        }
    }

    /// <summary>Takes room for an upload; false when the quota does not allow it.</summary>
    public bool TryReserve(uint size)
    {
        lock (_gate)
        {
            if (size > quota - _used)
            {
                return false;
            }

            _used += size;
            return true;
        }
    }

    /// <summary>Gives room back: of an upload that came to nothing, or of content that was removed.</summary>
    public void Release(uint size)
    {
        lock (_gate)
        {
            _used -= size;
        }
    }

    /// <summary>
    /// Says that the content is whole and where it is; its room was reserved. False, with the error to answer, when the
    /// chunk is gone or blocked, or (with no error) when another upload was there first: then the content is not needed.
    /// </summary>
    public bool TryCommit(StoredChunk chunk, string path, out XftpError? error)
    {
        lock (_gate)
        {
            error = chunk.IsActive ? null : XftpError.Auth.Instance;
            if (error is not null || chunk.Path is not null)
            {
                return false;
            }

            if (!TryLog(new XftpLogRecord.Put(chunk.SenderId, path)))
            {
                error = XftpError.Internal.Instance;
                return false;
            }

            chunk.Path = path;
            return true;
        }
    }

    /// <summary>
    /// Deletes a chunk for everybody; what is to be removed from the disk, and released then, comes back in
    /// <paramref name="path"/>.
    /// </summary>
    public XftpError? Delete(StoredChunk chunk, out string? path)
    {
        lock (_gate)
        {
            path = null;
            if (chunk.IsDeleted)
            {
                return XftpError.Auth.Instance;
            }

            if (!TryLog(new XftpLogRecord.Delete(chunk.SenderId)))
            {
                return XftpError.Internal.Instance;
            }

            path = Remove(chunk);
            return null;
        }
    }

    /// <summary>Blocks a chunk: its content goes, and everybody who asks hears why.</summary>
    public XftpError? Block(StoredChunk chunk, XftpError.Blocked reason, out string? path)
    {
        lock (_gate)
        {
            path = null;
            if (chunk.IsDeleted)
            {
                return XftpError.Auth.Instance;
            }

            if (!TryLog(new XftpLogRecord.Block(chunk.SenderId, reason)))
            {
                return XftpError.Internal.Instance;
            }

            path = ApplyBlock(chunk, reason);
            return null;
        }
    }

    /// <summary>Forgets a recipient, who has the chunk.</summary>
    public XftpError? Acknowledge(ChunkId recipient)
    {
        lock (_gate)
        {
            if (!_recipients.ContainsKey(recipient))
            {
                return XftpError.Auth.Instance;
            }

            if (!TryLog(new XftpLogRecord.Acknowledge(recipient)))
            {
                return XftpError.Internal.Instance;
            }

            return RemoveRecipient(recipient) ? null : XftpError.Auth.Instance;
        }
    }

    /// <summary>The chunks created before the time given, in seconds since 1970.</summary>
    public IReadOnlyList<StoredChunk> FindOlderThan(long unixSeconds)
    {
        lock (_gate)
        {
            return [.. _chunks.Values.Where(chunk => chunk.IsOlderThan(unixSeconds))];
        }
    }

    /// <summary>
    /// At the start: looks for the content of every chunk, and counts what it takes. <paramref name="locate"/> gives the path at which it is whole, or
    /// null if it is nowhere.
    /// </summary>
    /// <returns>The chunks whose content is elsewhere than it was, or nowhere.</returns>
    public IReadOnlyList<(ChunkId Sender, string? Path)> CheckContent(Func<string, uint, string?> locate)
    {
        lock (_gate)
        {
            List<(ChunkId Sender, string? Path)> moved = [];
            _used = 0;
            foreach (var chunk in _chunks.Values.Where(chunk => chunk.Path is not null))
            {
                var path = locate(chunk.Path!, chunk.Size);
                if (path != chunk.Path)
                {
                    moved.Add((chunk.SenderId, path));
                    chunk.Path = path;
                }

                _used += path is null ? 0 : chunk.Size;
            }

            return moved;
        }
    }

    /// <summary>The paths of all content.</summary>
    public HashSet<string> AllPaths()
    {
        lock (_gate)
        {
            return [.. _chunks.Values.Select(chunk => chunk.Path).OfType<string>()];
        }
    }

    /// <summary>Applies a record of the log; false when it contradicts what is known.</summary>
    public bool Apply(XftpLogRecord record)
    {
        lock (_gate)
        {
            switch (record)
            {
                case XftpLogRecord.Add add:
                    return _chunks.TryAdd(add.Sender, new StoredChunk(add.Sender, add.Chunk, add.CreatedAt) { Block = add.Blocked, IsOff = add.IsOff });
                case XftpLogRecord.AddRecipients add:
                    if (!_chunks.TryGetValue(add.Sender, out var chunk) || add.Recipients.Any(recipient => _recipients.ContainsKey(recipient.Id)))
                    {
                        return false;
                    }

                    AddRecipients(chunk, add.Recipients);
                    return true;
                case XftpLogRecord.Put put:
                    if (!_chunks.TryGetValue(put.Sender, out chunk) || chunk.Path is not null)
                    {
                        return false;
                    }

                    // The reference goes on writing where the content of a blocked chunk was.
                    chunk.Path = chunk.Block is null ? put.Path : null;
                    return true;
                case XftpLogRecord.Delete delete:
                    if (!_chunks.TryGetValue(delete.Sender, out chunk))
                    {
                        return false;
                    }

                    Remove(chunk);
                    return true;
                case XftpLogRecord.Block block:
                    if (!_chunks.TryGetValue(block.Sender, out chunk))
                    {
                        return false;
                    }

                    ApplyBlock(chunk, block.Reason);
                    return true;
                case XftpLogRecord.Acknowledge acknowledge:
                    return RemoveRecipient(acknowledge.Recipient);
                default:
                    throw new UnreachableException();
            }
        }
    }

    /// <summary>The records that restore what is there now. The store may not change meanwhile.</summary>
    public IEnumerable<XftpLogRecord> AllRecords()
    {
        foreach (var chunk in _chunks.Values)
        {
            yield return new XftpLogRecord.Add(chunk.SenderId, new ChunkInfo(chunk.SenderKey, chunk.Size, chunk.Digest), chunk.CreatedAt, chunk.Block, chunk.IsOff);
            if (chunk.Recipients.Count > 0)
            {
                yield return new XftpLogRecord.AddRecipients(chunk.SenderId, [.. chunk.Recipients.Select(recipient => new ChunkRecipient(recipient.Key, recipient.Value))]);
            }

            if (chunk.Path is { } path)
            {
                yield return new XftpLogRecord.Put(chunk.SenderId, path);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        IChunkLog? log;
        lock (_gate)
        {
            log = _log;
            _log = null;
        }

        if (log is not null)
        {
            await log.DisposeAsync();
        }
    }

    // Records cost memory, and strangers can make them without content: a server that is full of them goes on with what it has.
    private bool IsFull(int more) => (long)_chunks.Count + _recipients.Count + more > mostRecords;

    private bool TryLog(params ReadOnlySpan<XftpLogRecord> records) => _log is null || _log.TryWrite(records);

    private ChunkId NewId()
    {
        Span<byte> bytes = stackalloc byte[XftpLimits.ChunkIdLength];
        ChunkId id;
        do
        {
            random.Fill(bytes);
            id = new ChunkId(bytes);
        }
        while (_chunks.ContainsKey(id) || _recipients.ContainsKey(id));

        return id;
    }

    private ChunkRecipient[] NewRecipients(IReadOnlyList<PublicKey> keys) => [.. keys.Select(key => new ChunkRecipient(NewId(), key))];

    private void AddRecipients(StoredChunk chunk, IReadOnlyList<ChunkRecipient> recipients)
    {
        foreach (var recipient in recipients)
        {
            chunk.Recipients[recipient.Id] = recipient.Key;
            _recipients[recipient.Id] = chunk;
        }
    }

    private bool RemoveRecipient(ChunkId id) => _recipients.Remove(id, out var chunk) && chunk.Recipients.Remove(id);

    private static string? ApplyBlock(StoredChunk chunk, XftpError.Blocked reason)
    {
        chunk.Block = reason;
        return TakePath(chunk);
    }

    private string? Remove(StoredChunk chunk)
    {
        chunk.IsDeleted = true;
        _chunks.Remove(chunk.SenderId);
        foreach (var recipient in chunk.Recipients.Keys)
        {
            _recipients.Remove(recipient);
        }

        return TakePath(chunk);
    }

    private static string? TakePath(StoredChunk chunk)
    {
        var path = chunk.Path;
        chunk.Path = null;
        return path;
    }
}
