using System.Text;
using System.Text.Json.Nodes;
using Pairwise.Agent;
using Pairwise.Chat.Protocol;
using Pairwise.Chat.Tests.Dialogue;
using Pairwise.Crypto;
using Pairwise.Protocol.Agent;
using Pairwise.TestKit;
using Pairwise.Wire;

namespace Pairwise.Chat.Tests;

/// <summary>Files over a connection of their own, as programs from before file relays send them.</summary>
public sealed class FileConnectionTests : FileConversation
{
    [Fact]
    public async Task Offer_with_a_link_is_joined_and_its_pieces_make_the_file()
    {
        var content = SystemRandom.Instance.Bytes(ChatMessageLimits.InlineChunkLength + 7);
        Agent.TellMessage(7, await OfferAsync(content.Length));
        Assert.Equal($"bob> file [file 1 old.bin {content.Length}]", await NextAsync());
        Assert.StartsWith("ack 7", await Agent.NextAsync(), StringComparison.Ordinal);
        await DoAsync<ChatResponse.FileAccepted>($"/fr 1 encrypt=off {Folder}/got.bin");
        var joined = await Agent.NextAsync();
        Assert.Contains("\"event\":\"x.file.acpt\"", joined, StringComparison.Ordinal);
        Assert.Contains("\"fileName\":\"old.bin\"", joined, StringComparison.Ordinal);
        Agent.Tell(new AgentEvent.InfoReceived(ScriptedAgent.Another, false, default));
        Agent.Tell(new AgentEvent.Connected(ScriptedAgent.Another, false));
        Assert.Equal("started Received file 1 (old.bin)", await NextAsync());
        TellDirect(1, new FileChunk(1, Bytes.Wrap(content[..ChatMessageLimits.InlineChunkLength])));
        Assert.Equal("progress Received file 1", (await NextAsync())[..24]);
        await RestartAsync();
        // How far it is when it goes on; a piece that is told again changes nothing.
        Assert.Equal("progress Received file 1", (await NextAsync())[..24]);
        TellDirect(1, new FileChunk(1, Bytes.Wrap(content[..ChatMessageLimits.InlineChunkLength])));
        Assert.Equal("progress Received file 1", (await NextAsync())[..24]);
        TellDirect(2, new FileChunk(2, Bytes.Wrap(content[ChatMessageLimits.InlineChunkLength..])));
        Assert.Equal("completed Received file 1 (old.bin)", await NextAsync());
        Assert.Equal(content, await File.ReadAllBytesAsync(Folder + "/got.bin", Token));
        Assert.Equal(["ack 1", "ack 2", "delete"], [await Agent.NextAsync(), await Agent.NextAsync(), await Agent.NextAsync()]);
    }

    [Fact]
    public async Task Sender_cancels_over_the_connection()
    {
        Agent.TellMessage(7, await OfferAsync(100));
        await NextAsync();
        await DoAsync<ChatResponse.FileAccepted>("/fr 1");
        TellDirect(1, FileChunk.Cancelled);
        Assert.Equal("bob cancelled Received file 1 (old.bin)", await NextAsync());
        Agent.TellMessage(8, Text("end"));
        await NextAsync();
        Assert.Contains("delete", await AllAsync());
    }

    [Theory]
    [InlineData(2, 100)]
    [InlineData(1, 99)]
    public async Task Wrong_piece_ends_the_file_and_its_connection(int number, int length)
    {
        Agent.TellMessage(7, await OfferAsync(100));
        await NextAsync();
        await DoAsync<ChatResponse.FileAccepted>("/fr 1");
        TellDirect(1, new FileChunk((uint)number, Bytes.Wrap(new byte[length])));
        Assert.StartsWith("failed Received file 1 (old.bin): A piece of the file", await NextAsync(), StringComparison.Ordinal);
        Assert.Contains("delete", await AllAsync());
    }

    [Fact]
    public async Task File_that_cannot_be_asked_for_stays_offered()
    {
        Agent.TellMessage(7, await OfferAsync(100));
        await NextAsync();
        // As an offer without a link, of a contact that is gone since.
        await Database.TransactAsync(static session => session.Execute("UPDATE chat_files SET link = NULL"), Token);
        await Database.TransactAsync(static session => session.Execute("UPDATE chat_contacts SET state = 2"), Token);
        Assert.Equal(ChatError.NotReady, (await FailAsync("/fr 1")).Error);
        Assert.Equal(FileState.ReceiveInvitation, (await DoAsync<ChatResponse.FileShown>("/fs 1")).Item.File!.State);
    }

