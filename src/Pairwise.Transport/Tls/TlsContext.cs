using System.Runtime.InteropServices;
using System.Text;
using Pairwise.Transport.Interop;

namespace Pairwise.Transport.Tls;

/// <summary>
/// What all TLS connections of one server, or of one kind of client, share. Thread-safe. Connections that were made keep
/// what they need, so a context may be disposed under them: this is how a server takes new certificates.
/// </summary>
public sealed unsafe class TlsContext : IDisposable
{
    private const string Suites = "TLS_CHACHA20_POLY1305_SHA256";
    private const string SuitesOf12 = "ECDHE-ECDSA-CHACHA20-POLY1305";
    private const string WebSuites = "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256";

    private const string WebSuitesOf12 =
        "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES256-GCM-SHA384:"
        + "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256";

    private readonly SslContextHandle _handle;
    private readonly SslContextHandle? _web;
    private readonly byte[] _protocols;
    private readonly TlsPeerCheck? _checkClient;

    private TlsContext(bool isServer, TlsCredential? credential, TlsCredential? web, IReadOnlyList<string> protocols, TlsPeerCheck? checkClient)
    {
        IsServer = isServer;
        _checkClient = checkClient;
        _protocols = EncodeProtocols(protocols);
        _handle = Create(credential);
        try
        {
            if (web is not null)
                _web = Create(web, isWeb: true);
        }
        catch
        {
            _handle.Dispose();
            throw;
        }

        WithoutWeb = new TlsContext(this);
    }

    // The same for connections that never turn to browsers; the other one owns what both use.
    private TlsContext(TlsContext owner)
    {
        IsServer = owner.IsServer;
        _checkClient = owner._checkClient;
        _protocols = owner._protocols;
        _handle = owner._handle;
        WithoutWeb = this;
    }

    internal bool IsServer { get; }

    /// <summary>The same without the certificate for browsers, which lives as long as this does.</summary>
    internal TlsContext WithoutWeb { get; }

    /// <summary>For tests: sessions stay with OpenSSL after their handshake.</summary>
    internal bool KeepsOpenSsl { get; set; }

    /// <exception cref="TransportException">OpenSSL refuses the credential.</exception>
    public static TlsContext ForClient(TlsClientOptions options) =>
        new(isServer: false, options.Credential, web: null, options.ApplicationProtocols, checkClient: null);

    /// <exception cref="TransportException">OpenSSL refuses a credential.</exception>
    public static TlsContext ForServer(TlsServerOptions options) =>
        new(isServer: true, options.Credential, options.WebCredential, options.ApplicationProtocols, options.CheckClient);

    public void Dispose()
    {
        _handle.Dispose();
        _web?.Dispose();
    }

    internal SslHandle CreateSession(string? serverName)
    {
        ObjectDisposedException.ThrowIf(_handle.IsClosed, this);
        var ssl = SslHandle.Create(_handle);
        if (IsServer)
        {
            LibSsl.SSL_set_accept_state(ssl.Value);
        }
        else
        {
            LibSsl.SSL_set_connect_state(ssl.Value);
            if (serverName is not null && !LibSsl.SetHostName(ssl.Value, serverName))
                throw OpenSslErrors.Take("The host name cannot be sent.");
        }

        return ssl;
    }

    internal TlsPeerCheck? CheckClient => _checkClient;

    /// <summary>The first of our protocols that the client offers: a slice of <paramref name="offered"/>; empty when there is none.</summary>
    internal ReadOnlySpan<byte> SelectProtocol(ReadOnlySpan<byte> offered)
    {
        ReadOnlySpan<byte> ours = _protocols;
        while (!ours.IsEmpty)
        {
            var candidate = ours[..(ours[0] + 1)];
            for (var rest = offered; !rest.IsEmpty && rest[0] < rest.Length; rest = rest[(rest[0] + 1)..])
            {
                if (rest[..(rest[0] + 1)].SequenceEqual(candidate))
                    return rest[1..(rest[0] + 1)];
            }

            ours = ours[candidate.Length..];
        }

        return default;
    }

    /// <summary>Turns a connection to the certificate and the algorithms of browsers; false when there is none.</summary>
    internal bool TryUseWeb(nint ssl)
    {
        if (_web is null)
            return false;
        LibSsl.SSL_set_verify(ssl, LibSsl.VerifyNone, 0);
        return LibSsl.SSL_set_SSL_CTX(ssl, _web.Value) != 0
            && LibSsl.SSL_set_ciphersuites(ssl, WebSuites) == 1
            && LibSsl.SSL_set_cipher_list(ssl, WebSuitesOf12) == 1
            && LibSsl.SetSessionGroups(ssl, WebGroups)
            && LibSsl.SetSessionSignatureAlgorithms(ssl, WebSignatures);
    }

    internal bool HasWeb => _web is not null;

    private static ReadOnlySpan<byte> Groups => "X448:X25519\0"u8;

    private static ReadOnlySpan<byte> Signatures => "ed448:ed25519\0"u8;

    private static ReadOnlySpan<byte> WebGroups => "X25519:X448:P-256:P-384:P-521\0"u8;

    private static ReadOnlySpan<byte> WebSignatures =>
        "ed448:ed25519:ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:rsa_pss_rsae_sha512:rsa_pss_rsae_sha384:rsa_pss_rsae_sha256:RSA+SHA512:RSA+SHA384:RSA+SHA256\0"u8;

