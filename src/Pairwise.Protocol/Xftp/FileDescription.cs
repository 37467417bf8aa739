using System.Security.Cryptography;
using Pairwise.Crypto;
using Pairwise.Wire;

namespace Pairwise.Protocol.Xftp;

/// <summary>Whom a file description is for.</summary>
public enum FileParty
{
    /// <summary>Who may download: the keys in it are one recipient's.</summary>
    Recipient,

    /// <summary>Who may delete: the keys in it are the sender's.</summary>
    Sender,
}

/// <summary>The key and nonce of a file. It prints nothing of itself.</summary>
public sealed class FileKey : IEquatable<FileKey>
{
    private readonly byte[] _key;
    private readonly byte[] _nonce;

    /// <exception cref="ArgumentException">The key has not 32 bytes, or the nonce not 24.</exception>
    public FileKey(ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce)
    {
        if (key.Length != BoxKey.KeyLength || nonce.Length != BoxNonce.Length)
        {
            throw new ArgumentException($"A file's key has {BoxKey.KeyLength} bytes and its nonce {BoxNonce.Length}.", nameof(key));
        }

        _key = key.ToArray();
        _nonce = nonce.ToArray();
    }

    /// <summary>32 bytes.</summary>
    public ReadOnlySpan<byte> Key => _key;

    /// <summary>24 bytes.</summary>
    public ReadOnlySpan<byte> Nonce => _nonce;

    public static FileKey Generate(IRandomSource random) => new(random.Bytes(BoxKey.KeyLength), random.Bytes(BoxNonce.Length));

    /// <summary>Starts encrypting or decrypting what this key is for.</summary>
    public BoxStream StartStream()
    {
        using var box = BoxKey.FromSymmetric(_key);
        return box.StartStream(_nonce);
    }

    public bool Equals(FileKey? other) =>
        other is not null && CryptographicOperations.FixedTimeEquals(_key, other._key) && _nonce.AsSpan().SequenceEqual(other._nonce);

    public override bool Equals(object? obj) => Equals(obj as FileKey);

    public override int GetHashCode()
    {
        var hash = new HashCode();
        hash.AddBytes(_nonce);
        return hash.ToHashCode();
    }

    public override string ToString() => "[secret]";
}

/// <summary>One copy of a chunk.</summary>
/// <param name="Server">Where it is.</param>
/// <param name="Id">The party's id of it.</param>
/// <param name="Key">Authorizes the party's commands.</param>
public sealed record ChunkReplica(ServerAddress Server, ChunkId Id, PrivateKey Key);

/// <summary>One chunk of an encrypted file.</summary>
/// <param name="Number">From 1, in the order of the file.</param>
/// <param name="Size">Bytes.</param>
/// <param name="Digest">SHA-256 of the chunk as it was uploaded.</param>
/// <param name="Replicas">At least one, the preferred one first.</param>
public sealed record FileChunk(int Number, uint Size, Bytes Digest, ValueList<ChunkReplica> Replicas);

/// <summary>What a description that is itself a file says about the file behind it.</summary>
/// <param name="Size">Bytes of the described file, encrypted.</param>
/// <param name="Digest">SHA-512 of the described file, encrypted.</param>
public sealed record FileRedirect(long Size, Bytes Digest);

/// <summary>
/// All that one party needs for a file: where its chunks are, and the keys. Whoever has it has the file. The text form is
/// YAML (<see cref="FileDescriptionCodec"/>). Immutable, compares by content.
/// </summary>
/// <param name="Party">Whom it is for.</param>
/// <param name="Size">Bytes of the encrypted file: the sum of its chunks.</param>
/// <param name="Digest">SHA-512 of the encrypted file.</param>
/// <param name="Key">Decrypts it.</param>
/// <param name="ChunkSize">The size of chunks for which the text says none.</param>
/// <param name="Chunks">In order.</param>
/// <param name="Redirect">Not null if the file is the description of another file.</param>
public sealed record FileDescription(
    FileParty Party,
    long Size,
    Bytes Digest,
    FileKey Key,
    uint ChunkSize,
    ValueList<FileChunk> Chunks,
    FileRedirect? Redirect = null)
{
    /// <summary>Never the keys.</summary>
    public override string ToString() => $"file of {Chunks.Count} chunks";
}
