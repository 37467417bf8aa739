using Pairwise.Chat.Protocol;
using Pairwise.Crypto;

namespace Pairwise.Chat.Tests;

/// <summary>What each side allows the other: voice messages and files.</summary>
public sealed class FeatureTests : FileConversation
{
    [Theory]
    [InlineData("yes", "yes", true, true)]
    [InlineData("yes", "always", true, true)]
    [InlineData("yes", "no", false, false)]
    [InlineData("always", "yes", true, true)]
    [InlineData("always", "always", true, true)]
    [InlineData("always", "no", false, true)]
    [InlineData("no", "yes", false, false)]
    [InlineData("no", "always", true, false)]
    [InlineData("no", "no", false, false)]
    public void Both_sides_decide(string ours, string theirs, bool isForUs, bool isForContact)
    {
        var state = new FeatureState(ChatFeature.Voice, FeatureState.Parse(ours)!.Value, false, FeatureState.Parse(theirs)!.Value);
        Assert.Equal((isForUs, isForContact), (state.IsForUs, state.IsForContact));
    }

    [Fact]
    public async Task Voice_is_not_sent_to_somebody_who_forbids_it()
    {
        await TellPreferencesAsync("""{"voice":{"allow":"no"}}""");
        var path = MakeFile("voice.m4a", 100);
        var refused = await FailAsync($"/voice @bob 5 {path}");
        Assert.Equal((ChatError.NotAllowed, "bob does not allow voice messages: it was not sent."), (refused.Error, refused.Sentence));
        Assert.Equal(ChatError.NotAllowed, (await FailAsync($$$"""/_send @1 json [{"filePath":"{{{path}}}","msgContent":{"type":"voice","text":"","duration":7}}]""")).Error);
        Assert.Empty(Agent.Transfers.Begun);
        await DoAsync<ChatResponse.MessageAccepted>($"/file @bob {path}");

        await TellPreferencesAsync("""{"voice":{"allow":"always"}}""");
        await DoAsync<ChatResponse.MessageAccepted>($"/voice @bob 5 {path}");
    }

    [Theory]
    [InlineData("/f @bob PATH.bin")]
    [InlineData("/img @bob PATH.jpg")]
    [InlineData("/video @bob 5 PATH.bin")]
    public async Task Files_are_not_sent_to_somebody_who_forbids_them(string command)
    {
        MakeFile("a.bin", 100);
        MakeFile("a.jpg", 100);
        await TellPreferencesAsync("""{"files":{"allow":"no"}}""");
        var refused = await FailAsync(command.Replace("PATH", Path.Combine(Folder, "a"), StringComparison.Ordinal));
        Assert.Equal((ChatError.NotAllowed, "bob does not allow files: it was not sent."), (refused.Error, refused.Sentence));
        // A voice message is no file.
        await DoAsync<ChatResponse.MessageAccepted>($"/voice @bob 5 {Path.Combine(Folder, "a.bin")}");
    }

    [Fact]
    public async Task What_is_set_for_a_contact_is_told_once_and_kept()
    {
        var set = await DoAsync<ChatResponse.ContactFeaturesSet>("/set voice @bob no");
        var state = Assert.Single(set.Changed);
        Assert.Equal((ChatFeature.Voice, FeatureAllowed.No, false, FeatureAllowed.Yes), (state.Feature, state.Ours, state.IsOursDefault, state.Theirs));
        Assert.Equal("""{"voice":{"allow":"no"}}""", Sent(await Agent.NextAsync()).Profile!.Preferences);
        Assert.Empty((await DoAsync<ChatResponse.ContactFeaturesSet>("/set voice @bob no")).Changed);
        Assert.False(Agent.HasMore);
        Assert.Contains("/set voice @bob yes", (await FailAsync($"/voice @bob 5 {MakeFile("v", 5)}")).Sentence, StringComparison.Ordinal);

        await RestartAsync();
        Agent.TellMessage(7, InlineOffer("offer", 3, "voice"));
        Assert.Equal("bob> Voice messages: received, prohibited", await NextAsync());
        Assert.Equal(ChatError.NoFile, (await FailAsync("/fr 1")).Error);
        await AllAsync();

        // Everybody else hears of what is said to all; this contact of what was said to it.
        await DoAsync<ChatResponse.FeatureSet>("/set voice always");
        Assert.Equal("""{"voice":{"allow":"no"}}""", Sent(await Agent.NextAsync()).Profile!.Preferences);
        await DoAsync<ChatResponse.FeatureSet>("/set files yes");
        await Agent.NextAsync();
        state = Assert.Single((await DoAsync<ChatResponse.ContactFeaturesSet>("/set voice @bob")).Changed);
        Assert.Equal((FeatureAllowed.Always, true), (state.Ours, state.IsOursDefault));
        var told = Sent(await Agent.NextAsync()).Profile!.Preferences;
        Assert.Equal((FeatureAllowed.Always, FeatureAllowed.Yes), (ProfilePreferences.Get(told, ChatFeature.Voice), ProfilePreferences.Get(told, ChatFeature.Files)));
    }

    [Theory]
    [InlineData("/set voice")]
    [InlineData("/set voice perhaps")]
    [InlineData("/set files @bob perhaps")]
    [InlineData("/set nothing yes")]
    public async Task Mistake_is_answered_with_the_form(string command) => Assert.StartsWith("Write /set ", (await FailAsync(command)).Sentence, StringComparison.Ordinal);

    private async Task TellPreferencesAsync(string preferences)
    {
        Agent.TellMessage(SystemRandom.Instance.Bytes(1)[0] + 1000, Info.Replace("\"fullName\":\"\"", "\"fullName\":\"\",\"preferences\":" + preferences, StringComparison.Ordinal));
        Assert.StartsWith("bob is now bob", await NextAsync(), StringComparison.Ordinal);
    }
}
