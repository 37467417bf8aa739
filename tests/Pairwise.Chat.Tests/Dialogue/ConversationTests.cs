using Pairwise.Protocol;

namespace Pairwise.Chat.Tests.Dialogue;

/// <summary>What one types, and what the other sees, through a real relay on loopback.</summary>
public sealed class ConversationTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Two_people_meet_by_a_link_and_talk(bool isPostQuantum)
    {
        await using var village = await Village.StartAsync();
        var alice = await village.AddAsync("alice", options => options with { IsPostQuantum = isPostQuantum });
        var bob = await village.AddAsync("bob", options => options with { IsPostQuantum = isPostQuantum });
        await Village.ConnectAsync(alice, bob);

        var accepted = await alice.DoAsync<ChatResponse.MessageAccepted>("@bob hello");
        Assert.Equal(ItemStatus.Pending, accepted.Item.Status);
        await bob.SeesAsync("alice> hello");
        await alice.SeesAsync("Sent: @bob hello");
        await alice.SeesAsync("Delivered: @bob hello");
        await bob.DoAsync<ChatResponse.MessageAccepted>("@alice hi there 🚀 'quoted'");
        await alice.SeesAsync("bob> hi there 🚀 'quoted'");
        for (var i = 0; i < 4; i++)
        {
            await alice.DoAsync<ChatResponse.MessageAccepted>($"@bob more {i}");
            await bob.SeesAsync($"alice> more {i}");
            await bob.DoAsync<ChatResponse.MessageAccepted>($"@alice too {i}");
            await alice.SeesAsync($"bob> too {i}");
        }

        var shownToAlice = await alice.DoAsync<ChatResponse.ContactShown>("/info @bob");
        var shownToBob = await bob.DoAsync<ChatResponse.ContactShown>("/i alice");
        Assert.Equal(isPostQuantum, shownToAlice.Contact.IsPostQuantum);
        Assert.Equal(isPostQuantum, shownToBob.Contact.IsPostQuantum);
        Assert.NotNull(shownToAlice.SecurityCode);
        Assert.Equal(shownToAlice.SecurityCode, shownToBob.SecurityCode);
        Assert.Equal(village.Address, Assert.Single(shownToAlice.ReceivingOn));
        Assert.Equal(await alice.ConversationAsync("bob"), (await bob.ConversationAsync("alice")).Select(Mirror));
        Assert.DoesNotContain(alice.Seen.Concat(bob.Seen), line => line.StartsWith("problem", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Either_may_quit_and_start_again()
    {
        await using var village = await Village.StartAsync();
        var alice = await village.AddAsync("alice");
        var bob = await village.AddAsync("bob");
        await Village.ConnectAsync(alice, bob);
        await bob.RestartAsync();
        await alice.DoAsync<ChatResponse.MessageAccepted>("@bob one");
        await bob.SeesAsync("alice> one");
        await alice.RestartAsync();
        await bob.DoAsync<ChatResponse.MessageAccepted>("@alice two");
        await alice.SeesAsync("bob> two");
        await alice.DoAsync<ChatResponse.MessageAccepted>("@bob three");
        await bob.SeesAsync("alice> three");
        Assert.Equal(["@bob one", "bob> two", "@bob three"], await alice.ConversationAsync("bob"));
        Assert.Equal(["alice> one", "@alice two", "alice> three"], await bob.ConversationAsync("alice"));
    }

    [Fact]
    public async Task What_is_typed_while_the_relay_is_away_arrives_when_it_is_back()
    {
        await using var village = await Village.StartAsync();
        var alice = await village.AddAsync("alice");
        var bob = await village.AddAsync("bob");
        await Village.ConnectAsync(alice, bob);
        await village.StopRelayAsync();
        await alice.SeesAsync("server down");
        await alice.DoAsync<ChatResponse.MessageAccepted>("@bob first");
        await alice.DoAsync<ChatResponse.MessageAccepted>("@bob second");
        await village.StartRelayAsync();
        await bob.SeesAsync("alice> second");
        Assert.Equal(["alice> first", "alice> second"], await bob.ConversationAsync("alice"));
        await alice.Core.WaitUntilSentAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Contacts_with_equal_names_get_numbers()
    {
        await using var village = await Village.StartAsync();
        var alice = await village.AddAsync("alice");
        var bob = await village.AddAsync("bob");
        var second = await village.AddAsync("bob_1");
        await second.DoAsync<ChatResponse.ProfileUpdated>("/profile bob Bob the Second");
        await Village.ConnectAsync(alice, bob);
        var invitation = await alice.DoAsync<ChatResponse.InvitationCreated>("/c");
        await second.DoAsync<ChatResponse.JoinStarted>("/c " + invitation.Link);
        await alice.SeesAsync("bob_1 is connected");
        await alice.DoAsync<ChatResponse.MessageAccepted>("@bob_1 you are the second");
        await second.SeesAsync("alice> you are the second");
        Assert.Equal(["bob", "bob_1"], (await alice.DoAsync<ChatResponse.ContactList>("/contacts")).Contacts.Select(contact => contact.Name));
    }

    [Fact]
    public async Task Changed_profile_reaches_contacts_and_a_name_with_spaces_is_quoted()
    {
        await using var village = await Village.StartAsync();
        var alice = await village.AddAsync("alice");
        var bob = await village.AddAsync("bob");
        await Village.ConnectAsync(alice, bob);
        await alice.DoAsync<ChatResponse.ProfileUpdated>("/profile 'alice smith' Alice Smith");
        await bob.SeesAsync("alice is now alice smith alice smith (Alice Smith)");
        var accepted = await bob.DoAsync<ChatResponse.MessageAccepted>("@'alice smith' congratulations");
        Assert.Equal("'alice smith'", accepted.Contact.QuotedName);
        await alice.SeesAsync("bob> congratulations");
        Assert.Equal("@'alice smith' ", await bob.Core.CompleteAsync("@al", TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Deleted_contact_learns_of_it_and_the_messages_are_gone()
    {
        await using var village = await Village.StartAsync();
        var alice = await village.AddAsync("alice");
        var bob = await village.AddAsync("bob");
        await Village.ConnectAsync(alice, bob);
        await alice.DoAsync<ChatResponse.MessageAccepted>("@bob hello");
        await bob.SeesAsync("alice> hello");
        await alice.DoAsync<ChatResponse.ContactDeleted>("/delete @bob");
        await bob.SeesAsync("alice deleted you");
        Assert.Equal(ChatError.NoContact, (await alice.DoAsync<ChatResponse.Failed>("@bob again")).Error);
        Assert.Equal(ChatError.NotReady, (await bob.DoAsync<ChatResponse.Failed>("@alice why")).Error);
        Assert.Equal(["alice> hello"], await bob.ConversationAsync("alice"));
        await bob.DoAsync<ChatResponse.ContactDeleted>("/d alice");
        Assert.Empty((await bob.DoAsync<ChatResponse.ContactList>("/cs")).Contacts);
    }

    [Fact]
    public async Task Used_own_and_broken_links_are_told_apart()
    {
        await using var village = await Village.StartAsync();
        var alice = await village.AddAsync("alice");
        var bob = await village.AddAsync("bob");
        var carol = await village.AddAsync("carol");
        var link = (await alice.DoAsync<ChatResponse.InvitationCreated>("/connect")).Link;
        Assert.Equal(ChatError.OwnLink, (await alice.DoAsync<ChatResponse.Failed>("/connect " + link)).Error);
        await bob.DoAsync<ChatResponse.JoinStarted>("/connect " + link.Replace("simplex:/", "https://simplex.chat/", StringComparison.Ordinal));
        await bob.SeesAsync("alice is connected");
        Assert.Equal(ChatError.LinkUsed, (await bob.DoAsync<ChatResponse.Failed>("/connect " + link)).Error);
        Assert.Equal(ChatError.LinkUsed, (await carol.DoAsync<ChatResponse.Failed>("/connect " + link)).Error);
        Assert.Equal(ChatError.InvalidLink, (await carol.DoAsync<ChatResponse.Failed>("/connect " + link[..^40])).Error);
        Assert.Equal(ChatError.InvalidLink, (await carol.DoAsync<ChatResponse.Failed>("/connect hello")).Error);
        Assert.Empty((await carol.DoAsync<ChatResponse.ContactList>("/contacts")).Contacts);
    }

    [Fact]
    public async Task Unreachable_relay_and_wrong_fingerprint_are_told_in_one_sentence()
    {
        await using var village = await Village.StartAsync();
        var alice = await village.AddAsync("alice");
        var link = village.Address;
        var wrong = "smp://AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=" + link[link.IndexOf('@', StringComparison.Ordinal)..];
        await alice.DoAsync<ChatResponse.ServerList>("/smp " + wrong);
        var failed = await alice.DoAsync<ChatResponse.Failed>("/connect");
        Assert.Equal(ChatError.Relay, failed.Error);
        Assert.Contains("not the one", failed.Sentence, StringComparison.Ordinal);

        await alice.DoAsync<ChatResponse.ServerList>("/smp default");
        await village.StopRelayAsync();
        failed = await alice.DoAsync<ChatResponse.Failed>("/connect");
        Assert.Equal(ChatError.Relay, failed.Error);
        Assert.Contains("cannot be reached", failed.Sentence, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Waiting_until_all_is_sent_includes_a_changed_profile_and_a_deletion()
    {
        await using var village = await Village.StartAsync();
        var alice = await village.AddAsync("alice");
        var bob = await village.AddAsync("bob");
        await Village.ConnectAsync(alice, bob);
        await village.StopRelayAsync();
        await alice.SeesAsync("server down");
        await alice.DoAsync<ChatResponse.ProfileUpdated>("/profile alice Alice Smith");
        await alice.DoAsync<ChatResponse.ContactDeleted>("/delete @bob");
        await village.StartRelayAsync();
        await alice.Core.WaitUntilSentAsync(TestContext.Current.CancellationToken);
        Assert.Equal(0, await alice.Database.ReadAsync(static session => session.Scalar("SELECT count(*) FROM agent_deliveries"), TestContext.Current.CancellationToken));
        await bob.SeesAsync("alice deleted you");
    }

    [Fact]
    public async Task Link_is_still_good_after_ones_own_relay_refused()
    {
        Assert.True(BasicAuth.TryParse("secret", out var password));
        await using var village = await Village.StartAsync();
        await using var other = await Village.StartAsync();
        await other.StopRelayAsync();
        await other.StartRelayAsync(password);
        var alice = await village.AddAsync("alice");
        var bob = await village.AddAsync("bob");
        var link = (await alice.DoAsync<ChatResponse.InvitationCreated>("/connect")).Link;
        await bob.DoAsync<ChatResponse.ServerList>("/smp " + other.Address);
        Assert.Equal(ChatError.Relay, (await bob.DoAsync<ChatResponse.Failed>("/connect " + link)).Error);
        await bob.DoAsync<ChatResponse.ServerList>("/smp default");
        await bob.DoAsync<ChatResponse.JoinStarted>("/connect " + link);
        await bob.SeesAsync("alice is connected");
    }

    [Fact]
    public async Task Relay_that_wants_a_password_is_not_taken_for_a_used_link()
    {
        Assert.True(BasicAuth.TryParse("secret", out var password));
        await using var village = await Village.StartAsync();
        var alice = await village.AddAsync("alice");
        await village.StopRelayAsync();
        await village.StartRelayAsync(password);
        var failed = await alice.DoAsync<ChatResponse.Failed>("/connect");
        Assert.Equal(ChatError.Relay, failed.Error);
        Assert.Contains("wants a password", failed.Sentence, StringComparison.Ordinal);
    }

    private static string Mirror(string line) => line.StartsWith("@alice ", StringComparison.Ordinal)
        ? "bob> " + line["@alice ".Length..]
        : "@bob " + line["alice> ".Length..];
}
