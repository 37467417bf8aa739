using System.Buffers;
using System.Buffers.Text;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;
using Pairwise.Server.Smp.Store;

namespace Pairwise.Server.Smp.Logs;

/// <summary>Reads one line of a log from left to right. Nothing here throws on any bytes.</summary>
internal ref struct LogLineReader(ReadOnlySpan<byte> line)
{
    private ReadOnlySpan<byte> _rest = line;

    public readonly bool IsAtEnd => _rest.IsEmpty;

    /// <summary>Takes <paramref name="text"/> when the rest begins with it.</summary>
    public bool TryTake(ReadOnlySpan<byte> text)
    {
        if (!_rest.StartsWith(text))
        {
            return false;
        }

        _rest = _rest[text.Length..];
        return true;
    }

    /// <summary>The bytes up to the next space or the end; possibly none.</summary>
    public ReadOnlySpan<byte> Word()
    {
        int space = _rest.IndexOf((byte)' ');
        ReadOnlySpan<byte> word = space < 0 ? _rest : _rest[..space];
        _rest = _rest[word.Length..];
        return word;
    }

    /// <summary>Everything that is left.</summary>
    public ReadOnlySpan<byte> Rest()
    {
        ReadOnlySpan<byte> rest = _rest;
        _rest = default;
        return rest;
    }

    public bool TryReadId(out StoredId id)
    {
        Span<byte> bytes = stackalloc byte[StoredId.Length];
        id = default;
        return TryDecode(Word(), bytes, out int length) && StoredId.TryFrom(bytes[..length], out id);
    }

    public bool TryReadSecret(out Bytes32 secret)
    {
        Span<byte> bytes = stackalloc byte[Bytes32.Length];
        bool isRead = TryDecode(Word(), bytes, out int length) && length == Bytes32.Length;
        secret = isRead ? Bytes32.From(bytes) : default;
        return isRead;
    }

    public bool TryReadBytes(out byte[] bytes) => TryDecode(Word(), out bytes);

    public bool TryReadLinkId(out LinkId id)
    {
        bool isRead = TryDecode(Word(), out byte[] bytes) && bytes.Length <= WireId.MaxLength;
        id = isRead ? new LinkId(bytes) : default;
        return isRead;
    }

    public bool TryReadInt64(out long value)
    {
        ReadOnlySpan<byte> word = Word();
        return Utf8Parser.TryParse(word, out value, out int consumed) && consumed == word.Length;
    }

    public bool TryReadKey(out StoredKey key) => TryDecodeKey(Word(), out key);

    /// <summary>keys = key *("," key) ; nearly always one, which costs no array</summary>
    public bool TryReadKeys(out StoredKey first, out StoredKey[] others)
    {
        ReadOnlySpan<byte> word = Word();
        others = [];
        int comma = word.IndexOf((byte)',');
        if (comma < 0)
        {
            return TryDecodeKey(word, out first);
        }

        others = new StoredKey[word.Count((byte)',')];
        bool isRead = TryDecodeKey(word[..comma], out first);
        for (int i = 0; i < others.Length && isRead; i++)
        {
            word = word[(comma + 1)..];
            comma = i == others.Length - 1 ? word.Length : word.IndexOf((byte)',');
            isRead = TryDecodeKey(word[..comma], out others[i]);
        }

        return isRead;
    }

    public static bool TryDecode(ReadOnlySpan<byte> text, out byte[] bytes)
    {
        bytes = [];
        if (text.IsEmpty)
        {
            return false;
        }

        byte[] decoded = new byte[Base64Url.GetMaxDecodedLength(text.Length)];
        if (!TryDecode(text, decoded, out int length))
        {
            return false;
        }

        bytes = length == decoded.Length ? decoded : decoded[..length];
        return true;
    }

    private static bool TryDecodeKey(ReadOnlySpan<byte> text, out StoredKey key)
    {
        Span<byte> bytes = stackalloc byte[72];
        key = default;
        return TryDecode(text, bytes, out int length) && StoredKey.TryFromSpki(bytes[..length], out key);
    }

    // The padding must be there: a line that was torn inside it is a torn line.
    private static bool TryDecode(ReadOnlySpan<byte> text, Span<byte> destination, out int length)
    {
        length = 0;
        return text.Length % 4 == 0 && Decode(text, destination, out length);
    }

    private static bool Decode(ReadOnlySpan<byte> text, Span<byte> destination, out int length) =>
        Base64Url.DecodeFromUtf8(text, destination, out int consumed, out length) == OperationStatus.Done
        && consumed == text.Length
        && length > 0;
}
