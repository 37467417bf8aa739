using Pairwise.Server.Smp.Store;

namespace Pairwise.Server.Smp.Logs;

/// <summary>What restoring saved messages came to.</summary>
/// <param name="Restored">Messages back in their queues.</param>
/// <param name="Expired">Messages too old to be restored.</param>
/// <param name="Refused">Messages of queues that do not exist, or over the quota.</param>
/// <param name="BrokenLines">Lines that are no message, without a torn last one.</param>
/// <param name="HasTornLastLine">Whether the file ended in the middle of a message.</param>
public sealed record MessageLogReport(long Restored, long Expired, long Refused, long BrokenLines, bool HasTornLastLine)
{
    /// <summary>Nothing was there to read.</summary>
    public static MessageLogReport Empty { get; } = new(0, 0, 0, 0, false);

    /// <summary>
    /// Of the refused ones, messages whose queue does not exist: deleted after they were saved, when the relay died
    /// before it saved again.
    /// </summary>
    public long WithoutQueue { get; init; }
}

/// <summary>The file in which undelivered messages are saved when the relay stops, and read from when it starts.</summary>
public static class MessageLog
{
    /// <summary>Writes all messages that wait. The file is complete or not there: it is written beside and renamed.</summary>
    /// <returns>How many messages and markers were written.</returns>
    public static long Save(string path, QueueStore queues, MessageStore messages)
    {
        string unfinished = path + ".tmp";
        long count = 0;
        using (FileStream file = new(unfinished, FileMode.Create, FileAccess.Write, FileShare.Read, bufferSize: 1 << 20))
        {
            LogLineWriter line = new();
            foreach (SmpQueue queue in queues.All())
            {
                foreach (StoredMessage message in messages.All(queue))
                {
                    line.Clear();
                    MessageLogCodec.Write(line, queue.RecipientId, message);
                    line.Text("\n"u8);
                    file.Write(line.Written);
                    count++;
                }
            }

            file.Flush(flushToDisk: true);
        }

        File.Move(unfinished, path, overwrite: true);
        return count;
    }

    /// <summary>Restores saved messages into queues that exist. The file is left as it is.</summary>
    /// <param name="path">The file.</param>
    /// <param name="queues">The queues, restored before.</param>
    /// <param name="messages">The store to fill.</param>
    /// <param name="before">Messages that came before this time (seconds since 1970) are left out; null = none are.</param>
    /// <param name="cancellationToken">Gives up, with some of them restored.</param>
    public static MessageLogReport Restore(string path, QueueStore queues, MessageStore messages, long? before, CancellationToken cancellationToken = default)
    {
        long withoutQueue = 0;
        long restored = 0;
        long expired = 0;
        long refused = 0;
        long broken = 0;
        bool isLastTorn = false;
        SmpQueue? queue = null;
        LogFileReader.ReadLines(path, (line, isTorn) =>
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (!MessageLogCodec.TryRead(line, out StoredId recipientId, out StoredMessage? message))
            {
                isLastTorn |= isTorn;
                broken += isTorn ? 0 : 1;
            }
            else if ((queue is null || queue.RecipientId != recipientId) && !queues.TryFindByRecipient(recipientId, out queue))
            {
                refused++;
                withoutQueue++;
            }
            else if (!message!.IsQuota && message.Seconds < before)
            {
                expired++;
            }
            else if (!messages.Restore(queue, message))
            {
                refused++;
            }
            else
            {
                restored += message.IsQuota ? 0 : 1;
            }
        });
        return new MessageLogReport(restored, expired, refused, broken, isLastTorn) { WithoutQueue = withoutQueue };
    }
}
