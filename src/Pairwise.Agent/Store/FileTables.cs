namespace Pairwise.Agent.Store;

/// <summary>The tables of file transfer: one family for each direction, and the chunks that are to be deleted.</summary>
internal static class FileTables
{
    // Servers are addresses without their passwords: those are looked up in the user's list when they are needed.
    // Workers hold row ids while they are on the network: a number is never given twice (AUTOINCREMENT), so that what they
    // bring back for a transfer that was cancelled meanwhile cannot hit another one.
    // The chunks bear what the workers look for, so that finding the next one needs one index and no join over all chunks.
    internal const string Sql = """
        CREATE TABLE agent_sent_files (
          sent_file_id INTEGER PRIMARY KEY AUTOINCREMENT,
          file_id TEXT NOT NULL UNIQUE,
          user_id INTEGER NOT NULL REFERENCES agent_users ON DELETE CASCADE,
          path TEXT NOT NULL,
          path_key BLOB,
          path_nonce BLOB,
          description BLOB,
          redirect_size INTEGER,
          redirect_digest BLOB,
          recipients INTEGER NOT NULL,
          status INTEGER NOT NULL,
          key BLOB,
          nonce BLOB,
          size INTEGER NOT NULL DEFAULT 0,
          done INTEGER NOT NULL DEFAULT 0,
          digest BLOB,
          created_at INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX agent_sent_files_user ON agent_sent_files (user_id);

        CREATE TABLE agent_sent_chunks (
          sent_chunk_id INTEGER PRIMARY KEY AUTOINCREMENT,
          sent_file_id INTEGER NOT NULL REFERENCES agent_sent_files ON DELETE CASCADE,
          user_id INTEGER NOT NULL,
          number INTEGER NOT NULL,
          start INTEGER NOT NULL,
          size INTEGER NOT NULL,
          digest BLOB NOT NULL,
          server TEXT NOT NULL,
          status INTEGER NOT NULL DEFAULT 0,
          chunk_id BLOB,
          sender_key BLOB,
          refusals INTEGER NOT NULL DEFAULT 0,
          faults INTEGER NOT NULL DEFAULT 0,
          retries INTEGER NOT NULL DEFAULT 0,
          UNIQUE (sent_file_id, number)
        ) STRICT;
        CREATE INDEX agent_sent_chunks_pending ON agent_sent_chunks (user_id, server, retries, sent_chunk_id) WHERE status < 2;
        CREATE INDEX agent_sent_chunks_incomplete ON agent_sent_chunks (sent_file_id) WHERE status < 2;

        CREATE TABLE agent_sent_chunk_recipients (
          sent_chunk_id INTEGER NOT NULL REFERENCES agent_sent_chunks ON DELETE CASCADE,
          number INTEGER NOT NULL,
          recipient_id BLOB NOT NULL,
          key BLOB NOT NULL,
          PRIMARY KEY (sent_chunk_id, number)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE agent_received_files (
          received_file_id INTEGER PRIMARY KEY AUTOINCREMENT,
          file_id TEXT NOT NULL UNIQUE,
          user_id INTEGER NOT NULL REFERENCES agent_users ON DELETE CASCADE,
          path TEXT NOT NULL,
          path_key BLOB,
          path_nonce BLOB,
          is_approved INTEGER NOT NULL,
          stage INTEGER NOT NULL DEFAULT 0,
          redirect_size INTEGER,
          redirect_digest BLOB,
          status INTEGER NOT NULL,
          key BLOB NOT NULL,
          nonce BLOB NOT NULL,
          size INTEGER NOT NULL,
          done INTEGER NOT NULL DEFAULT 0,
          digest BLOB NOT NULL,
          final_path TEXT,
          file_name TEXT,
          created_at INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX agent_received_files_user ON agent_received_files (user_id);

        CREATE TABLE agent_received_chunks (
          received_chunk_id INTEGER PRIMARY KEY AUTOINCREMENT,
          received_file_id INTEGER NOT NULL REFERENCES agent_received_files ON DELETE CASCADE,
          user_id INTEGER NOT NULL,
          number INTEGER NOT NULL,
          size INTEGER NOT NULL,
          digest BLOB NOT NULL,
          server TEXT NOT NULL,
          replica INTEGER NOT NULL DEFAULT 0,
          is_received INTEGER NOT NULL DEFAULT 0,
          faults INTEGER NOT NULL DEFAULT 0,
          retries INTEGER NOT NULL DEFAULT 0,
          UNIQUE (received_file_id, number)
        ) STRICT;
        CREATE INDEX agent_received_chunks_pending ON agent_received_chunks (user_id, server, retries, received_chunk_id) WHERE is_received = 0;
        CREATE INDEX agent_received_chunks_incomplete ON agent_received_chunks (received_file_id) WHERE is_received = 0;

        CREATE TABLE agent_received_replicas (
          received_chunk_id INTEGER NOT NULL REFERENCES agent_received_chunks ON DELETE CASCADE,
          number INTEGER NOT NULL,
          server TEXT NOT NULL,
          recipient_id BLOB NOT NULL,
          key BLOB NOT NULL,
          is_refused INTEGER NOT NULL DEFAULT 0,
          PRIMARY KEY (received_chunk_id, number)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE agent_deleted_chunks (
          deleted_chunk_id INTEGER PRIMARY KEY AUTOINCREMENT,
          user_id INTEGER NOT NULL,
          server TEXT NOT NULL,
          chunk_id BLOB NOT NULL,
          sender_key BLOB NOT NULL,
          digest BLOB NOT NULL,
          retries INTEGER NOT NULL DEFAULT 0,
          created_at INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX agent_deleted_chunks_server ON agent_deleted_chunks (user_id, server, retries, deleted_chunk_id);
        CREATE INDEX agent_deleted_chunks_time ON agent_deleted_chunks (created_at);

        ALTER TABLE agent_events ADD COLUMN file_id TEXT;
        CREATE INDEX agent_events_file ON agent_events (file_id) WHERE file_id IS NOT NULL;
        """;
}
