using Pairwise.Server.Smp.Notifying;
using Pairwise.Server.Smp.Store;
using Pairwise.Wire;

namespace Pairwise.Server.Smp.Logs;

/// <summary>The file in which undelivered notifications are saved when the relay stops.</summary>
public static class NotificationLog
{
    /// <summary>Writes all notifications that wait.</summary>
    public static void Save(string path, NotificationStore notifications)
    {
        string unfinished = path + ".tmp";
        using (FileStream file = new(unfinished, FileMode.Create, FileAccess.Write, FileShare.Read, bufferSize: 1 << 16))
        {
            LogLineWriter line = new();
            foreach ((StoredId notifierId, StoredNotification notification) in notifications.All())
            {
                line.Clear();
                Write(line, notifierId, notification);
                line.Text("\n"u8);
                file.Write(line.Written);
            }

            file.Flush(flushToDisk: true);
        }

        File.Move(unfinished, path, overwrite: true);
    }

    /// <summary>Restores saved notifications about messages that came after a time (seconds since 1970).</summary>
    /// <returns>How many lines could not be read.</returns>
    public static long Restore(string path, NotificationStore notifications, long before)
    {
        long broken = 0;
        LogFileReader.ReadLines(path, (line, _) =>
        {
            if (!TryRead(line, out StoredId notifierId, out StoredNotification? notification))
            {
                broken++;
            }
            else if (notification!.Seconds >= before)
            {
                notifications.Add(notifierId, notification);
            }
        });
        return broken;
    }

    // "v1" SP nid SP messageId SP seconds SP nonce SP encryptedMeta
    internal static void Write(LogLineWriter line, StoredId notifierId, StoredNotification notification) =>
        line.Text("v1 "u8).Id(notifierId).Text(" "u8).Id(notification.MessageId).Text(" "u8).Number(notification.Seconds)
            .Text(" "u8).Base64(notification.Nonce.Span).Text(" "u8).Base64(notification.EncryptedMeta.Span);

    internal static bool TryRead(ReadOnlySpan<byte> text, out StoredId notifierId, out StoredNotification? notification)
    {
        LogLineReader line = new(text);
        notification = null;
        notifierId = default;
        if (!line.TryTake("v1 "u8) || !line.TryReadId(out notifierId) || !line.TryTake(" "u8)
            || !line.TryReadId(out StoredId messageId) || !line.TryTake(" "u8)
            || !line.TryReadInt64(out long seconds) || !line.TryTake(" "u8)
            || !line.TryReadBytes(out byte[] nonce) || !line.TryTake(" "u8)
            || !line.TryReadBytes(out byte[] meta) || !line.IsAtEnd)
        {
            return false;
        }

        notification = new StoredNotification(messageId, seconds, Bytes.Wrap(nonce), meta);
        return true;
    }
}