    private SslContextHandle Create(TlsCredential? credential, bool isWeb = false)
    {
        var handle = SslContextHandle.Create();
        try
        {
            var context = handle.Value;
            LibSsl.SSL_CTX_set_options(context, LibSsl.OptionNoTicket | LibSsl.OptionNoRenegotiation | LibSsl.OptionNoCompression
                | LibSsl.OptionServerPreference | LibSsl.OptionIgnoreUnexpectedEof);
            LibSsl.SetMode(context, LibSsl.ModeReleaseBuffers);
            LibSsl.DisableSessionCache(context);
            LibSsl.SSL_CTX_set_keylog_callback(context, &TlsSession.OnSecret);
            Require(LibSsl.SSL_CTX_set_num_tickets(context, 0) == 1
                && LibSsl.SetVersions(context, LibSsl.Tls12, LibSsl.Tls13)
                && LibSsl.SSL_CTX_set_ciphersuites(context, isWeb ? WebSuites : Suites) == 1
                && LibSsl.SSL_CTX_set_cipher_list(context, isWeb ? WebSuitesOf12 : SuitesOf12) == 1
                && LibSsl.SetGroups(context, isWeb ? WebGroups : Groups)
                && LibSsl.SetSignatureAlgorithms(context, isWeb ? WebSignatures : Signatures));
            if (credential is not null)
                UseCredential(context, credential);
            if (!IsServer || _checkClient is not null)
            {
                LibSsl.SSL_CTX_set_verify(context, LibSsl.VerifyPeer, 0);
                LibSsl.SSL_CTX_set_cert_verify_callback(context, &TlsSession.OnVerify, 0);
            }

            if (IsServer)
            {
                if (_protocols.Length > 0)
                    LibSsl.SSL_CTX_set_alpn_select_cb(context, &TlsSession.OnSelectProtocol, 0);
                LibSsl.SSL_CTX_set_client_hello_cb(context, &TlsSession.OnClientHello, 0);
            }
            else if (_protocols.Length > 0)
            {
                fixed (byte* protocols = _protocols)
                    Require(LibSsl.SSL_CTX_set_alpn_protos(context, protocols, (uint)_protocols.Length) == 0);
            }

            return handle;
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    private static void UseCredential(nint context, TlsCredential credential)
    {
        for (var i = 0; i < credential.Certificates.Count; i++)
        {
            var encoded = credential.Certificates[i].Span;
            fixed (byte* bytes = encoded)
            {
                var at = bytes;
                var certificate = LibSsl.d2i_X509(null, &at, encoded.Length);
                Require(certificate != 0);
                var isUsed = i == 0 ? LibSsl.SSL_CTX_use_certificate(context, certificate) == 1 : LibSsl.AddChainCertificate(context, certificate);
                LibSsl.X509_free(certificate);
                Require(isUsed);
            }
        }

        fixed (byte* bytes = credential.PrivateKey)
        {
            var at = bytes;
            var key = LibSsl.d2i_AutoPrivateKey(null, &at, credential.PrivateKey.Length);
            Require(key != 0);
            var isUsed = LibSsl.SSL_CTX_use_PrivateKey(context, key) == 1;
            LibSsl.EVP_PKEY_free(key);
            Require(isUsed && LibSsl.SSL_CTX_check_private_key(context) == 1);
        }
    }

    private static void Require(bool isDone)
    {
        if (!isDone)
            throw OpenSslErrors.Take("OpenSSL refuses the TLS settings or the certificate.");
    }

    // ProtocolName = length(1) name, one after the other: RFC 7301 section 3.1
    private static byte[] EncodeProtocols(IReadOnlyList<string> protocols)
    {
        var encoded = new List<byte>();
        foreach (var protocol in protocols)
        {
            if (protocol.Length is 0 or > 255)
                throw new ArgumentException("A protocol name has 1 to 255 bytes.", nameof(protocols));
            encoded.Add((byte)protocol.Length);
            encoded.AddRange(Encoding.ASCII.GetBytes(protocol));
        }

        return [.. encoded];
    }
}

/// <summary>Owns one <c>SSL_CTX</c>.</summary>
internal sealed class SslContextHandle : SafeHandle
{
    private SslContextHandle(nint handle)
        : base(0, ownsHandle: true) => SetHandle(handle);

    public override bool IsInvalid => handle == 0;

    public nint Value => handle;

    public static SslContextHandle Create()
    {
        var context = LibSsl.SSL_CTX_new(LibSsl.TLS_method());
        return context == 0 ? throw OpenSslErrors.Take("OpenSSL could not make a TLS context.") : new SslContextHandle(context);
    }

    protected override bool ReleaseHandle()
    {
        LibSsl.SSL_CTX_free(handle);
        return true;
    }
}

/// <summary>Owns one <c>SSL</c> with its BIO; OpenSSL counts the context's references itself.</summary>
internal sealed class SslHandle : SafeHandle
{
    private SslHandle(nint handle)
        : base(0, ownsHandle: true) => SetHandle(handle);

    public override bool IsInvalid => handle == 0;

    public nint Value => handle;

    public static SslHandle Create(SslContextHandle context)
    {
        var isHeld = false;
        context.DangerousAddRef(ref isHeld);
        try
        {
            var ssl = LibSsl.SSL_new(context.Value);
            if (ssl == 0)
                throw OpenSslErrors.Take("OpenSSL could not make a TLS session.");
            var bio = SpanBio.CreateHandle();
            LibSsl.SSL_set_bio(ssl, bio, bio);
            return new SslHandle(ssl);
        }
        finally
        {
            context.DangerousRelease();
        }
    }

    protected override bool ReleaseHandle()
    {
        LibSsl.SSL_free(handle);
        return true;
    }
}
