using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using Npgsql;
using NpgsqlTypes;
using Pairwise.Protocol.Smp;
using Pairwise.Server.Smp.Logs;
using Pairwise.Server.Smp.Store;
using Pairwise.Wire;

namespace Pairwise.Server.Smp.Postgres;

/// <summary>How queues, services and messages are rows, as the reference writes them.</summary>
internal static class PostgresRows
{
    public const int SecondsPerDay = 86400;

    public const string QueueColumns = """
        recipient_id, recipient_keys, rcv_dh_secret, sender_id, sender_key, queue_mode,
        notifier_id, notifier_key, rcv_ntf_dh_secret, ntf_service_id, status, updated_at,
        link_id, rcv_service_id, fixed_data, user_data
        """;

    public const string MessageColumns = "recipient_id, msg_id, msg_ts, msg_quota, msg_ntf_flag, msg_body";

    /// <summary>The values of <see cref="QueueColumns"/>.</summary>
    public static object?[] OfQueue(SmpQueue queue) =>
    [
        queue.RecipientId.ToArray(),
        OfKeys(queue),
        Bytes(queue.DhSecret),
        queue.SenderId.ToArray(),
        queue.IsSecured ? Spki(queue.SenderKey) : null,
        OfUse(queue.Use),
        queue.Notifier?.Id.ToArray(),
        queue.Notifier is { } notifier ? Spki(notifier.Key) : null,
        queue.Notifier is { } withSecret ? Bytes(withSecret.DhSecret) : null,
        queue.Notifier?.ServiceId?.ToArray(),
        StatusOf(queue.Status, queue.Block),
        queue.UsedDay < 0 ? null : (long)queue.UsedDay * SecondsPerDay,
        queue.Link?.Id.Value.ToArray(),
        queue.ServiceId?.ToArray(),
        queue.Link?.FixedPart.ToArray(),
        queue.Link?.UserPart.ToArray(),
    ];

    /// <summary>The queue of a row of <see cref="QueueColumns"/>, or null if the row is not one.</summary>
    public static SmpQueue? ReadQueue(NpgsqlDataReader row)
    {
        if (!TryId(row, 0, out var recipientId)
            || !TryKeys(row.GetFieldValue<byte[]>(1), out var keys)
            || !TrySecret(row.GetFieldValue<byte[]>(2), out var secret)
            || !TryId(row, 3, out var senderId))
        {
            return null;
        }

        var use = row.IsDBNull(5) ? QueueUse.Unknown : row.GetString(5) == "M" ? QueueUse.Messaging : QueueUse.Contact;
        var queue = new SmpQueue(recipientId, senderId, keys[0], secret, use);
        queue.SetRecipientKeys(keys);
        if (!row.IsDBNull(4))
        {
            if (!StoredKey.TryFromSpki(row.GetFieldValue<byte[]>(4), out var senderKey))
            {
                return null;
            }

            queue.SetSenderKey(senderKey);
        }

        queue.UsedDay = row.IsDBNull(11) ? -1 : (int)Math.Clamp(row.GetInt64(11) / SecondsPerDay, -1, int.MaxValue);
        queue.SetService(OptionalId(row, 13));
        if (!row.IsDBNull(12))
        {
            queue.SetLink(new QueueLink(
                new LinkId(row.GetFieldValue<byte[]>(12)),
                row.IsDBNull(14) ? [] : row.GetFieldValue<byte[]>(14),
                row.IsDBNull(15) ? [] : row.GetFieldValue<byte[]>(15)));
        }

        return TryReadNotifier(row, queue) && TryReadStatus(row.GetString(10), queue) ? queue : null;
    }

    /// <summary>The text of a queue's status: active, off, or blocked with its reason.</summary>
    public static string StatusOf(QueueStatus status, SmpError.Blocked? block) => status switch
    {
        QueueStatus.Active => "active",
        QueueStatus.Off => "off",
        QueueStatus.Blocked => "blocked," + SmpErrorCodec.ToText(block!)["BLOCKED ".Length..],
        _ => throw new UnreachableException(),
    };

    public static string RoleOf(SmpServiceRole role) => role switch
    {
        SmpServiceRole.Messaging => "M",
        SmpServiceRole.Notifier => "N",
        SmpServiceRole.Proxy => "P",
        _ => throw new UnreachableException(),
    };

    // certificates = nonEmptyList(largeString of DER)
    public static byte[] OfCertificates(IReadOnlyList<Bytes> certificates)
    {
        var bytes = new byte[1 + certificates.Sum(certificate => sizeof(ushort) + certificate.Length)];
        var writer = new WireWriter(bytes);
        writer.WriteListCount(certificates.Count);
        foreach (var certificate in certificates)
        {
            writer.WriteLarge(certificate.Span);
        }

        return bytes;
    }

    /// <summary>The service of a row of service_id, service_role, service_cert, service_cert_hash, created_at.</summary>
    public static ServiceRecord? ReadService(NpgsqlDataReader row)
    {
        SmpServiceRole? role = row.GetString(1) switch
        {
            "M" => SmpServiceRole.Messaging,
            "N" => SmpServiceRole.Notifier,
            "P" => SmpServiceRole.Proxy,
            _ => null,
        };
        var reader = new WireReader(row.GetFieldValue<byte[]>(2));
        if (role is null || !TryId(row, 0, out var id) || !reader.TryReadNonEmptyListCount(out var count))
        {
            return null;
        }

        var certificates = new List<Bytes>();
        for (var i = 0; i < count; i++)
        {
            if (!reader.TryReadLarge(out var certificate))
            {
                return null;
            }

            certificates.Add(Wire.Bytes.CopyOf(certificate));
        }

        return new ServiceRecord(id, role.Value, certificates, Wire.Bytes.Wrap(row.GetFieldValue<byte[]>(3)), row.GetInt64(4));
    }

