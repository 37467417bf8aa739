using Pairwise.Client;

namespace Pairwise.Agent.Files;

/// <summary>Settings of the agent's file transfer. The defaults are the reference's where it has such a setting.</summary>
public sealed record FileTransferOptions
{
    /// <summary>
    /// A folder of this agent alone, for encrypted files on their way; it is made when it is needed. Null: beside the database,
    /// under its name with <c>.files</c>.
    /// </summary>
    public string? WorkFolder { get; init; }

    /// <summary>How file servers are reached.</summary>
    public NetworkOptions Network { get; init; } = new();

    /// <summary>What shares a connection, and a name at the SOCKS proxy, with what.</summary>
    public SessionMode SessionMode { get; init; } = SessionMode.Session;

    /// <summary>Chunks on their way at the same time, for each server and direction.</summary>
    public int ParallelChunks { get; init; } = 4;

    /// <summary>Files encrypted or decrypted at the same time.</summary>
    public int ParallelFiles { get; init; } = 2;

    /// <summary>Delays between attempts at a server that cannot be reached.</summary>
    public RetryInterval Retry { get; init; } = new(TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(180));

    /// <summary>Failed attempts in a row after which another server, or another copy of a chunk, is tried.</summary>
    public int AttemptsInRow { get; init; } = 3;

    /// <summary>Times that a server may refuse the same chunk for a reason of its own before the transfer is given up.</summary>
    public int ServerFaults { get; init; } = 10;

    /// <summary>Recipients registered with one command.</summary>
    public int RecipientsInCommand { get; init; } = 200;

    /// <summary>A file that could not be sent in this time is given up.</summary>
    public TimeSpan SendLifetime { get; init; } = TimeSpan.FromDays(1);

    /// <summary>A file that could not be received in this time is given up: servers have forgotten it. Deletions as well.</summary>
    public TimeSpan ReceiveLifetime { get; init; } = TimeSpan.FromDays(2);

    /// <summary>Connections that nothing uses for this time are closed.</summary>
    public TimeSpan IdleTime { get; init; } = TimeSpan.FromMinutes(1);
}
