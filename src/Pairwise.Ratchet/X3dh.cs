using System.Diagnostics.CodeAnalysis;
using Pairwise.Crypto;
using Pairwise.Wire;

namespace Pairwise.Ratchet;

/// <summary>How the party that answers takes part in the KEM.</summary>
public abstract record KemReply
{
    private protected KemReply()
    {
    }

    /// <summary>Offers a KEM key of its own, because the peer offered none or the ratchet is being renegotiated.</summary>
    public sealed record Propose : KemReply;

    /// <summary>Encapsulates a secret to the key that the peer proposed.</summary>
    public sealed record Accept(Sntrup761PublicKey PeerKey) : KemReply;

    /// <summary>
    /// What a joining party does with an offer: nothing below version 3 or without support, otherwise it accepts the
    /// offered key or proposes its own.
    /// </summary>
    public static KemReply? To(E2ERatchetParams offer, bool supportsPostQuantum)
    {
        ArgumentNullException.ThrowIfNull(offer);
        if (!supportsPostQuantum || !offer.Version.HasPostQuantum)
            return null;
        return offer.Kem is KemParameters.Proposed proposed ? new Accept(proposed.Key) : new Propose();
    }
}

/// <summary>
/// Extended triple Diffie-Hellman over X448 with an optional sntrup761 secret: from two parties' parameters to a
/// ratchet on each side.
/// </summary>
/// <remarks>
/// The initiating party makes <see cref="GenerateInitiating"/> parameters and receives first; the joining party answers
/// with <see cref="GenerateJoining"/> and sends first. Pure: randomness is handed in, nothing is stored.
/// </remarks>
public static class X3dh
{
    /// <summary>New keys for the party that initiates: their public part goes into the link.</summary>
    /// <param name="proposesKem">Whether to offer a KEM key; ignored below version 3.</param>
    public static X3dhKeys GenerateInitiating(IRandomSource random, E2EVersion version, bool proposesKem) =>
        Generate(random, version, proposesKem ? new KemReply.Propose() : null);

    /// <summary>New keys for the party that joins: their public part goes into the confirmation.</summary>
    /// <param name="kem">What to do about the KEM (see <see cref="KemReply.To"/>); ignored below version 3.</param>
    public static X3dhKeys GenerateJoining(IRandomSource random, E2EVersion version, KemReply? kem) =>
        Generate(random, version, kem);

    /// <summary>
    /// Sets up the ratchet of the joining party, which can send at once. Draws its first ratchet key.
    /// </summary>
    /// <param name="own">The keys of <see cref="GenerateJoining"/>; they stay the caller's.</param>
    /// <param name="offer">The peer's parameters at the agreed version.</param>
    /// <param name="maxSupported">The newest version our software supports.</param>
    /// <returns>False with <see cref="RatchetErrorKind.KemState"/> when our keys accept a KEM key the offer does not hold.</returns>
    public static bool TryJoin(
        IRandomSource random,
        X3dhKeys own,
        E2ERatchetParams offer,
        E2EVersion maxSupported,
        [NotNullWhen(true)] out RatchetState? state,
        out RatchetError error)
    {
        ArgumentNullException.ThrowIfNull(own);
        ArgumentNullException.ThrowIfNull(offer);
        state = null;
        if (!TryAgreeJoining(own, offer, out var agreed, out error))
            return false;
        using (agreed)
            state = agreed.StartSending(Versions(offer, maxSupported), offer.Key2, X448PrivateKey.Generate(random));
        return true;
    }

    /// <summary>Sets up the ratchet of the initiating party, which receives first.</summary>
    /// <param name="own">The keys of <see cref="GenerateInitiating"/>; they stay the caller's.</param>
    /// <param name="reply">The peer's parameters, from its confirmation.</param>
    /// <param name="maxSupported">The newest version our software supports.</param>
    /// <param name="supportsPostQuantum">Whether this connection is to use the KEM, now or later.</param>
    /// <returns>False with <see cref="RatchetErrorKind.KemState"/> when the peer accepts a KEM key we did not offer.</returns>
    public static bool TryInitiate(
        X3dhKeys own,
        E2ERatchetParams reply,
        E2EVersion maxSupported,
        bool supportsPostQuantum,
        [NotNullWhen(true)] out RatchetState? state,
        out RatchetError error)
    {
        ArgumentNullException.ThrowIfNull(own);
        ArgumentNullException.ThrowIfNull(reply);
        state = null;
        if (!TryAgreeInitiating(own, reply, out var agreed, out error))
            return false;
        using (agreed)
            state = agreed.StartReceiving(Versions(reply, maxSupported), own.Key2.Copy(), supportsPostQuantum);
        return true;
    }

