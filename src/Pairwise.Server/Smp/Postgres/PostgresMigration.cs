namespace Pairwise.Server.Smp.Postgres;

/// <summary>
/// One step of the schema's history. Names and what each step leaves behind are the reference's (release 6.5.5), so that
/// either program can go on with what the other left; the statements are ours.
/// </summary>
/// <param name="Name">Its key in the table migrations; they sort by it.</param>
/// <param name="Up">Makes the step.</param>
/// <param name="Down">Takes it back; kept in the database, so that an older program can. Null when it cannot be taken back.</param>
internal sealed record PostgresMigration(string Name, string Up, string? Down)
{
    /// <summary>All steps in order.</summary>
    public static IReadOnlyList<PostgresMigration> All { get; } =
    [
        new("20250207_initial", Initial, null),
        new("20250319_updated_index", UpdatedIndex, UpdatedIndexDown),
        new("20250320_short_links", ShortLinks, ShortLinksDown),
        new("20250514_service_certs", Services, ServicesDown),
        new("20250903_store_messages", Messages + PostgresFunctions.Create, MessagesDown),
    ];

    private const string Initial = """
        CREATE TABLE msg_queues (
          recipient_id BYTEA NOT NULL PRIMARY KEY,
          recipient_key BYTEA NOT NULL,
          rcv_dh_secret BYTEA NOT NULL,
          sender_id BYTEA NOT NULL,
          sender_key BYTEA,
          snd_secure BOOLEAN NOT NULL,
          notifier_id BYTEA,
          notifier_key BYTEA,
          rcv_ntf_dh_secret BYTEA,
          status TEXT NOT NULL,
          updated_at BIGINT,
          deleted_at BIGINT
        );
        CREATE UNIQUE INDEX idx_msg_queues_sender_id ON msg_queues (sender_id);
        CREATE UNIQUE INDEX idx_msg_queues_notifier_id ON msg_queues (notifier_id);
        CREATE INDEX idx_msg_queues_deleted_at ON msg_queues (deleted_at);
        """;

    private const string UpdatedIndex = """
        CREATE INDEX idx_msg_queues_updated_at ON msg_queues (deleted_at, updated_at);
        DROP INDEX idx_msg_queues_deleted_at;
        """;

    private const string UpdatedIndexDown = """
        CREATE INDEX idx_msg_queues_deleted_at ON msg_queues (deleted_at);
        DROP INDEX idx_msg_queues_updated_at;
        """;

    // One key becomes a list: its count, then each key behind its length.
    private const string ShortLinks = """
        ALTER TABLE msg_queues
          ADD queue_mode TEXT,
          ADD link_id BYTEA,
          ADD fixed_data BYTEA,
          ADD user_data BYTEA;
        UPDATE msg_queues SET
          queue_mode = CASE WHEN snd_secure THEN 'M' END,
          recipient_key = set_byte(set_byte('\x0000'::BYTEA, 0, 1), 1, length(recipient_key)) || recipient_key;
        ALTER TABLE msg_queues DROP snd_secure;
        ALTER TABLE msg_queues RENAME recipient_key TO recipient_keys;
        CREATE UNIQUE INDEX idx_msg_queues_link_id ON msg_queues (link_id);
        """;

    // A queue of several owners cannot go back: the division by zero ends the transaction.
    private const string ShortLinksDown = """
        ALTER TABLE msg_queues ADD snd_secure BOOLEAN NOT NULL DEFAULT FALSE;
        UPDATE msg_queues SET
          snd_secure = queue_mode IS NOT DISTINCT FROM 'M',
          recipient_keys = substring(recipient_keys FROM 2 + 1 / (get_byte(recipient_keys, 0) = 1)::INT);
        DROP INDEX idx_msg_queues_link_id;
        ALTER TABLE msg_queues DROP queue_mode, DROP link_id, DROP fixed_data, DROP user_data;
        ALTER TABLE msg_queues RENAME recipient_keys TO recipient_key;
        """;

    private const string Services = """
        CREATE TABLE services (
          service_id BYTEA NOT NULL PRIMARY KEY,
          service_role TEXT NOT NULL,
          service_cert BYTEA NOT NULL,
          service_cert_hash BYTEA NOT NULL UNIQUE,
          created_at BIGINT NOT NULL
        );
        CREATE INDEX idx_services_service_role ON services (service_role);
        ALTER TABLE msg_queues
          ADD rcv_service_id BYTEA REFERENCES services (service_id) ON UPDATE RESTRICT ON DELETE SET NULL,
          ADD ntf_service_id BYTEA REFERENCES services (service_id) ON UPDATE RESTRICT ON DELETE SET NULL;
        CREATE INDEX idx_msg_queues_rcv_service_id ON msg_queues (rcv_service_id, deleted_at);
        CREATE INDEX idx_msg_queues_ntf_service_id ON msg_queues (ntf_service_id, deleted_at);
        """;

    private const string ServicesDown = """
        ALTER TABLE msg_queues DROP rcv_service_id, DROP ntf_service_id;
        DROP TABLE services;
        """;

    private const string Messages = """
        CREATE TABLE messages (
          message_id BIGINT NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
          recipient_id BYTEA NOT NULL REFERENCES msg_queues (recipient_id) ON UPDATE RESTRICT ON DELETE CASCADE,
          msg_id BYTEA NOT NULL,
          msg_ts BIGINT NOT NULL,
          msg_quota BOOLEAN NOT NULL,
          msg_ntf_flag BOOLEAN NOT NULL,
          msg_body BYTEA NOT NULL
        );
        CREATE INDEX idx_messages_recipient_id_message_id ON messages (recipient_id, message_id);
        CREATE INDEX idx_messages_recipient_id_msg_ts ON messages (recipient_id, msg_ts);
        CREATE INDEX idx_messages_recipient_id_msg_quota ON messages (recipient_id, msg_quota);
        ALTER TABLE msg_queues
          ADD msg_can_write BOOLEAN NOT NULL DEFAULT TRUE,
          ADD msg_queue_expire BOOLEAN NOT NULL DEFAULT FALSE,
          ADD msg_queue_size BIGINT NOT NULL DEFAULT 0;
        DROP INDEX idx_msg_queues_updated_at;
        CREATE INDEX idx_msg_queues_updated_at_recipient_id ON msg_queues (deleted_at, updated_at, msg_queue_expire, recipient_id);

        """;

    private const string MessagesDown = """
        DROP PROCEDURE expire_old_messages;
        DROP FUNCTION write_message, try_del_msg, try_del_peek_msg, delete_expired_msgs;
        DROP INDEX idx_msg_queues_updated_at_recipient_id;
        CREATE INDEX idx_msg_queues_updated_at ON msg_queues (deleted_at, updated_at);
        ALTER TABLE msg_queues DROP msg_can_write, DROP msg_queue_expire, DROP msg_queue_size;
        DROP TABLE messages;
        """;
}
