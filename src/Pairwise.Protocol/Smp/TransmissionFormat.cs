namespace Pairwise.Protocol.Smp;

/// <summary>What both sides agreed on in the handshake and every transmission of the session depends on. Immutable.</summary>
public sealed class TransmissionFormat
{
    private readonly byte[] _sessionId;

    /// <param name="version">The agreed version.</param>
    /// <param name="sessionId">The client's TLS Finished message; at most 255 bytes.</param>
    /// <exception cref="ArgumentException">A session id that no handshake can have agreed on.</exception>
    public TransmissionFormat(SmpVersion version, ReadOnlySpan<byte> sessionId)
        : this(version, sessionId, version >= SmpVersions.AuthenticatedCommands, version >= SmpVersions.ServiceCertificates)
    {
    }

    private TransmissionFormat(SmpVersion version, ReadOnlySpan<byte> sessionId, bool impliesSessionId, bool hasServiceSignature)
    {
        if (sessionId.Length > byte.MaxValue)
        {
            throw new ArgumentException("A session id has at most 255 bytes.", nameof(sessionId));
        }

        Version = version;
        ImpliesSessionId = impliesSessionId;
        HasServiceSignature = hasServiceSignature;
        _sessionId = sessionId.ToArray();
    }

    /// <summary>
    /// The form of protocols that always send the session id and know no services: the one that SMP had at first, and
    /// that the file protocol kept. <see cref="Version"/> has no meaning then.
    /// </summary>
    /// <exception cref="ArgumentException">A session id that no handshake can have agreed on.</exception>
    public static TransmissionFormat WithSentSessionId(ReadOnlySpan<byte> sessionId) =>
        new(default, sessionId, impliesSessionId: false, hasServiceSignature: false);

    /// <summary>
    /// The form of a forwarded transmission: that of its version, but for the session id. The session between the two
    /// relays implies it, however old the version is that the sender chose.
    /// </summary>
    /// <exception cref="ArgumentException">A session id that no handshake can have agreed on.</exception>
    public static TransmissionFormat OfForwarded(SmpVersion version, ReadOnlySpan<byte> sessionId) =>
        new(version, sessionId, impliesSessionId: true, version >= SmpVersions.ServiceCertificates);

    public SmpVersion Version { get; }

    public ReadOnlySpan<byte> SessionId => _sessionId;

    /// <summary>Whether the session id is part of what is signed without being sent.</summary>
    public bool ImpliesSessionId { get; }

    /// <summary>Whether an authorization is followed by an optional signature of the client's service.</summary>
    public bool HasServiceSignature { get; }

    /// <summary>Bytes that the signed part has before the corr id.</summary>
    internal int SignedPrefixLength => 1 + _sessionId.Length;

    internal void WriteSignedPrefix(Span<byte> destination)
    {
        destination[0] = (byte)_sessionId.Length;
        _sessionId.CopyTo(destination[1..]);
    }
}