    [Fact]
    public async Task Offer_that_is_too_large_for_this_way_is_refused()
    {
        Agent.TellMessage(7, await OfferAsync(8_000_001));
        await NextAsync();
        Assert.Contains("too large", (await FailAsync("/fr 1")).Sentence, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true, 20_000)]
    [InlineData(true, 400_000)]
    [InlineData(false, 300_000)]
    public async Task Without_file_relays_a_file_passes_over_a_connection_that_its_recipient_offers(bool isPostQuantum, int size)
    {
        await using var village = await Village.StartAsync();
        var alice = await village.AddAsync("alice", options => options with { IsPostQuantum = isPostQuantum });
        var bob = await village.AddAsync("bob", options => options with { IsPostQuantum = isPostQuantum });
        await Village.ConnectAsync(alice, bob);
        var path = MakeFile("large.bin", size);
        await alice.DoAsync<ChatResponse.MessageAccepted>($"/f @bob {path}");
        await bob.SeesAsync($"alice> file [file 1 large.bin {size}]");
        await bob.DoAsync<ChatResponse.FileAccepted>($"/fr 1 {Folder}/got.bin");
        await alice.SeesAsync("started Sent file 1 (large.bin)");
        await alice.SeesAsync("completed Sent file 1 (large.bin)");
        await bob.SeesAsync("completed Received file 1 (large.bin)");
        await bob.DoAsync<ChatResponse.FileExported>($"/fe 1 {Folder}/plain.bin");
        Assert.Equal(await File.ReadAllBytesAsync(path, Token), await File.ReadAllBytesAsync(Folder + "/plain.bin", Token));
        // The conversation goes on.
        await alice.DoAsync<ChatResponse.MessageAccepted>("@bob there");
        await bob.SeesAsync("alice> there");
        Assert.DoesNotContain(alice.Seen.Concat(bob.Seen), line => line.StartsWith("problem", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Recipient_cancels_and_the_conversation_goes_on()
    {
        await using var village = await Village.StartAsync();
        var alice = await village.AddAsync("alice");
        var bob = await village.AddAsync("bob");
        await Village.ConnectAsync(alice, bob);
        await alice.DoAsync<ChatResponse.MessageAccepted>($"/f @bob {MakeFile("large.bin", 2_000_000)}");
        await bob.SeesAsync("alice> file [file 1 large.bin 2000000]");
        await bob.DoAsync<ChatResponse.FileAccepted>($"/fr 1 {Folder}/got.bin");
        await bob.DoAsync<ChatResponse.FileCancelled>("/fc 1");
        Assert.False(File.Exists(Folder + "/got.bin"));
        await alice.DoAsync<ChatResponse.MessageAccepted>("@bob there");
        await bob.SeesAsync("alice> there");
        await bob.DoAsync<ChatResponse.ContactDeleted>("/delete alice");
    }

    [Fact]
    public async Task Start_goes_on_with_joining_that_was_cut_short()
    {
        await AcceptAndEndAsync(1);
        await RestartAsync();
        Assert.StartsWith("join ", await Agent.NextAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_goes_on_with_asking_that_was_cut_short()
    {
        Agent.TellMessage(7, OfferWithoutLink(100));
        await NextAsync();
        Assert.StartsWith("ack 7", await Agent.NextAsync(), StringComparison.Ordinal);
        Agent.CreateFailure = new OperationCanceledException();
        await Assert.ThrowsAsync<OperationCanceledException>(() => DoAsync<ChatResponse.FileAccepted>("/fr 1"));
        var link = await LinkAsync();
        Prepare = agent => agent.CreatedLink = link;
        await RestartAsync();
        Assert.Equal(ChatEventTags.FileAcceptInvitation, Sent(await Agent.NextAsync()).Tag);
        // It is asked for once: the contact may come upon the request much later.
        await RestartAsync();
        Agent.TellMessage(8, Text("end"));
        await NextAsync();
        Assert.StartsWith("ack 8", await Agent.NextAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_makes_a_new_link_when_the_process_ended_before_it_sent_the_first()
    {
        Agent.TellMessage(7, OfferWithoutLink(100));
        await NextAsync();
        Assert.StartsWith("ack 7", await Agent.NextAsync(), StringComparison.Ordinal);
        var link = await LinkAsync();
        Agent.CreatedLink = link;
        Agent.OnSend = static (_, _) => throw new OperationCanceledException();
        await Assert.ThrowsAsync<OperationCanceledException>(() => DoAsync<ChatResponse.FileAccepted>("/fr 1"));
        Prepare = agent => agent.CreatedLink = link;
        await RestartAsync();
        Assert.Equal("delete", await Agent.NextAsync());
        Assert.Equal(ChatEventTags.FileAcceptInvitation, Sent(await Agent.NextAsync()).Tag);
        await RestartAsync();
        Agent.TellMessage(8, Text("end"));
        await NextAsync();
        Assert.StartsWith("ack 8", await Agent.NextAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Link_that_an_earlier_version_sent_stays_of_use()
    {
        Agent.TellMessage(7, OfferWithoutLink(100));
        await NextAsync();
        Agent.CreatedLink = await LinkAsync();
        await DoAsync<ChatResponse.FileAccepted>("/fr 1");
        // As that version left it.
        await Database.TransactAsync(
            static session => session.Execute("UPDATE chat_files SET last_message_id = NULL") + session.Execute("DELETE FROM migrations WHERE name = '0008_asked_files'"),
            Token);
        await RestartAsync();
        TellDirect(1, new FileChunk(1, Bytes.Wrap(new byte[100])));
        Assert.StartsWith("ack 1", await Agent.NextAsync(), StringComparison.Ordinal);
        Assert.Equal("completed Received file 1 (old.bin)", await NextAsync());
    }

    [Fact]
    public async Task Link_whose_relay_does_not_answer_is_tried_again_in_this_run()
    {
        var time = new ManualTime();
        Change = options => options with { FileServers = [], Time = time };
        await RestartAsync();
        Agent.JoinFailure = new AgentException(new AgentError.Broker("smp://relay", BrokerFault.Timeout, ""));
        await TellTakenAsync(await SendOfferedAsync());
        Assert.Equal("started Sent file 1 (a.jpg)", await NextAsync());
        var problem = await NextAsync();
        Assert.StartsWith("problem", problem, StringComparison.Ordinal);
        Assert.EndsWith("It is tried again.", problem, StringComparison.Ordinal);
        Agent.JoinFailure = null;
        var joined = UntilJoinedAsync();
        while (!joined.IsCompleted)
        {
            time.Advance(TimeSpan.FromSeconds(3));
            await Task.Delay(1, Token);
        }

        await joined;
    }

    [Theory]
    [InlineData(FileState.SendTransfer, "file cancel")]
    [InlineData(FileState.SendComplete, "file delete")]
    public async Task Picture_on_file_relays_goes_over_a_connection_to_a_contact_that_knows_no_relays(FileState state, string takenBack)
    {
        var offered = await SendOfferedAsync();
        var transfer = Agent.Transfers.Begun[0].Id;
        await AllAsync();
        if (state == FileState.SendComplete)
            await Database.TransactAsync(session => session.Execute("UPDATE chat_files SET state = ?1, sender_description = ?2", (long)state, Description(1).Replace("recipient", "sender", StringComparison.Ordinal)), Token);
        await TellTakenAsync(offered);
        Assert.Equal("started Sent file 1 (a.jpg)", await NextAsync());
        Assert.Equal(takenBack, await Agent.NextAsync());
        await UntilJoinedAsync();
        // The agent's last word of the upload changes nothing, and what it uploaded is deleted.
        var description = Description(1);
        Agent.Tell(new AgentEvent.FileSent(transfer, description.Replace("recipient", "sender", StringComparison.Ordinal), [description]));
        Agent.Tell(new AgentEvent.Connected(ScriptedAgent.Another, false));
        while (!(await Agent.NextAsync()).StartsWith("send ", StringComparison.Ordinal))
        {
            // What is taken back.
        }

        Assert.True(FileChunk.TryDecodeDirect(Agent.LastBody, out var chunk));
        Assert.Equal(10, chunk.Content.Length);
        Agent.Tell(new AgentEvent.Sent(ScriptedAgent.Another, Agent.LastMessage));
        Assert.Equal("completed Sent file 1 (a.jpg)", await NextAsync());
    }

    [Fact]
    public async Task Other_file_on_relays_that_is_asked_for_in_the_old_way_is_told_of()
    {
        var offered = await SendOfferedAsync("/f");
        await TellTakenAsync(offered);
        Assert.Contains("bob asked for file 1 (a.jpg) in the way of old programs", await NextAsync(), StringComparison.Ordinal);
        Assert.Equal(FileState.SendStored, (await DoAsync<ChatResponse.FileShown>("/fs 1")).Item.File!.State);
    }

    [Fact]
    public async Task Relay_of_one_file_that_is_not_there_keeps_no_other_file_from_going_on()
    {
        await AcceptAndEndAsync(1);
        await AcceptAndEndAsync(2);
        Prepare = static agent => agent.JoinFailure = new AgentException(new AgentError.Broker("smp://relay", BrokerFault.Timeout, ""));
        await RestartAsync();
        Assert.StartsWith("problem", await NextAsync(), StringComparison.Ordinal);
        Assert.StartsWith("problem", await NextAsync(), StringComparison.Ordinal);
        Assert.Equal(FileState.ReceiveAccepted, (await DoAsync<ChatResponse.FileShown>("/fs 2")).Item.File!.State);
    }

    [Fact]
    public async Task Connection_that_outlived_its_file_ends_at_the_next_start()
    {
        Agent.TellMessage(7, await OfferAsync(100));
        await NextAsync();
        await DoAsync<ChatResponse.FileAccepted>("/fr 1");
        Agent.DeleteFailure = new AgentError.Inactive();
        TellDirect(1, new FileChunk(1, Bytes.Wrap(new byte[100])));
        Assert.Equal("completed Received file 1 (old.bin)", await NextAsync());
        Assert.StartsWith("problem", await NextAsync(), StringComparison.Ordinal);
        await RestartAsync();
        Assert.Equal("delete", await Agent.NextAsync());
    }

    [Fact]
    public async Task Pieces_inside_the_conversation_are_none_of_a_file_with_a_connection()
    {
        Agent.TellMessage(7, await OfferAsync(100));
        await NextAsync();
        await DoAsync<ChatResponse.FileAccepted>("/fr 1");
        TellChunk(8, 2, new byte[100]);
        TellDirect(1, new FileChunk(1, Bytes.Wrap(new byte[100])));
        Assert.Equal("completed Received file 1 (old.bin)", await NextAsync());
    }

    [Fact]
    public async Task Sender_is_asked_for_a_file_by_the_name_that_the_sender_gave()
    {
        var name = new string('\u0436', 110) + ".bin";
        Agent.TellMessage(7, OfferWithoutLink(100, name));
        await NextAsync();
        Assert.StartsWith("ack 7", await Agent.NextAsync(), StringComparison.Ordinal);
        Agent.CreatedLink = await LinkAsync();
        var accepted = await DoAsync<ChatResponse.FileAccepted>("/fr 1");
        Assert.NotEqual(name, accepted.Item.File!.Name);
        Assert.Equal(name, Sent(await Agent.NextAsync()).FileName);
    }

    [Fact]
    public async Task File_of_a_message_that_the_agent_refuses_fails_with_it()
    {
        Agent.OnSend = static (_, _) => throw new AgentException(new AgentError.Command(CommandFault.TooLarge, ""));
        await FailAsync($"/f @bob {MakeFile("a.bin", 10)}");
        Assert.Equal(["file send", "file cancel"], await AllAsync());
        Assert.Equal(FileState.SendError, (await DoAsync<ChatResponse.FileShown>("/fs 1")).Item.File!.State);
    }

    [Fact]
    public async Task Relay_that_a_contact_chose_for_a_file_keeps_no_message_away()
    {
        Change = static options => options with { FileServers = [] };
        await RestartAsync();
        await DoAsync<ChatResponse.MessageAccepted>($"/f @bob {MakeFile("large.bin", 2_000_000)}");
        var offered = Sent(await Agent.NextAsync());
        var way = new TaskCompletionSource();
        Agent.JoinWay = way.Task;
        var link = (await LinkAsync()).ToText();
        var taken = ChatMessage.FileAccept(SharedMessageId.Create(SystemRandom.Instance), offered.Id!.Value, "large.bin", link);
        Agent.TellMessage(7, Encoding.UTF8.GetString(ChatMessageCodec.Encode(taken)));
        Agent.TellMessage(8, Encoding.UTF8.GetString(ChatMessageCodec.Encode(taken)));
        Agent.TellMessage(9, Text("meanwhile"));
        Assert.Equal("started Sent file 1 (large.bin)", await NextAsync());
        Assert.Equal("started Sent file 1 (large.bin)", await NextAsync());
        Assert.Equal("bob> meanwhile", await NextAsync());
        Assert.Equal(["ack 7", "ack 8", "ack 9"], from line in await AllAsync() select line[..5]);
        way.SetResult();
        Assert.StartsWith("join ", await Agent.NextAsync(), StringComparison.Ordinal);
    }

    private async Task<SharedMessageId> SendOfferedAsync(string command = "/img")
    {
        await DoAsync<ChatResponse.MessageAccepted>($"{command} @bob {MakeFile("a.jpg", 10)}");
        while (true)
        {
            if (await Agent.NextAsync() is ['s', 'e', 'n', 'd', ..] sent)
                return Sent(sent).Id!.Value;
        }
    }

    private async Task TellTakenAsync(SharedMessageId offered)
    {
        var taken = ChatMessage.FileAccept(SharedMessageId.Create(SystemRandom.Instance), offered, "a.jpg", (await LinkAsync()).ToText());
        Agent.TellMessage(7, Encoding.UTF8.GetString(ChatMessageCodec.Encode(taken)));
    }

    private async Task UntilJoinedAsync()
    {
        while (!(await Agent.NextAsync()).StartsWith("join ", StringComparison.Ordinal))
        {
            // Other steps.
        }
    }

    // As when the program ends while a file is being accepted.
    private async Task AcceptAndEndAsync(int file)
    {
        Agent.TellMessage(6 + file, await OfferAsync(100, $"AQI{(char)('A' + file)}"));
        await NextAsync();
        Agent.JoinFailure = new OperationCanceledException();
        await Assert.ThrowsAsync<OperationCanceledException>(() => DoAsync<ChatResponse.FileAccepted>($"/fr {file}"));
    }

    private static async Task<ConnectionRequest> LinkAsync()
    {
        var offer = JsonNode.Parse(await OfferAsync(100))!;
        Assert.True(ConnectionLink.TryParse(offer["params"]!["file"]!["fileConnReq"]!.GetValue<string>(), out var link));
        return Assert.IsType<ConnectionLink.Full>(link).Request;
    }

    private static string OfferWithoutLink(int size, string name = "old.bin") => new JsonObject
    {
        ["v"] = "1-16",
        ["msgId"] = "AQID",
        ["event"] = "x.file",
        ["params"] = new JsonObject { ["file"] = new JsonObject { ["fileName"] = name, ["fileSize"] = size } },
    }.ToJsonString();

    private static async Task<string> OfferAsync(int size, string id = "AQID")
    {
        // A link that an agent made: what stands in it does not matter here.
        await using var village = await Village.StartAsync();
        var somebody = await village.AddAsync("somebody");
        return new JsonObject
        {
            ["v"] = "1-16",
            ["msgId"] = id,
            ["event"] = "x.file",
            ["params"] = new JsonObject
            {
                ["file"] = new JsonObject
                {
                    ["fileName"] = "old.bin",
                    ["fileSize"] = size,
                    ["fileConnReq"] = (await somebody.DoAsync<ChatResponse.InvitationCreated>("/connect")).Link,
                },
            },
        }.ToJsonString();
    }

    private void TellDirect(long id, FileChunk chunk) =>
        Agent.Tell(new AgentEvent.MessageReceived(ScriptedAgent.Another, ScriptedAgent.Meta(id), false, Bytes.Wrap(chunk.EncodeDirect())));
}
