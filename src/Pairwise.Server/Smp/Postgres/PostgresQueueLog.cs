using System.Diagnostics;
using Pairwise.Server.Smp.Logs;
using Pairwise.Server.Smp.Store;

namespace Pairwise.Server.Smp.Postgres;

/// <summary>Turns changes of queue records into statements.</summary>
/// <param name="writer">Carries them out.</param>
/// <param name="time">For the day of a deletion.</param>
/// <param name="mirror">A log that gets every record too (<c>db_store_log</c>), or null.</param>
internal sealed class PostgresQueueLog(PostgresWriter writer, TimeProvider time, IQueueLog? mirror) : IQueueLog
{
    private const string Live = " WHERE recipient_id = $1 AND deleted_at IS NULL";

    /// <inheritdoc/>
    /// <remarks>
    /// The mirror comes first: it is only a copy, made anew at every start, and a change that it refuses must not reach the
    /// database behind a store that was told of the refusal.
    /// </remarks>
    public bool TryWrite(StoreLogRecord record) => mirror?.TryWrite(record) != false && writer.TryEnqueue(ChangesOf(record));

    /// <summary>The statement that adds a queue.</summary>
    public static PostgresChange Insert(SmpQueue queue) => new(
        $"INSERT INTO msg_queues ({PostgresRows.QueueColumns}) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16)",
        PostgresRows.OfQueue(queue))
    {
        Queue = queue.RecipientId,
        RepeatedSql = $"INSERT INTO msg_queues ({PostgresRows.QueueColumns}) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16) ON CONFLICT DO NOTHING",
    };

    /// <summary>The statement that adds a service.</summary>
    public static PostgresChange Insert(ServiceRecord service) => new(
        "INSERT INTO services (service_id, service_role, service_cert, service_cert_hash, created_at) VALUES ($1,$2,$3,$4,$5) ON CONFLICT DO NOTHING",
        [service.Id.ToArray(), PostgresRows.RoleOf(service.Role), PostgresRows.OfCertificates(service.Certificates), service.CertificateHash.ToArray(), service.CreatedSeconds]);

    private ReadOnlySpan<PostgresChange> ChangesOf(StoreLogRecord record) => record switch
    {
        StoreLogRecord.CreateQueue create => (PostgresChange[])[Insert(create.Queue)],
        StoreLogRecord.NewService added => [Insert(added.Service)],
        StoreLogRecord.DeleteQueue delete => Delete(delete.RecipientId),
        _ => [ChangeOf(record)],
    };

    private static PostgresChange ChangeOf(StoreLogRecord record) => record switch
    {
        StoreLogRecord.CreateLink link => Update(
            "link_id = $2, fixed_data = $3, user_data = $4", link.RecipientId, link.Link.Id.Value.ToArray(), link.Link.FixedPart.ToArray(), link.Link.UserPart.ToArray()),
        StoreLogRecord.DeleteLink link => Update("link_id = NULL, fixed_data = NULL, user_data = NULL", link.RecipientId),
        StoreLogRecord.SecureQueue secure => Update("sender_key = $2", secure.RecipientId, PostgresRows.Spki(secure.SenderKey)),
        StoreLogRecord.UpdateKeys update => Update("recipient_keys = $2", update.RecipientId, PostgresRows.OfKeys(update.Keys)),
        StoreLogRecord.AddNotifier add => Update(
            "notifier_id = $2, notifier_key = $3, rcv_ntf_dh_secret = $4, ntf_service_id = $5",
            add.RecipientId,
            add.Notifier.Id.ToArray(),
            PostgresRows.Spki(add.Notifier.Key),
            PostgresRows.Bytes(add.Notifier.DhSecret),
            add.Notifier.ServiceId?.ToArray()),
        StoreLogRecord.DeleteNotifier delete => Update(
            "notifier_id = NULL, notifier_key = NULL, rcv_ntf_dh_secret = NULL, ntf_service_id = NULL", delete.RecipientId),
        StoreLogRecord.SuspendQueue suspend => Update("status = $2", suspend.RecipientId, PostgresRows.StatusOf(QueueStatus.Off, null)),
        StoreLogRecord.BlockQueue block => Update("status = $2", block.RecipientId, PostgresRows.StatusOf(QueueStatus.Blocked, block.Block)),
        StoreLogRecord.UnblockQueue unblock => Update("status = $2", unblock.RecipientId, PostgresRows.StatusOf(QueueStatus.Active, null)),
        StoreLogRecord.UpdateTime update => Update("updated_at = $2", update.RecipientId, (long)update.Day * PostgresRows.SecondsPerDay),
        StoreLogRecord.QueueService service => Update(
            service.Side == ServiceSide.Recipient ? "rcv_service_id = $2" : "ntf_service_id = $2", service.RecipientId, service.ServiceId?.ToArray()),
        _ => throw new UnreachableException(),
    };

    // The row stays until it is purged, so that an operator can see that the queue existed; what it held goes at once.
    private PostgresChange[] Delete(StoredId recipientId) =>
    [
        new("DELETE FROM messages WHERE recipient_id = $1", [recipientId.ToArray()]),
        Update(
            "deleted_at = $2, link_id = NULL, fixed_data = NULL, user_data = NULL, msg_queue_size = 0, msg_can_write = TRUE, msg_queue_expire = FALSE",
            recipientId,
            time.GetUtcNow().ToUnixTimeSeconds() / PostgresRows.SecondsPerDay * PostgresRows.SecondsPerDay),
    ];

    private static PostgresChange Update(string assignments, StoredId recipientId, params ReadOnlySpan<object?> values) =>
        new("UPDATE msg_queues SET " + assignments + Live, [recipientId.ToArray(), .. values]) { Queue = recipientId, MustChangeRow = true };
}
