using System.Security.Cryptography;

namespace Pairwise.Crypto;

/// <summary>
/// One direction of the additional block encryption: a chain of keys and nonces, one pair for each block.
/// </summary>
/// <remarks>Both ends derive the same two chains from the session id and the X25519 secret of the handshake; the server
/// sends with the first, the client with the second. Not thread-safe: it belongs to the one reader or writer of its
/// direction.</remarks>
public sealed class SecretBoxChain : IDisposable
{
    private readonly SecretBytes _chainKey;

    private SecretBoxChain(ReadOnlySpan<byte> chainKey) => _chainKey = SecretBytes.CopyOf(chainKey);

    // chainKeys = HKDF(salt: sessionId, secret, "SimpleXSbChainInit", 64) ; server to client, client to server
    /// <summary>Derives both chains of a session.</summary>
    public static (SecretBoxChain ServerSends, SecretBoxChain ClientSends) Init(ReadOnlySpan<byte> sessionId, SharedSecret secret)
    {
        ArgumentNullException.ThrowIfNull(secret);
        Span<byte> keys = stackalloc byte[2 * BoxKey.KeyLength];
        HkdfSha512.Derive(sessionId, secret.Bytes, "SimpleXSbChainInit"u8, keys);
        var chains = (new SecretBoxChain(keys[..BoxKey.KeyLength]), new SecretBoxChain(keys[BoxKey.KeyLength..]));
        CryptographicOperations.ZeroMemory(keys);
        return chains;
    }

    // nextChainKey key nonce = HKDF(salt: "", chainKey, "SimpleXSbChain", 88) ; 32, 32 and 24 bytes
    /// <summary>Steps the chain and writes the next block's key (32 bytes) and nonce (24 bytes). The caller wipes the key.</summary>
    public void Next(Span<byte> key, Span<byte> nonce)
    {
        Span<byte> derived = stackalloc byte[(2 * BoxKey.KeyLength) + BoxNonce.Length];
        HkdfSha512.Derive([], _chainKey.Span, "SimpleXSbChain"u8, derived);
        derived[..BoxKey.KeyLength].CopyTo(_chainKey.Span);
        derived.Slice(BoxKey.KeyLength, BoxKey.KeyLength).CopyTo(key);
        derived[(2 * BoxKey.KeyLength)..].CopyTo(nonce);
        CryptographicOperations.ZeroMemory(derived);
    }

    /// <summary>Seals the next block: <paramref name="destination"/> is 16 bytes longer than <paramref name="plaintext"/>
    /// and may hold it from its 16th byte on, so that a block is sealed in place.</summary>
    public void Seal(ReadOnlySpan<byte> plaintext, Span<byte> destination) => Seal(plaintext, destination, Salsa20.FastestPath);

    /// <summary>As <see cref="Seal(ReadOnlySpan{byte}, Span{byte})"/>, for those who compare paths.</summary>
    internal void Seal(ReadOnlySpan<byte> plaintext, Span<byte> destination, Salsa20Path path)
    {
        SecretBox.CheckLength(destination.Length, plaintext.Length + BoxKey.TagLength, nameof(destination));
        Span<byte> key = stackalloc byte[BoxKey.KeyLength];
        Span<byte> nonce = stackalloc byte[BoxNonce.Length];
        Next(key, nonce);
        SecretBox.Seal(key, nonce, plaintext, destination[BoxKey.TagLength..], destination[..BoxKey.TagLength], path);
        CryptographicOperations.ZeroMemory(key);
    }

    /// <summary>Opens the next block; <paramref name="destination"/> is 16 bytes shorter than <paramref name="box"/> and may
    /// be its content's place. The chain steps whatever the result: after a failure the connection is unusable.</summary>
    public bool TryOpen(ReadOnlySpan<byte> box, Span<byte> destination)
    {
        if (box.Length < BoxKey.TagLength)
            return false;
        Span<byte> key = stackalloc byte[BoxKey.KeyLength];
        Span<byte> nonce = stackalloc byte[BoxNonce.Length];
        Next(key, nonce);
        var isAuthentic = SecretBox.TryOpen(key, nonce, box[BoxKey.TagLength..], box[..BoxKey.TagLength], destination, Salsa20.FastestPath);
        CryptographicOperations.ZeroMemory(key);
        return isAuthentic;
    }

    public void Dispose() => _chainKey.Dispose();

    public override string ToString() => "[secret]";
}
