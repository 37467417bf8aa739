using Pairwise.Client.Xftp;
using Pairwise.Crypto;
using Pairwise.Protocol.Xftp;
using Pairwise.Wire;

namespace Pairwise.Conformance.Xftp;

/// <summary>What senders and recipients of chunks can do, and what they are refused.</summary>
public sealed class ChunkConversations(FileServerUnderTest server)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(64 * 1024)]
    [InlineData(256 * 1024)]
    [InlineData(1024 * 1024)]
    [InlineData(4096 * 1024)]
    public async Task A_chunk_of_every_size_goes_up_and_comes_down_for_every_recipient(int size)
    {
        await using var client = await server.ConnectAsync();
        var chunk = await server.CreateUploadedAsync(client, size, recipients: 3);
        await using var another = await server.ConnectAsync();
        for (var recipient = 0; recipient < 3; recipient++)
        {
            Assert.Null(await chunk.DownloadAsync(another, recipient));
            Assert.Null(await chunk.DownloadAsync(another, recipient));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(null)]
    public async Task Every_version_works_and_so_does_a_connection_without_handshake(int? version)
    {
        await using var client = await server.ConnectAsync((ushort?)version);
        Assert.Equal(version ?? 1, client.Version.Number);
        Assert.True((await client.PingAsync(Token)).IsOk);
        var chunk = await server.CreateUploadedAsync(client, recipients: 2);
        Assert.Null(await chunk.DownloadAsync(client));
        Assert.True((await client.AcknowledgeAsync(chunk.Ids.Recipients[1], chunk.RecipientKeys[1], Token)).IsOk);
        Assert.True((await client.DeleteAsync(chunk.Ids.Sender, chunk.SenderKey, Token)).IsOk);
    }

    [Fact]
    public async Task Keys_of_every_kind_authorize()
    {
        await using var client = await server.ConnectAsync();
        var chunk = await server.CreateUploadedAsync(client);
        var random = SystemRandom.Instance;
        PrivateKey[] keys = [Ed25519PrivateKey.Generate(random), Ed448PrivateKey.Generate(random), X25519PrivateKey.Generate(random)];
        var added = await client.AddRecipientsAsync(chunk.Ids.Sender, chunk.SenderKey, [.. keys.Select(key => key.PublicKey)], Token);
        for (var i = 0; i < keys.Length; i++)
        {
            Assert.Null(await chunk.DownloadAsync(client, id: added.Value.Recipients[i], key: keys[i]));
        }

        // A key of another kind, or of another recipient, is worth nothing.
        AssertRefused(XftpError.Auth.Instance, await chunk.DownloadAsync(client, id: added.Value.Recipients[0], key: keys[1]));
        AssertRefused(XftpError.Auth.Instance, await chunk.DownloadAsync(client, id: added.Value.Recipients[0], key: keys[2]));
        AssertRefused(XftpError.Auth.Instance, await chunk.DownloadAsync(client, id: added.Value.Recipients[0], key: chunk.SenderKey));
    }

    [Fact]
    public async Task Ids_and_keys_of_others_are_refused_alike()
    {
        await using var client = await server.ConnectAsync();
        var chunk = await server.CreateUploadedAsync(client);
        var stranger = Ed25519PrivateKey.Generate(SystemRandom.Instance);
        var nobody = new ChunkId(new byte[16]);
        AssertRefused(XftpError.Auth.Instance, (await client.DeleteAsync(chunk.Ids.Sender, stranger, Token)).Error);
        AssertRefused(XftpError.Auth.Instance, (await client.DeleteAsync(chunk.Ids.Recipients[0], chunk.SenderKey, Token)).Error);
        AssertRefused(XftpError.Auth.Instance, (await client.DeleteAsync(nobody, chunk.SenderKey, Token)).Error);
        AssertRefused(XftpError.Auth.Instance, (await client.AcknowledgeAsync(chunk.Ids.Sender, chunk.SenderKey, Token)).Error);
        AssertRefused(XftpError.Auth.Instance, (await client.AcknowledgeAsync(nobody, stranger, Token)).Error);
        AssertRefused(XftpError.Auth.Instance, (await client.AddRecipientsAsync(chunk.Ids.Sender, stranger, [stranger.PublicKey], Token)).Error);
        AssertRefused(XftpError.Auth.Instance, (await client.UploadAsync(chunk.Ids.Recipients[0], chunk.SenderKey, chunk.Content.Bytes, null, Token)).Error);
        AssertRefused(XftpError.Auth.Instance, (await client.CreateAsync(chunk.Content.Info, stranger, [stranger.PublicKey], server.Password, Token)).Error);
        AssertRefused(XftpError.Auth.Instance, await chunk.DownloadAsync(client, id: nobody));
        Assert.Null(await chunk.DownloadAsync(client));
    }

    [Fact]
    public async Task An_acknowledged_recipient_is_forgotten_and_a_deleted_chunk_is_gone_for_all()
    {
        await using var client = await server.ConnectAsync();
        var chunk = await server.CreateUploadedAsync(client, recipients: 2);
        Assert.True((await client.AcknowledgeAsync(chunk.Ids.Recipients[0], chunk.RecipientKeys[0], Token)).IsOk);
        AssertRefused(XftpError.Auth.Instance, await chunk.DownloadAsync(client));
        AssertRefused(XftpError.Auth.Instance, (await client.AcknowledgeAsync(chunk.Ids.Recipients[0], chunk.RecipientKeys[0], Token)).Error);
        Assert.Null(await chunk.DownloadAsync(client, 1));
        Assert.True((await client.DeleteAsync(chunk.Ids.Sender, chunk.SenderKey, Token)).IsOk);
        AssertRefused(XftpError.Auth.Instance, await chunk.DownloadAsync(client, 1));
        AssertRefused(XftpError.Auth.Instance, (await client.DeleteAsync(chunk.Ids.Sender, chunk.SenderKey, Token)).Error);
        AssertRefused(XftpError.Auth.Instance, (await chunk.UploadAsync(client)).Error);
    }

    [Fact]
    public async Task Recipients_can_be_added_before_and_after_the_upload()
    {
        await using var client = await server.ConnectAsync();
        var chunk = await server.CreateAsync(client);
        var early = Ed25519PrivateKey.Generate(SystemRandom.Instance);
        var late = Ed25519PrivateKey.Generate(SystemRandom.Instance);
        var first = await client.AddRecipientsAsync(chunk.Ids.Sender, chunk.SenderKey, [early.PublicKey], Token);
        Assert.True((await chunk.UploadAsync(client)).IsOk);
        var second = await client.AddRecipientsAsync(chunk.Ids.Sender, chunk.SenderKey, [late.PublicKey, late.PublicKey], Token);
        Assert.Null(await chunk.DownloadAsync(client, id: first.Value.Recipients[0], key: early));
        Assert.Null(await chunk.DownloadAsync(client, id: second.Value.Recipients[0], key: late));
        Assert.Null(await chunk.DownloadAsync(client, id: second.Value.Recipients[1], key: late));
        Assert.Equal(4, new[] { chunk.Ids.Recipients[0], first.Value.Recipients[0], second.Value.Recipients[0], second.Value.Recipients[1] }.Distinct().Count());
    }

    [Fact]
    public async Task As_many_recipients_as_clients_ask_for_fit_in_one_command()
    {
        await using var client = await server.ConnectAsync();
        var chunk = await server.CreateUploadedAsync(client, recipients: XftpLimits.MaxRecipientsInCommand);
        Assert.Equal(XftpLimits.MaxRecipientsInCommand, chunk.Ids.Recipients.Distinct().Count());
        Assert.Null(await chunk.DownloadAsync(client, XftpLimits.MaxRecipientsInCommand - 1));
    }

    [Fact]
    public async Task A_chunk_that_was_not_uploaded_is_no_file()
    {
        await using var client = await server.ConnectAsync();
        var chunk = await server.CreateAsync(client);
        AssertRefused(XftpError.NoFile.Instance, await chunk.DownloadAsync(client));
    }

    [Fact]
    public async Task Only_the_announced_content_is_taken_and_a_refusal_can_be_made_good()
    {
        await using var client = await server.ConnectAsync();
        var chunk = await server.CreateAsync(client);
        var other = chunk.Content.Bytes.ToArray();
        other[^1] ^= 1;
        AssertRefused(XftpError.Digest.Instance, (await chunk.UploadAsync(client, other)).Error);
        AssertRefused(XftpError.Size.Instance, (await chunk.UploadAsync(client, other[..^1])).Error);
        AssertRefused(XftpError.Size.Instance, (await chunk.UploadAsync(client, [.. other, 0])).Error);
        AssertRefused(XftpError.Size.Instance, (await chunk.UploadAsync(client, [])).Error);
        AssertRefused(XftpError.NoFile.Instance, await chunk.DownloadAsync(client));
        Assert.True((await chunk.UploadAsync(client)).IsOk);

        // Once more, as after an answer that got lost: nothing changes.
        Assert.True((await chunk.UploadAsync(client)).IsOk);
        Assert.True((await chunk.UploadAsync(client, other)).IsOk);
        Assert.True((await chunk.UploadAsync(client, [.. other, 0])).IsOk);
        AssertRefused(XftpError.Size.Instance, (await chunk.UploadAsync(client, other[..^1])).Error);
        Assert.Null(await chunk.DownloadAsync(client));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(65_535)]
    [InlineData(65_537)]
    [InlineData(128 * 1024)]
    [InlineData(8192 * 1024)]
    public async Task Sizes_that_are_none_of_the_network_are_refused(int size)
    {
        await using var client = await server.ConnectAsync();
        var chunk = new OwnedChunk(size, 1);
        AssertRefused(XftpError.Size.Instance, (await client.CreateAsync(chunk.Content.Info, chunk.SenderKey, [chunk.RecipientKeys[0].PublicKey], server.Password, Token)).Error);
    }

    [Fact]
    public async Task Two_downloads_of_one_chunk_have_nothing_in_common()
    {
        await using var client = await server.ConnectAsync();
        var chunk = await server.CreateUploadedAsync(client);
        await using var raw = await RawFileClient.ConnectAsync(server, 3);
        var key = X25519PrivateKey.Generate(SystemRandom.Instance);
        byte[] get = XftpCodec.Encode(new XftpCommand.Get(key.PublicKey));
        var id = chunk.Ids.Recipients[0].Value.ToArray();
        var block = RawFileClient.Block(raw.Signed(get, id, (SigningKey)chunk.RecipientKeys[0]));
        var first = await raw.AskAsync(block);
        var second = await raw.AskAsync(block);
        var one = Assert.IsType<XftpResponse.File>(first.Response);
        var two = Assert.IsType<XftpResponse.File>(second.Response);
        Assert.NotEqual(one.Key.ToSpki(), two.Key.ToSpki());
        Assert.NotEqual(one.Nonce, two.Nonce);
        Assert.Equal(OwnedChunk.SmallSize + XftpLimits.TagLength, first.Body.Length);
        Assert.Equal(first.Body.Length, second.Body.Length);
        Assert.InRange(first.Body.Zip(second.Body).Count(pair => pair.First == pair.Second), 0, OwnedChunk.SmallSize / 64);
        Assert.InRange(first.Body.Zip(chunk.Content.Bytes).Count(pair => pair.First == pair.Second), 0, OwnedChunk.SmallSize / 64);
        Assert.Equal(id, first.Entity);
    }

    [Fact]
    public async Task Ten_clients_at_once_get_what_they_ask_for()
    {
        await using var owner = await server.ConnectAsync();
        var chunk = await server.CreateUploadedAsync(owner, 1024 * 1024, recipients: 10);
        await Task.WhenAll(Enumerable.Range(0, 10).Select(async recipient =>
        {
            await using var client = await server.ConnectAsync();
            var own = await server.CreateUploadedAsync(client);
            Assert.Null(await chunk.DownloadAsync(client, recipient));
            Assert.Null(await own.DownloadAsync(client));
        }));
    }

    [Fact]
    public async Task A_password_if_there_is_one_is_asked_of_senders_only()
    {
        await using var client = await server.ConnectAsync();
        var chunk = new OwnedChunk(OwnedChunk.SmallSize, 1);
        Assert.True(Protocol.BasicAuth.TryParse("certainly-wrong", out var wrong));
        var created = await client.CreateAsync(chunk.Content.Info, chunk.SenderKey, [chunk.RecipientKeys[0].PublicKey], wrong, Token);
        if (server.Password is null)
        {
            Assert.True(created.IsOk);
        }
        else
        {
            AssertRefused(XftpError.Auth.Instance, created.Error);
        }
    }

    private static void AssertRefused(XftpError expected, XftpClientError? actual) => Assert.Equal(new XftpClientError.Server(expected), actual);
}
