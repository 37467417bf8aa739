namespace Pairwise.Server.Smp.Postgres;

/// <summary>
/// The stored routines that the official server calls and expects of a database whose messages are in tables. This relay
/// calls none of them: they are there so that the official server can go on with the database. Names, arguments and
/// results are its own; the bodies are ours.
/// </summary>
internal static class PostgresFunctions
{
    /// <summary>Makes them.</summary>
    public const string Create = Write + TryDelete + TryDeleteAndPeek + DeleteExpired + ExpireAll;

    // Puts a message into a queue by the rule of the quota; no row when the queue is gone or takes none.
    private const string Write = """
        CREATE FUNCTION write_message(
          p_recipient_id BYTEA, p_msg_id BYTEA, p_msg_ts BIGINT, p_msg_quota BOOLEAN, p_msg_ntf_flag BOOLEAN, p_msg_body BYTEA, p_quota INT)
        RETURNS TABLE (quota_written BOOLEAN, was_empty BOOLEAN) LANGUAGE plpgsql AS $body$
        DECLARE
          waiting BIGINT;
          is_marker BOOLEAN;
        BEGIN
          SELECT queue.msg_queue_size INTO waiting FROM msg_queues queue
          WHERE queue.recipient_id = p_recipient_id AND queue.deleted_at IS NULL AND (queue.msg_can_write OR queue.msg_queue_size = 0)
          FOR UPDATE;
          IF NOT FOUND THEN
            RETURN;
          END IF;
          is_marker := p_msg_quota OR waiting >= p_quota;
          IF is_marker THEN
            INSERT INTO messages (recipient_id, msg_id, msg_ts, msg_quota, msg_ntf_flag, msg_body)
            VALUES (p_recipient_id, p_msg_id, p_msg_ts, TRUE, FALSE, '');
          ELSE
            INSERT INTO messages (recipient_id, msg_id, msg_ts, msg_quota, msg_ntf_flag, msg_body)
            VALUES (p_recipient_id, p_msg_id, p_msg_ts, FALSE, p_msg_ntf_flag, p_msg_body);
          END IF;
          UPDATE msg_queues queue SET msg_queue_size = waiting + 1, msg_can_write = NOT is_marker, msg_queue_expire = TRUE
          WHERE queue.recipient_id = p_recipient_id;
          RETURN QUERY SELECT is_marker, waiting = 0;
        END
        $body$;

        """;

    // Removes the first message of a queue if it is this one, and gives it.
    private const string TryDelete = """
        CREATE FUNCTION try_del_msg(p_recipient_id BYTEA, p_msg_id BYTEA)
        RETURNS TABLE (r_msg_id BYTEA, r_msg_ts BIGINT, r_msg_quota BOOLEAN, r_msg_ntf_flag BOOLEAN, r_msg_body BYTEA) LANGUAGE plpgsql AS $body$
        DECLARE
          first_id BIGINT;
          waiting BIGINT;
        BEGIN
          PERFORM 1 FROM msg_queues queue WHERE queue.recipient_id = p_recipient_id AND queue.deleted_at IS NULL FOR UPDATE;
          IF NOT FOUND THEN
            RETURN;
          END IF;
          SELECT MIN(message.message_id) INTO first_id FROM messages message WHERE message.recipient_id = p_recipient_id;
          RETURN QUERY DELETE FROM messages message WHERE message.message_id = first_id AND message.msg_id = p_msg_id
            RETURNING message.msg_id, message.msg_ts, message.msg_quota, message.msg_ntf_flag, message.msg_body;
          IF FOUND OR first_id IS NULL THEN
            SELECT CASE WHEN first_id IS NULL THEN 0 ELSE GREATEST(queue.msg_queue_size - 1, 0) END INTO waiting
            FROM msg_queues queue WHERE queue.recipient_id = p_recipient_id;
            UPDATE msg_queues queue SET msg_queue_size = waiting, msg_can_write = queue.msg_can_write OR waiting = 0, msg_queue_expire = waiting > 0
            WHERE queue.recipient_id = p_recipient_id AND queue.msg_queue_size <> waiting;
          END IF;
        END
        $body$;

        """;

