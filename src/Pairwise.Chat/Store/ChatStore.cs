using System.Text.Json;
using System.Text.Json.Nodes;
using Pairwise.Agent;
using Pairwise.Chat.Protocol;
using Pairwise.Storage;
using Pairwise.Wire;

namespace Pairwise.Chat.Store;

/// <summary>The rows of the chat, inside one transaction or read. It knows no agent and no front end.</summary>
internal readonly struct ChatStore(DatabaseSession session)
{
    private const string ContactColumns = "c.contact_id, c.name, c.profile, c.state, c.post_quantum, c.min_version, c.max_version, c.created_at, c.preferences, (SELECT json_extract(profile, '$.preferences') FROM chat_own_profile)";
    private const string ItemColumns = "i.item_id, i.direction, i.text, i.time, i.status, i.notice, i.edited, i.deleted, " + ChatFileRows.FileColumns;
    private const string ItemTables = "chat_items i LEFT JOIN chat_files f ON f.item_id = i.item_id";
    private const int FileColumn = 8;

    public ChatFileRows Files => new(session);

    public StandaloneFileRows Standalone => new(session);

    public (UserId User, Profile Profile)? GetOwnProfile() =>
        session.TryQuery("SELECT user_id, profile FROM chat_own_profile", static row => (new UserId(row.GetInt64(0)), ReadProfile(row.GetText(1))), out var own)
            ? own
            : null;

    public void SetOwnProfile(UserId user, Profile profile) => session.Execute(
        "INSERT INTO chat_own_profile (only, user_id, profile) VALUES (1, ?1, ?2) ON CONFLICT DO UPDATE SET profile = excluded.profile",
        user.Value,
        JsonWriting.ToText(profile.ToJson()));

    public List<string> GetServers() => session.Query("SELECT address FROM chat_servers ORDER BY position", static row => row.GetText(0));

    /// <summary>Sets the user's own list; an empty one means the default.</summary>
    public void SetServers(IReadOnlyList<string> addresses)
    {
        session.Execute("DELETE FROM chat_servers");
        for (var i = 0; i < addresses.Count; i++)
            session.Execute("INSERT INTO chat_servers (position, address) VALUES (?1, ?2)", (long)i, addresses[i]);
    }

    public void AddConnection(ConnectionId connection, string link, bool isOurs, DateTimeOffset now) => session.Execute(
        "INSERT INTO chat_connections (connection_id, link, is_ours, created_at) VALUES (?1, ?2, ?3, ?4)",
        connection.ToString(),
        link,
        isOurs,
        SqlValue.FromTime(now));

    public bool HasConnection(ConnectionId connection) =>
        session.Scalar("SELECT 1 FROM chat_connections WHERE connection_id = ?1", connection.ToString()) is not null;

    public void RemoveConnection(ConnectionId connection) =>
        session.Execute("DELETE FROM chat_connections WHERE connection_id = ?1", connection.ToString());

    /// <summary>Whether a link is one that we made.</summary>
    public bool IsOwnLink(string link) => session.Scalar("SELECT 1 FROM chat_connections WHERE link = ?1 AND is_ours = 1", link) is not null;

    /// <summary>The connection that was made for somebody's link, and the contact it led to so far.</summary>
    public (ConnectionId Connection, Contact? Contact)? FindJoin(string link) =>
        session.TryQuery("SELECT connection_id FROM chat_connections WHERE link = ?1 AND is_ours = 0", static row => ReadConnection(row.GetText(0)), out var connection, link)
            ? (connection, GetContact(connection))
            : null;

    public Contact AddContact(ConnectionId connection, Profile profile, VersionRange versions, bool isPostQuantum, DateTimeOffset now)
    {
        var name = UniqueName(profile);
        session.Execute(
            "INSERT INTO chat_contacts (name, profile, state, post_quantum, min_version, max_version, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            name,
            JsonWriting.ToText(profile.ToJson()),
            (long)ContactState.Connecting,
            isPostQuantum,
            (long)versions.Min,
            (long)versions.Max,
            SqlValue.FromTime(now));
        var contact = new ContactId(session.LastInsertedId);
        session.Execute("UPDATE chat_connections SET contact_id = ?2 WHERE connection_id = ?1", connection.ToString(), contact.Value);
        return GetContact(contact)!;
    }

    public Contact? GetContact(ContactId id) => FirstContact("c.contact_id = ?1", id.Value);

    public Contact? GetContact(string name) => FirstContact("c.name = ?1", name);

    public Contact? GetContact(ConnectionId connection) =>
        FirstContact("c.contact_id = (SELECT contact_id FROM chat_connections WHERE connection_id = ?1)", connection.ToString());

    public List<Contact> GetContacts() => session.Query($"SELECT {ContactColumns} FROM chat_contacts c ORDER BY c.name", ReadContact);

    public ConnectionId? GetConnection(ContactId contact) =>
        session.TryQuery("SELECT connection_id FROM chat_connections WHERE contact_id = ?1", static row => ReadConnection(row.GetText(0)), out var connection, contact.Value)
            ? connection
            : null;

    public int CountContacts(IEnumerable<ConnectionId> connections)
    {
        var count = 0;
        foreach (var connection in connections)
            count += GetContact(connection) is null ? 0 : 1;
        return count;
    }

    public void SetState(ContactId contact, ContactState state) =>
        session.Execute("UPDATE chat_contacts SET state = ?2 WHERE contact_id = ?1", contact.Value, (long)state);

    public void SetPostQuantum(ContactId contact, bool isPostQuantum) =>
        session.Execute("UPDATE chat_contacts SET post_quantum = ?2 WHERE contact_id = ?1 AND post_quantum <> ?2", contact.Value, isPostQuantum);

    public void SetVersions(ContactId contact, VersionRange versions) => session.Execute(
        "UPDATE chat_contacts SET min_version = ?2, max_version = ?3 WHERE contact_id = ?1 AND (min_version <> ?2 OR max_version <> ?3)",
        contact.Value,
        (long)versions.Min,
        (long)versions.Max);

    /// <summary>Sets a contact's profile; the name here follows when the display name changed.</summary>
    public Contact SetProfile(Contact contact, Profile profile)
    {
        var name = profile.DisplayName == contact.Profile.DisplayName ? contact.Name : UniqueName(profile, contact.Name);
        session.Execute(
            "UPDATE chat_contacts SET profile = ?2, name = ?3 WHERE contact_id = ?1",
            contact.Id.Value,
            JsonWriting.ToText(profile.ToJson()),
            name);
        return GetContact(contact.Id)!;
    }

    /// <summary>Sets what this contact in particular is allowed; null for nothing said.</summary>
    public void SetPreferences(ContactId contact, string? preferences) =>
        session.Execute("UPDATE chat_contacts SET preferences = ?2 WHERE contact_id = ?1", contact.Value, preferences);

    public void RemoveContact(ContactId contact) => session.Execute("DELETE FROM chat_contacts WHERE contact_id = ?1", contact.Value);

    /// <summary>Adds a line of ours that waits to be handed to the agent.</summary>
    public ChatItem AddSentItem(ContactId contact, SharedMessageId shared, MessageContent content, DateTimeOffset now)
    {
        session.Execute(
            "INSERT INTO chat_items (contact_id, direction, shared_id, part, text, time, status, content) VALUES (?1, ?2, ?3, 0, ?4, ?5, ?6, ?7)",
            contact.Value,
            (long)ItemDirection.Sent,
            shared.Value.Memory,
            content.Display,
            SqlValue.FromTime(now),
            (long)ItemStatus.Pending,
            content.Type == MessageContent.TextType ? null : JsonWriting.ToText(content.ToJson()));
        return GetItem(session.LastInsertedId)!;
    }

    /// <summary>Adds a received line; null when it is there already (the agent or the contact's program said it again).</summary>
    public ChatItem? AddReceivedItem(ContactId contact, SharedMessageId? shared, AgentMessageId message, int part, string text, DateTimeOffset time, string? notice)
    {
        var added = session.Execute(
            """
            INSERT INTO chat_items (contact_id, direction, shared_id, agent_message_id, part, text, time, status, notice)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO NOTHING
            """,
            contact.Value,
            (long)ItemDirection.Received,
            shared is { } id ? id.Value.Memory : SqlValue.Null,
            message.Value,
            (long)part,
            text,
            SqlValue.FromTime(time),
            (long)ItemStatus.Received,
            notice);
        return added == 0 ? null : GetItem(session.LastInsertedId);
    }

    /// <summary>The agent has taken the line under this id.</summary>
    public void SetAgentMessage(ChatItemId item, AgentMessageId message) =>
        session.Execute("UPDATE chat_items SET agent_message_id = ?2 WHERE item_id = ?1", item.Value, message.Value);

    /// <summary>Moves the line that the agent knows by this id forward; null when there is none, or it is as far already.</summary>
    public ChatItem? Advance(ContactId contact, AgentMessageId message, ItemStatus status, string? notice)
    {
        var changed = session.TryQuery(
            """
            UPDATE chat_items SET status = ?4, notice = coalesce(?5, notice)
            WHERE contact_id = ?1 AND direction = ?2 AND agent_message_id = ?3 AND status < ?4 RETURNING item_id
            """,
            static row => row.GetInt64(0),
            out var item,
            contact.Value,
            (long)ItemDirection.Sent,
            message.Value,
            (long)status,
            notice);
        return changed ? GetItem(item) : null;
    }

    /// <summary>Removes a line of ours that the agent has not taken.</summary>
    public void Remove(ChatItemId item) => session.Execute("DELETE FROM chat_items WHERE item_id = ?1", item.Value);

    public void Fail(ChatItemId item, string notice) =>
        session.Execute("UPDATE chat_items SET status = ?2, notice = ?3 WHERE item_id = ?1", item.Value, (long)ItemStatus.Failed, notice);

    /// <summary>The contact replaced the text of a message; null when it is unknown here or deleted.</summary>
    public ChatItem? Edit(ContactId contact, SharedMessageId shared, string text) => ChangeReceived(
        "UPDATE chat_items SET text = ?4, edited = 1 WHERE contact_id = ?1 AND direction = ?2 AND shared_id = ?3 AND deleted = 0 AND text <> ?4 RETURNING item_id",
        contact,
        shared,
        text);

    /// <summary>The contact took a message back; null when it is unknown here or deleted already.</summary>
    public ChatItem? MarkDeleted(ContactId contact, SharedMessageId shared) => ChangeReceived(
        "UPDATE chat_items SET text = ?4, deleted = 1 WHERE contact_id = ?1 AND direction = ?2 AND shared_id = ?3 AND deleted = 0 RETURNING item_id",
        contact,
        shared,
        "");

    /// <summary>What kind of message a line of ours is.</summary>
    public string GetContentType(ChatItemId item) =>
        session.TryQuery("SELECT text, content FROM chat_items WHERE item_id = ?1", static row => ReadContent(row.GetText(0), row.GetTextOrNull(1)), out var content, item.Value) ? content.Type : MessageContent.TextType;

    /// <summary>Lines of ours that the agent has not taken yet: the process ended between the two steps.</summary>
    public List<(ChatItem Item, ContactId Contact, SharedMessageId Shared, MessageContent Content)> GetUnaccepted() => session.Query(
        $"SELECT {ItemColumns}, i.contact_id, i.shared_id, i.content FROM {ItemTables} WHERE i.status = 1 AND i.direction = 1 AND i.agent_message_id IS NULL ORDER BY i.item_id",
        static row => (ReadItem(row), new ContactId(row.GetInt64(16)), new SharedMessageId(Bytes.Wrap(row.GetBlob(17))), ReadContent(row.GetText(2), row.GetTextOrNull(18))));

    public bool HasPending() => session.Scalar("SELECT 1 FROM chat_items WHERE status = 1 LIMIT 1") is not null;

    /// <summary>The last lines of one contact or of all, oldest first.</summary>
    public List<ChatLine> GetTail(ContactId? contact, int count)
    {
        var lines = session.Query(
            $"""
            SELECT {ItemColumns}, i.contact_id FROM {ItemTables}
            WHERE ?1 IS NULL OR i.contact_id = ?1 ORDER BY i.item_id DESC LIMIT ?2
            """,
            static row => (Item: ReadItem(row), Contact: row.GetInt64(16)),
            contact is { } id ? id.Value : SqlValue.Null,
            (long)count);
        var contacts = new Dictionary<long, Contact>();
        foreach (var (_, id2) in lines)
        {
            if (!contacts.ContainsKey(id2))
                contacts.Add(id2, GetContact(new ContactId(id2))!);
        }

        return [.. lines.Select(line => new ChatLine(contacts[line.Contact], line.Item)).Reverse()];
    }

    private ChatItem? ChangeReceived(string sql, ContactId contact, SharedMessageId shared, string text)
    {
        var changed = session.TryQuery(sql, static row => row.GetInt64(0), out var item, contact.Value, (long)ItemDirection.Received, shared.Value.Memory, text);
        return changed ? GetItem(item) : null;
    }

    private string UniqueName(Profile profile, string? present = null)
    {
        var store = this;
        return DisplayName.MakeUnique(DisplayName.ForContact(profile.DisplayName), name => name != present && store.GetContact(name) is not null);
    }

    private Contact? FirstContact(string condition, SqlValue argument) =>
        session.TryQuery($"SELECT {ContactColumns} FROM chat_contacts c WHERE {condition}", ReadContact, out var contact, argument) ? contact : null;

    public ChatItem? GetItem(ChatItemId id) => GetItem(id.Value);

    /// <summary>The line that carries a file, with its contact.</summary>
    /// <exception cref="ChatException">It was deleted meanwhile, with its conversation.</exception>
    public (Contact Contact, ChatItem Item) GetLine(ChatFileId file) =>
        FindLine(file) ?? throw new ChatException(ChatError.NoFile, $"File {file} was deleted with its conversation.");

    /// <summary>The same; null when it was deleted meanwhile.</summary>
    public (Contact Contact, ChatItem Item)? FindLine(ChatFileId file) =>
        Files.Get(file) is { } row && GetContact(row.Contact) is { } contact && GetItem(row.Item) is { } item ? (contact, item) : null;

    private ChatItem? GetItem(long id) =>
        session.TryQuery($"SELECT {ItemColumns} FROM {ItemTables} WHERE i.item_id = ?1", ReadItem, out var item, id) ? item : null;

    private static Contact ReadContact(Row row) => new(
        new ContactId(row.GetInt64(0)),
        row.GetText(1),
        ReadProfile(row.GetText(2)),
        (ContactState)row.GetInt32(3),
        row.GetBoolean(4),
        new VersionRange((ushort)row.GetInt32(5), (ushort)row.GetInt32(6)),
        row.GetTime(7))
    {
        PreferencesForContact = row.GetTextOrNull(8),
        OwnPreferences = row.GetTextOrNull(9),
    };

    private static ChatItem ReadItem(Row row) => new(
        new ChatItemId(row.GetInt64(0)),
        (ItemDirection)row.GetInt32(1),
        row.GetText(2),
        row.GetTime(3),
        (ItemStatus)row.GetInt32(4),
        row.GetTextOrNull(5),
        row.GetBoolean(6),
        row.GetBoolean(7))
    {
        File = row.IsNull(FileColumn) ? null : ChatFileRows.ReadFile(row, FileColumn),
    };

    private static MessageContent ReadContent(string text, string? json) =>
        json is null ? new MessageContent(MessageContent.TextType, text) : MessageContent.From(JsonNode.Parse(json)!.AsObject());

    private static Profile ReadProfile(string json) => Profile.From(JsonNode.Parse(json)!.AsObject());

    private static ConnectionId ReadConnection(string text) =>
        ConnectionId.TryParse(text, out var connection) ? connection : throw new JsonException("A stored connection id does not parse.");
}
