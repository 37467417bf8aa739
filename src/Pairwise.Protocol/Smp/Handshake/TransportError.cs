using System.Diagnostics;

namespace Pairwise.Protocol.Smp;

/// <summary>
/// Why an SMP transport connection cannot go on, as the peers name it to each other: in the answer to a service's
/// handshake, and inside the proxy's <c>ERR PROXY BROKER TRANSPORT …</c>.
/// </summary>
public enum TransportError
{
    /// <summary><c>BLOCK</c>: a block or its content does not parse.</summary>
    Block,

    /// <summary><c>VERSION</c>: the two sides share no protocol version.</summary>
    Version,

    /// <summary><c>LARGE_MSG</c>: content does not fit a block, or a block does not open.</summary>
    LargeMessage,

    /// <summary><c>SESSION</c>: the session id of the hello is not that of the TLS connection.</summary>
    Session,

    /// <summary><c>NO_AUTH</c>: the server gave no session key, and the command needs an authenticator.</summary>
    NoServerAuth,

    /// <summary><c>HANDSHAKE PARSE</c>: a hello does not parse.</summary>
    HandshakeParse,

    /// <summary><c>HANDSHAKE IDENTITY</c>: the client wants to talk to another server than this one.</summary>
    HandshakeIdentity,

    /// <summary><c>HANDSHAKE BAD_AUTH</c>: a certificate chain or the session key signed with it is not valid.</summary>
    HandshakeBadAuth,

    /// <summary><c>HANDSHAKE BAD_SERVICE</c>: the server has no record of the client's service, or cannot make one.</summary>
    HandshakeBadService,
}

/// <summary>The wire form of <see cref="TransportError"/>.</summary>
public static class TransportErrorCodec
{
    // transportError = %s"BLOCK" / %s"VERSION" / %s"LARGE_MSG" / %s"SESSION" / %s"NO_AUTH"
    //                / %s"HANDSHAKE" SP (%s"PARSE" / %s"IDENTITY" / %s"BAD_AUTH" / %s"BAD_SERVICE")

    /// <summary>The bytes of <paramref name="error"/> on the wire.</summary>
    public static ReadOnlySpan<byte> ToWire(TransportError error) => error switch
    {
        TransportError.Block => "BLOCK"u8,
        TransportError.Version => "VERSION"u8,
        TransportError.LargeMessage => "LARGE_MSG"u8,
        TransportError.Session => "SESSION"u8,
        TransportError.NoServerAuth => "NO_AUTH"u8,
        TransportError.HandshakeParse => "HANDSHAKE PARSE"u8,
        TransportError.HandshakeIdentity => "HANDSHAKE IDENTITY"u8,
        TransportError.HandshakeBadAuth => "HANDSHAKE BAD_AUTH"u8,
        TransportError.HandshakeBadService => "HANDSHAKE BAD_SERVICE"u8,
        _ => throw new UnreachableException(),
    };

    /// <summary>Reads <paramref name="encoded"/>, which has to be one transport error and nothing else.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> encoded, out TransportError error)
    {
        foreach (var candidate in All)
        {
            if (encoded.SequenceEqual(ToWire(candidate)))
            {
                error = candidate;
                return true;
            }
        }

        error = default;
        return false;
    }

    private static readonly TransportError[] All = Enum.GetValues<TransportError>();
}
