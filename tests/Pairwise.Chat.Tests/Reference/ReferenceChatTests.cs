using Pairwise.TestKit;
using Pairwise.Chat.Tests.Dialogue;

namespace Pairwise.Chat.Tests.Reference;

/// <summary>
/// Our chat and the original one through a relay: ours in this process, or the one that <c>PAIRWISE_SERVER</c> names.
/// Skipped where the original program is not at hand.
/// </summary>
[Trait("Needs", "originals")]
public sealed class ReferenceChatTests
{
    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public async Task Ours_and_theirs_meet_by_a_link_that_either_made_and_talk(bool isOurLink, bool isPostQuantum)
    {
        await using var village = await StartVillageAsync();
        var alice = await village.AddAsync("alice", options => options with { IsPostQuantum = isPostQuantum });
        await using var bob = await ReferenceChat.StartAsync(village.Folder, "bob", village.Address);
        await ConnectAsync(alice, bob, isOurLink);
        for (var i = 0; i < 4; i++)
        {
            await alice.DoAsync<ChatResponse.MessageAccepted>($"@bob hello {i}");
            await bob.SeesTextAsync($"hello {i}");
            await bob.DoAsync($"@alice hi {i}");
            await alice.SeesAsync($"bob> hi {i}");
        }

        await alice.SeesAsync("Delivered: @bob hello 0");
        await bob.SeesStatusAsync("hi 0", "sndRcvd");
        Assert.Equal(isPostQuantum, (await alice.DoAsync<ChatResponse.ContactShown>("/info @bob")).Contact.IsPostQuantum);
        var code = (await alice.DoAsync<ChatResponse.ContactShown>("/info @bob")).SecurityCode;
        Assert.Equal(code, (await bob.DoAsync("/code @alice")).GetProperty("connectionCode").GetString());
        Assert.DoesNotContain(alice.Seen, line => line.StartsWith("problem", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Both_restart_and_go_on()
    {
        await using var village = await StartVillageAsync();
        var alice = await village.AddAsync("alice");
        await using var bob = await ReferenceChat.StartAsync(village.Folder, "bob", village.Address);
        await ConnectAsync(alice, bob, isOurLink: true);
        await bob.RestartAsync();
        await alice.DoAsync<ChatResponse.MessageAccepted>("@bob one");
        await bob.SeesTextAsync("one");
        await alice.RestartAsync();
        await bob.DoAsync("@alice two");
        await alice.SeesAsync("bob> two");
        await alice.DoAsync<ChatResponse.MessageAccepted>("@bob three");
        await bob.SeesTextAsync("three");
        Assert.Equal(1, bob.CountTexts("one"));
        Assert.Equal(1, bob.CountTexts("three"));
        Assert.Equal(["@bob one", "bob> two", "@bob three"], await alice.ConversationAsync("bob"));
    }

    [Fact]
    public async Task Long_messages_edits_deletions_and_profiles_pass_both_ways()
    {
        await using var village = await StartVillageAsync();
        var alice = await village.AddAsync("alice");
        await using var bob = await ReferenceChat.StartAsync(village.Folder, "bob", village.Address);
        await ConnectAsync(alice, bob, isOurLink: false);

        // Long enough to be compressed under a post-quantum ratchet.
        var sentence = string.Concat(Enumerable.Range(0, 2500).Select(i => $"word {i % 100} "));
        var text = sentence[..14_000].Trim();
        await alice.DoAsync<ChatResponse.MessageAccepted>("@bob " + text);
        await bob.SeesTextAsync(text);
        await bob.DoAsync("@alice " + text);
        await alice.SeesAsync("bob> " + text);

        await bob.DoAsync("@alice helo");
        await alice.SeesAsync("bob> helo");
        await bob.DoAsync("! @alice hello");
        await alice.SeesAsync("changed: bob> hello (edited)");
        await bob.DoAsync("\\ @alice hello");
        await alice.SeesAsync("changed: bob> (deleted) (edited)");

        await bob.DoAsync("/p robert");
        await alice.SeesAsync("bob is now robert robert");
        await alice.DoAsync<ChatResponse.ProfileUpdated>("/p alicia");
        await alice.DoAsync<ChatResponse.MessageAccepted>("@robert new names");
        await bob.SeesTextAsync("new names");
        await bob.DoAsync("@alicia yes");
        await alice.SeesAsync("robert> yes");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Either_deletes_the_other(bool isOurs)
    {
        await using var village = await StartVillageAsync();
        var alice = await village.AddAsync("alice");
        await using var bob = await ReferenceChat.StartAsync(village.Folder, "bob", village.Address);
        await ConnectAsync(alice, bob, isOurLink: true);
        if (isOurs)
        {
            await alice.DoAsync<ChatResponse.ContactDeleted>("/delete @bob");
            await bob.SeesContactAsync("contactDeletedByContact", "alice");
        }
        else
        {
            await bob.DoAsync("/d @alice");
            await alice.SeesAsync("bob deleted you");
        }
    }

    private static async Task<Village> StartVillageAsync()
    {
        Assert.SkipWhen(ReferenceChat.Program is null, "the original chat is not at hand: ./test reference --chat PATH");
        return await Village.StartAsync(Environment.GetEnvironmentVariable("PAIRWISE_SERVER"));
    }

    private static async Task ConnectAsync(Person alice, ReferenceChat bob, bool isOurLink)
    {
        if (isOurLink)
            await bob.DoAsync("/c " + (await alice.DoAsync<ChatResponse.InvitationCreated>("/connect")).Link);
        else
            await alice.DoAsync<ChatResponse.JoinStarted>("/connect " + await bob.CreateLinkAsync());
        await alice.SeesAsync("bob is connected");
        await bob.SeesContactAsync("contactConnected", "alice");
    }
}