    internal static bool TryAgreeJoining(X3dhKeys own, E2ERatchetParams offer, [NotNullWhen(true)] out X3dhAgreement? agreed, out RatchetError error)
    {
        agreed = null;
        error = default;
        Sntrup761KeyPair? kemKeys = null;
        AcceptedKem? accepted = null;
        if (offer.Version.HasPostQuantum && own.Kem is { } kem)
        {
            // Both parties propose when a ratchet is renegotiated, so a proposal needs nothing from the offer.
            if (kem is PrivateKem.Accepted secret)
            {
                if (offer.Kem is not KemParameters.Proposed proposed)
                {
                    error = new RatchetError(RatchetErrorKind.KemState);
                    return false;
                }

                accepted = new AcceptedKem(proposed.Key, secret.SharedSecret.Copy(), secret.Ciphertext);
            }

            kemKeys = kem.Keys.Copy();
        }

        using var dh1 = own.Key2.DeriveSharedSecret(offer.Key1);
        using var dh2 = own.Key1.DeriveSharedSecret(offer.Key2);
        using var dh3 = own.Key2.DeriveSharedSecret(offer.Key2);
        agreed = X3dhAgreement.Derive(own.Key1.PublicKey, offer.Key1, dh1, dh2, dh3, kemKeys, accepted);
        return true;
    }

    internal static bool TryAgreeInitiating(X3dhKeys own, E2ERatchetParams reply, [NotNullWhen(true)] out X3dhAgreement? agreed, out RatchetError error)
    {
        agreed = null;
        error = default;
        Sntrup761KeyPair? kemKeys = null;
        AcceptedKem? accepted = null;
        if (reply.Version.HasPostQuantum && reply.Kem is KemParameters.Accepted answer)
        {
            if (own.Kem is not PrivateKem.Proposed proposed)
            {
                error = new RatchetError(RatchetErrorKind.KemState);
                return false;
            }

            accepted = new AcceptedKem(answer.Key, KemSecrets.Decapsulate(proposed.Keys, answer.Ciphertext), answer.Ciphertext);
            kemKeys = proposed.Keys.Copy();
        }

        using var dh1 = own.Key1.DeriveSharedSecret(reply.Key2);
        using var dh2 = own.Key2.DeriveSharedSecret(reply.Key1);
        using var dh3 = own.Key2.DeriveSharedSecret(reply.Key2);
        agreed = X3dhAgreement.Derive(reply.Key1, own.Key1.PublicKey, dh1, dh2, dh3, kemKeys, accepted);
        return true;
    }

    private static RatchetVersions Versions(E2ERatchetParams peer, E2EVersion maxSupported) => new(peer.Version, maxSupported);

    private static X3dhKeys Generate(IRandomSource random, E2EVersion version, KemReply? kem)
    {
        ArgumentNullException.ThrowIfNull(random);
        var key1 = X448PrivateKey.Generate(random);
        var key2 = X448PrivateKey.Generate(random);
        if (kem is null || !version.HasPostQuantum)
            return new X3dhKeys(key1, key2, null);
        var kemKeys = Sntrup761KeyPair.Generate(random);
        if (kem is not KemReply.Accept accept)
            return new X3dhKeys(key1, key2, new PrivateKem.Proposed(kemKeys));
        var accepted = KemSecrets.Encapsulate(random, accept.PeerKey);
        return new X3dhKeys(key1, key2, new PrivateKem.Accepted(accepted.Ciphertext, accepted.SharedSecret, kemKeys));
    }
}
