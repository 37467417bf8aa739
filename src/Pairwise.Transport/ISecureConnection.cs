namespace Pairwise.Transport;

/// <summary>
/// A connection whose peers know they share it: TLS with a session id, or its stand-in in memory. One task reads and one
/// task writes; the two may run at the same time. Every failure is a <see cref="TransportException"/>.
/// </summary>
public interface ISecureConnection : IAsyncDisposable
{
    /// <summary>The channel binding: the client's Finished message, equal on both sides (32 bytes in TLS 1.3, 12 in 1.2).</summary>
    ReadOnlyMemory<byte> SessionId { get; }

    /// <summary>The application protocol both sides agreed on, or null when ALPN was not used.</summary>
    string? ApplicationProtocol { get; }

    /// <summary>The peer's certificates, leaf first, in DER; empty when it showed none. They were checked.</summary>
    IReadOnlyList<ReadOnlyMemory<byte>> PeerCertificates { get; }

    /// <summary>In a client: whether the server asked for and got this side's certificate.</summary>
    bool IsCertificateSent { get; }

    /// <summary>In a server: whether the client named a host and so got the certificate for browsers.</summary>
    bool IsServerNameUsed { get; }

    /// <summary>Whether a part of a record came whose rest the peer still owes. May be asked from anywhere.</summary>
    bool HoldsPart { get; }

    /// <summary>Waits, holding no buffer, until bytes can be read or the peer has closed.</summary>
    ValueTask WaitForBytesAsync(CancellationToken cancellationToken);

    /// <summary>Reads at least one byte; 0 means that the peer has closed.</summary>
    ValueTask<int> ReadAsync(Memory<byte> destination, CancellationToken cancellationToken);

    /// <summary>Writes all of <paramref name="source"/>, which may be reused when this completes.</summary>
    ValueTask WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken);

    /// <summary>
    /// Ends the connection at once. The first cause is kept and thrown by what is waiting and by what comes after. Can be
    /// called from anywhere and more than once.
    /// </summary>
    void Break(TransportException cause);
}
