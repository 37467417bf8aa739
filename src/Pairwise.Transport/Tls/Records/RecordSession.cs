using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using Pairwise.Crypto;

namespace Pairwise.Transport.Tls.Records;

/// <summary>
/// The records of a TLS 1.3 connection after its handshake (RFC 8446, sections 4.6, 5 and 6): bytes in, bytes out, no
/// socket, no task. OpenSSL makes the handshake and is then released; from there on a connection holds its keys and
/// nothing else. A record is opened straight into the reader's memory and sealed straight out of the writer's.
/// </summary>
/// <remarks>
/// Calls must not overlap. Understood are application data, alerts, KeyUpdate, and in a client session tickets, which are
/// not used. Anything else of a peer ends the session with the alert that the RFC names.
/// </remarks>
internal sealed class RecordSession(bool isServer, RecordKeys sending, RecordKeys receiving) : IDisposable
{
    private const int HeaderLength = 5;
    private const int MostContent = 16_384;
    private const int MostSealed = MostContent + 256;
    private const int Overhead = HeaderLength + 1 + ChaChaPoly.TagLength;

    // Records in a row that carry nothing for the reader: more are an attack on its time.
    private const int MostIdleRecords = 32;
    private const int HandshakeHeaderLength = 4;
    private const int KeyUpdateLength = 1;

    private const byte TypeAlert = 21;
    private const byte TypeHandshake = 22;
    private const byte TypeData = 23;

    private const byte MessageSessionTicket = 4;
    private const byte MessageKeyUpdate = 24;

    private const byte AlertWarning = 1;
    private const byte AlertFatal = 2;
    private const byte AlertCloseNotify = 0;
    private const byte AlertUnexpectedMessage = 10;
    private const byte AlertBadRecordMac = 20;
    private const byte AlertRecordOverflow = 22;
    private const byte AlertIllegalParameter = 47;
    private const byte AlertUnknownAuthority = 48;
    private const byte AlertDecodeError = 50;
    private const byte AlertUserCancelled = 90;

    private int _idleRecords;
    private bool _isEnded;

    // A KeyUpdate of the peer asked for one of ours: it goes before the next record, once for however many asked.
    private bool _owesKeyUpdate;

    // opened content that did not fit into the reader's memory, in an array of the shared pool
    private byte[]? _pending;
    private int _pendingStart;
    private int _pendingEnd;

    // the beginning of a handshake message that goes on in the next record
    private byte[]? _message;

    /// <summary>Whether opened content waits.</summary>
    public bool HasPending => _pending is not null;

    /// <summary>Reads opened content into <paramref name="destination"/>. The input is taken in whole records only.</summary>
    public TlsCall Read(Span<byte> destination, ReadOnlySpan<byte> input)
    {
        var call = default(TlsCall);
        while (true)
        {
            if (_pending is not null)
            {
                call.Count = TakePending(destination);
                return call;
            }

            if (_isEnded)
            {
                call.Step = TlsStep.Ended;
                return call;
            }

            var rest = input[call.Consumed..];
            if (!TryMeasure(ref call, rest, out var length))
                return call;
            call.Consumed += HeaderLength + length;
            if (ReadRecord(ref call, rest[..HeaderLength], rest.Slice(HeaderLength, length), destination))
                return call;
        }
    }

    /// <summary>Makes records of <paramref name="source"/>.</summary>
    public TlsCall Write(ReadOnlySpan<byte> source)
    {
        var call = default(TlsCall);
        var records = (source.Length + MostContent - 1) / MostContent;
        Reserve(ref call, source.Length + (records * Overhead));
        while (!source.IsEmpty)
        {
            var count = Math.Min(source.Length, MostContent);
            Append(ref call, TypeData, source[..count]);
            source = source[count..];
        }

        return call;
    }

    /// <summary>Makes the farewell (<c>close_notify</c>).</summary>
    public TlsCall Shutdown()
    {
        var call = default(TlsCall);
        AppendAlert(ref call, AlertWarning, AlertCloseNotify);
        return call;
    }

    public void Dispose()
    {
        sending.Dispose();
        receiving.Dispose();
        ReleasePending();
    }

