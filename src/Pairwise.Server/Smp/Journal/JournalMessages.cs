using System.Buffers;
using Microsoft.Win32.SafeHandles;
using Pairwise.Server.Smp.Logs;
using Pairwise.Server.Smp.Store;

namespace Pairwise.Server.Smp.Journal;

/// <summary>
/// The messages of one queue in files: journals that are appended to, and a state file whose last whole line counts.
/// A message is written before the state that tells of it, and both before anybody is told OK.
/// </summary>
/// <remarks>
/// Files are open only while something is written or read, so that any number of queues needs no file descriptors.
/// What is behind the state's place was never acknowledged, and what is before it was received: both are written over.
/// Calls are made under the queue's lock. A failure of the disk is an <see cref="IOException"/>, and the state stays what it was.
/// </remarks>
internal sealed class JournalMessages : QueueMessages
{
    private const int MaxMessagesPerFile = 256;
    private const long MaxStateFile = 16 * 1024;
    private const int StateTail = 1024;

    [ThreadStatic]
    private static LogLineWriter? _line;

    private readonly JournalMessageStore _store;
    private readonly StoredId _queue;
    private readonly WeakReference<StoredMessage?> _first = new(null);
    private JournalState _state;
    private long _firstLength;
    private long _firstSeconds = long.MinValue;
    private long _stateLength;

    private JournalMessages(JournalMessageStore store, StoredId queue, JournalState state, long stateLength)
    {
        _store = store;
        _queue = queue;
        _state = state;
        _stateLength = stateLength;
    }

    /// <summary>When it was used last: a time stamp of the store's clock.</summary>
    public long LastUsed { get; private set; }

    public override int Count => (int)_state.Size;

    /// <summary>Whether the last message was taken, and what was received may still be in the file.</summary>
    public bool IsEmptied { get; set; }

    private string Folder => _store.FolderOf(_queue);

    private string StateFile => _store.StateFileOf(_queue);

    private static LogLineWriter Line => _line ??= new LogLineWriter();

    /// <summary>The journal of a queue that has files, or null.</summary>
    /// <exception cref="IOException">The files are damaged in a way that no crash explains; they are left as they are.</exception>
    public static JournalMessages? Open(JournalMessageStore store, StoredId queue)
    {
        using DiskWatch.Work work = store.Disk.Begin();
        string path = store.StateFileOf(queue);
        string interrupted = path + ".bak";
        if (File.Exists(interrupted))
        {
            File.Move(interrupted, path, overwrite: true); // a compaction that did not end
        }

        if (!File.Exists(path))
        {
            return null;
        }

        using SafeFileHandle file = JournalFile.Open(path, FileAccess.ReadWrite, out long length);
        if (ReadLastState(file, length, out long end, out bool hasLines) is not { } state)
        {
            return hasLines
                ? throw new IOException("The state of a queue's journal has no line that can be read.")
                : Rebuild(store, queue);
        }

        RandomAccess.SetLength(file, end); // the rest is a torn line, and the next one must not continue it
        JournalMessages messages = new(store, queue, state, end);
        messages.Repair();
        messages.EraseReceived();
        return messages;
    }

    /// <summary>The messages that wait, read without a change to the files. What a damaged journal has no more is left out.</summary>
    public static IReadOnlyList<StoredMessage> Look(JournalMessageStore store, StoredId queue)
    {
        string path = store.StateFileOf(queue);
        path = File.Exists(path) ? path : path + ".bak";
        if (!File.Exists(path))
        {
            return [];
        }

        using SafeFileHandle file = JournalFile.Open(path, FileAccess.Read, out long length);
        List<StoredMessage> waiting = [];
        if (ReadLastState(file, length, out _, out _) is { } state)
        {
            try
            {
                waiting.AddRange(new JournalMessages(store, queue, state, 0).All());
            }
            catch (IOException)
            {
                // The files end before the state says so: what is there was read. The relay repairs them when it uses them.
            }
        }

        return waiting;
    }

