using Pairwise.Agent;
using Pairwise.Agent.Files;
using Pairwise.Chat.Protocol;
using Pairwise.Protocol.Xftp;
using Pairwise.Storage;
using Pairwise.Wire;

namespace Pairwise.Chat.Store;

/// <summary>All that is kept of a file.</summary>
/// <param name="File">What front ends see.</param>
/// <param name="Item">The line that carries it.</param>
/// <param name="Contact">Whose conversation it is in.</param>
/// <param name="Shared">The id of its message on both sides; null when its sender gave none.</param>
/// <param name="Inline">Whether its bytes travel inside the conversation.</param>
/// <param name="Key">Key and nonce of the file at the path; null for a plain file.</param>
/// <param name="Transfer">The transfer over file relays; null when there is none.</param>
/// <param name="IsApproved">Whether unknown relays may see our address.</param>
/// <param name="Description">Where to fetch it, as far as that is known.</param>
/// <param name="DescriptionParts">Pieces of the description that have come.</param>
/// <param name="IsDescribed">Whether the description is whole.</param>
/// <param name="SenderDescription">How to delete it from the relays; only of ours.</param>
/// <param name="Pieces">Pieces of the description told, or of the inline file sent or received.</param>
/// <param name="Link">The other side's link for a file over a connection of its own; null when the link is ours, or there is none.</param>
/// <param name="OfferedName">What its sender calls it, and knows it by when it is asked for.</param>
internal sealed record FileRow(
    ChatFile File,
    ChatItemId Item,
    ContactId Contact,
    SharedMessageId? Shared,
    InlineMode Inline,
    FileKey? Key,
    FileTransferId? Transfer,
    bool IsApproved,
    string Description,
    int DescriptionParts,
    bool IsDescribed,
    string? SenderDescription,
    int Pieces,
    string? Link,
    string OfferedName)
{
    public bool IsOurs => File.State <= FileState.SendError;
}

