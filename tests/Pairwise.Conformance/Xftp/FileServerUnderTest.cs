using Pairwise.Client.Xftp;
using Pairwise.Conformance.Xftp;
using Pairwise.Protocol;
using Pairwise.Protocol.Xftp;
using Pairwise.Server.Xftp;
using Pairwise.Wire;

[assembly: AssemblyFixture(typeof(FileServerUnderTest))]

namespace Pairwise.Conformance.Xftp;

/// <summary>
/// The file server that the conversations are held with: the one that the environment variable PAIRWISE_XFTP_SERVER names
/// (<c>./test xftp-conformance --server xftp://…</c>), or our own in this process. Conversations know its address and
/// nothing else.
/// </summary>
public sealed class FileServerUnderTest : IAsyncLifetime
{
    private readonly string _folder = Path.Combine(Path.GetTempPath(), "pairwise-xftp-conformance-" + Path.GetRandomFileName());
    private XftpServer? _own;

    public ServerAddress Address { get; private set; } = null!;

    public BasicAuth? Password { get; private set; }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        var given = Environment.GetEnvironmentVariable("PAIRWISE_XFTP_SERVER");
        if (string.IsNullOrEmpty(given))
        {
            _own = await XftpServer.StartAsync(
                new XftpServerOptions
                {
                    ConfigurationFolder = Path.Combine(_folder, "etc"),
                    StateFolder = Path.Combine(_folder, "log"),
                    FilesFolder = Path.Combine(_folder, "files"),
                },
                Token);
            given = _own.Address;
        }

        if (!ServerAddressWithPassword.TryParse(given, out var parsed) || parsed.Server.Protocol != ServerProtocol.Xftp)
        {
            throw new InvalidOperationException($"PAIRWISE_XFTP_SERVER is not the address of a file server: {given}");
        }

        Address = parsed.Server;
        Password = parsed.Password;
    }

    public async ValueTask DisposeAsync()
    {
        if (_own is null)
        {
            return;
        }

        await _own.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    /// <summary>A new client, by default of the newest version; null connects without ALPN, as the oldest clients do.</summary>
    public Task<XftpClient> ConnectAsync(ushort? version = 3) => XftpClient.ConnectAsync(
        Address,
        new XftpClientOptions { Versions = new VersionRange(1, version ?? 1), IsHandshakeUsed = version is not null },
        Token);

    /// <summary>Registers a chunk with recipients and does not upload it.</summary>
    public async Task<OwnedChunk> CreateAsync(XftpClient client, int size = OwnedChunk.SmallSize, int recipients = 1)
    {
        var chunk = new OwnedChunk(size, recipients);
        var created = await client.CreateAsync(chunk.Content.Info, chunk.SenderKey, [.. chunk.RecipientKeys.Select(key => key.PublicKey)], Password, Token);
        Assert.True(created.IsOk, $"FNEW: {created.Error}");
        chunk.Ids = created.Value;
        return chunk;
    }

    public async Task<OwnedChunk> CreateUploadedAsync(XftpClient client, int size = OwnedChunk.SmallSize, int recipients = 1)
    {
        var chunk = await CreateAsync(client, size, recipients);
        var uploaded = await chunk.UploadAsync(client);
        Assert.True(uploaded.IsOk, $"FPUT: {uploaded.Error}");
        return chunk;
    }
}