    /// <summary>A journal without files; they are made when the first message comes.</summary>
    public static JournalMessages New(JournalMessageStore store, StoredId queue) => new(store, queue, JournalState.New(store.NewJournalId()), 0);

    public override WriteOutcome Write(StoredMessage message, int quota)
    {
        using DiskWatch.Work work = _store.Disk.Begin();
        LastUsed = _store.Now();
        bool wasEmpty = _state.Size == 0;
        if (!_state.CanWrite && !wasEmpty)
        {
            return WriteOutcome.Quota;
        }

        bool canWrite = _state.Size < quota;
        StoredMessage written = canWrite || message.IsQuota ? message : StoredMessage.Quota(message.Id, message.Seconds);
        Append(written, canWrite);
        return !canWrite ? WriteOutcome.Quota : wasEmpty ? WriteOutcome.StoredFirst : WriteOutcome.Stored;
    }

    public override StoredMessage? Peek()
    {
        LastUsed = _store.Now();
        if (_state.Size == 0)
        {
            return null;
        }

        if (_first.TryGetTarget(out StoredMessage? known) && known is not null)
        {
            return known;
        }

        using DiskWatch.Work work = _store.Disk.Begin();
        SwitchFileWhenRead();
        StoredMessage first = ReadMessage(_state.Read, out long length);
        RememberFirst(first, length);
        return first;
    }

    public override void RemoveFirst()
    {
        if (Peek() is null)
        {
            return;
        }

        using DiskWatch.Work work = _store.Disk.Begin();
        JournalPlace read = _state.Read;
        bool isLast = _state.Size == 1 && _state.IsOneFile;
        SaveState(isLast
            ? Emptied()
            : _state with
            {
                Read = read with { Messages = read.Messages + 1, Bytes = read.Bytes + _firstLength },
                Size = _state.Size - 1,
            });
        _first.SetTarget(null);
        _firstSeconds = long.MinValue;
        SwitchFileWhenRead();
    }

    /// <summary>Deletes what was received or has expired, when nothing waits; its place was given up before.</summary>
    /// <exception cref="IOException">The disk refused; also as <see cref="UnauthorizedAccessException"/>.</exception>
    public void EraseReceived()
    {
        if (_state.Size > 0 || _stateLength == 0)
        {
            IsEmptied = false;
            return;
        }

        using DiskWatch.Work work = _store.Disk.Begin();
        string read = FileOf(_state.Read);
        string written = FileOf(_state.Write);
        if (_state != Emptied())
        {
            SaveState(Emptied()); // as an empty journal was left that another program wrote
        }

        File.Delete(read);
        File.Delete(written);
        IsEmptied = false;
    }

    /// <inheritdoc/>
    /// <remarks>Nothing is read while the first message is known to stay: a queue whose owner is away is only appended to.</remarks>
    public override int RemoveOlder(long before) => _firstSeconds >= before ? 0 : base.RemoveOlder(before);

    public override void SetOverQuota() => SaveState(_state with { CanWrite = false });

    public override IEnumerable<StoredMessage> All()
    {
        JournalPlace place = _state.Read;
        for (long left = _state.Size; left > 0; left--)
        {
            if (place.Bytes >= place.ByteCount && !_state.IsOneFile)
            {
                place = _state.Write with { Messages = 0, Bytes = 0 };
            }

            yield return ReadMessage(place, out long length);
            place = place with { Messages = place.Messages + 1, Bytes = place.Bytes + length };
        }
    }

    // Nothing waits: the next message is written over those that were received.
    private JournalState Emptied()
    {
        JournalPlace start = JournalPlace.New(_state.Write.Id);
        return new JournalState(start, start, _state.CanWrite, 0);
    }

