using System.Text;

namespace Pairwise.Transport.Interop;

/// <summary>Turns what OpenSSL left in the calling thread's error queue into an exception, and empties the queue.</summary>
internal static unsafe class OpenSslErrors
{
    // ERR_GET_REASON: the low 23 bits; an alert from the peer has the reason 1000 + its number.
    private const ulong ReasonMask = 0x7FFFFF;
    private const ulong AlertReasons = 1000;
    private const ulong UnknownAuthorityAlert = 48;

    public static TransportException Take(string message)
    {
        var first = LibSsl.ERR_get_error();
        LibSsl.ERR_clear_error();
        if (first == 0)
            return new TransportException(TransportFailure.Tls, message);
        Span<byte> text = stackalloc byte[256];
        fixed (byte* buffer = text)
            LibSsl.ERR_error_string_n(first, buffer, (nuint)text.Length);
        var end = text.IndexOf((byte)0);
        var failure = (first & ReasonMask) == AlertReasons + UnknownAuthorityAlert ? TransportFailure.UnknownIdentity : TransportFailure.Tls;
        return new TransportException(failure, $"{message} ({Encoding.ASCII.GetString(text[..end])})");
    }
}
