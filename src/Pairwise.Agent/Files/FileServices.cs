namespace Pairwise.Agent.Files;

/// <summary>What the parts of file transfer share. Fixed once the agent has started.</summary>
internal sealed class FileServices
{
    public required AgentServices Agent { get; init; }

    public required FileTransferOptions Options { get; init; }

    public required WorkFolder Folder { get; init; }

    public required FileServerLists Servers { get; init; }

    public required FileServerSessions Sessions { get; init; }

    public ActiveTransfers Active { get; } = new();

    public FileServerCounters Counters { get; } = new();

    /// <summary>Files that are encrypted or decrypted at the same time.</summary>
    public required SemaphoreSlim LocalWork { get; init; }

    // Set once, while the agent starts: the workers know each other.
    public ChunkUploads Uploads { get; set; } = null!;

    public ChunkDownloads Downloads { get; set; } = null!;

    public FileAssembly Assembly { get; set; } = null!;

    public ChunkDeletions Deletions { get; set; } = null!;

    /// <summary>A transfer is over: stops what works on it and removes what it left on the disk.</summary>
    public void End(FileTransferId id)
    {
        Active.End(id);
        Folder.TryRemove(id);
    }
}