    // A state whose first line was never whole, or never came to the disk: all that the one journal has is to be read.
    private static JournalMessages? Rebuild(JournalMessageStore store, StoredId queue)
    {
        const string prefix = "messages.";
        const string suffix = ".log";
        string[] journals = [.. Directory.EnumerateFiles(store.FolderOf(queue), prefix + "*" + suffix).Where(file => new FileInfo(file).Length > 0)];
        if (journals.Length == 0)
        {
            return null;
        }

        if (journals.Length > 1)
        {
            throw new IOException("The state of a queue with several journals is lost.");
        }

        string id = Path.GetFileName(journals[0])[prefix.Length..^suffix.Length];
        JournalPlace all = new(id, 0, long.MaxValue, 0, long.MaxValue);
        JournalMessages messages = new(store, queue, new JournalState(all, all, true, 0), 0);
        messages.Repair();
        return messages;
    }

    // The last line may be torn; the whole line before it tells the last state that anybody was told of.
    private static JournalState? ReadLastState(SafeFileHandle file, long length, out long end, out bool hasLines)
    {
        byte[] tail = new byte[(int)Math.Min(length, StateTail)];
        int read = RandomAccess.Read(file, tail, length - tail.Length);
        hasLines = tail.AsSpan(0, read).Contains((byte)'\n');
        for (ReadOnlySpan<byte> rest = tail.AsSpan(0, read); !rest.IsEmpty;)
        {
            bool isWhole = rest[^1] == (byte)'\n';
            ReadOnlySpan<byte> line = isWhole ? rest[..^1] : rest;
            int start = line.LastIndexOf((byte)'\n') + 1;
            if (isWhole && JournalState.TryRead(line[start..], out JournalState? state) && state!.IsValid)
            {
                end = length - read + rest.Length;
                return state;
            }

            rest = rest[..start];
        }

        end = 0;
        return null;
    }

    // When the machine died, not the process, a journal may have lost its end, or be gone, though the state tells of it, or
    // the state is one from before the journal was written over: then what is whole counts. What is behind the state's
    // place is written over by the next message.
    private void Repair()
    {
        JournalPlace read = CutToFile(_state.Read);
        JournalPlace write = _state.IsOneFile ? read with { Messages = read.MessageCount, Bytes = read.ByteCount } : CutToFile(_state.Write);
        if (read == _state.Read && write == _state.Write)
        {
            return;
        }

        if (read.Messages > read.MessageCount || read.Bytes > read.ByteCount)
        {
            read = read with { Messages = read.MessageCount, Bytes = read.ByteCount };
        }

        write = write with { Messages = write.MessageCount, Bytes = write.ByteCount };
        long size = read.MessageCount - read.Messages + (_state.IsOneFile ? 0 : write.MessageCount);
        SaveState(new JournalState(write, read, _state.CanWrite || size == 0, size));
    }

    private JournalPlace CutToFile(JournalPlace place)
    {
        string path = FileOf(place);
        long length = File.Exists(path) ? new FileInfo(path).Length : 0;
        if (length >= place.ByteCount && IsBetweenLines(path, place.Bytes) && IsBetweenLines(path, place.ByteCount))
        {
            return place;
        }

        long messages = 0;
        long bytes = 0;
        bool isPlaceThere = false;
        if (length > 0)
        {
            LogFileReader.ReadLines(path, (line, isTorn) =>
            {
                if (!isTorn && MessageLogCodec.TryReadMessage(line, out _))
                {
                    messages++;
                    bytes += line.Length + 1;
                    isPlaceThere |= bytes == place.Bytes;
                }
            });
        }

        return isPlaceThere || place.Bytes > bytes
            ? place with { MessageCount = messages, ByteCount = bytes }
            : new JournalPlace(place.Id, 0, messages, 0, bytes); // other messages are there: none of them was read
    }

    private static bool IsBetweenLines(string path, long place)
    {
        if (place == 0)
        {
            return true;
        }

        using SafeFileHandle file = JournalFile.Open(path, FileAccess.Read, out _);
        Span<byte> last = stackalloc byte[1];
        return RandomAccess.Read(file, last, place - 1) == 1 && last[0] == (byte)'\n';
    }

