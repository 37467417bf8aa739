using Pairwise.Agent.Files;
using Pairwise.Protocol.Xftp;
using Pairwise.Storage;
using Pairwise.Wire;

namespace Pairwise.Agent.Store;

/// <summary>The descriptions of an uploaded file, made of its rows.</summary>
internal static class SentFileDescriptions
{
    /// <summary>The event about an uploaded file; null if it is gone.</summary>
    public static AgentEvent.FileSent? TryMake(DatabaseSession session, FileTransferId id)
    {
        if (!session.TryQuery(
            "SELECT sent_file_id, key, nonce, size, digest, recipients, redirect_size, redirect_digest FROM agent_sent_files WHERE file_id = ?1 AND status = ?2",
            row => (Key: row.GetInt64(0), FileKey: FileColumn.ToKey(row.GetBlob(1), row.GetBlob(2))!, Size: row.GetInt64(3), Digest: Bytes.Wrap(row.GetBlob(4)), Recipients: row.GetInt32(5),
                Redirect: FileColumn.ToRedirect(row.GetInt64OrNull(6), row.GetBlobOrNull(7))),
            out var file,
            id.ToString(),
            (long)SentFileStatus.Complete)) return null;

        string Describe(FileParty party, string columns, string join, params ReadOnlySpan<SqlValue> arguments)
        {
            var chunks = session.Query(
                $"SELECT c.number, c.size, c.digest, c.server, {columns} FROM agent_sent_chunks c {join} WHERE c.sent_file_id = ?1 ORDER BY c.number",
                row => new FileChunk(
                    row.GetInt32(0),
                    (uint)row.GetInt64(1),
                    Bytes.Wrap(row.GetBlob(2)),
                    [new ChunkReplica(FileColumn.ToServer(row.GetText(3)), new ChunkId(row.GetBlob(4)), FileColumn.ToPrivateKey(row.GetBlob(5)))]),
                arguments);
            var description = new FileDescription(party, file.Size, file.Digest, file.FileKey, chunks[0].Size, [.. chunks], party == FileParty.Recipient ? file.Redirect : null);
            var text = FileDescriptionCodec.Encode(description);
            foreach (var chunk in chunks) chunk.Replicas[0].Key.Dispose();
            return text;
        }

        var sender = Describe(FileParty.Sender, "c.chunk_id, c.sender_key", "", file.Key);
        var recipients = new string[file.Recipients];
        for (var i = 0; i < recipients.Length; i++)
            recipients[i] = Describe(FileParty.Recipient, "r.recipient_id, r.key", "JOIN agent_sent_chunk_recipients r ON r.sent_chunk_id = c.sent_chunk_id AND r.number = ?2", file.Key, (long)i);
        return new AgentEvent.FileSent(id, sender, recipients);
    }
}
