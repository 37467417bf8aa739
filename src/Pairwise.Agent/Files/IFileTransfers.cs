using Pairwise.Protocol;
using Pairwise.Protocol.Xftp;

namespace Pairwise.Agent.Files;

/// <summary>
/// The agent's file transfer: files travel encrypted, cut into chunks, over file servers. A transfer that was accepted is
/// stored and goes on after a restart or a crash where it was; its progress and its end are events
/// (<see cref="AgentEvent.OfFile"/>). Methods fail with <see cref="AgentException"/>, <see cref="AgentError.File"/> mostly.
/// Thread-safe.
/// </summary>
public interface IFileTransfers
{
    /// <summary>
    /// Sets the file servers of a user. The lists are not stored: say them at every start, before <see cref="ResumeAsync"/>.
    /// </summary>
    /// <param name="servers">Where chunks of new files go; none at all means that no files can be sent.</param>
    /// <param name="alsoKnown">Others that may be contacted without being asked about (presets that are switched off); null for none.</param>
    void SetServers(UserId user, IReadOnlyList<ServerAddressWithPassword> servers, IReadOnlyCollection<ServerAddress>? alsoKnown = null);

    /// <summary>Goes on with all transfers and deletions that a former run has left.</summary>
    Task ResumeAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Sends a file: it is encrypted once, in the background, and its chunks are spread over the user's servers.
    /// <see cref="AgentEvent.FileSent"/> or <see cref="AgentEvent.FileSendFailed"/> follows. The file must stay as it is until the
    /// first progress is told; afterwards it may go. Asking again with the same id does nothing.
    /// </summary>
    /// <param name="recipients">Recipients, each of whom gets a description with keys of their own; 1 to 10,000.</param>
    /// <exception cref="AgentException">The file cannot be read or is larger than 5 GB, or the user has no file server.</exception>
    Task SendFileAsync(UserId user, FileTransferId id, LocalFile file, int recipients, CancellationToken cancellationToken);

    /// <summary>
    /// Sends a description as a file of its own, whose descriptions are short (redirect): for links and QR codes. Otherwise as
    /// <see cref="SendFileAsync"/>.
    /// </summary>
    /// <param name="description">A recipient's, and not itself a redirect.</param>
    Task SendDescriptionAsync(UserId user, FileTransferId id, FileDescription description, int recipients, CancellationToken cancellationToken);

    /// <summary>
    /// Receives a file; a redirect is followed. <see cref="AgentEvent.FileReceived"/> or <see cref="AgentEvent.FileReceiveFailed"/>
    /// follows. Asking again with the same id does nothing.
    /// </summary>
    /// <param name="target">
    /// Where the file will be, encrypted there if it has a key. Nothing stands there before the file is whole and authentic; if
    /// something else does by then, a number is put into the name.
    /// </param>
    /// <param name="areServersApproved">
    /// Whether the user agreed that all servers of this file may see the IP address. Without that, servers that are not the
    /// user's own are contacted through a SOCKS proxy only.
    /// </param>
    /// <exception cref="AgentException">
    /// <see cref="FileFault.NotApproved"/> with the servers to ask about; <see cref="FileFault.TooLarge"/>.
    /// </exception>
    Task ReceiveFileAsync(UserId user, FileTransferId id, FileDescription description, LocalFile target, bool areServersApproved, CancellationToken cancellationToken);

    /// <summary>
    /// Ends a transfer that is not complete, in either direction: what it left on the disk is removed, and the chunks that were
    /// uploaded are deleted from their servers in the background. No events follow. A transfer that is over or was never there
    /// is no error.
    /// </summary>
    Task CancelAsync(FileTransferId id, CancellationToken cancellationToken);

    /// <summary>Deletes a file from its servers for everybody, in the background and over restarts.</summary>
    /// <param name="description">The sender's, from <see cref="AgentEvent.FileSent"/>.</param>
    Task DeleteSentFileAsync(UserId user, FileDescription description, CancellationToken cancellationToken);

    /// <summary>Those servers of a description that are not contacted before the user approves of them.</summary>
    IReadOnlyList<ServerAddress> FindUnapproved(UserId user, FileDescription description);

    /// <summary>How far a transfer is; null if it is over or was never there.</summary>
    Task<FileTransferProgress?> GetProgressAsync(FileTransferId id, CancellationToken cancellationToken);

    /// <summary>Whether a file is being sent or received, or a deletion waits.</summary>
    Task<bool> HasUnfinishedAsync(CancellationToken cancellationToken);

    /// <summary>
    /// What was done at the file servers of a user since that was reset, in the order of their addresses. Of the last minute
    /// before a crash it may say too little.
    /// </summary>
    Task<IReadOnlyList<FileServerStatistics>> GetStatisticsAsync(UserId user, CancellationToken cancellationToken);

    /// <summary>Begins to count anew, for all users.</summary>
    Task ResetStatisticsAsync(CancellationToken cancellationToken);

    /// <summary>Connects to a file server, and uploads, downloads, compares and deletes a chunk there; null when all went well.</summary>
    Task<FileServerTestFailure?> TestServerAsync(ServerAddressWithPassword server, CancellationToken cancellationToken);
}

/// <summary>How far a transfer is.</summary>
/// <param name="IsSending">The direction.</param>
/// <param name="Done">Bytes of the encrypted file that have arrived at the other end of the connection.</param>
/// <param name="Total">Bytes of the encrypted file; 0 while it is not known yet.</param>
public sealed record FileTransferProgress(bool IsSending, long Done, long Total);

/// <summary>What a test of a file server tried last, and why it failed.</summary>
public sealed record FileServerTestFailure(FileServerTestStep Step, AgentError Error);

/// <summary>Steps of <see cref="IFileTransfers.TestServerAsync"/>, in order.</summary>
public enum FileServerTestStep
{
    Connect,
    CreateFile,
    UploadFile,
    DownloadFile,
    CompareFile,
    DeleteFile,
}
