using System.Runtime.InteropServices;
using System.Text;
using Pairwise.Transport.Interop;
using Pairwise.Transport.Tls.Records;

namespace Pairwise.Transport.Tls;

internal enum TlsStep
{
    /// <summary>The call did what was asked.</summary>
    Done,

    /// <summary>More bytes of the peer are needed.</summary>
    NeedsInput,

    /// <summary>The peer has ended the session.</summary>
    Ended,

    /// <summary>The session failed; the error is in <see cref="TlsCall.Error"/>.</summary>
    Failed,
}

/// <summary>What one call did: the input it took, and the bytes to send, in an array of the shared pool.</summary>
internal struct TlsCall
{
    public TlsStep Step;
    public int Consumed;
    public int Count;
    public byte[]? Output;
    public int OutputLength;
    public TransportException? Error;
}

/// <summary>
/// One TLS session as a plain state machine: bytes in, bytes out, no socket, no task. Calls must not overlap. OpenSSL
/// makes the handshake. Of a TLS 1.3 session with ChaCha20-Poly1305 it is then released, and <see cref="RecordSession"/>
/// goes on: less memory, and no copies. Other sessions (TLS 1.2, browsers, peers that asked for short records) stay with
/// OpenSSL.
/// </summary>
internal sealed unsafe class TlsSession : IDisposable
{
    // X509_V_ERR_*, chosen for the alerts OpenSSL makes of them
    private const int ErrorUnknownAuthority = 19;
    private const int ErrorExpired = 10;
    private const int ErrorBadCertificate = 18;
    private const int MostCertificates = 8;

    [ThreadStatic]
    private static TlsSession? _calling;

    private readonly TlsContext _context;
    private readonly TlsPeerCheck? _checkPeer;
    private readonly SslHandle _handle;
    private readonly HandshakeSecrets? _secrets;
    private RecordSession? _records;
    private List<ReadOnlyMemory<byte>>? _peerCertificates;
    private Exception? _checkFailure;
    private TlsPeerVerdict _verdict;

    public TlsSession(TlsContext context, TlsTarget? target)
    {
        _context = context;
        _checkPeer = target?.CheckServer ?? context.CheckClient;
        _handle = context.CreateSession(target?.ServerName);
        _secrets = context.KeepsOpenSsl ? null : new HandshakeSecrets();
    }

    public IReadOnlyList<ReadOnlyMemory<byte>> PeerCertificates => _peerCertificates is null ? [] : _peerCertificates;

    public bool IsServerNameUsed { get; private set; }

    /// <summary>The client's Finished message; only after the handshake.</summary>
    public ReadOnlyMemory<byte> SessionId { get; private set; }

    public string? ApplicationProtocol { get; private set; }

    public bool IsCertificateSent { get; private set; }

    /// <summary>0x0303 or 0x0304.</summary>
    public int ProtocolVersion { get; private set; }

    public string CipherSuite { get; private set; } = "";

    /// <summary>Whether OpenSSL is still there.</summary>
    public bool UsesOpenSsl => _records is null;

    /// <summary>For tests.</summary>
    public nint OpenSslHandle => _handle.Value;

    /// <summary>Whether decrypted bytes wait inside.</summary>
    public bool HasPending => _records?.HasPending ?? LibSsl.SSL_pending(_handle.Value) > 0;

    public void Dispose()
    {
        _handle.Dispose();
        _secrets?.Dispose();
        _records?.Dispose();
    }

    /// <summary>One step of the handshake; with <see cref="TlsStep.Done"/> the properties have their values.</summary>
    public TlsCall Handshake(ReadOnlySpan<byte> input, bool isInputEnded)
    {
        var call = Run(Operation.Handshake, input, isInputEnded, default);
        if (call.Step is TlsStep.Done)
            EndHandshake();
        return call;
    }

    /// <summary>Reads decrypted bytes into <paramref name="destination"/>; <see cref="TlsCall.Count"/> says how many.</summary>
    public TlsCall Read(Span<byte> destination, ReadOnlySpan<byte> input, bool isInputEnded) =>
        _records is { } records ? records.Read(destination, input) : Run(Operation.Read, input, isInputEnded, destination);

    public TlsCall Write(ReadOnlySpan<byte> source) => _records is { } records
        ? records.Write(source)
        : Run(Operation.Write, default, isInputEnded: false, MemoryMarshal.CreateSpan(ref MemoryMarshal.GetReference(source), source.Length));

