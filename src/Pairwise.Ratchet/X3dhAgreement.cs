using Pairwise.Crypto;
using Pairwise.Wire;

namespace Pairwise.Ratchet;

/// <summary>
/// What X3DH agreed on: the first root key, the first header keys of both directions and the KEM's part. Owns its
/// secrets; the ratchet that is started from it takes copies.
/// </summary>
internal sealed class X3dhAgreement : IDisposable
{
    private X3dhAgreement(Bytes associatedData, SecretBytes headerKey, SecretBytes nextHeaderKey, SecretBytes rootKey, Sntrup761KeyPair? kemKeys, AcceptedKem? accepted)
    {
        AssociatedData = associatedData;
        HeaderKey = headerKey;
        NextHeaderKey = nextHeaderKey;
        RootKey = rootKey;
        KemKeys = kemKeys;
        AcceptedKem = accepted;
    }

    public Bytes AssociatedData { get; }

    /// <summary>Header key of the joining party's first chain.</summary>
    public SecretBytes HeaderKey { get; }

    /// <summary>Header key of the initiating party's first chain.</summary>
    public SecretBytes NextHeaderKey { get; }

    public SecretBytes RootKey { get; }

    public Sntrup761KeyPair? KemKeys { get; }

    public AcceptedKem? AcceptedKem { get; }

    // hk || nhk || sk = HKDF-SHA512(salt = 64 zero bytes, dh1 || dh2 || dh3 || [kemSecret], "SimpleXX3DH", 96)
    // associatedData = first key of the joining party || first key of the initiating party
    public static X3dhAgreement Derive(
        X448PublicKey joiningKey,
        X448PublicKey initiatingKey,
        SharedSecret dh1,
        SharedSecret dh2,
        SharedSecret dh3,
        Sntrup761KeyPair? kemKeys,
        AcceptedKem? accepted)
    {
        var associatedData = new byte[RatchetLimits.AssociatedDataLength];
        joiningKey.Raw.CopyTo(associatedData);
        initiatingKey.Raw.CopyTo(associatedData.AsSpan(RatchetLimits.X448Length));

        using var input = new SecretBytes((3 * RatchetLimits.X448Length) + (accepted is null ? 0 : RatchetLimits.KemSecretLength));
        dh1.Bytes.CopyTo(input.Span);
        dh2.Bytes.CopyTo(input.Span[RatchetLimits.X448Length..]);
        dh3.Bytes.CopyTo(input.Span[(2 * RatchetLimits.X448Length)..]);
        accepted?.SharedSecret.Span.CopyTo(input.Span[(3 * RatchetLimits.X448Length)..]);

        ReadOnlySpan<byte> salt = stackalloc byte[64];
        RatchetKdf.Derive(salt, input.Span, "SimpleXX3DH"u8, out var headerKey, out var nextHeaderKey, out var rootKey);
        return new X3dhAgreement(Bytes.Wrap(associatedData), headerKey, nextHeaderKey, rootKey, kemKeys, accepted);
    }

    /// <summary>The joining party's ratchet: its first chain depends on the peer's second key and on <paramref name="ownKey"/>.</summary>
    public RatchetState StartSending(RatchetVersions versions, X448PublicKey peerKey, X448PrivateKey ownKey)
    {
        RatchetKdf.DeriveRoot(RootKey, peerKey, ownKey, AcceptedKem?.SharedSecret, out var rootKey, out var chainKey, out var nextHeaderKey);
        var hasKem = KemKeys is not null;
        return new RatchetState
        {
            Versions = versions,
            AssociatedData = AssociatedData,
            OwnKey = ownKey,
            Kem = CopyKem(),
            SupportsPostQuantum = hasKem,
            EnablesPostQuantum = hasKem,
            SendsPostQuantum = AcceptedKem is not null,
            RootKey = rootKey,
            Sending = new SendingChain(peerKey, chainKey, HeaderKey.Copy()),
            NextSendHeaderKey = nextHeaderKey,
            NextReceiveHeaderKey = NextHeaderKey.Copy(),
        };
    }

    /// <summary>The initiating party's ratchet: it has no chains before the first message.</summary>
    public RatchetState StartReceiving(RatchetVersions versions, X448PrivateKey ownKey, bool supportsPostQuantum) => new()
    {
        Versions = versions,
        AssociatedData = AssociatedData,
        OwnKey = ownKey,
        Kem = CopyKem(),
        SupportsPostQuantum = supportsPostQuantum,
        EnablesPostQuantum = supportsPostQuantum,
        RootKey = RootKey.Copy(),
        NextSendHeaderKey = NextHeaderKey.Copy(),
        NextReceiveHeaderKey = HeaderKey.Copy(),
    };

    public void Dispose()
    {
        HeaderKey.Dispose();
        NextHeaderKey.Dispose();
        RootKey.Dispose();
        KemKeys?.Dispose();
        AcceptedKem?.Dispose();
    }

    private KemState? CopyKem() => KemKeys is null ? null : new KemState(KemKeys.Copy(), AcceptedKem?.Copy());
}
