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
/// failure always pays for its Diffie-Hellman agreement.
/// </remarks>
internal sealed class SmpAuthorizer(X25519PrivateKey? sessionKey, int maxSecrets) : IDisposable
{
    private static readonly Ed25519PublicKey DummyEd25519 = Ed25519PrivateKey.Generate(SystemRandom.Instance).PublicKey;
    private static readonly Ed448PublicKey DummyEd448 = Ed448PrivateKey.Generate(SystemRandom.Instance).PublicKey;
    private static readonly X25519PublicKey DummyX25519 = X25519PrivateKey.Generate(SystemRandom.Instance).PublicKey;

    private Dictionary<WireKey, BoxKey>? _secrets;
    private SmpAuthorizer? _forwarded;

    /// <summary>
    /// For commands that a proxy forwards in this session. It keeps no secrets: they would be those of many clients, and
    /// each could tell from the time of a refusal whether another one has used a queue here.
    /// </summary>
    public SmpAuthorizer Forwarded => maxSecrets == 0 ? this : _forwarded ??= new SmpAuthorizer(sessionKey, 0);

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
        AuthorizationKind.Signature => VerifySignature(key, authorization.Content.Span, signed),
        AuthorizationKind.Authenticator => VerifyAuthenticator(key, authorization.Content.Span, corrId, signed),
        _ => false,
    };

    /// <summary>Does the work of a verification that cannot succeed.</summary>
    public void VerifyNothing(in Authorization authorization, CorrId corrId, ReadOnlySpan<byte> signed) =>
        Verify(default, authorization, corrId, signed);

    /// <summary>Whether the key made the signature; a key that cannot have made it costs the same time. Thread-safe.</summary>
    public static bool VerifySignature(in StoredKey key, ReadOnlySpan<byte> signature, ReadOnlySpan<byte> signed)
    {
        Span<byte> raw = stackalloc byte[64];
        if (signature.Length == DummyEd25519.SignatureLength)
        {
            bool isRight = key.Kind == StoredKeyKind.Ed25519;
            Ed25519PublicKey verifier = isRight ? Ed25519PublicKey.FromRaw(raw[..key.CopyRawTo(raw)]) : DummyEd25519;
            return verifier.Verify(signed, signature) & isRight;
        }
        else
        {
            bool isRight = key.Kind == StoredKeyKind.Ed448;
            Ed448PublicKey verifier = isRight ? Ed448PublicKey.FromRaw(raw[..key.CopyRawTo(raw)]) : DummyEd448;
            return verifier.Verify(signed, signature) & isRight;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        ForgetSecrets();
        _forwarded?.Dispose();
    }

    private bool VerifyAuthenticator(in StoredKey key, ReadOnlySpan<byte> authenticator, CorrId corrId, ReadOnlySpan<byte> signed)
    {
        if (sessionKey is null)
        {
            return false; // a session of a version without authenticators
        }

        if (key.Kind != StoredKeyKind.X25519)
        {
            using SharedSecret dummy = sessionKey.DeriveSharedSecret(DummyX25519);
            using BoxKey dummyBox = BoxKey.From(dummy);
            _ = Authenticator.Verify(dummyBox, corrId.Value.Span, signed, authenticator);
            return false;
        }

        WireKey cacheKey = new(key);
        if (_secrets?.TryGetValue(cacheKey, out BoxKey? known) == true)
        {
            return Authenticator.Verify(known, corrId.Value.Span, signed, authenticator);
        }

        Span<byte> raw = stackalloc byte[Bytes32.Length];
        key.CopyRawTo(raw);
        using SharedSecret secret = sessionKey.DeriveSharedSecret(X25519PublicKey.FromRaw(raw));
        BoxKey box = BoxKey.From(secret);
        if (!Authenticator.Verify(box, corrId.Value.Span, signed, authenticator))
        {
            box.Dispose();
            return false;
        }

        Keep(cacheKey, box);
        return true;
    }

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

    // An X25519 key as a key of the table.
    private readonly struct WireKey : IEquatable<WireKey>
    {
        private readonly Bytes32 _raw;

        public WireKey(in StoredKey key)
        {
            Span<byte> raw = _raw;
            key.CopyRawTo(raw);
        }

        public bool Equals(WireKey other) => ((ReadOnlySpan<byte>)_raw).SequenceEqual(other._raw);

        public override bool Equals(object? obj) => obj is WireKey other && Equals(other);

        public override int GetHashCode()
        {
            HashCode hash = default;
            hash.AddBytes(_raw);
            return hash.ToHashCode();
        }
    }
}
