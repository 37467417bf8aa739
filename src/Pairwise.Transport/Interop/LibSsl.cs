using System.Runtime.InteropServices;

namespace Pairwise.Transport.Interop;

/// <summary>The functions of OpenSSL 3 that the TLS binding calls, one for one. Nothing here knows about our types.</summary>
internal static unsafe partial class LibSsl
{
    private const string Ssl = "libssl.so.3";
    private const string Crypto = "libcrypto.so.3";

    public const int ErrorSsl = 1;
    public const int ErrorWantRead = 2;
    public const int ErrorWantWrite = 3;
    public const int ErrorSyscall = 5;
    public const int ErrorZeroReturn = 6;

    public const int VerifyNone = 0;
    public const int VerifyPeer = 1;

    public const int Tls12 = 0x0303;
    public const int Tls13 = 0x0304;

    public const ulong OptionIgnoreUnexpectedEof = 1UL << 7;
    public const ulong OptionNoTicket = 1UL << 14;
    public const ulong OptionNoCompression = 1UL << 17;
    public const ulong OptionServerPreference = 1UL << 22;
    public const ulong OptionNoRenegotiation = 1UL << 30;

    public const nint ModeReleaseBuffers = 0x10;

    public const int AlpnOk = 0;
    public const int AlpnFatal = 2;
    public const int AlpnNone = 3;

    public const int ClientHelloError = 0;
    public const int ClientHelloSuccess = 1;

    public const uint ExtensionServerName = 0;

    private const int CtrlMode = 33;
    private const int CtrlSessionCacheMode = 44;
    private const int CtrlHostName = 55;
    private const int CtrlChainCertificate = 89;
    private const int CtrlGroupsList = 92;
    private const int CtrlSignatureAlgorithmsList = 98;
    private const int CtrlMinimumVersion = 123;
    private const int CtrlMaximumVersion = 124;

    public static nint SetMode(nint context, nint mode) => SSL_CTX_ctrl(context, CtrlMode, mode, null);

    public static nint DisableSessionCache(nint context) => SSL_CTX_ctrl(context, CtrlSessionCacheMode, 0, null);

    public static bool SetVersions(nint context, int minimum, int maximum) =>
        SSL_CTX_ctrl(context, CtrlMinimumVersion, minimum, null) == 1
        && SSL_CTX_ctrl(context, CtrlMaximumVersion, maximum, null) == 1;

    /// <summary>Adds a certificate above the leaf; the context takes its own reference.</summary>
    public static bool AddChainCertificate(nint context, nint certificate) =>
        SSL_CTX_ctrl(context, CtrlChainCertificate, 1, (void*)certificate) == 1;

    public static bool SetGroups(nint context, ReadOnlySpan<byte> zeroTerminated)
    {
        fixed (byte* list = zeroTerminated)
            return SSL_CTX_ctrl(context, CtrlGroupsList, 0, list) == 1;
    }

    public static bool SetSignatureAlgorithms(nint context, ReadOnlySpan<byte> zeroTerminated)
    {
        fixed (byte* list = zeroTerminated)
            return SSL_CTX_ctrl(context, CtrlSignatureAlgorithmsList, 0, list) == 1;
    }

    public static bool SetSessionGroups(nint ssl, ReadOnlySpan<byte> zeroTerminated)
    {
        fixed (byte* list = zeroTerminated)
            return SSL_ctrl(ssl, CtrlGroupsList, 0, list) == 1;
    }

    public static bool SetSessionSignatureAlgorithms(nint ssl, ReadOnlySpan<byte> zeroTerminated)
    {
        fixed (byte* list = zeroTerminated)
            return SSL_ctrl(ssl, CtrlSignatureAlgorithmsList, 0, list) == 1;
    }

    public static bool SetHostName(nint ssl, string name)
    {
        var encoded = System.Text.Encoding.ASCII.GetBytes(name + '\0');
        fixed (byte* host = encoded)
            return SSL_ctrl(ssl, CtrlHostName, 0, host) == 1;
    }

