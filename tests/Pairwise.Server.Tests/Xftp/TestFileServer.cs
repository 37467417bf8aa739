using System.Security.Cryptography;
using Pairwise.Client.Xftp;
using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Xftp;
using Pairwise.Server.Xftp;
using Pairwise.TestKit;
using Pairwise.Wire;

namespace Pairwise.Server.Tests.Xftp;

/// <summary>A file server on a free port in a folder of its own, and what tests do with it.</summary>
internal sealed class TestFileServer : IAsyncDisposable
{
    private readonly Func<XftpServerOptions, XftpServerOptions> _change;

    private TestFileServer(string folder, Func<XftpServerOptions, XftpServerOptions> change)
    {
        Folder = folder;
        _change = change;
    }

    public string Folder { get; }

    public XftpServer Server { get; private set; } = null!;

    public ServerAddress Address => ServerAddress.TryParse(Server.Address, out var address) ? address : throw new InvalidOperationException("no address");

    public string FilesFolder => Path.Combine(Folder, "files");

    public string StoreLog => Path.Combine(Folder, "log", XftpServerFiles.StoreLog);

    public SeededRandom Random { get; } = new(20_261_121);

    public static async Task<TestFileServer> StartAsync(Func<XftpServerOptions, XftpServerOptions>? change = null, string? folder = null)
    {
        var server = new TestFileServer(folder ?? Directory.CreateTempSubdirectory("pairwise-xftp-").FullName, change ?? (options => options));
        await server.StartAgainAsync();
        return server;
    }

    /// <summary>Starts another server over the same folders; the former one is stopped if it was not.</summary>
    public async Task StartAgainAsync()
    {
        if (Server is not null)
        {
            await Server.DisposeAsync();
        }

        Server = await XftpServer.StartAsync(_change(new XftpServerOptions
        {
            ConfigurationFolder = Path.Combine(Folder, "etc"),
            StateFolder = Path.Combine(Folder, "log"),
            FilesFolder = FilesFolder,
        }));
    }

    public Task<XftpClient> ConnectAsync(Func<XftpClientOptions, XftpClientOptions>? change = null) =>
        XftpClient.ConnectAsync(Address, (change ?? (options => options))(new XftpClientOptions()), TestContext.Current.CancellationToken);

    /// <summary>Registers a chunk with recipients and does not upload it.</summary>
    public async Task<TestChunk> CreateAsync(XftpClient client, int size = 65_536, int recipients = 1, BasicAuth? password = null)
    {
        var chunk = new TestChunk(Random, size, recipients);
        var created = await client.CreateAsync(chunk.Info, chunk.SenderKey, [.. chunk.RecipientKeys.Select(key => key.PublicKey)], password, TestContext.Current.CancellationToken);
        chunk.Ids = created.IsOk ? created.Value : throw new InvalidOperationException($"FNEW: {created.Error}");
        return chunk;
    }

    public async Task<TestChunk> CreateUploadedAsync(XftpClient client, int size = 65_536, int recipients = 1)
    {
        var chunk = await CreateAsync(client, size, recipients);
        var uploaded = await chunk.UploadAsync(client);
        Assert.True(uploaded.IsOk, uploaded.Error?.ToString());
        return chunk;
    }

    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        Directory.Delete(Folder, recursive: true);
    }
}

/// <summary>A chunk with all its keys.</summary>
internal sealed class TestChunk
{
    public TestChunk(SeededRandom random, int size, int recipients)
    {
        Content = random.NextBytes(size);
        SenderKey = Ed25519PrivateKey.Generate(random);
        RecipientKeys = [.. Enumerable.Range(0, recipients).Select(_ => Ed25519PrivateKey.Generate(random))];
    }

    public byte[] Content { get; }

    public Ed25519PrivateKey SenderKey { get; }

    public List<PrivateKey> RecipientKeys { get; }

    public XftpResponse.SenderIds Ids { get; set; } = null!;

    public ChunkInfo Info => new(SenderKey.PublicKey, (uint)Content.Length, Bytes.Wrap(SHA256.HashData(Content)));

    public Task<XftpResult<XftpResponse.Ok>> UploadAsync(XftpClient client, byte[]? content = null) =>
        client.UploadAsync(Ids.Sender, SenderKey, content ?? Content, null, TestContext.Current.CancellationToken);

    /// <summary>Downloads as one of the recipients; the content, or the error.</summary>
    public async Task<(byte[]? Content, XftpClientError? Error)> DownloadAsync(XftpClient client, int recipient = 0, ChunkId? id = null)
    {
        using var received = new MemoryStream();
        var result = await client.DownloadAsync(
            id ?? Ids.Recipients[recipient], RecipientKeys[recipient], Info.Size, Info.Digest, received, null, TestContext.Current.CancellationToken);
        return result.IsOk ? (received.ToArray(), null) : (null, result.Error);
    }
}
