using System.Diagnostics;
using System.Text;
using System.Text.Json.Nodes;
using Pairwise.Agent;
using Pairwise.Agent.Files;
using Pairwise.Chat.Protocol;
using Pairwise.Chat.Tests.Dialogue;
using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Xftp;
using Pairwise.Storage;
using Pairwise.Wire;
using FileChunk = Pairwise.Chat.Protocol.FileChunk;

namespace Pairwise.Chat.Tests;

/// <summary>Files of conversations over an agent that does as a test tells it: messages both ways, repetitions, restarts, refusals.</summary>
public sealed class FileEventTests : FileConversation
{
    [Fact]
    public async Task File_is_offered_uploaded_described_in_parts_and_complete_when_the_last_part_is_sent()
    {
        var path = MakeFile("photo.bin", 5000);
        var accepted = await DoAsync<ChatResponse.MessageAccepted>($"/file @bob {path}");
        Assert.Equal(("photo.bin", 5000L, FileState.SendStored), (accepted.Item.File!.Name, accepted.Item.File.Size, accepted.Item.File.State));
        Assert.Equal("file send", await Agent.NextAsync());
        var offer = Sent(await Agent.NextAsync());
        Assert.Equal("x.msg.new", offer.Tag);
        Assert.Equal(("photo.bin", 5000L, InlineMode.None), (offer.File!.Name, offer.File.Size, offer.File.Inline));
        Assert.Equal(FileDescriptionPart.Following, offer.File.Description);

        var transfer = Agent.Transfers.Begun[0].Id;
        Agent.Tell(new AgentEvent.FileSendProgress(transfer, 3, 6));
        Assert.Equal("progress Sent file 1 (photo.bin)", await NextAsync());
        var description = Description(chunks: 120);
        Assert.True(description.Length > ChatMessageLimits.MaxDescriptionPartLength);
        Agent.Tell(new AgentEvent.FileSent(transfer, description, [description]));
        var parts = new List<FileDescriptionPart>();
        do
        {
            var message = Sent(await Agent.NextAsync());
            Assert.Equal(("x.msg.file.descr", offer.Id), (message.Tag, message.Target));
            parts.Add(message.DescriptionPart!);
        }
        while (!parts[^1].IsComplete);
        Assert.Equal(description, string.Concat(parts.Select(part => part.Text)));
        Assert.Equal(Enumerable.Range(1, parts.Count), parts.Select(part => part.Number));

        var status = await DoAsync<ChatResponse.FileShown>("/fs 1");
        Assert.Equal(FileState.SendUploaded, status.Item.File!.State);
        Agent.Tell(new AgentEvent.Sent(ScriptedAgent.Connection, Agent.LastMessage));
        Assert.Equal("completed Sent file 1 (photo.bin)", await NextAsync());
        Assert.Equal(FileState.SendComplete, (await DoAsync<ChatResponse.FileShown>("/fs 1")).Item.File!.State);

        // A second word of the same kind changes nothing.
        Agent.Tell(new AgentEvent.FileSent(transfer, description, [description]));
        await DoAsync<ChatResponse.FileCancelled>("/fc 1");
        Assert.Equal("file delete", await Agent.NextAsync());
        var cancel = Sent(await Agent.NextAsync());
        Assert.Equal((ChatEventTags.FileCancel, offer.Id), (cancel.Tag, cancel.Target));
        Assert.Equal(ChatError.NoFile, (await FailAsync("/fc 1")).Error);
    }

    [Fact]
    public async Task File_noted_before_a_crash_goes_out_after_it()
    {
        var path = MakeFile("a.txt", 10);
        await DoAsync<ChatResponse.MessageAccepted>($"/f @bob {path}");
        var transfer = Agent.Transfers.Begun[0].Id;
        // As if the process had ended after the transaction: the agent knows neither the file nor the line.
        await Database.TransactAsync(static session => session.Execute("UPDATE chat_items SET agent_message_id = NULL"), Token);
        await RestartAsync();
        var offer = await Agent.NextAsync();
        Assert.Contains("\"fileName\":\"a.txt\"", offer, StringComparison.Ordinal);
        Assert.Contains("\"type\":\"file\"", offer, StringComparison.Ordinal);
        Assert.Equal("file send", await Agent.NextAsync());
        Assert.Equal(transfer, Agent.Transfers.Begun[0].Id);
        await RestartAsync();
        Assert.Equal("file send", await Agent.NextAsync());
        Assert.False(Agent.HasMore);
    }