    /// <summary>Makes the farewell (<c>close_notify</c>).</summary>
    public TlsCall Shutdown() => _records is { } records ? records.Shutdown() : Run(Operation.Shutdown, default, isInputEnded: false, default);

    private void EndHandshake()
    {
        const string TakenSuite = "TLS_CHACHA20_POLY1305_SHA256";
        SessionId = GetSessionId();
        ApplicationProtocol = GetApplicationProtocol();
        int type;
        IsCertificateSent = !_context.IsServer && LibSsl.SSL_get_signature_type_nid(_handle.Value, &type) == 1;
        ProtocolVersion = LibSsl.SSL_version(_handle.Value);
        CipherSuite = Marshal.PtrToStringAnsi((nint)LibSsl.SSL_CIPHER_get_name(LibSsl.SSL_get_current_cipher(_handle.Value))) ?? "";
        if (ProtocolVersion == LibSsl.Tls13 && CipherSuite == TakenSuite && !HasShortRecords() && _secrets?.TryTake(_context.IsServer, out var sending, out var receiving) == true)
        {
            _records = new RecordSession(_context.IsServer, sending, receiving);
            _handle.Dispose();
        }

        _secrets?.Dispose();
    }

    private byte[] GetSessionId()
    {
        Span<byte> finished = stackalloc byte[64];
        nuint length;
        fixed (byte* buffer = finished)
        {
            length = _context.IsServer
                ? LibSsl.SSL_get_peer_finished(_handle.Value, buffer, (nuint)finished.Length)
                : LibSsl.SSL_get_finished(_handle.Value, buffer, (nuint)finished.Length);
        }

        if (length == 0 || length > (nuint)finished.Length)
            throw new TransportException(TransportFailure.Tls, "The TLS session has no channel binding.");
        return finished[..(int)length].ToArray();
    }

    // RFC 6066, section 4: a peer with little memory may ask for records of at most 512 to 4,096 bytes.
    private bool HasShortRecords() => LibSsl.SSL_SESSION_get_max_fragment_length(LibSsl.SSL_get_session(_handle.Value)) != 0;

    private string? GetApplicationProtocol()
    {
        byte* protocol;
        uint length;
        LibSsl.SSL_get0_alpn_selected(_handle.Value, &protocol, &length);
        return length == 0 ? null : Encoding.ASCII.GetString(protocol, (int)length);
    }

    private enum Operation
    {
        Handshake,
        Read,
        Write,
        Shutdown,
    }

    private TlsCall Run(Operation operation, ReadOnlySpan<byte> input, bool isInputEnded, Span<byte> buffer)
    {
        ObjectDisposedException.ThrowIf(_handle.IsClosed, this);
        var call = default(TlsCall);
        var ssl = _handle.Value;
        var outer = _calling;
        _calling = this;
        fixed (byte* from = input)
        fixed (byte* at = buffer)
        {
            var bio = SpanBio.Begin(from, input.Length, isInputEnded);
            LibSsl.ERR_clear_error();
            var result = operation switch
            {
                Operation.Handshake => LibSsl.SSL_do_handshake(ssl),
                Operation.Read => LibSsl.SSL_read(ssl, at, buffer.Length),
                Operation.Write => LibSsl.SSL_write(ssl, at, buffer.Length),
                _ => LibSsl.SSL_shutdown(ssl),
            };
            if (result > 0 || operation is Operation.Shutdown)
                call.Count = result;
            else
                Classify(ref call, operation, LibSsl.SSL_get_error(ssl, result), isInputEnded);
            call.Consumed = bio.End(out call.Output, out call.OutputLength);
        }

        _calling = outer;
        return call;
    }

    private void Classify(ref TlsCall call, Operation operation, int error, bool isInputEnded)
    {
        switch (error)
        {
            case LibSsl.ErrorWantRead:
                call.Step = TlsStep.NeedsInput;
                return;
            case LibSsl.ErrorZeroReturn:
                call.Step = TlsStep.Ended;
                LibSsl.ERR_clear_error();
                return;
            default:
                call.Step = TlsStep.Failed;
                call.Error = MakeError(operation, isInputEnded);
                return;
        }
    }

