using Pairwise.Demo.Processes;
using Pairwise.TestKit;

namespace Pairwise.EndToEnd.Tests;

/// <summary>
/// Our chat and the original one meet, through our relay and through the original one.
/// <c>./test reference --chat PATH [--smp-server PATH]</c> runs these; without the originals they are skipped.
/// </summary>
[Trait("Needs", "originals")]
public sealed class ReferenceChatTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static string? RelayProgram => Environment.GetEnvironmentVariable("PAIRWISE_REFERENCE_SMP_SERVER");

    [Theory]
    [InlineData("our link", "our relay")]
    [InlineData("our link", "original relay")]
    [InlineData("original link", "our relay")]
    [InlineData("original link", "original relay")]
    [InlineData("our link without post-quantum", "our relay")]
    [InlineData("original link without post-quantum", "our relay")]
    public async Task Meets_the_reference_chat(string link, string relayKind)
    {
        Assert.SkipWhen(ReferenceChat.Program is null, "the original chat is not here: ./test reference --chat PATH");
        var relayProgram = relayKind == "our relay" ? null : RelayProgram;
        Assert.SkipWhen(relayKind == "original relay" && relayProgram is null, "the original relay is not here: ./test reference --smp-server PATH");
        var isPostQuantum = !link.EndsWith("without post-quantum", StringComparison.Ordinal);
        string[] more = isPostQuantum ? [] : ["--no-post-quantum"];

        using var folder = new TestFolder();
        var address = await RelayProcess.InitAsync(folder["relay"], relayProgram);
        await using var relay = await RelayProcess.StartAsync(folder["relay"], address, relayProgram);
        var ours = ChatProcess.Start(folder["ours"], [address], "alice", more);
        await using var theirs = await ReferenceChat.StartAsync(folder["."], "bob", address);
        try
        {
            if (link.StartsWith("our", StringComparison.Ordinal)) await theirs.DoAsync("/connect " + await ours.CreateLinkAsync(Patience));
            else await ours.TypeAsync("/connect " + await theirs.CreateLinkAsync());

            await ours.WaitForLineAsync(line => line == "bob: contact is connected", Patience);
            await theirs.SeesContactAsync("contactConnected", "alice");
            await TalkAsync(ours, theirs, "first");

            await ours.TypeAsync("/info @bob");
            await ours.WaitForLineAsync(line => line == $"post-quantum: {(isPostQuantum ? "yes" : "no")}", Patience);

            // Each side goes away while the other writes, and comes back.
            Assert.Equal(0, await ours.EndInputAsync(Patience));
            await ours.DisposeAsync();
            await theirs.DoAsync("@alice while you were away");
            ours = ChatProcess.Start(folder["ours"], [address], null, more);
            await ours.WaitForLineAsync(line => line == "bob> while you were away", Patience);

            await theirs.StopAsync();
            await ours.TypeAsync("@bob while you were away too");
            await ours.WaitForLineAsync(line => line == "@bob while you were away too", Patience);
            await theirs.RestartAsync();
            await theirs.SeesTextAsync("while you were away too");
            await TalkAsync(ours, theirs, "second");
        }
        finally
        {
            await ours.DisposeAsync();
        }
    }

    private static async Task TalkAsync(ChatProcess ours, ReferenceChat theirs, string round)
    {
        for (var i = 0; i < 5; i++)
        {
            var text = $"{round} {i} from alice";
            await ours.TypeAsync("@bob " + text);
            await theirs.SeesTextAsync(text);
            await theirs.DoAsync($"@alice {round} {i} from bob");
            await ours.WaitForLineAsync(line => line == $"bob> {round} {i} from bob", Patience);
            await ours.WaitForLineAsync(line => line == "✓✓ @bob " + text, Patience);
            Assert.Equal(1, theirs.CountTexts(text));
        }
    }
}
