using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Pairwise.Transport;

namespace Pairwise.Client.Xftp.Http;

/// <summary>
/// The client's end of HTTP/2 (RFC 9113) over a secure connection, as far as a file server needs it: one request after the
/// other, each a POST whose answer matters by its body alone. Frames are cut out of one buffer and put together in another,
/// without a task or a queue between: a chunk's content goes through memory once.
/// </summary>
/// <remarks>
/// Used by one task at a time. A connection on which an exchange did not come to its end (<see cref="IsUsable"/>) is worth
/// nothing any more. The windows of answers are larger than any answer, since whoever asks for a chunk reads it, and TCP
/// holds back what comes too early: so no window has to be widened while a chunk comes, however long the way is.
/// Header fields of answers are skipped: they say nothing that the protocol uses.
/// </remarks>
internal sealed class Http2Connection
{
    private const int ReadLength = 64 * 1024;
    private const int WriteLength = 64 * 1024;
    private const int MostWindow = int.MaxValue;
    private const int DefaultWindow = 65_535;
    private const int DefaultFrame = 16_384;
    private const int DefaultTable = 4_096;

    // What this side tells: frames of answers may be so long, and an answer as well before it waits for a wider window.
    private const int ReceivedFrame = 64 * 1024;
    private const int ReceivedWindow = 16 * 1024 * 1024;

    // Frames other than data are kept whole while they are read, and nobody needs longer ones.
    private const int MostControl = 16 * 1024;

    private const int SettingLength = 6;

    private static readonly byte[] Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray();

    // fixed after construction
    private readonly ISecureConnection _connection;
    private readonly byte[] _authority;

    private readonly byte[] _read = new byte[ReadLength];
    private int _readStart;
    private int _readEnd;

    // of the present request
    private int _stream = -1;
    private long _streamWindow;
    private bool _isAnswering;
    private bool _isEnded = true;

    // of the connection: what the server allows
    private long _window = DefaultWindow;
    private int _initialWindow = DefaultWindow;
    private int _frame = DefaultFrame;
    private bool _isTableCut;
    private bool _isSingle;
    private bool _isLeaving;
    private bool _isFailed;

    // the data frame that is being read: content, and the padding behind it
    private int _data;
    private int _padding;
    private bool _isLastData;

    // received, and not yet given back to the window of the connection
    private int _taken;

    // headers whose continuation must come next
    private bool _isContinued;
    private bool _isLastHeaders;

    /// <param name="connection">It stays the caller's, who closes it.</param>
    /// <param name="authority">The server's host and port.</param>
    public Http2Connection(ISecureConnection connection, string authority)
    {
        _connection = connection;
        _authority = Encoding.ASCII.GetBytes(authority);
    }

    /// <summary>Whether another request can follow.</summary>
    public bool IsUsable => !_isFailed && !_isLeaving;