/// <summary>The rows of files, inside one transaction or read.</summary>
internal readonly struct ChatFileRows(DatabaseSession session)
{
    /// <summary>What <see cref="ReadFile"/> reads, for queries that join <c>chat_files f</c>.</summary>
    public const string FileColumns = "f.file_id, f.name, f.size, f.state, f.path, f.encryption IS NOT NULL, f.inline_mode, f.error";

    private const string Columns =
        FileColumns + ", i.item_id, i.contact_id, i.shared_id, f.encryption, f.agent_file, f.approved, f.description, f.description_parts, f.description_complete, f.sender_description, f.pieces, f.link, coalesce(f.offered_name, f.name)";

    private const int KeyLength = 32;

    // receive_later: how it is kept.
    private const long LaterAsUsual = 0;
    private const long LaterPlain = 1;
    private const long LaterEncrypted = 2;

    private const string Tables = "chat_files f JOIN chat_items i ON i.item_id = f.item_id";

    public ChatFileId Add(ChatItemId item, string name, long size, FileState state, InlineMode inline, string? path, FileKey? key, FileTransferId? transfer, FileDescriptionPart? description)
    {
        session.Execute(
            """
            INSERT INTO chat_files (item_id, name, size, state, inline_mode, path, encryption, agent_file, description, description_parts, description_complete)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
            """,
            item.Value,
            name,
            size,
            (long)state,
            (long)inline,
            path,
            KeyValue(key),
            transfer?.ToString(),
            description?.Text ?? "",
            (long)(description?.Number ?? 0),
            description?.IsComplete ?? false);
        return new ChatFileId(session.LastInsertedId);
    }

    public FileRow? Get(ChatFileId file) => First("f.file_id = ?1", file.Value);

    public FileRow? Get(ContactId contact, ItemDirection direction, SharedMessageId shared) =>
        First("i.contact_id = ?1 AND i.direction = ?2 AND i.shared_id = ?3", contact.Value, (long)direction, shared.Value.Memory);

    public FileRow? Get(FileTransferId transfer) => First("f.agent_file = ?1", transfer.ToString());

    public FileRow? GetOf(ChatItemId item) => First("f.item_id = ?1", item.Value);

    public FileRow? GetByLastMessage(ContactId contact, long message) =>
        First("i.contact_id = ?1 AND i.direction = 1 AND f.last_message_id = ?2", contact.Value, message);

    /// <summary>The file of ours that this message offered.</summary>
    public FileRow? GetByMessage(ContactId contact, long message) =>
        First("i.contact_id = ?1 AND i.direction = 1 AND i.agent_message_id = ?2", contact.Value, message);

    /// <summary>Files with something left to do, in the order in which they came.</summary>
    public List<ChatFileId> GetActive() => session.Query(
        "SELECT file_id FROM chat_files WHERE state IN (0, 1, 2, 11, 12) ORDER BY file_id",
        static row => new ChatFileId(row.GetInt64(0)));

    /// <summary>Whether a file of ours is on its way to its relays, or its contact is still to be told where it is.</summary>
    public bool HasUploads() =>
        session.Scalar("SELECT 1 FROM chat_files WHERE inline_mode = 0 AND (state IN (0, 1) OR (state = 2 AND last_message_id IS NULL)) LIMIT 1") is not null;

    /// <summary>Files that were to be received at the next start, with whether they are to be encrypted here.</summary>
    public List<(ChatFileId File, bool? IsEncrypted)> GetToReceive() => session.Query(
        "SELECT file_id, receive_later FROM chat_files WHERE receive_later IS NOT NULL AND state IN (10, 15, 16) ORDER BY file_id",
        static row => (new ChatFileId(row.GetInt64(0)), row.GetInt64(1) switch { LaterPlain => false, LaterEncrypted => true, _ => (bool?)null }));

    /// <summary>The file is to be received at the next start.</summary>
    public void ReceiveLater(ChatFileId file, bool isApproved, bool? isEncrypted) => session.Execute(
        "UPDATE chat_files SET receive_later = ?2, approved = max(approved, ?3) WHERE file_id = ?1",
        file.Value,
        isEncrypted switch { false => LaterPlain, true => LaterEncrypted, null => LaterAsUsual },
        isApproved);

    /// <summary>The start at which the file was to be received has come.</summary>
    public void EndReceiveLater(ChatFileId file) => session.Execute("UPDATE chat_files SET receive_later = NULL WHERE file_id = ?1", file.Value);

    /// <summary>Files of a contact that an agent has transfers of.</summary>
    public List<FileRow> GetOfContact(ContactId contact) => session.Query($"SELECT {Columns} FROM {Tables} WHERE i.contact_id = ?1 ORDER BY f.file_id", Read, contact.Value);

    public void SetState(ChatFileId file, FileState state, string? error = null) =>
        session.Execute("UPDATE chat_files SET state = ?2, error = ?3 WHERE file_id = ?1", file.Value, (long)state, error);

    public void SetError(ChatFileId file, string? error) => session.Execute("UPDATE chat_files SET error = ?2 WHERE file_id = ?1", file.Value, error);

    public void EndTransfer(ChatFileId file) => session.Execute("UPDATE chat_files SET agent_file = NULL WHERE file_id = ?1", file.Value);

    public void Accept(ChatFileId file, string path, FileKey? key, bool isApproved, FileTransferId? transfer) => session.Execute(
        "UPDATE chat_files SET state = ?2, path = ?3, encryption = ?4, approved = max(approved, ?5), agent_file = ?6, pieces = 0, last_message_id = NULL, receive_later = NULL, error = NULL WHERE file_id = ?1",
        file.Value,
        (long)FileState.ReceiveAccepted,
        path,
        KeyValue(key),
        isApproved,
        transfer?.ToString());

    /// <summary>Makes an accepted file an offered one again.</summary>
    public void Offer(ChatFileId file, FileState state, string? error) => session.Execute(
        "UPDATE chat_files SET state = ?2, path = NULL, encryption = NULL, agent_file = NULL, error = ?3, pieces = 0, receive_later = NULL WHERE file_id = ?1",
        file.Value,
        (long)state,
        error);

    public void SetTarget(ChatFileId file, string path, FileKey? key) =>
        session.Execute("UPDATE chat_files SET path = ?2, encryption = ?3 WHERE file_id = ?1", file.Value, path, KeyValue(key));

    public void SetPath(ChatFileId file, string path) => session.Execute("UPDATE chat_files SET path = ?2 WHERE file_id = ?1", file.Value, path);

    /// <summary>Whether a file that is coming, or came, will be at this place.</summary>
    public bool IsPathTaken(string path) => session.Scalar("SELECT 1 FROM chat_files WHERE path = ?1 AND state IN (11, 12)", path) is not null;

    /// <summary>Keeps a piece of an inline file; a piece that is here already stays as it is.</summary>
    public void AddPiece(ChatFileId file, int number, Bytes content)
    {
        session.Execute("INSERT INTO chat_file_pieces (file_id, number, content) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING", file.Value, (long)number, content.Memory);
        session.Execute("UPDATE chat_files SET pieces = max(pieces, ?2) WHERE file_id = ?1", file.Value, (long)number);
    }

    public List<byte[]> GetPieces(ChatFileId file) =>
        session.Query("SELECT content FROM chat_file_pieces WHERE file_id = ?1 ORDER BY number", static row => row.GetBlob(0), file.Value);

    public void RemovePieces(ChatFileId file) => session.Execute("DELETE FROM chat_file_pieces WHERE file_id = ?1", file.Value);

    public void AddDescription(ChatFileId file, FileDescriptionPart part) => session.Execute(
        "UPDATE chat_files SET description = description || ?2, description_parts = ?3, description_complete = ?4 WHERE file_id = ?1",
        file.Value,
        part.Text,
        (long)part.Number,
        part.IsComplete);

    public void SetUploaded(ChatFileId file, string? senderDescription, string recipientDescription) => session.Execute(
        "UPDATE chat_files SET state = ?2, sender_description = ?3, description = ?4, description_complete = 1, pieces = 0, error = NULL WHERE file_id = ?1",
        file.Value,
        (long)FileState.SendUploaded,
        senderDescription,
        recipientDescription);

    public void SetPieces(ChatFileId file, int pieces, long? lastMessage) => session.Execute(
        "UPDATE chat_files SET pieces = ?2, last_message_id = coalesce(?3, last_message_id) WHERE file_id = ?1",
        file.Value,
        (long)pieces,
        lastMessage);

    /// <summary>The file goes over the connection of this link, its own or the other side's.</summary>
    public void SetLink(ChatFileId file, string? link) =>
        session.Execute("UPDATE chat_files SET inline_mode = ?2, link = ?3 WHERE file_id = ?1", file.Value, (long)InlineMode.Connection, link);

    /// <summary>A file that is on file relays goes over a connection: the contact knows no others. What the relays have is forgotten here.</summary>
    public void LeaveRelays(ChatFileId file, string link)
    {
        SetLink(file, link);
        session.Execute("UPDATE chat_files SET pieces = 0, last_message_id = NULL, description = '', description_complete = 0 WHERE file_id = ?1", file.Value);
    }

    /// <summary>What the file relays had of it is taken back.</summary>
    public void EndAtRelays(ChatFileId file) => session.Execute("UPDATE chat_files SET agent_file = NULL, sender_description = NULL WHERE file_id = ?1", file.Value);

    /// <summary>The sender's name of a file, when it cannot have that here.</summary>
    public void SetOfferedName(ChatFileId file, string name) => session.Execute("UPDATE chat_files SET offered_name = ?2 WHERE file_id = ?1", file.Value, name);

    /// <summary>The message that asks the contact for its file is the agent's.</summary>
    public void SetAsked(ChatFileId file, AgentMessageId message) =>
        session.Execute("UPDATE chat_files SET last_message_id = ?2 WHERE file_id = ?1", file.Value, message.Value);

    public long? GetLastMessage(ChatFileId file) => session.Scalar("SELECT last_message_id FROM chat_files WHERE file_id = ?1", file.Value);

    /// <summary>The connections that files have of their own.</summary>
    public List<(ConnectionId Connection, ChatFileId File)> GetConnections() =>
        session.Query("SELECT connection_id, file_id FROM chat_file_connections", static row => (ReadConnection(row), new ChatFileId(row.GetInt64(1))));

    /// <summary>Files with a connection of their own that nothing is to come over any more.</summary>
    public List<ChatFileId> GetIdleWithConnection() => session.Query(
        "SELECT f.file_id FROM chat_file_connections c JOIN chat_files f ON f.file_id = c.file_id WHERE f.state NOT IN (0, 1, 2, 11, 12)",
        static row => new ChatFileId(row.GetInt64(0)));

    public ConnectionId? GetConnection(ChatFileId file) =>
        session.TryQuery("SELECT connection_id FROM chat_file_connections WHERE file_id = ?1", ReadConnection, out var connection, file.Value) ? connection : null;

    public void AddConnection(ConnectionId connection, ChatFileId file) =>
        session.Execute("INSERT INTO chat_file_connections (connection_id, file_id) VALUES (?1, ?2)", connection.ToString(), file.Value);

    public void RemoveConnection(ConnectionId connection) => session.Execute("DELETE FROM chat_file_connections WHERE connection_id = ?1", connection.ToString());

    public List<string> GetServers() => session.Query("SELECT address FROM chat_file_servers ORDER BY position", static row => row.GetText(0));

    /// <summary>Sets the user's own list; an empty one means the default.</summary>
    public void SetServers(IReadOnlyList<string> addresses)
    {
        session.Execute("DELETE FROM chat_file_servers");
        for (var i = 0; i < addresses.Count; i++)
            session.Execute("INSERT INTO chat_file_servers (position, address) VALUES (?1, ?2)", (long)i, addresses[i]);
    }

    /// <summary>Reads <see cref="FileColumns"/>.</summary>
    public static ChatFile ReadFile(Row row, int column) => new(
        new ChatFileId(row.GetInt64(column)),
        row.GetText(column + 1),
        row.GetInt64(column + 2),
        (FileState)row.GetInt32(column + 3),
        row.GetTextOrNull(column + 4),
        row.GetBoolean(column + 5),
        row.GetInt32(column + 6) != 0,
        row.GetTextOrNull(column + 7));

    // encryption = key (32 bytes) nonce (24 bytes)
    public static FileKey? ReadKey(Row row, int column) =>
        row.GetBlobOrNull(column) is [.. var key] ? new FileKey(key.AsSpan(0, KeyLength), key.AsSpan(KeyLength)) : null;

    public static SqlValue KeyValue(FileKey? key) => key is null ? SqlValue.Null : (byte[])[.. key.Key, .. key.Nonce];

    private FileRow? First(string condition, params ReadOnlySpan<SqlValue> arguments) =>
        session.TryQuery($"SELECT {Columns} FROM {Tables} WHERE {condition}", Read, out var row, arguments) ? row : null;

    private static FileRow Read(Row row) => new(
        ReadFile(row, 0),
        new ChatItemId(row.GetInt64(8)),
        new ContactId(row.GetInt64(9)),
        row.GetBlobOrNull(10) is { } shared ? new SharedMessageId(Bytes.Wrap(shared)) : null,
        (InlineMode)row.GetInt32(6),
        ReadKey(row, 11),
        FileTransferId.TryParse(row.GetTextOrNull(12), out var transfer) ? transfer : null,
        row.GetBoolean(13),
        row.GetText(14),
        row.GetInt32(15),
        row.GetBoolean(16),
        row.GetTextOrNull(17),
        row.GetInt32(18),
        row.GetTextOrNull(19),
        row.GetText(20));

    private static ConnectionId ReadConnection(Row row) =>
        ConnectionId.TryParse(row.GetText(0), out var connection) ? connection : throw new FormatException("A stored connection id does not parse.");
}
