using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;
using Pairwise.Server.Smp;
using Pairwise.Server.Smp.Logs;
using Pairwise.Server.Smp.Store;

namespace Pairwise.Load;

/// <summary>A queue of a generated log, and the key that authorizes its recipient.</summary>
internal sealed record LoggedQueue(EntityId Id, PrivateKey Key);

/// <summary>
/// Writes the files of a relay that has run for long. Four of five queues stand in the store log as a compaction left them,
/// in one line; the others as they came, with lines for what happened since: keys, notifiers, link data, days of use.
/// </summary>
internal static class StateFiles
{
    private const int FreshShare = 5;
    private const int SecuredShare = 3; // of every so many queues one is not secured
    private const int NotifierShare = 5;
    private const int LinkShare = 1_000;
    private const int DeletedShare = 33;
    private const int FixedLinkLength = 2_048;
    private const int UserLinkLength = 13_824;

    /// <summary>Writes a store log.</summary>
    /// <param name="folder">The relay's folder.</param>
    /// <param name="count">How many queues it holds in the end.</param>
    /// <param name="makeKey">The recipient key of a queue by its number; null = bytes that are nobody's key.</param>
    /// <returns>The queues with keys.</returns>
    internal static IReadOnlyList<LoggedQueue> WriteStoreLog(string folder, int count, Func<int, PrivateKey?> makeKey)
    {
        Directory.CreateDirectory(folder);
        int today = (int)(TimeProvider.System.GetUtcNow().ToUnixTimeSeconds() / 86400);
        List<LoggedQueue> known = [];
        using StoreLogWriter log = new(Path.Combine(folder, SmpServerFiles.StoreLog));
        void Write(StoreLogRecord record)
        {
            if (!log.TryWrite(record))
            {
                throw new SuiteException("the disk is full");
            }
        }

        for (int i = 0; i < count; i++)
        {
            PrivateKey? key = makeKey(i);
            SmpQueue queue = MakeQueue(key is null ? NewKey() : Stored(key.PublicKey));
            if (key is not null)
            {
                known.Add(new LoggedQueue(new EntityId(queue.RecipientId.ToWireId()), key));
            }

            bool isFresh = i % FreshShare == 0;
            StoredId id = queue.RecipientId;
            Write(new StoreLogRecord.CreateQueue(queue));
            if (isFresh && i % SecuredShare != 0)
            {
                Write(new StoreLogRecord.SecureQueue(id, NewKey()));
            }

            if (i % NotifierShare == 0)
            {
                Write(new StoreLogRecord.AddNotifier(id, new QueueNotifier(NewId(), NewKey(), Bytes32.From(SystemRandom.Instance.Bytes(Bytes32.Length)), null)));
            }

            if (i % LinkShare == 0)
            {
                LinkId link = new(SystemRandom.Instance.Bytes(StoredId.Length));
                Write(new StoreLogRecord.CreateLink(id, new QueueLink(link, SystemRandom.Instance.Bytes(FixedLinkLength), SystemRandom.Instance.Bytes(UserLinkLength))));
            }

            if (isFresh)
            {
                Write(new StoreLogRecord.UpdateTime(id, today - 1));
            }

            if (i % DeletedShare == 0)
            {
                SmpQueue deleted = MakeQueue(NewKey());
                Write(new StoreLogRecord.CreateQueue(deleted));
                Write(new StoreLogRecord.DeleteQueue(deleted.RecipientId));
            }
        }

        return known;
    }

    /// <summary>Writes saved messages for queues that the log has, one for each of the first <paramref name="count"/>.</summary>
    internal static void WriteMessages(string folder, IReadOnlyList<LoggedQueue> queues, int count, int bodyLength)
    {
        QueueStore store = new();
        using MemoryMessageStore messages = new(SmpLimits.DefaultQueueQuota);
        long now = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();
        byte[] body = SystemRandom.Instance.Bytes(bodyLength);
        for (int i = 0; i < count; i++)
        {
            LoggedQueue logged = queues[i % queues.Count];
            StoredId id = StoredId.From(logged.Id.Value.Span);
            if (!store.TryFindByRecipient(id, out SmpQueue? queue))
            {
                queue = new SmpQueue(id, NewId(), NewKey(), default, QueueUse.Messaging);
                store.Add(queue);
            }

            if (!messages.Restore(queue, StoredMessage.Message(NewId(), now - count + i, notify: false, body)))
            {
                throw new SuiteException($"{queues.Count} queues do not take {count} messages");
            }
        }

        MessageLog.Save(Path.Combine(folder, SmpServerFiles.MessageLog), store, messages);
    }

    private static SmpQueue MakeQueue(in StoredKey key) =>
        new(NewId(), NewId(), key, Bytes32.From(SystemRandom.Instance.Bytes(Bytes32.Length)), QueueUse.Messaging);

    private static StoredId NewId() => StoredId.From(SystemRandom.Instance.Bytes(StoredId.Length));

    private static StoredKey NewKey() => Stored(Ed25519PublicKey.FromRaw(SystemRandom.Instance.Bytes(Ed25519PublicKey.RawLength)));

    private static StoredKey Stored(PublicKey key) =>
        StoredKey.TryFrom(key, out StoredKey stored) ? stored : throw new SuiteException("a key of this kind authorizes nothing");
}