    /// <summary>The message of a row of recipient_id, msg_id, msg_ts, msg_quota, msg_ntf_flag.</summary>
    public static bool TryReadMark(NpgsqlDataReader row, out StoredId recipientId, [NotNullWhen(true)] out StoredMessage? message)
    {
        message = null;
        if (!TryId(row, 0, out recipientId) || !TryId(row, 1, out var id))
        {
            return false;
        }

        var seconds = row.GetInt64(2);
        message = row.GetBoolean(3) ? StoredMessage.Quota(id, seconds) : StoredMessage.WithoutBody(id, seconds, row.GetBoolean(4));
        return true;
    }

    /// <summary>The message of a row of <see cref="MessageColumns"/>.</summary>
    public static bool TryReadMessage(NpgsqlDataReader row, out StoredId recipientId, out StoredMessage? message)
    {
        message = null;
        if (!TryId(row, 0, out recipientId) || !TryId(row, 1, out var id))
        {
            return false;
        }

        var seconds = row.GetInt64(2);
        message = row.GetBoolean(3)
            ? StoredMessage.Quota(id, seconds)
            : StoredMessage.Message(id, seconds, row.GetBoolean(4), row.GetFieldValue<byte[]>(5));
        return true;
    }

    // keys = nonEmptyList(shortString of SPKI)
    public static byte[] OfKeys(IReadOnlyList<StoredKey> keys)
    {
        var bytes = new byte[1 + keys.Sum(key => 1 + key.SpkiLength)];
        bytes[0] = (byte)keys.Count;
        var position = 1;
        foreach (var key in keys)
        {
            bytes[position++] = (byte)key.SpkiLength;
            position += key.CopySpkiTo(bytes.AsSpan(position));
        }

        return bytes;
    }

    public static byte[] Spki(in StoredKey key)
    {
        var bytes = new byte[key.SpkiLength];
        key.CopySpkiTo(bytes);
        return bytes;
    }

    public static byte[] Bytes(in Bytes32 secret)
    {
        ReadOnlySpan<byte> span = secret;
        return span.ToArray();
    }

    /// <summary>Adds values as parameters $1, $2, … of a command.</summary>
    public static void AddTo(NpgsqlParameterCollection parameters, ReadOnlySpan<object?> values)
    {
        foreach (var value in values)
        {
            parameters.Add(value switch
            {
                null => new NpgsqlParameter { Value = DBNull.Value },
                byte[] or ReadOnlyMemory<byte> => new NpgsqlParameter { Value = value, NpgsqlDbType = NpgsqlDbType.Bytea },
                byte[][] => new NpgsqlParameter { Value = value, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bytea },
                _ => new NpgsqlParameter { Value = value },
            });
        }
    }

    private static byte[] OfKeys(SmpQueue queue) => OfKeys([queue.RecipientKey, .. queue.MoreRecipientKeys]);

    private static string? OfUse(QueueUse use) => use switch
    {
        QueueUse.Unknown => null,
        QueueUse.Messaging => "M",
        QueueUse.Contact => "C",
        _ => throw new UnreachableException(),
    };

    private static bool TryReadNotifier(NpgsqlDataReader row, SmpQueue queue)
    {
        if (row.IsDBNull(6) || row.IsDBNull(7) || row.IsDBNull(8))
        {
            return true;
        }

        if (!TryId(row, 6, out var id)
            || !StoredKey.TryFromSpki(row.GetFieldValue<byte[]>(7), out var key)
            || !TrySecret(row.GetFieldValue<byte[]>(8), out var secret))
        {
            return false;
        }

        queue.SetNotifier(new QueueNotifier(id, key, secret, OptionalId(row, 9)));
        return true;
    }

    private static bool TryReadStatus(string status, SmpQueue queue)
    {
        if (status is "active" or "off")
        {
            queue.Status = status == "active" ? QueueStatus.Active : QueueStatus.Off;
            return true;
        }

        const string blocked = "blocked,";
        if (!status.StartsWith(blocked, StringComparison.Ordinal)
            || !SmpErrorCodec.TryParseText("BLOCKED " + status[blocked.Length..], out var error)
            || error is not SmpError.Blocked block)
        {
            return false;
        }

        queue.Status = QueueStatus.Blocked;
        queue.SetBlock(block);
        return true;
    }

    private static bool TryKeys(byte[] bytes, out StoredKey[] keys)
    {
        keys = [];
        var reader = new WireReader(bytes);
        if (!reader.TryReadNonEmptyListCount(out var count))
        {
            return false;
        }

        var list = new List<StoredKey>();
        for (var i = 0; i < count; i++)
        {
            if (!reader.TryReadShort(out var spki) || !StoredKey.TryFromSpki(spki, out var key))
            {
                return false;
            }

            list.Add(key);
        }

        keys = [.. list];
        return reader.IsAtEnd;
    }

    private static bool TrySecret(byte[] bytes, out Bytes32 secret)
    {
        secret = bytes.Length == Bytes32.Length ? Bytes32.From(bytes) : default;
        return bytes.Length == Bytes32.Length;
    }

    private static bool TryId(NpgsqlDataReader row, int column, out StoredId id) => StoredId.TryFrom(row.GetFieldValue<byte[]>(column), out id);

    private static StoredId? OptionalId(NpgsqlDataReader row, int column) =>
        !row.IsDBNull(column) && TryId(row, column, out var id) ? id : null;
}
