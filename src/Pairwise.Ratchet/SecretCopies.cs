using Pairwise.Crypto;

namespace Pairwise.Ratchet;

/// <summary>Copies of secrets, so that each state owns its own.</summary>
internal static class SecretCopies
{
    public static SecretBytes Copy(this SecretBytes secret) => SecretBytes.CopyOf(secret.Span);

    public static X448PrivateKey Copy(this X448PrivateKey key) => X448PrivateKey.FromRaw(key.Raw, key.PublicKey);
}
