using Pairwise.Crypto;
using Pairwise.Wire;

namespace Pairwise.Ratchet;

/// <summary>
/// The state of one party's post-quantum double ratchet with encrypted headers. Immutable for its users: encryption and
/// decryption return a new state.
/// </summary>
/// <remarks>
/// Every state owns its own copy of its secrets, so each is disposed by whoever holds it, in any order; disposal zeroes
/// them. Thread-safe for use; disposal must not race with use. It does not know the skipped message keys, which are
/// stored beside it (<see cref="SkippedKeys"/>), nor messages.
/// </remarks>
public sealed class RatchetState : IDisposable
{
    internal RatchetState()
    {
    }

    /// <summary>The version spoken now and the newest one our software supports.</summary>
    public RatchetVersions Versions { get; internal set; }

    /// <summary>The first X448 keys of the joining and of the initiating side, 112 bytes: equal on both sides.</summary>
    public Bytes AssociatedData { get; internal set; }

    /// <summary>Whether headers and messages are sized for KEM keys. Once on, it stays on.</summary>
    public bool SupportsPostQuantum { get; internal set; }

    /// <summary>Whether the next ratchet step is to use the KEM.</summary>
    public bool EnablesPostQuantum { get; internal set; }

    /// <summary>Whether the keys of what we send now depend on a KEM secret.</summary>
    public bool SendsPostQuantum { get; internal set; }

    /// <summary>Whether the keys of what we receive now depend on a KEM secret.</summary>
    public bool ReceivesPostQuantum { get; internal set; }

    /// <summary>Whether there is a sending chain; the initiating side has none before its first received message.</summary>
    public bool CanSend => Sending is not null;

    /// <summary>Number of the next message to send in the current chain (the specification's Ns).</summary>
    public uint SendNumber { get; internal set; }

    /// <summary>Number of the next message expected in the current chain (Nr).</summary>
    public uint ReceiveNumber { get; internal set; }

    /// <summary>How many messages were sent in the chain before this one (PN).</summary>
    public uint PreviousSendCount { get; internal set; }

    internal X448PrivateKey OwnKey { get; set; } = null!;

    internal KemState? Kem { get; set; }

    internal SecretBytes RootKey { get; set; } = null!;

    internal SendingChain? Sending { get; set; }

    internal ReceivingChain? Receiving { get; set; }

    internal SecretBytes NextSendHeaderKey { get; set; } = null!;

    internal SecretBytes NextReceiveHeaderKey { get; set; } = null!;

    /// <summary>
    /// The security code of the connection: SHA-256 of the associated data, 32 bytes. People compare it over another
    /// channel; it changes when the ratchet is set up anew.
    /// </summary>
    public byte[] GetSecurityCode() => Digests.Sha256(AssociatedData.Span);

    /// <summary>The state in our own versioned binary form, for the encrypted store. The caller zeroes it.</summary>
    public byte[] Serialize() => RatchetStateCodec.Encode(this);

    /// <summary>Restores a state from <see cref="Serialize"/>; false when the bytes are not a state.</summary>
    public static bool TryDeserialize(ReadOnlySpan<byte> stored, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out RatchetState? state) =>
        RatchetStateCodec.TryDecode(stored, out state);

    /// <summary>Another owner of the same state.</summary>
    public RatchetState Copy() => new()
    {
        Versions = Versions,
        AssociatedData = AssociatedData,
        SupportsPostQuantum = SupportsPostQuantum,
        EnablesPostQuantum = EnablesPostQuantum,
        SendsPostQuantum = SendsPostQuantum,
        ReceivesPostQuantum = ReceivesPostQuantum,
        SendNumber = SendNumber,
        ReceiveNumber = ReceiveNumber,
        PreviousSendCount = PreviousSendCount,
        OwnKey = OwnKey.Copy(),
        Kem = Kem?.Copy(),
        RootKey = RootKey.Copy(),
        Sending = Sending?.Copy(),
        Receiving = Receiving?.Copy(),
        NextSendHeaderKey = NextSendHeaderKey.Copy(),
        NextReceiveHeaderKey = NextReceiveHeaderKey.Copy(),
    };

    public void Dispose()
    {
        OwnKey.Dispose();
        Kem?.Dispose();
        RootKey.Dispose();
        Sending?.Dispose();
        Receiving?.Dispose();
        NextSendHeaderKey.Dispose();
        NextReceiveHeaderKey.Dispose();
    }

    public override string ToString() => "[secret]";
}

/// <summary>The chain of what we send: keys of messages and of their headers.</summary>
internal sealed class SendingChain(X448PublicKey peerKey, SecretBytes chainKey, SecretBytes headerKey) : IDisposable
{
    public X448PublicKey PeerKey { get; } = peerKey;

    public SecretBytes ChainKey { get; } = chainKey;

    public SecretBytes HeaderKey { get; } = headerKey;

    public SendingChain Copy() => new(PeerKey, ChainKey.Copy(), HeaderKey.Copy());

    public void Dispose()
    {
        ChainKey.Dispose();
        HeaderKey.Dispose();
    }
}

/// <summary>The chain of what we receive.</summary>
internal sealed class ReceivingChain(SecretBytes chainKey, SecretBytes headerKey) : IDisposable
{
    public SecretBytes ChainKey { get; } = chainKey;

    public SecretBytes HeaderKey { get; } = headerKey;

    public ReceivingChain Copy() => new(ChainKey.Copy(), HeaderKey.Copy());

    public void Dispose()
    {
        ChainKey.Dispose();
        HeaderKey.Dispose();
    }
}

/// <summary>Our KEM keys, and what we encapsulated to the peer's key in the last ratchet step.</summary>
internal sealed class KemState(Sntrup761KeyPair ownKeys, AcceptedKem? accepted) : IDisposable
{
    public Sntrup761KeyPair OwnKeys { get; } = ownKeys;

    public AcceptedKem? Accepted { get; } = accepted;

    public KemState Copy() => new(OwnKeys.Copy(), Accepted?.Copy());

    /// <summary>What our message headers say about the KEM.</summary>
    public KemParameters ToHeader() => Accepted is null
        ? new KemParameters.Proposed(OwnKeys.PublicKey)
        : new KemParameters.Accepted(Accepted.Ciphertext, OwnKeys.PublicKey);

    public void Dispose()
    {
        OwnKeys.Dispose();
        Accepted?.Dispose();
    }
}

/// <summary>A secret encapsulated to a key that the peer proposed.</summary>
internal sealed class AcceptedKem(Sntrup761PublicKey peerKey, SecretBytes sharedSecret, Sntrup761Ciphertext ciphertext) : IDisposable
{
    public Sntrup761PublicKey PeerKey { get; } = peerKey;

    public SecretBytes SharedSecret { get; } = sharedSecret;

    public Sntrup761Ciphertext Ciphertext { get; } = ciphertext;

    public AcceptedKem Copy() => new(PeerKey, SharedSecret.Copy(), Ciphertext);

    public void Dispose() => SharedSecret.Dispose();
}
