using System.Security.Cryptography;
using Pairwise.Client.Xftp;
using Pairwise.Crypto;
using Pairwise.Protocol.Xftp;
using Pairwise.Wire;

namespace Pairwise.Conformance.Xftp;

/// <summary>The content of a chunk with what is announced of it.</summary>
public sealed record ChunkContent(byte[] Bytes, ChunkInfo Info);

/// <summary>A chunk with all its keys.</summary>
public sealed class OwnedChunk
{
    /// <summary>The smallest size that servers take.</summary>
    public const int SmallSize = 64 * 1024;

    public OwnedChunk(int size, int recipients)
    {
        var random = SystemRandom.Instance;
        var bytes = new byte[size];
        random.Fill(bytes);
        SenderKey = Ed25519PrivateKey.Generate(random);
        RecipientKeys = [.. Enumerable.Range(0, recipients).Select(_ => Ed25519PrivateKey.Generate(random))];
        Content = new ChunkContent(bytes, new ChunkInfo(SenderKey.PublicKey, (uint)size, Wire.Bytes.Wrap(SHA256.HashData(bytes))));
    }

    public ChunkContent Content { get; }

    public Ed25519PrivateKey SenderKey { get; }

    public List<PrivateKey> RecipientKeys { get; }

    public XftpResponse.SenderIds Ids { get; set; } = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public Task<XftpResult<XftpResponse.Ok>> UploadAsync(XftpClient client, byte[]? content = null) =>
        client.UploadAsync(Ids.Sender, SenderKey, content ?? Content.Bytes, null, Token);

    /// <summary>Downloads as one of the recipients and compares; the error, or null.</summary>
    public async Task<XftpClientError?> DownloadAsync(XftpClient client, int recipient = 0, ChunkId? id = null, PrivateKey? key = null)
    {
        using var received = new MemoryStream();
        var result = await client.DownloadAsync(
            id ?? Ids.Recipients[recipient], key ?? RecipientKeys[recipient], Content.Info.Size, Content.Info.Digest, received, null, Token);
        if (result.IsOk)
        {
            Assert.Equal(Content.Bytes, received.ToArray());
        }

        return result.Error;
    }
}
