using System.Buffers.Text;
using System.Collections.Concurrent;
using Pairwise.Crypto;
using Pairwise.Server.Smp.Store;

namespace Pairwise.Server.Smp.Journal;

/// <summary>
/// Messages in files by queue, in the folders and formats of the reference. When <see cref="MessageStore.Write"/>
/// returns, the message is in the hands of the operating system: the death of the process loses nothing.
/// </summary>
public sealed class JournalMessageStore : MessageStore
{
    private const int FolderParts = 4;
    private const int FolderPartLength = 2;
    private const int JournalIdBytes = 12;
    private static readonly TimeSpan IdleTime = TimeSpan.FromHours(4);
    private readonly string _folder;
    private readonly IRandomSource _random;
    private readonly TimeProvider _time;
    private readonly ConcurrentQueue<SmpQueue> _emptied = new();

    /// <summary>Uses the folder, which is made when it is missing.</summary>
    public JournalMessageStore(string folder, int quota, IRandomSource random, TimeProvider time)
        : base(quota)
    {
        _folder = folder;
        _random = random;
        _time = time;
        Directory.CreateDirectory(folder);
    }

    /// <summary>Who wants to know how long reading and writing take.</summary>
    public DiskWatch Disk { get; init; } = new(TimeProvider.System);

    /// <summary>Lets go of what is known of journals that were not used for a while.</summary>
    public void LetGoOfIdle(SmpQueue queue)
    {
        lock (queue)
        {
            if (queue.Messages is JournalMessages journal && queue.Subscription is null && _time.GetElapsedTime(journal.LastUsed) > IdleTime)
            {
                queue.Messages = null;
            }
        }
    }

    /// <summary>
    /// Deletes the files of queues whose last message was received since the last call, so that received messages do not
    /// stay on the disk.
    /// </summary>
    /// <exception cref="IOException">
    /// The disk refused for some queue, which is tried again at the next call; the others were done. Also as
    /// <see cref="UnauthorizedAccessException"/>.
    /// </exception>
    public void EraseReceived()
    {
        Exception? refused = null;
        for (int left = _emptied.Count; left > 0 && _emptied.TryDequeue(out SmpQueue? queue); left--)
        {
            lock (queue)
            {
                try
                {
                    (queue.Messages as JournalMessages)?.EraseReceived();
                }
                catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
                {
                    refused = fault;
                    _emptied.Enqueue(queue);
                }
            }
        }

        if (refused is not null)
        {
            throw refused;
        }
    }

    /// <summary>What waits for a queue according to its files, which are left exactly as they are, even when they are damaged.</summary>
    public IReadOnlyList<StoredMessage> Look(StoredId queue) => JournalMessages.Look(this, queue);

    internal string NewJournalId() => Base64Url.EncodeToString(_random.Bytes(JournalIdBytes));

    internal long Now() => _time.GetTimestamp();

    // FOLDER/ab/cd/ef/gh/REST: the recipient id in base64url, cut into pieces
    internal string FolderOf(StoredId queue)
    {
        string text = Base64Url.EncodeToString(queue.ToArray());
        string path = _folder;
        for (int i = 0; i < FolderParts; i++)
        {
            path = Path.Combine(path, text.Substring(i * FolderPartLength, FolderPartLength));
        }

        return Path.Combine(path, text[(FolderParts * FolderPartLength)..]);
    }

    internal string StateFileOf(StoredId queue) =>
        Path.Combine(FolderOf(queue), $"queue_state.{Base64Url.EncodeToString(queue.ToArray())}.log");

    /// <inheritdoc/>
    protected override QueueMessages? Open(SmpQueue queue)
    {
        if (queue.Messages is null && JournalMessages.Open(this, queue.RecipientId) is { } found)
        {
            queue.Messages = found;
            if (!queue.IsCounted)
            {
                queue.IsCounted = true;
                AddToCount(found.Count);
            }
        }

        return queue.Messages;
    }

    /// <inheritdoc/>
    protected override QueueMessages OpenOrCreate(SmpQueue queue)
    {
        QueueMessages messages = Open(queue) ?? (queue.Messages = JournalMessages.New(this, queue.RecipientId));
        queue.IsCounted = true;
        return messages;
    }

    /// <inheritdoc/>
    protected override void Visited(SmpQueue queue)
    {
        if (queue.Messages is JournalMessages { IsEmptied: true } journal)
        {
            journal.EraseReceived();
        }

        queue.Messages = null;
    }

    /// <inheritdoc/>
    protected override void Removed(SmpQueue queue, QueueMessages messages)
    {
        // Deleting the file for each message would cost as much as storing it: usually the next one takes its place.
        if (messages is JournalMessages { Count: 0, IsEmptied: false } journal)
        {
            journal.IsEmptied = true;
            _emptied.Enqueue(queue);
        }
    }

    /// <inheritdoc/>
    protected override void DropMessages(SmpQueue queue)
    {
        using DiskWatch.Work work = Disk.Begin();
        string folder = FolderOf(queue.RecipientId);
        if (Directory.Exists(folder))
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
