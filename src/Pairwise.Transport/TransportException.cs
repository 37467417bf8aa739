using Pairwise.Protocol.Smp;

namespace Pairwise.Transport;

/// <summary>In what way a connection failed.</summary>
public enum TransportFailure
{
    /// <summary>No connection could be made: no such host, refused, no route.</summary>
    Unreachable,

    /// <summary>The SOCKS proxy refused, or is not one.</summary>
    ProxyRefused,

    /// <summary>Nothing came in the time allowed.</summary>
    TimedOut,

    /// <summary>The peer or this side closed the connection, or the network lost it.</summary>
    Closed,

    /// <summary>The TLS layer failed.</summary>
    Tls,

    /// <summary>The peer's certificates are not those of the address.</summary>
    UnknownIdentity,

    /// <summary>The peers cannot agree or understand each other; <see cref="TransportException.Error"/> says why.</summary>
    Protocol,

    /// <summary>The peer has no host of the kind that the network settings allow.</summary>
    HostNotAllowed,
}

/// <summary>A connection that cannot be made or cannot go on. It is closed when this is seen.</summary>
public sealed class TransportException : Exception
{
    public TransportException(TransportFailure failure, string message, Exception? inner = null)
        : base(message, inner) => Failure = failure;

    public TransportException(TransportError error, string message)
        : base(message)
    {
        Failure = TransportFailure.Protocol;
        Error = error;
    }

    public TransportFailure Failure { get; }

    /// <summary>The error in the protocol's own words when <see cref="Failure"/> is <see cref="TransportFailure.Protocol"/>.</summary>
    public TransportError? Error { get; }

    /// <summary>Whether the same attempt may succeed later without anybody changing anything.</summary>
    public bool IsTransient => Failure is TransportFailure.Unreachable or TransportFailure.ProxyRefused
        or TransportFailure.TimedOut or TransportFailure.Closed or TransportFailure.Tls;
}
