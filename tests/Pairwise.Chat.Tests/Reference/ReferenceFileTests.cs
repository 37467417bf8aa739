using System.Net;
using System.Text.Json;
using Pairwise.Chat.Tests.Dialogue;
using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Server.Xftp;
using Pairwise.TestKit;

namespace Pairwise.Chat.Tests.Reference;

/// <summary>
/// Files between our chat and the original one, over our file relay and the original one. Skipped where the original
/// programs are not at hand.
/// </summary>
[Trait("Needs", "originals")]
public sealed class ReferenceFileTests : IAsyncLifetime
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pairwise-reference-files-");
    private Village _village = null!;
    private XftpServer? _relay;
    private ReferenceXftp? _theirRelay;
    private Person _alice = null!;
    private ReferenceChat _bob = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        if (_bob is not null) await _bob.DisposeAsync();
        if (_village is not null) await _village.DisposeAsync();
        if (_relay is not null) await _relay.DisposeAsync();
        if (_theirRelay is not null) await _theirRelay.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    [Theory]
    [InlineData("our relay", 0)]
    [InlineData("original relay", 0)]
    [InlineData("our relay", 1)]
    [InlineData("our relay", 300_000)]
    [InlineData("our relay", 9_000_000)]
    [InlineData("original relay", 300_000)]
    [InlineData("original relay", 9_000_000)]
    public async Task Files_pass_both_ways(string relay, int size)
    {
        await MeetAsync(relay);
        var ours = MakeFile("ours.bin", size);
        await _alice.DoAsync<ChatResponse.MessageAccepted>($"/f @bob {ours}");
        var number = await _bob.SeesFileAsync("ours.bin");
        await _bob.DoAsync($"/fr {number} approved_relays=on encrypt=off {_folder.FullName}/theirs-got.bin");
        await _bob.SeesFileEventAsync("rcvFileComplete", number);
        Assert.Equal(await File.ReadAllBytesAsync(ours, Token), await File.ReadAllBytesAsync(_folder.FullName + "/theirs-got.bin", Token));
        await _alice.SeesAsync("completed Sent file 1 (ours.bin)");

        var theirs = MakeFile("theirs.bin", size);
        await _bob.DoAsync($"/f @alice {theirs}");
        await _alice.SeesAsync($"bob> file [file 2 theirs.bin {size}]");
        await _alice.DoAsync<ChatResponse.FileAccepted>($"/fr 2 approved_relays=on encrypt=off {_folder.FullName}/ours-got.bin");
        await _alice.SeesAsync("completed Received file 2 (theirs.bin)");
        Assert.Equal(await File.ReadAllBytesAsync(theirs, Token), await File.ReadAllBytesAsync(_folder.FullName + "/ours-got.bin", Token));
        Assert.DoesNotContain(_alice.Seen, line => line.StartsWith("problem", StringComparison.Ordinal));
    }

    [Fact]
    public async Task File_that_the_original_keeps_encrypted_is_sent_on_by_its_key()
    {
        await MeetAsync("our relay");
        var ours = MakeFile("ours.bin", 70_000);
        await _alice.DoAsync<ChatResponse.MessageAccepted>($"/f @bob {ours}");
        var number = await _bob.SeesFileAsync("ours.bin");
        await _bob.DoAsync($"/fr {number} approved_relays=on encrypt=on {_folder.FullName}/kept.bin");
        var kept = (await _bob.SeesFileEventAsync("rcvFileComplete", number)).GetProperty("resp").GetProperty("chatItem").GetProperty("chatItem").GetProperty("file").GetProperty("fileSource");
        var arguments = kept.GetProperty("cryptoArgs");
        var (key, nonce) = (arguments.GetProperty("fileKey").GetString(), arguments.GetProperty("fileNonce").GetString());
        Assert.Equal(_folder.FullName + "/kept.bin", kept.GetProperty("filePath").GetString());
        await _alice.DoAsync<ChatResponse.MessageAccepted>($"/f @bob key={key} nonce={nonce} {_folder.FullName}/kept.bin");
        number = await _bob.SeesFileAsync("kept.bin");
        await _bob.DoAsync($"/fr {number} approved_relays=on encrypt=off {_folder.FullName}/plain.bin");
        await _bob.SeesFileEventAsync("rcvFileComplete", number);
        Assert.Equal(await DigestAsync(ours), await DigestAsync(_folder.FullName + "/plain.bin"));
    }

    [Fact]
    public async Task Descriptions_of_many_chunks_come_in_parts()
    {
        await MeetAsync("our relay");
        // Enough chunks for a description of more than one part, in both directions.
        var ours = MakeFile("large.bin", 250 * 1024 * 1024);
        await _alice.DoAsync<ChatResponse.MessageAccepted>($"/f @bob {ours}");
        var number = await _bob.SeesFileAsync("large.bin");
        await _bob.DoAsync($"/fr {number} approved_relays=on encrypt=off {_folder.FullName}/got.bin");
        await _bob.SeesFileEventAsync("rcvFileComplete", number);
        Assert.Equal(await DigestAsync(ours), await DigestAsync(_folder.FullName + "/got.bin"));
    }

    [Fact]
    public async Task Pictures_and_voice_keep_their_preview_and_duration()
    {
        await MeetAsync("our relay");
        await _alice.DoAsync<ChatResponse.MessageAccepted>($"/img @bob {MakeFile("photo.jpg", 1000)}");
        var image = await _bob.SeesContentAsync("image");
        Assert.StartsWith("data:image/", image.GetProperty("image").GetString(), StringComparison.Ordinal);
        await _alice.DoAsync<ChatResponse.MessageAccepted>($"/voice @bob 7 {MakeFile("voice.m4a", 1000)}");
        Assert.Equal(7, (await _bob.SeesContentAsync("voice")).GetProperty("duration").GetInt32());
        await _alice.DoAsync<ChatResponse.MessageAccepted>($"/video @bob 65 {MakeFile("film.mp4", 1000)}");
        Assert.Equal(65, (await _bob.SeesContentAsync("video")).GetProperty("duration").GetInt32());

        await _bob.DoAsync($"/img @alice {MakeFile("their.jpg", 1000)}");
        await _alice.SeesAsync("bob> image [file 4 their.jpg 1000]");
        var voice = JsonSerializer.Serialize(new[] { new { filePath = MakeFile("their.m4a", 500), msgContent = new { type = "voice", text = "", duration = 9 } } });
        var contact = (await _bob.DoAsync("/i alice")).GetProperty("contact").GetProperty("contactId").GetInt64();
        await _bob.DoAsync($"/_send @{contact} json {voice}");
        await _alice.SeesAsync("bob> voice message (00:09) [file 5 their.m4a 500]");
    }

    [Fact]
    public async Task Either_side_cancels()
    {
        await MeetAsync("our relay");
        await _alice.DoAsync<ChatResponse.MessageAccepted>($"/f @bob {MakeFile("ours.bin", 5000)}");
        var number = await _bob.SeesFileAsync("ours.bin");
        await _alice.SeesAsync("completed Sent file 1 (ours.bin)");
        await _alice.DoAsync<ChatResponse.FileCancelled>("/fc 1");
        await _bob.SeesFileEventAsync("rcvFileSndCancelled", number);

        await _bob.DoAsync($"/f @alice {MakeFile("theirs.bin", 5000)}");
        await _alice.SeesAsync("bob> file [file 2 theirs.bin 5000]");
        await _bob.DoAsync($"/fc {number + 1}");
        await _alice.SeesAsync("bob cancelled Received file 2 (theirs.bin)");
        Assert.Equal(ChatError.NoFile, (await _alice.DoAsync<ChatResponse.Failed>("/fr 2")).Error);
    }

    [Fact]
    public async Task Transfers_go_on_after_restarts()
    {
        await MeetAsync("our relay");
        var ours = MakeFile("ours.bin", 30_000_000);
        await _alice.DoAsync<ChatResponse.MessageAccepted>($"/f @bob {ours}");
        await _alice.RestartAsync();
        var number = await _bob.SeesFileAsync("ours.bin");
        await _bob.DoAsync($"/fr {number} approved_relays=on encrypt=off {_folder.FullName}/theirs-got.bin");
        await _alice.RestartAsync();
        await _bob.SeesFileEventAsync("rcvFileComplete", number);
        Assert.Equal(await DigestAsync(ours), await DigestAsync(_folder.FullName + "/theirs-got.bin"));

        var theirs = MakeFile("theirs.bin", 30_000_000);
        await _bob.DoAsync($"/f @alice {theirs}");
        await _alice.SeesAsync("bob> file [file 2 theirs.bin 30000000]");
        await _alice.DoAsync<ChatResponse.FileAccepted>($"/fr 2 approved_relays=on encrypt=off {_folder.FullName}/ours-got.bin");
        await _alice.RestartAsync();
        await _bob.RestartAsync();
        await _alice.SeesAsync("completed Received file 2 (theirs.bin)");
        Assert.Equal(await DigestAsync(theirs), await DigestAsync(_folder.FullName + "/ours-got.bin"));
    }

    [Theory]
    [InlineData(false, 9000)]
    [InlineData(false, 15_700)]
    [InlineData(false, 15_701)]
    [InlineData(false, 15_780)]
    [InlineData(false, 15_781)]
    [InlineData(false, 126_240)]
    [InlineData(false, 236_700)]
    [InlineData(true, 13_500)]
    public async Task Small_file_of_ours_goes_inside_the_conversation(bool isPostQuantum, int size)
    {
        Assert.SkipWhen(ReferenceChat.Program is null, "the original chat is not at hand: ./test reference --chat PATH");
        _village = await Village.StartAsync();
        _alice = await _village.AddAsync("alice", options => options with { IsPostQuantum = isPostQuantum });
        _bob = await ReferenceChat.StartAsync(_village.Folder, "bob", _village.Address);
        await ConnectAsync();
        var ours = MakeFile("small.bin", size);
        await _alice.DoAsync<ChatResponse.MessageAccepted>($"/f @bob {ours}");
        var number = await _bob.SeesFileAsync("small.bin");
        await _bob.DoAsync($"/fr {number} inline=on {_folder.FullName}/got.bin");
        await _alice.SeesAsync("completed Sent file 1 (small.bin)");
        await _bob.SeesFileEventAsync("rcvFileComplete", number);
        Assert.Equal(await File.ReadAllBytesAsync(ours, Token), await File.ReadAllBytesAsync(_folder.FullName + "/got.bin", Token));
    }

    [Theory]
    [InlineData(1000)]
    [InlineData(9_000_000)]
    public async Task File_without_a_conversation_passes_both_ways_by_its_link(int size)
    {
        await MeetAsync("our relay");
        var ours = MakeFile("ours.bin", size);
        await _alice.DoAsync<ChatResponse.StandaloneStarted>($"/_upload 1 {ours}");
        const string Completed = "completed standalone file 1 ";
        var link = (await _alice.SeesFirstAsync(Completed))[Completed.Length..];
        Assert.Equal("rcvStandaloneFileCreated", (await _bob.DoAsync($"/_download 1 {link} {_folder.FullName}/theirs-got.bin")).GetProperty("type").GetString());
        await _bob.SeesEventAsync("rcvStandaloneFileComplete", static _ => true);
        Assert.Equal(await DigestAsync(ours), await DigestAsync(_folder.FullName + "/theirs-got.bin"));

        var theirs = MakeFile("theirs.bin", size);
        Assert.Equal("sndStandaloneFileCreated", (await _bob.DoAsync($"/_upload 1 {theirs}")).GetProperty("type").GetString());
        var uploaded = await _bob.SeesEventAsync("sndStandaloneFileComplete", static _ => true);
        var theirLink = uploaded.GetProperty("rcvURIs")[0].GetString();
        Assert.Null((await _alice.DoAsync<ChatResponse.FileLinkShown>($"/_download info {theirLink}")).ClientData);
        await _alice.DoAsync<ChatResponse.StandaloneStarted>($"/_download 1 {theirLink} {_folder.FullName}/ours-got.bin");
        await _alice.SeesAsync("completed standalone file 2");
        Assert.Equal(await DigestAsync(theirs), await DigestAsync(_folder.FullName + "/ours-got.bin"));
    }

    [Theory]
    [InlineData(true, 300_000, "")]
    [InlineData(false, 200_000, "")]
    [InlineData(true, 2_000_000, "encrypt=on ")]
    public async Task File_of_ours_without_file_relays_goes_over_a_connection_that_the_original_offers(bool isPostQuantum, int size, string how)
    {
        Assert.SkipWhen(ReferenceChat.Program is null, "the original chat is not at hand: ./test reference --chat PATH");
        _village = await Village.StartAsync();
        _alice = await _village.AddAsync("alice", options => options with { IsPostQuantum = isPostQuantum });
        _bob = await ReferenceChat.StartAsync(_village.Folder, "bob", _village.Address);
        await ConnectAsync();
        var ours = MakeFile("large.bin", size);
        await _alice.DoAsync<ChatResponse.MessageAccepted>($"/f @bob {ours}");
        var number = await _bob.SeesFileAsync("large.bin");
        await _bob.DoAsync($"/fr {number} {how}{_folder.FullName}/got.bin");
        await _alice.SeesAsync("completed Sent file 1 (large.bin)");
        await _bob.SeesFileEventAsync("rcvFileComplete", number);
        if (how.Length == 0)
            Assert.Equal(await DigestAsync(ours), await DigestAsync(_folder.FullName + "/got.bin"));
        await _alice.DoAsync<ChatResponse.MessageAccepted>("@bob there");
        await _bob.SeesTextAsync("there");
    }

    private async Task MeetAsync(string relay)
    {
        Assert.SkipWhen(ReferenceChat.Program is null, "the original chat is not at hand: ./test reference --chat PATH");
        Assert.SkipWhen(relay == "original relay" && ReferenceXftp.Program is null, "the original file relay is not at hand: ./test reference --xftp-server PATH");
        string address;
        if (relay == "original relay")
        {
            _theirRelay = await ReferenceXftp.StartAsync(Path.Combine(_folder.FullName, "relay"));
            address = _theirRelay.Address;
        }
        else
        {
            _relay = await XftpServer.StartAsync(
                new XftpServerOptions
                {
                    ConfigurationFolder = Path.Combine(_folder.FullName, "relay", "etc"),
                    StateFolder = Directory.CreateDirectory(Path.Combine(_folder.FullName, "relay", "log")).FullName,
                    FilesFolder = Directory.CreateDirectory(Path.Combine(_folder.FullName, "relay", "files")).FullName,
                    Endpoints = [new IPEndPoint(IPAddress.Loopback, 0)],
                },
                Token);
            address = _relay.Address;
        }

        Assert.True(ServerAddressWithPassword.TryParse(address, out var fileServer));
        _village = await Village.StartAsync();
        _alice = await _village.AddAsync("alice", options => options with { FileServers = [fileServer], DownloadFolder = Path.Combine(_folder.FullName, "downloads") });
        _bob = await ReferenceChat.StartAsync(_village.Folder, "bob", _village.Address, "--xftp-server", address);
        await ConnectAsync();
    }

    private async Task ConnectAsync()
    {
        await _bob.DoAsync("/c " + (await _alice.DoAsync<ChatResponse.InvitationCreated>("/connect")).Link);
        await _alice.SeesAsync("bob is connected");
        await _bob.SeesContactAsync("contactConnected", "alice");
    }

    private string MakeFile(string name, int length)
    {
        var path = Path.Combine(_folder.FullName, name);
        File.WriteAllBytes(path, SystemRandom.Instance.Bytes(length));
        return path;
    }

    private static async Task<string> DigestAsync(string path)
    {
        await using var file = File.OpenRead(path);
        return Convert.ToHexString(await System.Security.Cryptography.SHA256.HashDataAsync(file, Token));
    }
}