    /// <summary>
    /// Sends a request, whose answer is read with <see cref="ReadAsync"/>. What was not read of the answer before is skipped:
    /// when it comes, since its end may be on its way for long, but first if the server allows one stream at a time.
    /// </summary>
    /// <exception cref="TransportException">The connection has ended, or the server does not speak HTTP/2.</exception>
    /// <exception cref="LocalFaultException">The body cannot be read.</exception>
    public async ValueTask SendAsync(RequestBody body, CancellationToken cancellationToken)
    {
        if (!IsUsable)
            throw new TransportException(TransportFailure.Closed, "The connection has ended.");

        // Until it is known that nothing of it is missing, the connection is not usable.
        _isFailed = true;
        while (_isSingle && !_isEnded)
            await ReadAsync(ReadLength, cancellationToken);
        if (_isLeaving)
            throw new TransportException(TransportFailure.Closed, "The server ends the connection.");
        var buffer = ArrayPool<byte>.Shared.Rent(WriteLength);
        try
        {
            var count = Begin(buffer, body.Length);
            for (var left = body.Length; left > 0 || count > 0;)
            {
                var sent = 0;
                while (left > 0 && NextFrame(left, buffer.Length - count) is var length and > 0)
                {
                    left -= length;
                    var frame = new Http2Frame(length, Http2FrameType.Data, left == 0 ? Http2Flags.End : Http2Flags.None, _stream);
                    frame.Write(buffer.AsSpan(count));
                    await body.FillAsync(buffer.AsMemory(count + Http2Frame.HeaderLength, length), cancellationToken);
                    count += Http2Frame.HeaderLength + length;
                    sent += length;
                    _window -= length;
                    _streamWindow -= length;
                }

                if (count > 0)
                    await _connection.WriteAsync(buffer.AsMemory(0, count), cancellationToken);
                body.Sent(sent);
                count = 0;
                while (left > 0 && Math.Min(_window, _streamWindow) <= 0)
                {
                    await ReadFrameAsync(cancellationToken);
                    if (_isAnswering || _isEnded)
                        return; // an answer that does not wait for the body is a refusal
                }
            }

            _isFailed = false;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>The next bytes of the answer's body, at most so many; empty at its end. They are there until the next call.</summary>
    /// <exception cref="TransportException">The connection has ended, or the server broke the rules.</exception>
    public async ValueTask<ReadOnlyMemory<byte>> ReadAsync(int most, CancellationToken cancellationToken)
    {
        var isUsable = !_isFailed;
        _isFailed = true;
        while (_data == 0)
        {
            if (_isEnded)
            {
                _isFailed = !isUsable;
                return default;
            }

            await ReadFrameAsync(cancellationToken);
        }

        if (_readStart == _readEnd)
            await ReceiveAsync(1, cancellationToken);
        var count = Math.Min(Math.Min(_data, _readEnd - _readStart), most);
        var part = _read.AsMemory(_readStart, count);
        _readStart += count;
        _data -= count;
        if (_data == 0 && _padding == 0 && _isLastData)
            _isEnded = true;
        _isFailed = !isUsable;
        return part;
    }

    /// <summary>Reads the answer's body into all of the destination, or to its end, and says how much that was.</summary>
    public async ValueTask<int> ReadAtLeastAsync(Memory<byte> destination, CancellationToken cancellationToken)
    {
        var count = 0;
        while (count < destination.Length)
        {
            var part = await ReadAsync(destination.Length - count, cancellationToken);
            if (part.IsEmpty)
                break;
            part.CopyTo(destination[count..]);
            count += part.Length;
        }

        return count;
    }

    // request = [preface settings window-update] [window-update] headers *data
    private int Begin(byte[] buffer, long bodyLength)
    {
        var rest = buffer.AsSpan();
        if (_stream < 0)
        {
            Preface.CopyTo(rest);
            rest = WriteSettings(rest[Preface.Length..]);
            rest = WriteWindow(rest, MostWindow - DefaultWindow);
        }
        else if (_taken > MostWindow / 2)
        {
            rest = WriteWindow(rest, _taken);
            _taken = 0;
        }

        // What is left of the answer before is skipped when it comes.
        _padding += _data;
        _data = 0;
        _isLastData = false;
        _stream += 2;
        _streamWindow = _initialWindow;
        _isAnswering = _isEnded = false;
        rest = WriteHeaders(rest, bodyLength);
        return buffer.Length - rest.Length;
    }

    private static Span<byte> WriteSettings(Span<byte> destination)
    {
        ReadOnlySpan<(Http2Setting Setting, int Value)> settings =
        [
            (Http2Setting.EnablePush, 0),
            (Http2Setting.InitialWindowSize, ReceivedWindow),
            (Http2Setting.MaxFrameSize, ReceivedFrame),
        ];
        var rest = new Http2Frame(settings.Length * SettingLength, Http2FrameType.Settings, Http2Flags.None, 0).Write(destination);
        foreach (var (setting, value) in settings)
        {
            BinaryPrimitives.WriteUInt16BigEndian(rest, (ushort)setting);
            BinaryPrimitives.WriteInt32BigEndian(rest[2..], value);
            rest = rest[SettingLength..];
        }

        return rest;
    }

    private static Span<byte> WriteWindow(Span<byte> destination, int increment)
    {
        var rest = new Http2Frame(sizeof(int), Http2FrameType.WindowUpdate, Http2Flags.None, 0).Write(destination);
        BinaryPrimitives.WriteInt32BigEndian(rest, increment);
        return rest[sizeof(int)..];
    }

    // fields = [table size 0] ":method POST" ":scheme http" ":path /" ":authority" content-length ; RFC 7541, section 6 and appendix A
    private Span<byte> WriteHeaders(Span<byte> destination, long bodyLength)
    {
        ReadOnlySpan<byte> indexed = [0x83, 0x86, 0x84];
        var fields = destination[Http2Frame.HeaderLength..];
        var rest = fields;
        if (_isTableCut)
        {
            // A table smaller than the default has to be agreed to, even by who uses none (RFC 7541, section 4.2).
            rest[0] = 0x20;
            rest = rest[1..];
            _isTableCut = false;
        }

        indexed.CopyTo(rest);
        rest = WriteField(rest[indexed.Length..], [0x01], _authority);
        rest = WriteField(rest, [0x0f, 0x0d], Encoding.ASCII.GetBytes(bodyLength.ToString(CultureInfo.InvariantCulture)));
        new Http2Frame(fields.Length - rest.Length, Http2FrameType.Headers, bodyLength == 0 ? Http2Flags.EndHeaders | Http2Flags.End : Http2Flags.EndHeaders, _stream).Write(destination);
        return rest;
    }

    // field = name from the static table, value = length text ; neither is to be remembered. Length is below 127 but for long names.
    private static Span<byte> WriteField(Span<byte> destination, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        const int short7 = 127;
        name.CopyTo(destination);
        destination = destination[name.Length..];
        destination[0] = (byte)Math.Min(value.Length, short7);
        destination = destination[1..];
        if (value.Length >= short7)
        {
            var left = value.Length - short7;
            for (; left >= 128; left /= 128, destination = destination[1..])
                destination[0] = (byte)((left % 128) | 128);
            destination[0] = (byte)left;
            destination = destination[1..];
        }

        value.CopyTo(destination);
        return destination[value.Length..];
    }

    private int NextFrame(long left, int room) =>
        (int)Math.Min(Math.Min(left, _frame), Math.Min(Math.Min(_window, _streamWindow), room - Http2Frame.HeaderLength));

    /// <summary>Reads frames up to one that matters here: to the beginning of data of this answer, to its end, or a change of windows.</summary>
    private async ValueTask ReadFrameAsync(CancellationToken cancellationToken)
    {
        await SkipAsync(cancellationToken);
        if (_isEnded)
            return;
        await ReceiveAsync(Http2Frame.HeaderLength, cancellationToken);
        var frame = Http2Frame.Read(_read.AsSpan(_readStart));
        _readStart += Http2Frame.HeaderLength;
        if (frame.Length > ReceivedFrame)
            throw Broken("a frame that is too long");
        if (_isContinued != (frame.Type == Http2FrameType.Continuation))
            throw Broken("header fields that break off");
        switch (frame.Type)
        {
            case Http2FrameType.Data:
                await BeginDataAsync(frame, cancellationToken);
                return;
            case Http2FrameType.Headers:
            case Http2FrameType.Continuation:
                ReadHeaders(frame);
                return;
            case Http2FrameType.PushPromise:
                throw Broken("an answer that nobody asked for");
            default:
                if (frame.Length > MostControl)
                    throw Broken("a frame that is too long");
                await ReceiveAsync(frame.Length, cancellationToken);
                var payload = _read.AsMemory(_readStart, frame.Length);
                _readStart += frame.Length;
                await ReadControlAsync(frame, payload, cancellationToken);
                return;
        }
    }

    // data = [padding length(1)] content *padding
    private async ValueTask BeginDataAsync(Http2Frame frame, CancellationToken cancellationToken)
    {
        CheckStream(frame);
        _taken = Math.Min(_taken + frame.Length, MostWindow / 2 + 1 + ReceivedFrame);
        var length = frame.Length;
        _padding = 0;
        if (frame.Flags.HasFlag(Http2Flags.Padded))
        {
            if (length == 0)
                throw Broken("padding that does not fit");
            await ReceiveAsync(1, cancellationToken);
            _padding = _read[_readStart++];
            length -= 1 + _padding;
            if (length < 0)
                throw Broken("padding that does not fit");
        }

        if (frame.Stream != _stream)
        {
            // The rest of an earlier answer, which nobody reads any more.
            _padding += length;
            _isLastData = false;
            return;
        }

        _isAnswering = true;
        _data = length;
        _isLastData = frame.Flags.HasFlag(Http2Flags.End);
        if (length == 0 && _isLastData)
            _isEnded = true;
    }

    private void ReadHeaders(Http2Frame frame)
    {
        CheckStream(frame);
        if (!_isContinued)
            _isLastHeaders = frame.Flags.HasFlag(Http2Flags.End) && frame.Stream == _stream;
        _isContinued = !frame.Flags.HasFlag(Http2Flags.EndHeaders);
        _padding = frame.Length;
        _isLastData = false;
        if (!_isContinued && _isLastHeaders)
            _isEnded = true;
    }

    private async ValueTask ReadControlAsync(Http2Frame frame, ReadOnlyMemory<byte> payload, CancellationToken cancellationToken)
    {
        const int pingLength = 8;
        const int goAwayLength = 8;
        switch (frame.Type)
        {
            case Http2FrameType.Settings when frame.Stream != 0 || payload.Length % SettingLength != 0:
                throw Broken("settings that do not parse");
            case Http2FrameType.Settings when !frame.Flags.HasFlag(Http2Flags.End):
                Apply(payload.Span);
                await AnswerAsync(Http2FrameType.Settings, default, cancellationToken);
                return;
            case Http2FrameType.Ping when payload.Length != pingLength:
                throw Broken("a ping that does not parse");
            case Http2FrameType.Ping when !frame.Flags.HasFlag(Http2Flags.End):
                await AnswerAsync(Http2FrameType.Ping, payload, cancellationToken);
                return;
            case Http2FrameType.WindowUpdate:
                Widen(frame, payload.Span);
                return;
            case Http2FrameType.Reset when frame.Stream == _stream:
                throw new TransportException(TransportFailure.Closed, "The server broke off its answer.");
            case Http2FrameType.GoAway when payload.Length < goAwayLength:
                throw Broken("a farewell that does not parse");
            case Http2FrameType.GoAway:
                _isLeaving = true;
                // Last stream that it answers, and an error, after which it answers none, though some servers leave the connection open.
                if ((BinaryPrimitives.ReadUInt32BigEndian(payload.Span) & int.MaxValue) < _stream || BinaryPrimitives.ReadUInt32BigEndian(payload.Span[4..]) != 0)
                    throw new TransportException(TransportFailure.Closed, "The server ends the connection.");
                return;
        }
    }

    private void Apply(ReadOnlySpan<byte> settings)
    {
        for (; !settings.IsEmpty; settings = settings[SettingLength..])
        {
            var value = BinaryPrimitives.ReadUInt32BigEndian(settings[2..]);
            switch ((Http2Setting)BinaryPrimitives.ReadUInt16BigEndian(settings))
            {
                case Http2Setting.InitialWindowSize when value > MostWindow:
                case Http2Setting.MaxFrameSize when value is < DefaultFrame or > 0xFFFFFF:
                    throw Broken("settings that cannot be");
                case Http2Setting.InitialWindowSize:
                    _streamWindow += (int)value - (long)_initialWindow;
                    _initialWindow = (int)value;
                    break;
                case Http2Setting.HeaderTableSize:
                    _isTableCut |= value < DefaultTable;
                    break;
                case Http2Setting.MaxConcurrentStreams:
                    _isSingle = value < 2;
                    break;
                case Http2Setting.MaxFrameSize:
                    _frame = (int)value;
                    break;
            }
        }
    }

    private void Widen(Http2Frame frame, ReadOnlySpan<byte> payload)
    {
        if (payload.Length != sizeof(int))
            throw Broken("a window that does not parse");
        var increment = BinaryPrimitives.ReadUInt32BigEndian(payload) & int.MaxValue;
        if (frame.Stream == 0)
            _window += increment;
        else if (frame.Stream == _stream)
            _streamWindow += increment;
        if (increment == 0 || _window > MostWindow || _streamWindow > MostWindow)
            throw Broken("a window that cannot be");
    }

    private async ValueTask AnswerAsync(Http2FrameType type, ReadOnlyMemory<byte> payload, CancellationToken cancellationToken)
    {
        var answer = new byte[Http2Frame.HeaderLength + payload.Length];
        payload.Span.CopyTo(new Http2Frame(payload.Length, type, Http2Flags.End, 0).Write(answer));
        await _connection.WriteAsync(answer, cancellationToken);
    }

    private void CheckStream(Http2Frame frame)
    {
        if (frame.Stream == 0 || frame.Stream > _stream || (frame.Stream & 1) == 0)
            throw Broken("a frame of a stream that is not there");
    }

    /// <summary>Skips padding, header fields, and rests of earlier answers.</summary>
    private async ValueTask SkipAsync(CancellationToken cancellationToken)
    {
        while (_padding > 0)
        {
            if (_readStart == _readEnd)
                await ReceiveAsync(1, cancellationToken);
            var count = Math.Min(_padding, _readEnd - _readStart);
            _readStart += count;
            _padding -= count;
        }

        if (_isLastData && _data == 0)
            _isEnded = true;
    }

    /// <summary>Has at least so many bytes in the buffer.</summary>
    private async ValueTask ReceiveAsync(int least, CancellationToken cancellationToken)
    {
        if (_readEnd - _readStart >= least)
            return;
        _read.AsSpan(_readStart, _readEnd - _readStart).CopyTo(_read);
        (_readStart, _readEnd) = (0, _readEnd - _readStart);
        while (_readEnd < least)
        {
            var count = await _connection.ReadAsync(_read.AsMemory(_readEnd), cancellationToken);
            if (count == 0)
                throw new TransportException(TransportFailure.Closed, "The server closed the connection.");
            _readEnd += count;
        }
    }

    private static TransportException Broken(string what) => new(TransportFailure.Protocol, $"The server sent {what}.");
}
