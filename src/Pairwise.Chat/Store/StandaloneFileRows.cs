using Pairwise.Agent.Files;
using Pairwise.Protocol.Xftp;
using Pairwise.Storage;

namespace Pairwise.Chat.Store;

/// <summary>All that is kept of a file that belongs to no conversation.</summary>
/// <param name="File">What front ends see.</param>
/// <param name="Key">Key and nonce of the file at the path; null for a plain file.</param>
/// <param name="Transfer">Its transfer over file relays.</param>
/// <param name="Description">Where to fetch it: the recipient's description.</param>
/// <param name="SenderDescription">How to delete it from the relays; null until it is uploaded.</param>
/// <param name="Redirect">The transfer of its description, when that is too long for a link.</param>
/// <param name="RedirectSenderDescription">How to delete that one.</param>
/// <param name="Link">What somebody else downloads it by; null until that can be done.</param>
internal sealed record StandaloneFileRow(
    ChatFile File,
    FileKey? Key,
    FileTransferId Transfer,
    string Description,
    string? SenderDescription,
    FileTransferId? Redirect,
    string? RedirectSenderDescription,
    string? Link)
{
    public bool IsOurs => File.State <= FileState.SendError;
}

/// <summary>
/// The rows of files that belong to no conversation, inside one transaction or read. Their numbers are from the same
/// sequence as those of the others: commands take either.
/// </summary>
internal readonly struct StandaloneFileRows(DatabaseSession session)
{
    private const string Columns = "file_id, name, size, state, path, error, agent_file, description, sender_description, redirect_file, redirect_sender_description, link, encryption";

    public ChatFileId Add(string name, long size, FileState state, LocalFile file, FileTransferId transfer, string description)
    {
        var changed = session.Execute("UPDATE sqlite_sequence SET seq = seq + 1 WHERE name = 'chat_files'");
        if (changed == 0)
            session.Execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('chat_files', 1)");
        session.Execute(
            """
            INSERT INTO chat_standalone_files (file_id, name, size, state, path, agent_file, description, encryption)
            VALUES ((SELECT seq FROM sqlite_sequence WHERE name = 'chat_files'), ?1, ?2, ?3, ?4, ?5, ?6, ?7)
            """,
            name,
            size,
            (long)state,
            file.Path,
            transfer.ToString(),
            description,
            ChatFileRows.KeyValue(file.Key));
        return new ChatFileId(session.LastInsertedId);
    }

    public StandaloneFileRow? Get(ChatFileId file) => First("file_id = ?1", file.Value);

    /// <summary>The file that a transfer is of, or is of the description of.</summary>
    public StandaloneFileRow? Get(FileTransferId transfer) => First("agent_file = ?1 OR redirect_file = ?1", transfer.ToString());

    /// <summary>Files with something left to do.</summary>
    public List<StandaloneFileRow> GetActive() => session.Query($"SELECT {Columns} FROM chat_standalone_files WHERE state IN (0, 1, 2, 11, 12) ORDER BY file_id", Read);

    public bool HasUploads() => session.Scalar("SELECT 1 FROM chat_standalone_files WHERE state IN (0, 1, 2) LIMIT 1") is not null;

    /// <summary>Whether a file that is coming will be at this place.</summary>
    public bool IsPathTaken(string path) => session.Scalar("SELECT 1 FROM chat_standalone_files WHERE path = ?1 AND state IN (11, 12)", path) is not null;

    public void SetState(ChatFileId file, FileState state, string? error = null) =>
        session.Execute("UPDATE chat_standalone_files SET state = ?2, error = ?3 WHERE file_id = ?1", file.Value, (long)state, error);

    public void SetError(ChatFileId file, string? error) => session.Execute("UPDATE chat_standalone_files SET error = ?2 WHERE file_id = ?1", file.Value, error);

    public void SetPath(ChatFileId file, string path) => session.Execute("UPDATE chat_standalone_files SET path = ?2 WHERE file_id = ?1", file.Value, path);

    /// <summary>The file is at its relays; its description goes there, too, unless it is short.</summary>
    public void SetUploaded(ChatFileId file, string description, string senderDescription, FileTransferId? redirect) => session.Execute(
        "UPDATE chat_standalone_files SET state = ?2, description = ?3, sender_description = ?4, redirect_file = ?5, error = NULL WHERE file_id = ?1",
        file.Value,
        (long)FileState.SendUploaded,
        description,
        senderDescription,
        redirect?.ToString());

    public void SetLink(ChatFileId file, string link, string? redirectSenderDescription) => session.Execute(
        "UPDATE chat_standalone_files SET state = ?2, link = ?3, redirect_sender_description = ?4, error = NULL WHERE file_id = ?1",
        file.Value,
        (long)FileState.SendComplete,
        link,
        redirectSenderDescription);

    private StandaloneFileRow? First(string condition, SqlValue argument) =>
        session.TryQuery($"SELECT {Columns} FROM chat_standalone_files WHERE {condition}", Read, out var row, argument) ? row : null;

    private static StandaloneFileRow Read(Row row) => new(
        new ChatFile(
            new ChatFileId(row.GetInt64(0)),
            row.GetText(1),
            row.GetInt64(2),
            (FileState)row.GetInt32(3),
            row.GetText(4),
            IsEncrypted: row.GetBlobOrNull(12) is not null,
            IsInline: false,
            row.GetTextOrNull(5)),
        ChatFileRows.ReadKey(row, 12),
        FileTransferId.TryParse(row.GetText(6), out var transfer) ? transfer : throw new FormatException("A stored transfer id does not parse."),
        row.GetText(7),
        row.GetTextOrNull(8),
        FileTransferId.TryParse(row.GetTextOrNull(9), out var redirect) ? redirect : null,
        row.GetTextOrNull(10),
        row.GetTextOrNull(11));
}
