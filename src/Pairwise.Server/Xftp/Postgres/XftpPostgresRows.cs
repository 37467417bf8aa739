using System.Diagnostics;
using System.Text;
using Npgsql;
using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Xftp;
using Pairwise.Server.Smp.Postgres;
using Pairwise.Server.Xftp.Store;
using Pairwise.Wire;

namespace Pairwise.Server.Xftp.Postgres;

/// <summary>The tables of a file server's database, and how chunks and recipients are rows: the reference's.</summary>
internal static class XftpPostgresRows
{
    public const string FileColumns = "sender_id, file_size, file_digest, sender_key, file_path, created_at, status";

    public const string RecipientColumns = "recipient_id, sender_id, recipient_key";

    /// <summary>The steps of the tables' history, by the reference's names.</summary>
    public static IReadOnlyList<PostgresMigration> Migrations { get; } =
    [
        new("20260325_initial", Initial, null),
    ];

    private const string Initial = """
        CREATE TABLE files (
          sender_id BYTEA NOT NULL PRIMARY KEY,
          file_size INTEGER NOT NULL,
          file_digest BYTEA NOT NULL,
          sender_key BYTEA NOT NULL,
          file_path TEXT,
          created_at BIGINT NOT NULL,
          status TEXT NOT NULL DEFAULT 'active'
        );

        CREATE TABLE recipients (
          recipient_id BYTEA NOT NULL PRIMARY KEY,
          sender_id BYTEA NOT NULL REFERENCES files ON DELETE CASCADE,
          recipient_key BYTEA NOT NULL
        );
        CREATE INDEX idx_recipients_sender_id ON recipients (sender_id);
        CREATE INDEX idx_files_created_at ON files (created_at);
        """;

    /// <summary>The statements that a record of the log comes to.</summary>
    public static IEnumerable<PostgresChange> ChangesOf(XftpLogRecord record) => record switch
    {
        XftpLogRecord.Add add =>
        [
            new(
                "INSERT INTO files (sender_id, file_size, file_digest, sender_key, created_at, status) VALUES ($1,$2,$3,$4,$5,$6) ON CONFLICT DO NOTHING",
                [add.Sender.Value.ToArray(), checked((int)add.Chunk.Size), add.Chunk.Digest.ToArray(), add.Chunk.SenderKey.ToSpki(), add.CreatedAt, XftpLogCodec.StatusOf(add.Blocked, add.IsOff)]),
        ],
        XftpLogRecord.AddRecipients add => add.Recipients.Select(recipient => new PostgresChange(
            $"INSERT INTO recipients ({RecipientColumns}) VALUES ($1,$2,$3) ON CONFLICT DO NOTHING",
            [recipient.Id.Value.ToArray(), add.Sender.Value.ToArray(), recipient.Key.ToSpki()])),
        XftpLogRecord.Put put => [PathOf(put.Sender, put.Path)],
        XftpLogRecord.Delete delete => [new("DELETE FROM files WHERE sender_id = $1", [delete.Sender.Value.ToArray()])],
        XftpLogRecord.Block block =>
            [new("UPDATE files SET status = $2, file_path = NULL WHERE sender_id = $1", [block.Sender.Value.ToArray(), XftpLogCodec.StatusOf(block.Reason, isOff: false)]) { MustChangeRow = true }],
        XftpLogRecord.Acknowledge acknowledge => [new("DELETE FROM recipients WHERE recipient_id = $1", [acknowledge.Recipient.Value.ToArray()])],
        _ => throw new UnreachableException(),
    };

    /// <summary>Says where the content of a chunk is; null that there is none.</summary>
    public static PostgresChange PathOf(ChunkId sender, string? path) =>
        new("UPDATE files SET file_path = $2 WHERE sender_id = $1", [sender.Value.ToArray(), path]) { MustChangeRow = true };

    /// <summary>The records of a row of <see cref="FileColumns"/>; none if the row is not one.</summary>
    public static IEnumerable<XftpLogRecord> ReadFile(NpgsqlDataReader row)
    {
        var size = row.GetInt32(1);
        if (!TryId(row, 0, out var sender)
            || size <= 0
            || !TryKey(row, 3, out var key)
            || !XftpLogCodec.TryReadStatus(Encoding.UTF8.GetBytes(row.GetString(6)), out var block, out var isOff))
        {
            return [];
        }

        var add = new XftpLogRecord.Add(sender, new ChunkInfo(key, (uint)size, Bytes.Wrap(row.GetFieldValue<byte[]>(2))), row.GetInt64(5), block, isOff);
        return row.IsDBNull(4) ? [add] : [add, new XftpLogRecord.Put(sender, row.GetString(4))];
    }

    /// <summary>The record of a row of <see cref="RecipientColumns"/>, or null if the row is not one.</summary>
    public static XftpLogRecord? ReadRecipient(NpgsqlDataReader row) =>
        TryId(row, 0, out var recipient) && TryId(row, 1, out var sender) && TryKey(row, 2, out var key)
            ? new XftpLogRecord.AddRecipients(sender, [new ChunkRecipient(recipient, key)])
            : null;

    private static bool TryId(NpgsqlDataReader row, int column, out ChunkId id)
    {
        var bytes = row.GetFieldValue<byte[]>(column);
        var isId = bytes.Length is > 0 and <= WireId.MaxLength;
        id = isId ? new ChunkId(bytes) : default;
        return isId;
    }

    private static bool TryKey(NpgsqlDataReader row, int column, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out PublicKey? key) =>
        PublicKey.TryFromSpki(row.GetFieldValue<byte[]>(column), out key);
}
