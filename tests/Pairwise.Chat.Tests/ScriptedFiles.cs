using Pairwise.Agent;
using Pairwise.Agent.Files;
using Pairwise.Protocol;
using Pairwise.Protocol.Xftp;

namespace Pairwise.Chat.Tests;

/// <summary>File transfer that notes what it is told to do; a test tells what comes of it.</summary>
internal sealed class ScriptedFiles(Action<string> note) : IFileTransfers
{
    /// <summary>The transfers begun, in order.</summary>
    public List<(FileTransferId Id, LocalFile File)> Begun { get; } = [];

    /// <summary>Answered for every description.</summary>
    public IReadOnlyList<ServerAddress> Unapproved { get; set; } = [];

    /// <summary>Thrown instead of beginning.</summary>
    public AgentError? Refusal { get; set; }

    /// <summary>Thrown by every cancelling.</summary>
    public AgentError? CancelFailure { get; set; }

    public void SetServers(UserId user, IReadOnlyList<ServerAddressWithPassword> servers, IReadOnlyCollection<ServerAddress>? alsoKnown = null)
    {
    }

    public Task ResumeAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task SendFileAsync(UserId user, FileTransferId id, LocalFile file, int recipients, CancellationToken cancellationToken) => BeginAsync("file send", id, file);

    public Task ReceiveFileAsync(UserId user, FileTransferId id, FileDescription description, LocalFile target, bool areServersApproved, CancellationToken cancellationToken) =>
        BeginAsync(areServersApproved ? "file receive approved" : "file receive", id, target);

    public Task CancelAsync(FileTransferId id, CancellationToken cancellationToken) =>
        CancelFailure is { } failure ? throw new AgentException(failure) : NoteAsync("file cancel");

    public Task DeleteSentFileAsync(UserId user, FileDescription description, CancellationToken cancellationToken) => NoteAsync("file delete");

    public IReadOnlyList<ServerAddress> FindUnapproved(UserId user, FileDescription description) => Unapproved;

    public Task<FileTransferProgress?> GetProgressAsync(FileTransferId id, CancellationToken cancellationToken) => Task.FromResult<FileTransferProgress?>(new(true, 1, 4));

    public Task<IReadOnlyList<FileServerStatistics>> GetStatisticsAsync(UserId user, CancellationToken cancellationToken) => Task.FromResult<IReadOnlyList<FileServerStatistics>>([]);

    public Task ResetStatisticsAsync(CancellationToken cancellationToken) => NoteAsync("reset");

    public Task<bool> HasUnfinishedAsync(CancellationToken cancellationToken) => Task.FromResult(false);

    public Task SendDescriptionAsync(UserId user, FileTransferId id, FileDescription description, int recipients, CancellationToken cancellationToken) => BeginAsync("description send", id, new LocalFile(""));

    /// <summary>Answered to every test of a server.</summary>
    public FileServerTestFailure? TestFailure { get; set; }

    public Task<FileServerTestFailure?> TestServerAsync(ServerAddressWithPassword server, CancellationToken cancellationToken) => Task.FromResult(TestFailure);

    private Task BeginAsync(string what, FileTransferId id, LocalFile file)
    {
        if (Refusal is { } refusal)
            throw new AgentException(refusal);
        Begun.Add((id, file));
        return NoteAsync(what);
    }

    private Task NoteAsync(string what)
    {
        note(what);
        return Task.CompletedTask;
    }
}