    // The same, and then what is first.
    private const string TryDeleteAndPeek = """
        CREATE FUNCTION try_del_peek_msg(p_recipient_id BYTEA, p_msg_id BYTEA)
        RETURNS TABLE (r_msg_id BYTEA, r_msg_ts BIGINT, r_msg_quota BOOLEAN, r_msg_ntf_flag BOOLEAN, r_msg_body BYTEA) LANGUAGE plpgsql AS $body$
        BEGIN
          RETURN QUERY SELECT * FROM try_del_msg(p_recipient_id, p_msg_id);
          RETURN QUERY SELECT message.msg_id, message.msg_ts, message.msg_quota, message.msg_ntf_flag, message.msg_body
            FROM messages message JOIN msg_queues queue USING (recipient_id)
            WHERE message.recipient_id = p_recipient_id AND queue.deleted_at IS NULL
            ORDER BY message.message_id LIMIT 1;
          IF NOT FOUND THEN
            UPDATE msg_queues queue SET msg_queue_size = 0, msg_can_write = TRUE, msg_queue_expire = FALSE
            WHERE queue.recipient_id = p_recipient_id AND queue.deleted_at IS NULL AND queue.msg_queue_size <> 0;
          END IF;
        END
        $body$;

        """;

    // Removes messages in front of the first that is young enough; markers stay. Gives how many.
    private const string DeleteExpired = """
        CREATE FUNCTION delete_expired_msgs(p_recipient_id BYTEA, p_old_ts BIGINT) RETURNS BIGINT LANGUAGE plpgsql AS $body$
        DECLARE
          waiting BIGINT;
          expired BIGINT;
          kept_id BIGINT;
        BEGIN
          SELECT queue.msg_queue_size INTO waiting FROM msg_queues queue
          WHERE queue.recipient_id = p_recipient_id AND queue.deleted_at IS NULL AND queue.msg_queue_size > 0
          FOR UPDATE SKIP LOCKED;
          IF NOT FOUND THEN
            RETURN 0;
          END IF;
          SELECT MIN(message.message_id) INTO kept_id FROM messages message
          WHERE message.recipient_id = p_recipient_id AND NOT message.msg_quota AND message.msg_ts >= p_old_ts;
          DELETE FROM messages message
          WHERE message.recipient_id = p_recipient_id AND NOT message.msg_quota AND (kept_id IS NULL OR message.message_id < kept_id);
          GET DIAGNOSTICS expired = ROW_COUNT;
          IF expired > 0 THEN
            waiting := GREATEST(waiting - expired, 0);
            UPDATE msg_queues queue
            SET msg_queue_size = waiting, msg_can_write = queue.msg_can_write OR waiting = 0, msg_queue_expire = waiting > 0 AND kept_id IS NOT NULL
            WHERE queue.recipient_id = p_recipient_id;
          END IF;
          RETURN expired;
        END
        $body$;

        """;

    // The same for all queues used since a time, so many between two commits; then counts what is left.
    private const string ExpireAll = """
        CREATE PROCEDURE expire_old_messages(
          p_old_queue BIGINT, p_old_ts BIGINT, batch_size INT,
          OUT r_expired_msgs_count BIGINT, OUT r_stored_msgs_count BIGINT, OUT r_stored_queues BIGINT) LANGUAGE plpgsql AS $body$
        DECLARE
          each_id BYTEA;
          seen BIGINT := 0;
        BEGIN
          r_expired_msgs_count := 0;
          FOR each_id IN
            SELECT queue.recipient_id FROM msg_queues queue
            WHERE queue.deleted_at IS NULL AND queue.msg_queue_expire AND queue.updated_at > p_old_queue
          LOOP
            r_expired_msgs_count := r_expired_msgs_count + delete_expired_msgs(each_id, p_old_ts);
            seen := seen + 1;
            IF seen % batch_size = 0 THEN
              COMMIT;
            END IF;
          END LOOP;
          COMMIT;
          SELECT COUNT(*) INTO r_stored_msgs_count FROM messages;
          SELECT COUNT(*) INTO r_stored_queues FROM msg_queues queue WHERE queue.deleted_at IS NULL;
        END
        $body$;

        """;
}
