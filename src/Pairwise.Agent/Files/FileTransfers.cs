using Pairwise.Protocol;
using Pairwise.Protocol.Xftp;

namespace Pairwise.Agent.Files;

/// <inheritdoc cref="IFileTransfers"/>
internal sealed class FileTransfers : IFileTransfers
{
    public void SetServers(UserId user, IReadOnlyList<ServerAddressWithPassword> servers, IReadOnlyCollection<ServerAddress>? alsoKnown = null)
    {
    }

    public Task ResumeAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task SendFileAsync(UserId user, FileTransferId id, LocalFile file, int recipients, CancellationToken cancellationToken) => throw NotYet();

    public Task SendDescriptionAsync(UserId user, FileTransferId id, FileDescription description, int recipients, CancellationToken cancellationToken) => throw NotYet();

    public Task ReceiveFileAsync(UserId user, FileTransferId id, FileDescription description, LocalFile target, bool areServersApproved, CancellationToken cancellationToken) => throw NotYet();

    public Task CancelAsync(FileTransferId id, CancellationToken cancellationToken) => throw NotYet();

    public Task DeleteSentFileAsync(UserId user, FileDescription description, CancellationToken cancellationToken) => throw NotYet();

    public IReadOnlyList<ServerAddress> FindUnapproved(UserId user, FileDescription description) => [];

    public Task<FileTransferProgress?> GetProgressAsync(FileTransferId id, CancellationToken cancellationToken) => throw NotYet();

    public Task<bool> HasUnfinishedAsync(CancellationToken cancellationToken) => Task.FromResult(false);

    public Task<FileServerTestFailure?> TestServerAsync(ServerAddressWithPassword server, CancellationToken cancellationToken) => throw NotYet();

    private static AgentException NotYet() => new(new AgentError.Command(CommandFault.Prohibited, "file transfer comes with the next commit"));
}