    private void Append(StoredMessage message, bool canWrite)
    {
        LogLineWriter line = Line;
        line.Clear();
        MessageLogCodec.WriteMessage(line, message);
        line.Text("\n"u8);
        JournalPlace write = _state.Write;
        JournalPlace read = _state.Read;
        if (_stateLength == 0)
        {
            Directory.CreateDirectory(Folder);
        }
        else if (_state.IsOneFile && write.MessageCount >= MaxMessagesPerFile)
        {
            write = JournalPlace.New(_store.NewJournalId());
        }

        JournalFile.Write(FileOf(write), write.Bytes, line.Written, isNew: true, isEnd: true);
        JournalPlace written = write with
        {
            Messages = write.Messages + 1,
            MessageCount = write.MessageCount + 1,
            Bytes = write.Bytes + line.Length,
            ByteCount = write.ByteCount + line.Length,
        };
        long length = line.Length;
        bool wasEmpty = _state.Size == 0;
        SaveState(new JournalState(
            written,
            written.Id == read.Id ? read with { MessageCount = written.MessageCount, ByteCount = written.ByteCount } : read,
            canWrite,
            _state.Size + 1));
        if (wasEmpty && written.Id == read.Id)
        {
            RememberFirst(message, length);
        }
    }

    // The time is kept when memory is short and the message is let go; a quota marker stays whatever its time.
    private void RememberFirst(StoredMessage first, long length)
    {
        _first.SetTarget(first);
        _firstLength = length;
        _firstSeconds = first.IsQuota ? long.MaxValue : first.Seconds;
    }

    // When all of the file that is read was read, and another one is written, reading goes on there.
    private void SwitchFileWhenRead()
    {
        if (_state.IsOneFile || _state.Read.Messages < _state.Read.MessageCount)
        {
            return;
        }

        string read = FileOf(_state.Read);
        SaveState(_state with { Read = _state.Write with { Messages = 0, Bytes = 0 } });
        File.Delete(read);
    }

    private void SaveState(JournalState state)
    {
        LogLineWriter line = Line;
        line.Clear();
        state.WriteTo(line);
        line.Text("\n"u8);
        if (_stateLength > MaxStateFile)
        {
            // Written beside and renamed: at every moment there is one whole state file.
            string path = StateFile + ".new";
            JournalFile.Write(path, 0, line.Written, isNew: true, isEnd: true);
            File.Move(path, StateFile, overwrite: true);
            _stateLength = 0;
        }
        else
        {
            bool isFirst = _stateLength == 0;
            JournalFile.Write(StateFile, _stateLength, line.Written, isNew: isFirst, isEnd: isFirst);
        }

        _stateLength += line.Length;
        _state = state;
    }

    private StoredMessage ReadMessage(JournalPlace place, out long length)
    {
        using SafeFileHandle file = JournalFile.Open(FileOf(place), FileAccess.Read, out _);
        int size = 24 * 1024; // one message of 16 KB in base64 and what stands before it
        while (true)
        {
            byte[] buffer = ArrayPool<byte>.Shared.Rent(size);
            try
            {
                int wanted = (int)Math.Min(buffer.Length, place.ByteCount - place.Bytes);
                int read = RandomAccess.Read(file, buffer.AsSpan(0, wanted), place.Bytes);
                int end = buffer.AsSpan(0, read).IndexOf((byte)'\n');
                if (end >= 0)
                {
                    length = end + 1;
                    return MessageLogCodec.TryReadMessage(buffer.AsSpan(0, end), out StoredMessage? message)
                        ? message!
                        : throw new IOException("A message in a journal cannot be read.");
                }

                if (read < buffer.Length)
                {
                    throw new IOException("A journal ends before its messages do.");
                }
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(buffer, clearArray: true);
            }

            size *= 2;
        }
    }

    private string FileOf(JournalPlace place) => Path.Combine(Folder, $"messages.{place.Id}.log");
}
