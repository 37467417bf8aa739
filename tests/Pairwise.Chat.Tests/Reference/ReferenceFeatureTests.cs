using System.Net;
using Pairwise.Chat.Tests.Dialogue;
using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Server.Xftp;
using Pairwise.TestKit;

namespace Pairwise.Chat.Tests.Reference;

/// <summary>Preferences for voice messages and files between our chat and the original one. Skipped where that is not at hand.</summary>
[Trait("Needs", "originals")]
public sealed class ReferenceFeatureTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Each_side_obeys_what_the_other_forbids()
    {
        Assert.SkipWhen(ReferenceChat.Program is null, "the original chat is not at hand: ./test reference --chat PATH");
        await using var village = await Village.StartAsync();
        await using var relay = await XftpServer.StartAsync(
            new XftpServerOptions
            {
                ConfigurationFolder = Path.Combine(village.Folder, "relay", "etc"),
                StateFolder = Directory.CreateDirectory(Path.Combine(village.Folder, "relay", "log")).FullName,
                FilesFolder = Directory.CreateDirectory(Path.Combine(village.Folder, "relay", "files")).FullName,
                Endpoints = [new IPEndPoint(IPAddress.Loopback, 0)],
            },
            Token);
        Assert.True(ServerAddressWithPassword.TryParse(relay.Address, out var fileServer));
        var alice = await village.AddAsync("alice", options => options with { FileServers = [fileServer] });
        await using var bob = await ReferenceChat.StartAsync(village.Folder, "bob", village.Address, "--xftp-server", relay.Address);
        await bob.DoAsync("/c " + (await alice.DoAsync<ChatResponse.InvitationCreated>("/connect")).Link);
        await alice.SeesAsync("bob is connected");
        await bob.SeesContactAsync("contactConnected", "alice");
        var path = Path.Combine(village.Folder, "voice.m4a");
        await File.WriteAllBytesAsync(path, SystemRandom.Instance.Bytes(1000), Token);

        // The original's answer names both sides' settings as it has them.
        await bob.DoAsync("/set voice @alice no");
        await alice.SeesAsync("bob is now bob bob");
        Assert.Equal("bob does not allow voice messages: it was not sent.", (await alice.DoAsync<ChatResponse.Failed>($"/voice @bob 3 {path}")).Sentence);
        await bob.DoAsync("/set voice @alice yes");
        await alice.DoAsync<ChatResponse.ContactFeaturesSet>("/set voice @bob no");
        var updated = await bob.SeesEventAsync("contactUpdated", resp =>
            resp.GetProperty("toContact").GetProperty("mergedPreferences").GetProperty("voice").GetProperty("contactPreference").GetProperty("allow").GetString() == "no");
        Assert.False(updated.GetProperty("toContact").GetProperty("mergedPreferences").GetProperty("voice").GetProperty("enabled").GetProperty("forUser").GetBoolean());
        var contact = updated.GetProperty("toContact").GetProperty("contactId").GetInt64();
        var voice = System.Text.Json.JsonSerializer.Serialize(new[] { new { filePath = path, msgContent = new { type = "voice", text = "", duration = 9 } } });
        Assert.Equal("chatCmdError", (await bob.DoAsync($"/_send @{contact} json {voice}")).GetProperty("type").GetString());

        await bob.DoAsync("/set voice @alice always");
        await alice.SeesAsync("bob is now bob bob");
        await alice.DoAsync<ChatResponse.ContactFeaturesSet>("/set voice @bob always");
        await bob.SeesEventAsync("contactUpdated", resp =>
            resp.GetProperty("toContact").GetProperty("mergedPreferences").GetProperty("voice").GetProperty("contactPreference").GetProperty("allow").GetString() == "always");
        await bob.DoAsync($"/_send @{contact} json {voice}");
        await alice.SeesAsync("bob> voice message (00:09) [file 1 voice.m4a 1000]");
        await alice.DoAsync<ChatResponse.MessageAccepted>($"/voice @bob 7 {path}");
        Assert.Equal(7, (await bob.SeesContentAsync("voice")).GetProperty("duration").GetInt32());
    }
}
