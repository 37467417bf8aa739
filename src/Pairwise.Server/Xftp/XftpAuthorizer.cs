using Pairwise.Crypto;
using Pairwise.Protocol.Smp;

namespace Pairwise.Server.Xftp;

/// <summary>
/// Says whether a transmission was authorized by a key. Whatever fails does the work that a success of the same kind of
/// authorization does, so that the time does not tell a missing chunk from a wrong key or a key of another type.
/// </summary>
internal static class XftpAuthorizer
{
    private static readonly Ed25519PublicKey DummyEd25519 = Ed25519PrivateKey.Generate(SystemRandom.Instance).PublicKey;
    private static readonly Ed448PublicKey DummyEd448 = Ed448PrivateKey.Generate(SystemRandom.Instance).PublicKey;
    private static readonly X25519PublicKey DummyX25519 = X25519PrivateKey.Generate(SystemRandom.Instance).PublicKey;

    /// <summary>Whether <paramref name="key"/> authorized the transmission.</summary>
    /// <param name="key">The key; null stands for a chunk that is not there.</param>
    /// <param name="sessionKey">The server's key of this session; null without handshake.</param>
    /// <param name="transmission">What was received.</param>
    /// <param name="signed">The bytes that the authorization covers.</param>
    public static bool Verify(PublicKey? key, X25519PrivateKey? sessionKey, in Transmission transmission, ReadOnlySpan<byte> signed)
    {
        var content = transmission.Authorization.Content.Span;
        switch (transmission.Authorization.Kind)
        {
            case AuthorizationKind.Signature when content.Length == DummyEd25519.SignatureLength:
                return (key as Ed25519PublicKey ?? DummyEd25519).Verify(signed, content) & key is Ed25519PublicKey;
            case AuthorizationKind.Signature:
                return (key as Ed448PublicKey ?? DummyEd448).Verify(signed, content) & key is Ed448PublicKey;
            case AuthorizationKind.Authenticator when sessionKey is not null:
                using (var secret = sessionKey.DeriveSharedSecret(key as X25519PublicKey ?? DummyX25519))
                using (var box = BoxKey.From(secret))
                {
                    var corrId = transmission.CorrId.Value;
                    return Authenticator.Verify(box, BoxNonce.From(corrId.Span), signed, content) & key is X25519PublicKey;
                }

            default:
                return false;
        }
    }
}