    [Fact]
    public async Task Parts_of_a_description_go_on_after_a_crash_where_they_were()
    {
        await DoAsync<ChatResponse.MessageAccepted>($"/f @bob {MakeFile("a.txt", 10)}");
        var description = Description(chunks: 120);
        await Database.TransactAsync(
            session => session.Execute("UPDATE chat_files SET state = 2, description = ?1, sender_description = ?1, pieces = 1", description),
            Token);
        await RestartAsync();
        var part = Sent(await Agent.NextAsync()).DescriptionPart!;
        Assert.Equal((2, true), (part.Number, part.IsComplete));
        Assert.False(Agent.HasMore);
    }

    [Fact]
    public async Task Refused_transfer_leaves_no_line()
    {
        Agent.Transfers.Refusal = new AgentError.File(FileFault.NoServer);
        Assert.Equal(ChatError.File, (await FailAsync($"/f @bob {MakeFile("a.txt", 10)}")).Error);
        Assert.Empty((await DoAsync<ChatResponse.Tail>("/tail")).Lines);
        Assert.False(Agent.HasMore);
    }

    [Fact]
    public async Task File_that_is_larger_than_its_offer_said_is_not_received()
    {
        Agent.TellMessage(7, Offer);
        Assert.Equal("bob> file [file 1 ab.tar.gz 70000]", await NextAsync());
        Assert.Equal("ack 7 with receipt", await Agent.NextAsync());
        await DoAsync<ChatResponse.FileAccepted>("/fr 1");
        TellDescription(8, Description(chunks: 120));
        Assert.Equal("failed Received file 1 (ab.tar.gz): File 1 is larger than its sender said: it is not received.", await NextAsync());
        Assert.Empty(Agent.Transfers.Begun);
    }

