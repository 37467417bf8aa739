using System.Diagnostics;
using Pairwise.Demo.Processes;

namespace Pairwise.Demo;

/// <summary>Alice and Bob meet by a one-time link and talk through two real relays, which come and go.</summary>
internal static class Story
{
    private const int MessagesEachWay = 5;

    private static readonly string[] Relays = ["relay-1", "relay-2"];

    /// <summary>Words that would tell who talks, or what about. Not "Bob": three letters occur in base64 by chance.</summary>
    private static readonly string[] Telling = ["alice", "Alice", "displayName", "message 1"];

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    /// <summary>Tells the whole story in a folder and gives the exit code: 0 when every message arrived once and in order.</summary>
    public static async Task<int> TellAsync(string folder)
    {
        var clock = Stopwatch.StartNew();
        string Home(string name) => Path.Combine(folder, name);

        Say("Two operators set up a relay each.");
        var addresses = await Task.WhenAll(RelayProcess.InitAsync(Home("relay-1")), RelayProcess.InitAsync(Home("relay-2")));
        var first = await RelayProcess.StartAsync(Home("relay-1"), addresses[0]);
        var second = await RelayProcess.StartAsync(Home("relay-2"), addresses[1]);

        Say("Alice and Bob open their chats: Alice receives through relay 1, Bob through relay 2.");
        await using var alice = ChatProcess.Start(Home("alice"), [addresses[0]], "alice");
        var bob = ChatProcess.Start(Home("bob"), [addresses[1]], "bob");

        var fromAlice = new Transcript("Alice");
        var fromBob = new Transcript("Bob");
        var bobSaw = new List<string>();
        try
        {
            var link = await alice.CreateLinkAsync(Patience);
            Say($"Alice makes a one-time link and gives it to Bob: {link[..40]}…");
            await bob.TypeAsync("/connect " + link);
            await Task.WhenAll(
                alice.WaitForLineAsync(line => line.Contains("bob: contact is connected", StringComparison.Ordinal), Patience),
                bob.WaitForLineAsync(line => line.Contains("alice: contact is connected", StringComparison.Ordinal), Patience));
            Say("They are connected, and talk.");

            await TalkAsync(alice, bob, fromAlice, fromBob);
            await ArrivedAsync(alice, bob, fromAlice, fromBob);

            Say("Both relays stop. Alice and Bob go on typing.");
            await Task.WhenAll(first.StopAsync(Patience), second.StopAsync(Patience));
            await TalkAsync(alice, bob, fromAlice, fromBob);

            Say("The relays are back: what was typed arrives.");
            first = await RelayProcess.StartAsync(Home("relay-1"), addresses[0]);
            second = await RelayProcess.StartAsync(Home("relay-2"), addresses[1]);
            await ArrivedAsync(alice, bob, fromAlice, fromBob);

            Say("Bob's program is killed. Alice writes to him; relay 2 stops and starts with her message waiting.");
            await bob.KillAsync();
            bobSaw.AddRange(MessagesOf(bob, "alice"));
            var text = fromAlice.Next();
            await alice.TypeAsync("@bob " + text);
            await alice.WaitForLineAsync(line => line.StartsWith("@bob " + text, StringComparison.Ordinal), Patience);
            await second.StopAsync(Patience);
            second = await RelayProcess.StartAsync(Home("relay-2"), addresses[1]);
            bob = ChatProcess.Start(Home("bob"), [addresses[1]]);
            await bob.WaitForLineAsync(line => line == "alice> " + text, Patience);

            var reply = fromBob.Next();
            await bob.TypeAsync("@alice " + reply);
            await alice.WaitForLineAsync(line => line == "bob> " + reply, Patience);

            await bob.TypeAsync("/info @alice");
            var isPostQuantum = await bob.WaitForLineAsync(line => line.StartsWith("post-quantum: ", StringComparison.Ordinal), Patience);

            Say("Alice sends a file of 3 MB, through the file relay inside her program.");
            var photo = Photo.Make(Home("photo.jpg"));
            var photoFault = await photo.SendAsync(alice, bob, "bob", Home("received"), Patience);
            var isPhotoReadable = Photo.IsReadableIn(Path.Combine(Home("alice"), "file-relay"));

            bobSaw.AddRange(MessagesOf(bob, "alice"));
            var aliceSaw = MessagesOf(alice, "bob").ToList();
            await Task.WhenAll(alice.EndInputAsync(Patience), bob.EndInputAsync(Patience));
            await Task.WhenAll(first.StopAsync(Patience), second.StopAsync(Patience));

            var views = Relays.Select(relay => RelayView.Of(Home(relay), Telling)).ToList();
            Console.WriteLine();
            Console.WriteLine($"Alice -> Bob: a file of 3 MB, {photoFault ?? "the same digest"}; its words {(isPhotoReadable ? "FOUND" : "not found")} at the file relay");
            if (photoFault is not null || isPhotoReadable) return 1;
            return Summarise(fromAlice.Compare(bobSaw), fromBob.Compare(aliceSaw), bobSaw.Count, aliceSaw.Count, isPostQuantum, views, clock.Elapsed);
        }
        finally
        {
            await bob.DisposeAsync();
            await first.DisposeAsync();
            await second.DisposeAsync();
        }
    }

    private static async Task TalkAsync(ChatProcess alice, ChatProcess bob, Transcript fromAlice, Transcript fromBob)
    {
        for (var i = 0; i < MessagesEachWay; i++)
        {
            await alice.TypeAsync("@bob " + fromAlice.Next());
            await bob.TypeAsync("@alice " + fromBob.Next());
        }
    }

    private static async Task ArrivedAsync(ChatProcess alice, ChatProcess bob, Transcript fromAlice, Transcript fromBob) =>
        await Task.WhenAll(
            bob.WaitForLineAsync(line => line == "alice> " + fromAlice.Texts[^1], Patience),
            alice.WaitForLineAsync(line => line == "bob> " + fromBob.Texts[^1], Patience));

    private static IEnumerable<string> MessagesOf(ChatProcess chat, string sender) =>
        from line in chat.Lines
        where line.StartsWith(sender + "> ", StringComparison.Ordinal) && !line.StartsWith(sender + "> sends file", StringComparison.Ordinal)
        select line[(sender.Length + 2)..];

    private static int Summarise(string? faultToBob, string? faultToAlice, int toBob, int toAlice, string postQuantum, List<RelayView> views, TimeSpan time)
    {
        Console.WriteLine($"Alice -> Bob: {toBob} messages delivered, {faultToBob ?? "each once and in order"}");
        Console.WriteLine($"Bob -> Alice: {toAlice} messages delivered, {faultToAlice ?? "each once and in order"}");
        Console.WriteLine($"Ratchet {postQuantum}");
        for (var i = 0; i < views.Count; i++)
        {
            var (queues, files, bytes, found) = views[i];
            var seen = found.Count == 0 ? "no name, no text" : "FOUND: " + string.Join(", ", found);
            Console.WriteLine($"Relay {i + 1} kept on its disk: {queues} queue(s) in {files} file(s), {bytes} bytes; searched for the names and texts: {seen}");
        }

        var isGood = faultToBob is null && faultToAlice is null && postQuantum == "post-quantum: yes" && views.TrueForAll(view => view.Found.Count == 0 && view.Queues > 0);
        Console.WriteLine($"{(isGood ? "All as it should be" : "Something went wrong")}, in {time.TotalSeconds:0.0} seconds.");
        return isGood ? 0 : 1;
    }

    private static void Say(string text) => Console.WriteLine("* " + text);
}