    private TransportException MakeError(Operation operation, bool isInputEnded)
    {
        if (_checkFailure is not null)
        {
            LibSsl.ERR_clear_error();
            return new TransportException(TransportFailure.Tls, "The check of the peer's certificates failed.", _checkFailure);
        }

        if (_verdict != TlsPeerVerdict.Accepted)
        {
            LibSsl.ERR_clear_error();
            return new TransportException(TransportFailure.UnknownIdentity, _verdict switch
            {
                TlsPeerVerdict.Expired => "The peer's certificate has expired or is not valid yet.",
                TlsPeerVerdict.BadCertificate => "The peer's certificate is damaged.",
                _ => _context.IsServer ? "The client's certificate is not accepted." : "The server's certificate does not belong to this address.",
            });
        }

        return isInputEnded
            ? new TransportException(TransportFailure.Closed, operation is Operation.Handshake
                ? "The peer closed the connection during the TLS handshake."
                : "The peer closed the connection.")
            : OpenSslErrors.Take(operation is Operation.Handshake ? "The TLS handshake failed." : "The TLS session failed.");
    }

    /// <summary>OpenSSL asks here about the peer's certificates, in the middle of a handshake call.</summary>
    [UnmanagedCallersOnly]
    internal static int OnVerify(nint storeContext, nint argument)
    {
        var session = _calling;
        if (session is null)
            return 0;
        try
        {
            session._verdict = session.Check(LibSsl.X509_STORE_CTX_get0_untrusted(storeContext));
        }
        catch (Exception e)
        {
            // An exception must not cross OpenSSL's frames: it is kept, and becomes the cause of the failed handshake.
            session._checkFailure = e;
            session._verdict = TlsPeerVerdict.BadCertificate;
        }

        if (session._verdict == TlsPeerVerdict.Accepted)
            return 1;
        LibSsl.X509_STORE_CTX_set_error(storeContext, session._verdict switch
        {
            TlsPeerVerdict.Expired => ErrorExpired,
            TlsPeerVerdict.BadCertificate => ErrorBadCertificate,
            _ => ErrorUnknownAuthority,
        });
        return 0;
    }

    /// <summary>OpenSSL tells here each secret of the handshake, as a line of text that it wipes afterwards.</summary>
    [UnmanagedCallersOnly]
    internal static void OnSecret(nint ssl, byte* line) =>
        _calling?._secrets?.Add(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(line));

    [UnmanagedCallersOnly]
    internal static int OnSelectProtocol(nint ssl, byte** selected, byte* selectedLength, byte* offered, uint offeredLength, nint argument)
    {
        var session = _calling;
        if (session is null)
            return LibSsl.AlpnFatal;
        var offers = new ReadOnlySpan<byte>(offered, (int)offeredLength);
        var choice = session._context.SelectProtocol(offers);
        if (choice.IsEmpty)
            return LibSsl.AlpnFatal;
        fixed (byte* at = choice)
        {
            *selected = at;
            *selectedLength = (byte)choice.Length;
        }

        return LibSsl.AlpnOk;
    }

    /// <summary>The first look at a client's hello, before anything is chosen: a host name in it asks for the web certificate.</summary>
    [UnmanagedCallersOnly]
    internal static int OnClientHello(nint ssl, int* alert, nint argument)
    {
        const int InternalErrorAlert = 80;
        var session = _calling;
        if (session is null || !session._context.HasWeb)
            return LibSsl.ClientHelloSuccess;
        byte* content;
        nuint length;
        if (LibSsl.SSL_client_hello_get0_ext(ssl, LibSsl.ExtensionServerName, &content, &length) != 1 || length == 0)
            return LibSsl.ClientHelloSuccess;
        if (!session._context.TryUseWeb(ssl))
        {
            *alert = InternalErrorAlert;
            return LibSsl.ClientHelloError;
        }

        session.IsServerNameUsed = true;
        return LibSsl.ClientHelloSuccess;
    }

    private TlsPeerVerdict Check(nint chain)
    {
        var count = LibSsl.OPENSSL_sk_num(chain);
        if (count is < 1 or > MostCertificates)
            return TlsPeerVerdict.UnknownAuthority;
        var certificates = new List<ReadOnlyMemory<byte>>(count);
        for (var i = 0; i < count; i++)
        {
            var certificate = LibSsl.OPENSSL_sk_value(chain, i);
            var length = LibSsl.i2d_X509(certificate, null);
            if (length <= 0)
                return TlsPeerVerdict.BadCertificate;
            var encoded = new byte[length];
            fixed (byte* into = encoded)
            {
                var at = into;
                if (LibSsl.i2d_X509(certificate, &at) != length)
                    return TlsPeerVerdict.BadCertificate;
            }

            certificates.Add(encoded);
        }

        var verdict = _checkPeer?.Invoke(certificates) ?? TlsPeerVerdict.UnknownAuthority;
        if (verdict == TlsPeerVerdict.Accepted)
            _peerCertificates = certificates;
        return verdict;
    }
}