    [LibraryImport(Ssl)]
    public static partial nint TLS_method();

    [LibraryImport(Ssl)]
    public static partial nint SSL_CTX_new(nint method);

    [LibraryImport(Ssl)]
    public static partial void SSL_CTX_free(nint context);

    [LibraryImport(Ssl)]
    private static partial nint SSL_CTX_ctrl(nint context, int command, nint number, void* pointer);

    [LibraryImport(Ssl)]
    public static partial ulong SSL_CTX_set_options(nint context, ulong options);

    [LibraryImport(Ssl)]
    public static partial int SSL_CTX_set_num_tickets(nint context, nuint count);

    [LibraryImport(Ssl, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int SSL_CTX_set_cipher_list(nint context, string list);

    [LibraryImport(Ssl, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int SSL_CTX_set_ciphersuites(nint context, string list);

    [LibraryImport(Ssl)]
    public static partial void SSL_CTX_set_verify(nint context, int mode, nint callback);

    [LibraryImport(Ssl)]
    public static partial void SSL_set_verify(nint ssl, int mode, nint callback);

    [LibraryImport(Ssl)]
    public static partial void SSL_CTX_set_cert_verify_callback(nint context, delegate* unmanaged<nint, nint, int> callback, nint argument);

    [LibraryImport(Ssl)]
    public static partial int SSL_CTX_use_certificate(nint context, nint certificate);

    [LibraryImport(Ssl)]
    public static partial int SSL_CTX_use_PrivateKey(nint context, nint key);

    [LibraryImport(Ssl)]
    public static partial int SSL_CTX_check_private_key(nint context);

    [LibraryImport(Ssl)]
    public static partial int SSL_CTX_set_alpn_protos(nint context, byte* protocols, uint length);

    [LibraryImport(Ssl)]
    public static partial void SSL_CTX_set_alpn_select_cb(nint context, delegate* unmanaged<nint, byte**, byte*, byte*, uint, nint, int> callback, nint argument);

    [LibraryImport(Ssl)]
    public static partial void SSL_CTX_set_client_hello_cb(nint context, delegate* unmanaged<nint, int*, nint, int> callback, nint argument);

    [LibraryImport(Ssl)]
    public static partial void SSL_CTX_set_keylog_callback(nint context, delegate* unmanaged<nint, byte*, void> callback);

    /// <summary>For tests of the peer's side: has the next write change the keys first.</summary>
    [LibraryImport(Ssl)]
    public static partial int SSL_key_update(nint ssl, int updateType);

    /// <summary>For tests of the peer's side: asks for records of at most 512, 1,024, 2,048 or 4,096 bytes (1 to 4).</summary>
    [LibraryImport(Ssl)]
    public static partial int SSL_set_tlsext_max_fragment_length(nint ssl, byte mode);

    [LibraryImport(Ssl)]
    public static partial nint SSL_get_session(nint ssl);

    [LibraryImport(Ssl)]
    public static partial byte SSL_SESSION_get_max_fragment_length(nint session);

    [LibraryImport(Ssl)]
    public static partial int SSL_client_hello_get0_ext(nint ssl, uint type, byte** content, nuint* length);

    [LibraryImport(Ssl)]
    public static partial nint SSL_set_SSL_CTX(nint ssl, nint context);

    [LibraryImport(Ssl)]
    private static partial nint SSL_ctrl(nint ssl, int command, nint number, void* pointer);

    [LibraryImport(Ssl, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int SSL_set_cipher_list(nint ssl, string list);

    [LibraryImport(Ssl, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int SSL_set_ciphersuites(nint ssl, string list);

    [LibraryImport(Ssl)]
    public static partial nint SSL_new(nint context);

    [LibraryImport(Ssl)]
    public static partial void SSL_free(nint ssl);

    [LibraryImport(Ssl)]
    public static partial void SSL_set_bio(nint ssl, nint input, nint output);

    [LibraryImport(Ssl)]
    public static partial void SSL_set_accept_state(nint ssl);

    [LibraryImport(Ssl)]
    public static partial void SSL_set_connect_state(nint ssl);

    [LibraryImport(Ssl)]
    public static partial int SSL_do_handshake(nint ssl);

    [LibraryImport(Ssl)]
    public static partial int SSL_read(nint ssl, byte* buffer, int length);

    [LibraryImport(Ssl)]
    public static partial int SSL_write(nint ssl, byte* buffer, int length);

    [LibraryImport(Ssl)]
    public static partial int SSL_shutdown(nint ssl);

    [LibraryImport(Ssl)]
    public static partial int SSL_pending(nint ssl);

    [LibraryImport(Ssl)]
    public static partial int SSL_get_error(nint ssl, int result);

    [LibraryImport(Ssl)]
    public static partial nuint SSL_get_finished(nint ssl, byte* buffer, nuint length);

    [LibraryImport(Ssl)]
    public static partial nuint SSL_get_peer_finished(nint ssl, byte* buffer, nuint length);

    [LibraryImport(Ssl)]
    public static partial void SSL_get0_alpn_selected(nint ssl, byte** protocol, uint* length);

    [LibraryImport(Ssl)]
    public static partial int SSL_version(nint ssl);

    [LibraryImport(Ssl)]
    public static partial nint SSL_get_current_cipher(nint ssl);

    [LibraryImport(Ssl)]
    public static partial byte* SSL_CIPHER_get_name(nint cipher);

    /// <summary>1 when this side has signed in the handshake: in a client, when it sent its certificate.</summary>
    [LibraryImport(Ssl)]
    public static partial int SSL_get_signature_type_nid(nint ssl, int* type);

    [LibraryImport(Crypto)]
    public static partial nint d2i_X509(nint* into, byte** encoded, nint length);

    [LibraryImport(Crypto)]
    public static partial int i2d_X509(nint certificate, byte** into);

    [LibraryImport(Crypto)]
    public static partial void X509_free(nint certificate);

    [LibraryImport(Crypto)]
    public static partial nint d2i_AutoPrivateKey(nint* into, byte** encoded, nint length);

    [LibraryImport(Crypto)]
    public static partial void EVP_PKEY_free(nint key);

    [LibraryImport(Crypto)]
    public static partial nint X509_STORE_CTX_get0_untrusted(nint storeContext);

    [LibraryImport(Crypto)]
    public static partial void X509_STORE_CTX_set_error(nint storeContext, int error);

    [LibraryImport(Crypto)]
    public static partial int OPENSSL_sk_num(nint stack);

    [LibraryImport(Crypto)]
    public static partial nint OPENSSL_sk_value(nint stack, int index);

    [LibraryImport(Crypto)]
    public static partial int BIO_get_new_index();

    [LibraryImport(Crypto, StringMarshalling = StringMarshalling.Utf8)]
    public static partial nint BIO_meth_new(int type, string name);

    [LibraryImport(Crypto)]
    public static partial int BIO_meth_set_read(nint method, delegate* unmanaged<nint, byte*, int, int> callback);

    [LibraryImport(Crypto)]
    public static partial int BIO_meth_set_write(nint method, delegate* unmanaged<nint, byte*, int, int> callback);

    [LibraryImport(Crypto)]
    public static partial int BIO_meth_set_ctrl(nint method, delegate* unmanaged<nint, int, nint, nint, nint> callback);

    [LibraryImport(Crypto)]
    public static partial nint BIO_new(nint method);

    [LibraryImport(Crypto)]
    public static partial void BIO_set_init(nint bio, int initialised);

    [LibraryImport(Crypto)]
    public static partial void BIO_set_flags(nint bio, int flags);

    [LibraryImport(Crypto)]
    public static partial void BIO_clear_flags(nint bio, int flags);

    [LibraryImport(Crypto)]
    public static partial ulong ERR_get_error();

    [LibraryImport(Crypto)]
    public static partial void ERR_clear_error();

    [LibraryImport(Crypto)]
    public static partial void ERR_error_string_n(ulong error, byte* buffer, nuint length);
}
