using Pairwise.Storage;

namespace Pairwise.Chat.Store;

/// <summary>The chat's tables. All names begin with <c>chat_</c>: the agent's tables live in the same file.</summary>
public static class ChatSchema
{
    /// <summary>Component and migrations, to be listed in <see cref="DatabaseOptions.Schemas"/>.</summary>
    public static DatabaseSchema Schema { get; } = new("chat", [new Migration("0001_initial", Initial), new Migration("0002_files", Files), new Migration("0003_preferences", Preferences), new Migration("0004_standalone_files", StandaloneFiles), new Migration("0005_file_connections", FileConnections), new Migration("0006_offered_names", OfferedNames), new Migration("0007_file_arguments", FileArguments), new Migration("0008_asked_files", AskedFiles)]);

    // Times are milliseconds since 1970 UTC. Profiles are the JSON of the chat protocol.
    private const string Initial = """
        CREATE TABLE chat_own_profile (
          only INTEGER PRIMARY KEY CHECK (only = 1),
          user_id INTEGER NOT NULL,
          profile TEXT NOT NULL
        ) STRICT;

        CREATE TABLE chat_contacts (
          contact_id INTEGER PRIMARY KEY AUTOINCREMENT,
          name TEXT NOT NULL UNIQUE,
          profile TEXT NOT NULL,
          state INTEGER NOT NULL,
          post_quantum INTEGER NOT NULL,
          min_version INTEGER NOT NULL,
          max_version INTEGER NOT NULL,
          created_at INTEGER NOT NULL
        ) STRICT;

        CREATE TABLE chat_connections (
          connection_id TEXT PRIMARY KEY,
          contact_id INTEGER UNIQUE REFERENCES chat_contacts ON DELETE CASCADE,
          link TEXT NOT NULL,
          is_ours INTEGER NOT NULL,
          created_at INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE chat_items (
          item_id INTEGER PRIMARY KEY AUTOINCREMENT,
          contact_id INTEGER NOT NULL REFERENCES chat_contacts ON DELETE CASCADE,
          direction INTEGER NOT NULL,
          shared_id BLOB,
          agent_message_id INTEGER,
          part INTEGER NOT NULL,
          text TEXT NOT NULL,
          time INTEGER NOT NULL,
          status INTEGER NOT NULL,
          notice TEXT,
          edited INTEGER NOT NULL DEFAULT 0,
          deleted INTEGER NOT NULL DEFAULT 0
        ) STRICT;
        CREATE UNIQUE INDEX chat_items_shared ON chat_items (contact_id, direction, shared_id);
        CREATE UNIQUE INDEX chat_items_agent ON chat_items (contact_id, direction, agent_message_id, part);
        CREATE INDEX chat_items_pending ON chat_items (item_id) WHERE status = 1;

        CREATE TABLE chat_servers (
          position INTEGER PRIMARY KEY,
          address TEXT NOT NULL
        ) STRICT;
        """;

    // content: the JSON of a line of ours that is no plain text. A file belongs to its line. state: FileState. description: as far as it
    // has come, of received files; the recipient's, of ours. pieces: of the description told, or of an inline file sent or received.
    private const string Files = """
        ALTER TABLE chat_items ADD COLUMN content TEXT;

        CREATE TABLE chat_files (
          file_id INTEGER PRIMARY KEY AUTOINCREMENT,
          item_id INTEGER NOT NULL UNIQUE REFERENCES chat_items ON DELETE CASCADE,
          name TEXT NOT NULL,
          size INTEGER NOT NULL,
          state INTEGER NOT NULL,
          inline_mode INTEGER NOT NULL,
          path TEXT,
          encryption BLOB,
          agent_file TEXT UNIQUE,
          approved INTEGER NOT NULL DEFAULT 0,
          description TEXT NOT NULL DEFAULT '',
          description_parts INTEGER NOT NULL DEFAULT 0,
          description_complete INTEGER NOT NULL DEFAULT 0,
          sender_description TEXT,
          pieces INTEGER NOT NULL DEFAULT 0,
          last_message_id INTEGER,
          error TEXT
        ) STRICT;
        CREATE INDEX chat_files_active ON chat_files (file_id) WHERE state IN (0, 1, 2, 11, 12);

        CREATE TABLE chat_file_pieces (
          file_id INTEGER NOT NULL REFERENCES chat_files ON DELETE CASCADE,
          number INTEGER NOT NULL,
          content BLOB NOT NULL,
          PRIMARY KEY (file_id, number)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE chat_file_servers (
          position INTEGER PRIMARY KEY,
          address TEXT NOT NULL
        ) STRICT;
        """;

    // preferences: what this contact in particular is allowed, in the form of a profile's preferences.
    private const string Preferences = "ALTER TABLE chat_contacts ADD COLUMN preferences TEXT;";

    // Files that belong to no conversation. file_id: from the sequence of chat_files. description: the recipient's.
    // redirect_file: the transfer of the description, when that is too long for a link.
    private const string StandaloneFiles = """
        CREATE TABLE chat_standalone_files (
          file_id INTEGER PRIMARY KEY,
          name TEXT NOT NULL,
          size INTEGER NOT NULL,
          state INTEGER NOT NULL,
          path TEXT NOT NULL,
          agent_file TEXT NOT NULL UNIQUE,
          description TEXT NOT NULL,
          sender_description TEXT,
          redirect_file TEXT UNIQUE,
          redirect_sender_description TEXT,
          link TEXT,
          error TEXT
        ) STRICT;
        """;

    // offered_name: the sender's, when it cannot be the name of the file here; the sender is asked for the file by it.
    private const string OfferedNames = "ALTER TABLE chat_files ADD COLUMN offered_name TEXT;";

    // encryption: as of chat_files. receive_later: that the file is to be received at the next start, and how it is kept then.
    private const string FileArguments = """
        ALTER TABLE chat_standalone_files ADD COLUMN encryption BLOB;
        ALTER TABLE chat_files ADD COLUMN receive_later INTEGER;
        """;

    // Versions before this one noted no message that asks for a file: where there is a connection with a link of ours, it was sent.
    private const string AskedFiles = """
        UPDATE chat_files SET last_message_id = 0
        WHERE state = 11 AND link IS NULL AND last_message_id IS NULL AND file_id IN (SELECT file_id FROM chat_file_connections);
        """;

    // link: by which the other side of a file over a connection of its own is joined; null when the link is ours.
    private const string FileConnections = """
        ALTER TABLE chat_files ADD COLUMN link TEXT;

        CREATE TABLE chat_file_connections (
          connection_id TEXT PRIMARY KEY,
          file_id INTEGER NOT NULL UNIQUE REFERENCES chat_files ON DELETE CASCADE
        ) STRICT, WITHOUT ROWID;
        """;
}
