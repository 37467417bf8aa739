using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Xftp;
using Pairwise.Storage;
using Pairwise.Wire;

namespace Pairwise.Agent.Store;

/// <summary>Stored forms that the tables of file transfer share.</summary>
internal static class FileColumn
{
    public static ServerAddress ToServer(string text) =>
        ServerAddress.TryParse(text, out var server) ? server : throw new StorageException(StorageError.Broken, "A stored file server of the agent cannot be read.");

    public static PrivateKey ToPrivateKey(byte[] pkcs8) =>
        PrivateKey.TryFromPkcs8(pkcs8, out var key) ? key : throw new StorageException(StorageError.Broken, "A stored key of a file cannot be read.");

    public static FileKey? ToKey(byte[]? key, byte[]? nonce) => key is null || nonce is null ? null : new FileKey(key, nonce);

    public static FileRedirect? ToRedirect(long? size, byte[]? digest) => size is null || digest is null ? null : new FileRedirect(size.Value, Bytes.Wrap(digest));
}