    [Fact]
    public async Task Offer_is_accepted_before_its_description_and_begins_with_it()
    {
        Agent.TellMessage(7, Offer.Replace("70000", "500000000", StringComparison.Ordinal));
        Assert.Equal("bob> file [file 1 ab.tar.gz 500000000]", await NextAsync());
        Assert.Equal("ack 7 with receipt", await Agent.NextAsync());
        var accepted = await DoAsync<ChatResponse.FileAccepted>("/fr 1");
        Assert.Equal((FileState.ReceiveAccepted, Path.Combine(Files, "ab.tar.gz"), true), (accepted.Item.File!.State, accepted.Item.File.Path, accepted.Item.File.IsEncrypted));
        Assert.False(Agent.HasMore);

        TellDescription(8, Description(chunks: 120));
        Assert.Equal("started Received file 1 (ab.tar.gz)", await NextAsync());
        Assert.Equal(["ack 8", "file receive", "ack 9"], [await Agent.NextAsync(), await Agent.NextAsync(), await Agent.NextAsync()]);
        var (transfer, target) = Agent.Transfers.Begun[0];
        Assert.NotNull(target.Key);

        var place = target with { Path = Path.Combine(Files, "ab_1.tar.gz") };
        await target.WriteAllAsync(new byte[] { 1, 2, 3 }, FileMode.CreateNew, Token);
        File.Move(target.Path, place.Path);
        Agent.Tell(new AgentEvent.FileReceived(transfer, place, "x"));
        Agent.Tell(new AgentEvent.FileReceived(transfer, place, "x"));
        Assert.Equal("completed Received file 1 (ab.tar.gz)", await NextAsync());
        var shown = (await DoAsync<ChatResponse.FileShown>("/fs 1")).Item.File!;
        Assert.Equal((FileState.ReceiveComplete, place.Path), (shown.State, shown.Path));
        Assert.True(File.Exists(place.Path));

        var exported = await DoAsync<ChatResponse.FileExported>($"/fexport 1 {Folder}/plain");
        Assert.Equal(new byte[] { 1, 2, 3 }, await File.ReadAllBytesAsync(exported.Path, Token));
        Assert.Contains("already", (await FailAsync("/fr 1")).Sentence, StringComparison.Ordinal);
        Assert.Contains("already", (await FailAsync("/fc 1")).Sentence, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Parts_told_twice_or_out_of_order_are_left_out()
    {
        Agent.TellMessage(7, Offer);
        await NextAsync();
        var description = Description(chunks: 120);
        var parts = FileDescriptionPart.Split(description);
        TellPart(8, parts[1]);
        TellPart(9, parts[0]);
        TellPart(10, parts[0]);
        TellPart(11, parts[1]);
        TellPart(12, parts[1]);
        Agent.TellMessage(13, Text("end"));
        Assert.Equal("bob> end", await NextAsync());
        Assert.Equal(description, await Database.ReadAsync(static session => session.Query("SELECT description FROM chat_files", static row => row.GetText(0))[0], Token));
    }

    [Fact]
    public async Task Unknown_relays_are_asked_about()
    {
        Assert.True(ServerAddress.TryParse($"xftp://AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=@{Host}", out var server));
        Agent.Transfers.Unapproved = [server];
        await OfferDescribedAsync();
        var refused = await FailAsync("/fr 1");
        Assert.Equal(ChatError.NotApproved, refused.Error);
        Assert.Contains(Host, refused.Sentence, StringComparison.Ordinal);
        Assert.Empty(Agent.Transfers.Begun);
        await DoAsync<ChatResponse.FileAccepted>("/fr 1 approved_relays=on");
        Assert.Single(Agent.Transfers.Begun);
    }

    [Fact]
    public async Task Relay_on_this_machine_needs_no_approval()
    {
        Assert.True(ServerAddress.TryParse("xftp://AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=@127.0.0.1:4443", out var server));
        Agent.Transfers.Unapproved = [server];
        await OfferDescribedAsync();
        await DoAsync<ChatResponse.FileAccepted>("/fr 1 encrypt=off");
        Assert.Null(Assert.Single(Agent.Transfers.Begun).File.Key);
    }

    [Fact]
    public async Task Relay_on_this_machine_does_not_vouch_for_where_a_description_leads()
    {
        Assert.True(ServerAddress.TryParse("xftp://AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=@127.0.0.1:4443", out var server));
        Agent.Transfers.Unapproved = [server];
        await OfferDescribedAsync(leadsOn: true);
        Assert.Equal(ChatError.NotApproved, (await FailAsync("/fr 1")).Error);
        Agent.Transfers.Unapproved = [];
        await DoAsync<ChatResponse.FileAccepted>("/fr 1");
        Assert.Contains("file receive", await AllAsync());
    }

    [Fact]
    public async Task Description_of_unknown_relays_after_the_acceptance_makes_the_file_an_offer_again()
    {
        Assert.True(ServerAddress.TryParse($"xftp://AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=@{Host}", out var server));
        Agent.Transfers.Unapproved = [server];
        Agent.TellMessage(7, Offer);
        await NextAsync();
        await DoAsync<ChatResponse.FileAccepted>("/fr 1");
        TellDescription(8, Description(chunks: 1));
        Assert.StartsWith("failed Received file 1 (ab.tar.gz): File 1 is at relays that you do not use yourself", await NextAsync(), StringComparison.Ordinal);
        await DoAsync<ChatResponse.FileAccepted>("/fr 1 approved_relays=on");
        Assert.Single(Agent.Transfers.Begun);
    }

    [Fact]
    public async Task Sender_cancels()
    {
        await OfferDescribedAsync();
        await DoAsync<ChatResponse.FileAccepted>("/fr 1");
        Agent.TellMessage(10, Cancel);
        Agent.TellMessage(10, Cancel);
        Assert.Equal("bob cancelled Received file 1 (ab.tar.gz)", await NextAsync());
        Agent.TellMessage(11, Text("end 2"));
        Assert.Equal("bob> end 2", await NextAsync());
        Assert.Contains("file cancel", await AllAsync());
        Assert.Contains("cancelled", (await FailAsync("/fr 1")).Sentence, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Receiver_cancels_and_accepts_again()
    {
        await OfferDescribedAsync();
        await DoAsync<ChatResponse.FileAccepted>("/fr 1");
        await DoAsync<ChatResponse.FileCancelled>("/fc 1");
        Assert.Equal(FileState.ReceiveInvitation, (await DoAsync<ChatResponse.FileShown>("/fs 1")).Item.File!.State);
        await DoAsync<ChatResponse.FileAccepted>("/fr 1");
        Assert.Equal(2, Agent.Transfers.Begun.Count);
        Assert.NotEqual(Agent.Transfers.Begun[0].Id, Agent.Transfers.Begun[1].Id);
    }

    [Fact]
    public async Task Failure_says_why_and_can_be_tried_again()
    {
        await OfferDescribedAsync();
        await DoAsync<ChatResponse.FileAccepted>("/fr 1");
        Agent.Tell(new AgentEvent.FileReceiveFailed(Agent.Transfers.Begun[0].Id, new AgentError.FileServer($"xftp://AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=@{Host}", XftpError.Auth.Instance)));
        Assert.Contains("deleted or has expired", await NextAsync(), StringComparison.Ordinal);
        await DoAsync<ChatResponse.FileAccepted>("/fr 1");
        Assert.Equal(2, Agent.Transfers.Begun.Count);
    }

    [Fact]
    public async Task Small_offer_comes_inside_the_conversation()
    {
        var content = SystemRandom.Instance.Bytes(ChatMessageLimits.InlineChunkLength + 100);
        Agent.TellMessage(7, InlineOffer("offer", content.Length, "file"));
        Assert.Equal($"bob> file [file 1 small.bin {content.Length}]", await NextAsync());
        await DoAsync<ChatResponse.FileAccepted>($"/fr 1 encrypt=off {Folder}/got.bin");
        Assert.Equal("ack 7 with receipt", await Agent.NextAsync());
        var accept = Sent(await Agent.NextAsync());
        Assert.Equal((ChatEventTags.FileAcceptInvitation, "AQID", "small.bin"), (accept.Tag, accept.Target.ToString(), accept.FileName));
        TellChunk(8, 1, content[..ChatMessageLimits.InlineChunkLength]);
        TellChunk(8, 1, content[..ChatMessageLimits.InlineChunkLength]);
        TellChunk(9, 2, content[ChatMessageLimits.InlineChunkLength..]);
        Assert.Equal("completed Received file 1 (small.bin)", await NextAsync());
        Assert.Equal(content, await File.ReadAllBytesAsync(Folder + "/got.bin", Token));
    }

    [Fact]
    public async Task Pieces_survive_a_restart()
    {
        var content = SystemRandom.Instance.Bytes(ChatMessageLimits.InlineChunkLength + 1);
        Agent.TellMessage(7, InlineOffer("offer", content.Length, "file"));
        await NextAsync();
        await DoAsync<ChatResponse.FileAccepted>("/fr 1 encrypt=off");
        TellChunk(8, 1, content[..ChatMessageLimits.InlineChunkLength]);
        Agent.TellMessage(9, Text("end"));
        await NextAsync();
        await RestartAsync();
        TellChunk(10, 2, content[ChatMessageLimits.InlineChunkLength..]);
        Assert.Equal("completed Received file 1 (small.bin)", await NextAsync());
        Assert.Equal(content, await File.ReadAllBytesAsync(Path.Combine(Files, "small.bin"), Token));
    }

    [Theory]
    [InlineData(3, 10)]
    [InlineData(1, 9)]
    [InlineData(1, 11)]
    [InlineData(1, 0)]
    public async Task Wrong_piece_ends_the_file(int number, int length)
    {
        Agent.TellMessage(7, InlineOffer("offer", 10, "file"));
        await NextAsync();
        await DoAsync<ChatResponse.FileAccepted>("/fr 1");
        TellChunk(8, number, new byte[length]);
        Assert.StartsWith("failed Received file 1 (small.bin): A piece of the file", await NextAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Voice_sent_unasked_is_taken_only_where_that_is_allowed()
    {
        Agent.TellMessage(7, InlineOffer("sent", 3, "voice"));
        Assert.Equal("bob> voice message (00:05) [file 1 small.bin 3]", await NextAsync());
        TellChunk(8, 1, [1, 2, 3]);
        Assert.Contains("--allow-instant-files", (await FailAsync("/fr 1")).Sentence, StringComparison.Ordinal);

        Change = static options => options with { AcceptsInstantFiles = true };
        await RestartAsync();
        Agent.TellMessage(9, InlineOffer("sent", 3, "voice").Replace("AQID", "AQIE", StringComparison.Ordinal));
        await NextAsync();
        TellChunk(10, 1, [1, 2, 3], 4);
        Assert.Equal("completed Received file 2 (small.bin)", await NextAsync());
        Assert.True(File.Exists(Path.Combine(Files, "small.bin")));
        await DoAsync<ChatResponse.FileExported>($"/fexport 2 {Folder}/voice");
        Assert.Equal([1, 2, 3], await File.ReadAllBytesAsync(Folder + "/voice", Token));
    }

    [Fact]
    public async Task Without_file_relays_a_small_file_goes_inside_the_conversation()
    {
        Change = static options => options with { FileServers = [] };
        await RestartAsync();
        Assert.Contains("/xftp", (await FailAsync($"/f @bob {MakeFile("large", 8_000_001)}")).Sentence, StringComparison.Ordinal);
        var path = MakeFile("small", 9000);
        await DoAsync<ChatResponse.MessageAccepted>($"/f @bob {path}");
        var offer = Sent(await Agent.NextAsync());
        Assert.Equal((InlineMode.Offer, (FileDescriptionPart?)null), (offer.File!.Inline, offer.File.Description));
        Agent.TellMessage(7, Encoding.UTF8.GetString(ChatMessageCodec.Encode(ChatMessage.FileAccept(SharedMessageId.Create(SystemRandom.Instance), offer.Id!.Value, "small"))));
        Assert.Equal("started Sent file 1 (small)", await NextAsync());
        Assert.StartsWith("send F", await Agent.NextAsync(), StringComparison.Ordinal);
        var chunk = Assert.IsType<ChatBodyItem.Chunk>(Assert.Single(ChatBody.Decode(Agent.LastBody)));
        Assert.Equal((offer.Id!.Value, 1u), (chunk.File, chunk.Value.Number!.Value));
        Assert.Equal(await File.ReadAllBytesAsync(path, Token), chunk.Value.Content.ToArray());
        Agent.Tell(new AgentEvent.Sent(ScriptedAgent.Connection, Agent.LastMessage));
        Assert.Equal("completed Sent file 1 (small)", await NextAsync());
    }

    [Fact]
    public async Task Larger_file_goes_inside_the_conversation_in_pieces_and_on_after_a_crash()
    {
        Change = static options => options with { FileServers = [], IsPostQuantum = false };
        await RestartAsync();
        await Database.TransactAsync(static session => session.Execute("UPDATE chat_contacts SET post_quantum = 0"), Token);
        var path = MakeFile("small", 2 * ChatMessageLimits.InlineChunkLength + 1);
        await DoAsync<ChatResponse.MessageAccepted>($"/f @bob {path}");
        var offer = Sent(await Agent.NextAsync());
        // One byte more, and a full piece would be longer than a message may be.
        Assert.Equal(11, offer.Id!.Value.Value.Length);
        Agent.TellMessage(7, Encoding.UTF8.GetString(ChatMessageCodec.Encode(ChatMessage.FileAccept(SharedMessageId.Create(SystemRandom.Instance), offer.Id!.Value, "small"))));
        Assert.Equal("started Sent file 1 (small)", await NextAsync());
        var content = new List<byte>();
        for (uint number = 1; number <= 3; number++)
        {
            Assert.StartsWith("send F", await Agent.NextAsync(), StringComparison.Ordinal);
            Assert.True(Agent.LastBody.Length <= 15_795);
            var chunk = Assert.IsType<ChatBodyItem.Chunk>(Assert.Single(ChatBody.Decode(Agent.LastBody)));
            Assert.Equal((offer.Id!.Value, number), (chunk.File, chunk.Value.Number!.Value));
            content.AddRange(chunk.Value.Content.ToArray());
        }

        Assert.Equal(await File.ReadAllBytesAsync(path, Token), content);
        Assert.Equal("ack 7", await Agent.NextAsync());
        // As if the process had ended after the second piece.
        await Database.TransactAsync(static session => session.Execute("UPDATE chat_files SET pieces = 2, last_message_id = NULL"), Token);
        await RestartAsync();
        Assert.StartsWith("send F", await Agent.NextAsync(), StringComparison.Ordinal);
        Agent.Tell(new AgentEvent.Sent(ScriptedAgent.Connection, Agent.LastMessage));
        // This agent begins to count anew: the number is also that of the line.
        Assert.StartsWith("Sent: @bob file", await NextAsync(), StringComparison.Ordinal);
        Assert.Equal("completed Sent file 1 (small)", await NextAsync());
        Assert.False(Agent.HasMore);
    }

    [Fact]
    public async Task File_that_is_on_relays_already_is_sent_by_its_description()
    {
        var folder = Directory.CreateDirectory(Path.Combine(Folder, "photo.jpg.xftp"));
        var path = Path.Combine(folder.FullName, "rcv1.xftp");
        var description = Description(chunks: 2);
        await File.WriteAllTextAsync(path, description, Token);
        var accepted = await DoAsync<ChatResponse.MessageAccepted>($"/fd @bob {path}");
        Assert.Equal(("photo.jpg", 131_072L), (accepted.Item.File!.Name, accepted.Item.File.Size));
        Assert.Equal(FileDescriptionPart.Following, Sent(await Agent.NextAsync()).File!.Description);
        var part = Sent(await Agent.NextAsync()).DescriptionPart!;
        Assert.Equal((description, true), (part.Text, part.IsComplete));
        Agent.Tell(new AgentEvent.Sent(ScriptedAgent.Connection, Agent.LastMessage));
        Assert.Equal("completed Sent file 1 (photo.jpg)", await NextAsync());
        Assert.Empty(Agent.Transfers.Begun);
        Assert.Contains("no file description", (await FailAsync($"/fd @bob {MakeFile("x.xftp", 10)}")).Sentence, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Small_files_are_accepted_by_themselves_when_asked_for()
    {
        Change = static options => options with { AutoAcceptSize = 70_001 };
        await RestartAsync();
        Agent.TellMessage(7, Offer);
        await NextAsync();
        Assert.Equal("started Received file 1 (ab.tar.gz)", await NextAsync());
        Assert.Equal(FileState.ReceiveAccepted, (await DoAsync<ChatResponse.FileShown>("/fs 1")).Item.File!.State);
    }

    [Theory]
    [InlineData("/f @bob /no/such/file", "There is no file /no/such/file")]
    [InlineData("/f @bob /tmp", "is a folder")]
    [InlineData("/f @bob /dev/zero", "has a length")]
    [InlineData("/f @bob /proc/version", "has a length")]
    [InlineData("/f @bob PIPE", "has a length")]
    [InlineData("/f @bob key=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= nonce=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA EXISTING", "too short to be an encrypted one")]
    [InlineData("/_send @1 json [{\"fileSource\":{\"filePath\":\"EXISTING\",\"cryptoArgs\":{\"fileKey\":\"AAAA\",\"fileNonce\":\"AAAA\"}},\"msgContent\":{\"type\":\"file\",\"text\":\"\"}}]", "This is no message")]
    [InlineData("/_set_file_to_receive 99", "There is no file 99")]
    [InlineData("/f @carol /tmp/x", "no contact carol")]
    [InlineData("/img @bob EXISTING", "A picture is a jpg, png or gif")]
    [InlineData("/fr 99", "There is no file 99")]
    [InlineData("/fc 99", "There is no file 99")]
    [InlineData("/fs 99", "There is no file 99")]
    [InlineData("/xftp smp://AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=@localhost", "not the address of a file relay")]
    [InlineData("/_send @1 json [{\"msgContent\":{\"type\":\"file\",\"text\":\"\"}}]", "needs a filePath")]
    [InlineData("/_send @1 json nonsense", "This is no message")]
    [InlineData("/_send @9 text hello", "no contact number 9")]
    public async Task Mistake_is_one_clear_sentence(string command, string sentence)
    {
        var existing = MakeFile("existing.txt", 5);
        var pipe = Path.Combine(Folder, "pipe");
        using (var made = Process.Start("mkfifo", [pipe]))
            await made.WaitForExitAsync(Token);
        var failed = await FailAsync(command.Replace("EXISTING", existing, StringComparison.Ordinal).Replace("PIPE", pipe, StringComparison.Ordinal));
        Assert.Contains(sentence, failed.Sentence, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', failed.Sentence);
    }

    [Fact]
    public async Task Composed_voice_goes_out_with_its_duration()
    {
        var path = MakeFile("voice.m4a", 500);
        await DoAsync<ChatResponse.MessageAccepted>($$$"""/_send @1 json [{"filePath":"{{{path}}}","msgContent":{"type":"voice","text":"","duration":7}}]""");
        Assert.Equal("file send", await Agent.NextAsync());
        var offer = Sent(await Agent.NextAsync());
        Assert.Equal(("voice", 7L, "voice.m4a"), (offer.Content!.Type, offer.Content.Duration, offer.File!.Name));
    }
}
