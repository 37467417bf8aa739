using System.Diagnostics;
using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;
using Pairwise.Server.Smp.Store;

namespace Pairwise.Server.Smp.Connections;

/// <summary>
/// Says whether a transmission was authorized by a key. Whatever fails does the work that a success of the same kind
/// of authorization does, so that the time does not tell a missing queue from a wrong key or a key of another type.
/// </summary>
/// <remarks>
/// Owned by the reader of one connection. Shared secrets of senders' keys are kept only once they proved right: a
/// failure pays for its Diffie-Hellman agreement, unless the same session has used that key rightly before. So it is with
/// the tables for recipients' keys, see <see cref="KeyTables"/>.
/// </remarks>
/// <param name="sessionKey">The relay's key of the session, for authenticators.</param>
/// <param name="maxSecrets">How many shared secrets may be kept.</param>
/// <param name="tables">Tables for keys that are used again, which are owned from here on; null for none.</param>
internal sealed class SmpAuthorizer(X25519PrivateKey? sessionKey, int maxSecrets, KeyTables? tables = null) : IDisposable
{
    // Keys of nobody: they take the place of a key that is not there, and the way to the refusal stays the same.
    private static readonly StoredKey DummyEd25519 = Dummy(Ed25519PrivateKey.Generate(SystemRandom.Instance).PublicKey);
    private static readonly StoredKey DummyEd448 = Dummy(Ed448PrivateKey.Generate(SystemRandom.Instance).PublicKey);
    private static readonly StoredKey DummyX25519 = Dummy(X25519PrivateKey.Generate(SystemRandom.Instance).PublicKey);

    private Dictionary<WireKey, BoxKey>? _secrets;
    private SmpAuthorizer? _forwarded;

    /// <summary>
    /// For commands that a proxy forwards in this session. It keeps no secrets and no tables: they would be those of many
    /// clients, and each could tell from the time of a refusal whether another one has used a queue here.
    /// </summary>
    public SmpAuthorizer Forwarded => maxSecrets == 0 && tables is null ? this : _forwarded ??= new SmpAuthorizer(sessionKey, 0);

    /// <summary>How many shared secrets are kept.</summary>
    internal int SecretCount => _secrets?.Count ?? 0;

    /// <summary>What is known already of the transmission whose turn it is.</summary>
    public SignatureVerdict Ahead { get; set; }

    /// <summary>Whether <paramref name="key"/> authorized the transmission.</summary>
    /// <param name="key">The key; kind None stands for a queue or key that is not there.</param>
    /// <param name="authorization">The signature or authenticator.</param>
    /// <param name="corrId">The correlation id, an authenticator's nonce.</param>
    /// <param name="signed">The bytes that the authorization covers.</param>
    public bool Verify(in StoredKey key, in Authorization authorization, CorrId corrId, ReadOnlySpan<byte> signed) => authorization.Kind switch
    {
        AuthorizationKind.Signature when Ahead.Answers(key, authorization.Content.Memory) => Ahead.IsRight,
        AuthorizationKind.Signature => VerifyOwnSignature(key, authorization.Content.Span, signed),
        AuthorizationKind.Authenticator => VerifyAuthenticator(key, authorization.Content.Span, corrId, signed),
        _ => false,
    };

    /// <summary>Does the work of a verification that cannot succeed.</summary>
    public void VerifyNothing(in Authorization authorization, CorrId corrId, ReadOnlySpan<byte> signed) =>
        Verify(default, authorization, corrId, signed);

    /// <summary>Whether the key made the signature; a key that cannot have made it costs the same time. Thread-safe.</summary>
    public static bool VerifySignature(in StoredKey key, ReadOnlySpan<byte> signature, ReadOnlySpan<byte> signed)
    {
        bool isEd25519 = signature.Length == Ed25519PrivateKey.SignatureLength;
        bool isRight = key.Kind == (isEd25519 ? StoredKeyKind.Ed25519 : StoredKeyKind.Ed448);
        ref readonly StoredKey used = ref isRight ? ref key : ref isEd25519 ? ref DummyEd25519 : ref DummyEd448;
        Span<byte> raw = stackalloc byte[Ed448PublicKey.RawLength];
        raw = raw[..used.CopyRawTo(raw)];
        VerificationKey verifier = isEd25519 ? Ed25519PublicKey.FromRaw(raw) : Ed448PublicKey.FromRaw(raw);
        return verifier.Verify(signed, signature) & isRight;
    }

    /// <summary>Forgets tables that were not used for a while. Thread-safe.</summary>
    public void ForgetUnusedTables() => tables?.ForgetUnused();

    /// <inheritdoc/>
    public void Dispose()
    {
        tables?.Dispose();
        ForgetSecrets();
        _forwarded?.Dispose();
    }

    private bool VerifyOwnSignature(in StoredKey key, ReadOnlySpan<byte> signature, ReadOnlySpan<byte> signed)
    {
        if (tables is null || signature.Length != Ed25519PrivateKey.SignatureLength)
        {
            return VerifySignature(key, signature, signed);
        }

        // A key that is not there is looked for all the same. Nobody proves the dummy, so it has no table.
        bool isRight = key.Kind == StoredKeyKind.Ed25519;
        WireKey used = new(isRight ? key : DummyEd25519);
        if (tables.Find(used) is { } table)
        {
            return table.Verify(signed, signature);
        }

        if (!VerifySignature(key, signature, signed))
        {
            return false;
        }

        tables.Proved(used);
        return true;
    }

    private bool VerifyAuthenticator(in StoredKey key, ReadOnlySpan<byte> authenticator, CorrId corrId, ReadOnlySpan<byte> signed)
    {
        if (sessionKey is null)
        {
            return false; // a session of a version without authenticators
        }

        Span<byte> nonce = stackalloc byte[BoxNonce.Length];
        BoxNonce.Write(corrId.Value.Span, nonce); // a corr id of another length is cut or filled up, as for every box
        bool isRight = key.Kind == StoredKeyKind.X25519;
        ref readonly StoredKey used = ref isRight ? ref key : ref DummyX25519;
        WireKey cacheKey = new(used);
        if (_secrets?.TryGetValue(cacheKey, out BoxKey? known) == true)
        {
            return Authenticator.Verify(known, nonce, signed, authenticator);
        }

        Span<byte> raw = stackalloc byte[Bytes32.Length];
        used.CopyRawTo(raw);
        using SharedSecret secret = sessionKey.DeriveSharedSecret(X25519PublicKey.FromRaw(raw));
        BoxKey box = BoxKey.From(secret);
        if (!(Authenticator.Verify(box, nonce, signed, authenticator) & isRight))
        {
            box.Dispose();
            return false;
        }

        Keep(cacheKey, box);
        return true;
    }

    private static StoredKey Dummy(PublicKey key) =>
        StoredKey.TryFrom(key, out StoredKey stored) ? stored : throw new UnreachableException();

    private void Keep(WireKey key, BoxKey box)
    {
        if (maxSecrets == 0)
        {
            box.Dispose();
            return;
        }

        if (_secrets?.Count >= maxSecrets)
        {
            ForgetSecrets();
        }

        (_secrets ??= [])[key] = box;
    }

    private void ForgetSecrets()
    {
        if (_secrets is null)
        {
            return;
        }

        foreach (BoxKey box in _secrets.Values)
        {
            box.Dispose();
        }

        _secrets = null;
    }
}
