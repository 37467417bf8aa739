using System.Buffers.Text;
using System.Diagnostics;
using Pairwise.Server.Smp.Store;

namespace Pairwise.Server.Smp.Logs;

/// <summary>Builds lines of a log in one buffer that is used again and again.</summary>
internal sealed class LogLineWriter
{
    private byte[] _buffer = new byte[1024];
    private int _length;

    public ReadOnlySpan<byte> Written => _buffer.AsSpan(0, _length);

    public int Length => _length;

    public void Clear() => _length = 0;

    public LogLineWriter Text(ReadOnlySpan<byte> text)
    {
        text.CopyTo(Room(text.Length));
        _length += text.Length;
        return this;
    }

    public LogLineWriter Id(StoredId id)
    {
        Span<byte> bytes = stackalloc byte[StoredId.Length];
        id.CopyTo(bytes);
        return Base64(bytes);
    }

    public LogLineWriter Secret(in Bytes32 secret) => Base64(secret);

    public LogLineWriter Key(in StoredKey key)
    {
        Span<byte> spki = stackalloc byte[72];
        return Base64(spki[..key.CopySpkiTo(spki)]);
    }

    public LogLineWriter Number(long value)
    {
        bool isWritten = Utf8Formatter.TryFormat(value, Room(20), out int written);
        Debug.Assert(isWritten, "20 bytes hold every 64-bit number.");
        _length += written;
        return this;
    }

    /// <summary>base64url with padding.</summary>
    public LogLineWriter Base64(ReadOnlySpan<byte> bytes)
    {
        Span<byte> room = Room(checked((bytes.Length + 2) / 3 * 4));
        int written = Base64Url.EncodeToUtf8(bytes, room);
        for (; written % 4 != 0; written++)
        {
            room[written] = (byte)'=';
        }

        _length += written;
        return this;
    }

    private Span<byte> Room(int length)
    {
        if (_buffer.Length - _length < length)
        {
            Array.Resize(ref _buffer, Math.Max(_buffer.Length * 2, _length + length));
        }

        return _buffer.AsSpan(_length);
    }
}
