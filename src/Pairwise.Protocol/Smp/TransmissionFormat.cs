namespace Pairwise.Protocol.Smp;

/// <summary>What both sides agreed on in the handshake and every transmission of the session depends on. Immutable.</summary>
public sealed class TransmissionFormat
{
    private readonly byte[] _sessionId;

    /// <param name="version">The agreed version.</param>
    /// <param name="sessionId">The client's TLS Finished message; at most 255 bytes.</param>
    /// <exception cref="ArgumentException">A session id that no handshake can have agreed on.</exception>
    public TransmissionFormat(SmpVersion version, ReadOnlySpan<byte> sessionId)
    {
        if (sessionId.Length > byte.MaxValue)
        {
            throw new ArgumentException("A session id has at most 255 bytes.", nameof(sessionId));
        }

        Version = version;
        _sessionId = sessionId.ToArray();
    }

    public SmpVersion Version { get; }

    public ReadOnlySpan<byte> SessionId => _sessionId;

    /// <summary>Whether the session id is part of what is signed without being sent.</summary>
    public bool ImpliesSessionId => Version >= SmpVersions.AuthenticatedCommands;

    /// <summary>Whether an authorization is followed by an optional signature of the client's service.</summary>
    public bool HasServiceSignature => Version >= SmpVersions.ServiceCertificates;

    /// <summary>Bytes that the signed part has before the corr id.</summary>
    internal int SignedPrefixLength => 1 + _sessionId.Length;

    internal void WriteSignedPrefix(Span<byte> destination)
    {
        destination[0] = (byte)_sessionId.Length;
        _sessionId.CopyTo(destination[1..]);
    }
}