    // record = type(1) version(2) length(2) sealed ; on the wire the type is always that of data, the version 0x0303
    private bool TryMeasure(ref TlsCall call, ReadOnlySpan<byte> input, out int length)
    {
        length = 0;
        if (input.Length < HeaderLength)
        {
            call.Step = TlsStep.NeedsInput;
            return false;
        }

        length = BinaryPrimitives.ReadUInt16BigEndian(input[3..]);
        if (input[0] != TypeData)
            return Fail(ref call, AlertUnexpectedMessage, "The peer sent a record that is not encrypted.");
        if (length > MostSealed)
            return Fail(ref call, AlertRecordOverflow, "The peer sent a record that is too long.");
        if (length <= ChaChaPoly.TagLength)
            return Fail(ref call, AlertBadRecordMac, "The peer sent a record that is too short.");
        if (input.Length < HeaderLength + length)
        {
            call.Step = TlsStep.NeedsInput;
            return false;
        }

        return true;
    }

    // sealed = encrypted(content type(1) *%x00) tag ; true when the call is over
    private bool ReadRecord(ref TlsCall call, ReadOnlySpan<byte> header, ReadOnlySpan<byte> box, Span<byte> destination)
    {
        var length = box.Length - ChaChaPoly.TagLength - 1;
        var isDirect = destination.Length >= length;
        byte[]? rented = null;
        if (!isDirect)
            rented = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            var content = isDirect ? destination[..length] : rented.AsSpan(0, length);
            if (!receiving.TryOpen(header, box, content, out var type))
                return !Fail(ref call, AlertBadRecordMac, "A record of the peer is not authentic.");
            if (type == 0 && !TryStripPadding(ref content, out type))
                return !Fail(ref call, AlertUnexpectedMessage, "The peer sent a record without a type.");
            if (content.Length > MostContent)
                return !Fail(ref call, AlertRecordOverflow, "The peer sent a record that is too long.");
            if (_message is not null && type != TypeHandshake)
                return !Fail(ref call, AlertUnexpectedMessage, "The peer broke off a handshake message.");
            if (type != TypeData || content.IsEmpty)
                return ReadControl(ref call, type, content);

            _idleRecords = 0;
            if (isDirect)
            {
                call.Count = content.Length;
                return true;
            }

            (_pending, rented) = (rented, null);
            _pendingStart = 0;
            _pendingEnd = content.Length;
            return false;
        }
        finally
        {
            if (rented is not null)
                ReturnWiped(rented);
        }
    }

    private static bool TryStripPadding(ref Span<byte> content, out byte type)
    {
        var last = content.LastIndexOfAnyExcept((byte)0);
        type = last < 0 ? (byte)0 : content[last];
        content = content[..Math.Max(last, 0)];
        return last >= 0;
    }

    // Records that carry nothing for the reader. True when the call is over.
    private bool ReadControl(ref TlsCall call, byte type, ReadOnlySpan<byte> content)
    {
        if (++_idleRecords > MostIdleRecords)
            return !Fail(ref call, AlertUnexpectedMessage, "The peer sent too many records without content.");
        return type switch
        {
            TypeData => false,
            TypeAlert => ReadAlert(ref call, content),
            TypeHandshake when !content.IsEmpty => ReadMessages(ref call, content),
            _ => !Fail(ref call, AlertUnexpectedMessage, "The peer sent a record that does not belong here."),
        };
    }

    // alert = level(1) description(1)
    private bool ReadAlert(ref TlsCall call, ReadOnlySpan<byte> content)
    {
        if (content.IsEmpty)
            return !Fail(ref call, AlertUnexpectedMessage, "The peer sent an alert without content.");
        if (content.Length != 2)
            return !Fail(ref call, AlertDecodeError, "The peer sent an alert that does not parse.");
        switch (content[1])
        {
            case AlertCloseNotify:
                _isEnded = true;
                return false;
            case AlertUserCancelled when content[0] == AlertWarning:
                return false; // a farewell follows
            default:
                _isEnded = true;
                call.Step = TlsStep.Failed;
                call.Error = new TransportException(
                    content[1] == AlertUnknownAuthority ? TransportFailure.UnknownIdentity : TransportFailure.Tls,
                    $"The peer ended the TLS session with alert {content[1]}.");
                return true;
        }
    }

    // message = type(1) length(3) body
    private bool ReadMessages(ref TlsCall call, ReadOnlySpan<byte> content)
    {
        if (_message is not null)
        {
            content = (byte[])[.. _message, .. content];
            _message = null;
        }

        while (content.Length >= HandshakeHeaderLength)
        {
            // Known to be one of those taken before its rest is kept.
            var length = (content[1] << 16) | BinaryPrimitives.ReadUInt16BigEndian(content[2..]);
            var isKeyUpdate = content[0] == MessageKeyUpdate;
            if (!isKeyUpdate && (isServer || content[0] != MessageSessionTicket))
                return !Fail(ref call, AlertUnexpectedMessage, "The peer sent a handshake message that does not belong here.");
            if (isKeyUpdate ? length != KeyUpdateLength : length > MostContent)
                return !Fail(ref call, AlertDecodeError, "The peer sent a handshake message of a wrong length.");
            if (content.Length < HandshakeHeaderLength + length)
                break;
            var body = content.Slice(HandshakeHeaderLength, length);
            var rest = content[(HandshakeHeaderLength + length)..];
            if (isKeyUpdate)
            {
                if (body[0] > 1)
                    return !Fail(ref call, AlertIllegalParameter, "The peer sent a key update that asks for something unknown.");
                if (!rest.IsEmpty)
                    return !Fail(ref call, AlertUnexpectedMessage, "The peer sent something behind a key update in the same record.");
                receiving.Update();
                _owesKeyUpdate |= body[0] == 1;
            }

            content = rest;
        }

        if (!content.IsEmpty)
            _message = content.ToArray();
        return false;
    }

    private int TakePending(Span<byte> destination)
    {
        var count = Math.Min(destination.Length, _pendingEnd - _pendingStart);
        _pending.AsSpan(_pendingStart, count).CopyTo(destination);
        _pendingStart += count;
        if (_pendingStart == _pendingEnd)
            ReleasePending();
        return count;
    }

    private void ReleasePending()
    {
        if (_pending is not null)
            ReturnWiped(_pending);
        _pending = null;
    }

    // What was opened is somebody's content: the next who rents the array must not find it.
    private static void ReturnWiped(byte[] content)
    {
        CryptographicOperations.ZeroMemory(content);
        ArrayPool<byte>.Shared.Return(content);
    }

    // Always false, so that it can stand behind a return.
    private bool Fail(ref TlsCall call, byte alert, string message)
    {
        _isEnded = true;
        call.Step = TlsStep.Failed;
        call.Error = new TransportException(TransportFailure.Tls, message);
        AppendAlert(ref call, AlertFatal, alert);
        return false;
    }

    private void AppendAlert(ref TlsCall call, byte level, byte description)
    {
        Reserve(ref call, 2 + Overhead);
        Append(ref call, TypeAlert, [level, description]);
    }

    /// <summary>Rents the output of a call, with room for the key update that may have to go first, and puts that there.</summary>
    private void Reserve(ref TlsCall call, int length)
    {
        call.Output = ArrayPool<byte>.Shared.Rent(length + (_owesKeyUpdate ? HandshakeHeaderLength + KeyUpdateLength + Overhead : 0));
        if (!_owesKeyUpdate)
            return;
        _owesKeyUpdate = false;
        Append(ref call, TypeHandshake, [MessageKeyUpdate, 0, 0, 1, 0]);
        sending.Update();
    }

    private void Append(ref TlsCall call, byte type, ReadOnlySpan<byte> content)
    {
        var record = call.Output.AsSpan(call.OutputLength, content.Length + Overhead);
        var header = record[..HeaderLength];
        header[0] = TypeData;
        BinaryPrimitives.WriteUInt16BigEndian(header[1..], LegacyVersion);
        BinaryPrimitives.WriteUInt16BigEndian(header[3..], (ushort)(record.Length - HeaderLength));
        sending.Seal(header, content, type, record[HeaderLength..]);
        call.OutputLength += record.Length;
    }

    private const ushort LegacyVersion = 0x0303;
}
