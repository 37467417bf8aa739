using System.Buffers.Text;
using System.Text;
using Pairwise.Server.Smp.Logs;

namespace Pairwise.Server.Smp.Journal;

/// <summary>A place in a journal file of a queue.</summary>
/// <param name="Id">Names the file: messages.ID.log.</param>
/// <param name="Messages">Messages before the place.</param>
/// <param name="MessageCount">Messages in the file.</param>
/// <param name="Bytes">Bytes before the place.</param>
/// <param name="ByteCount">Bytes in the file that count; what is behind them was never acknowledged.</param>
internal readonly record struct JournalPlace(string Id, long Messages, long MessageCount, long Bytes, long ByteCount)
{
    /// <summary>The beginning of a new file.</summary>
    public static JournalPlace New(string id) => new(id, 0, 0, 0, 0);
}

/// <summary>
/// The state of a queue's journal: where it is written, where it is read (another file when there are two), whether
/// the queue takes messages, and how many wait.
/// </summary>
internal sealed record JournalState(JournalPlace Write, JournalPlace Read, bool CanWrite, long Size)
{
    // Far beyond any journal, and sums of a few such numbers still fit.
    private const long MaxNumber = 1L << 50;

    /// <summary>An empty journal.</summary>
    public static JournalState New(string id) => new(JournalPlace.New(id), JournalPlace.New(id), true, 0);

    /// <summary>Whether one file is written and read.</summary>
    public bool IsOneFile => Write.Id == Read.Id;

    /// <summary>Whether the numbers go together.</summary>
    public bool IsValid =>
        Read.Messages <= Read.MessageCount && Read.Bytes <= Read.ByteCount
        && Write.Messages == Write.MessageCount && Write.Bytes == Write.ByteCount
        && (IsOneFile
            ? Read.MessageCount == Write.MessageCount && Read.ByteCount == Write.ByteCount && Size == Read.MessageCount - Read.Messages
            : Size == Write.MessageCount + Read.MessageCount - Read.Messages);

    // "write=" place " read=" place " canWrite=" ("T" / "F") " size=" number
    // place = id "," messages "," messageCount "," bytes "," byteCount
    public void WriteTo(LogLineWriter line)
    {
        WritePlace(line.Text("write="u8), Write);
        WritePlace(line.Text(" read="u8), Read);
        line.Text(CanWrite ? " canWrite=T size="u8 : " canWrite=F size="u8).Number(Size);
    }

    public static bool TryRead(ReadOnlySpan<byte> text, out JournalState? state)
    {
        state = null;
        LogLineReader line = new(text);
        if (!line.TryTake("write="u8) || !TryReadPlace(line.Word(), out JournalPlace write)
            || !line.TryTake(" read="u8) || !TryReadPlace(line.Word(), out JournalPlace read)
            || !line.TryTake(" canWrite="u8))
        {
            return false;
        }

        bool canWrite = line.TryTake("T"u8);
        if ((!canWrite && !line.TryTake("F"u8)) || !line.TryTake(" size="u8) || !line.TryReadInt64(out long size) || !line.IsAtEnd)
        {
            return false;
        }

        state = new JournalState(write, read, canWrite, size);
        return true;
    }

    private static void WritePlace(LogLineWriter line, JournalPlace place) =>
        line.Text(Encoding.ASCII.GetBytes(place.Id)).Text(","u8).Number(place.Messages).Text(","u8).Number(place.MessageCount)
            .Text(","u8).Number(place.Bytes).Text(","u8).Number(place.ByteCount);

    private static bool TryReadPlace(ReadOnlySpan<byte> text, out JournalPlace place)
    {
        place = default;
        Span<long> numbers = stackalloc long[4];
        int comma = text.IndexOf((byte)',');
        if (comma <= 0 || !IsFileId(text[..comma]))
        {
            return false;
        }

        string id = Encoding.ASCII.GetString(text[..comma]);
        text = text[comma..];
        foreach (ref long number in numbers)
        {
            if (text.IsEmpty || text[0] != (byte)','
                || !Utf8Parser.TryParse(text[1..], out number, out int consumed) || number is < 0 or > MaxNumber)
            {
                return false;
            }

            text = text[(1 + consumed)..];
        }

        place = new JournalPlace(id, numbers[0], numbers[1], numbers[2], numbers[3]);
        return text.IsEmpty;
    }

    // The id becomes a file name: base64url and nothing else.
    private static bool IsFileId(ReadOnlySpan<byte> id)
    {
        foreach (byte each in id)
        {
            if (!char.IsAsciiLetterOrDigit((char)each) && each is not ((byte)'-' or (byte)'_' or (byte)'='))
            {
                return false;
            }
        }

        return true;
    }
}
