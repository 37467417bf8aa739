using Pairwise.Agent;
using Pairwise.Chat.Protocol;
using Pairwise.Crypto;

namespace Pairwise.Chat.Tests;

/// <summary>Steps of files that did not get through the first time: what is told again after a failure or a crash goes on.</summary>
public sealed class FileRecoveryTests : FileConversation
{
    [Fact]
    public async Task Description_that_is_whole_begins_the_file_when_its_last_part_is_told_again()
    {
        Agent.TellMessage(7, Offer);
        await NextAsync();
        await DoAsync<ChatResponse.FileAccepted>("/fr 1");
        var description = Description(chunks: 1);
        TellDescription(8, description);
        Assert.Equal("started Received file 1 (ab.tar.gz)", await NextAsync());
        // As if the step after the part had met a full disk.
        await Database.TransactAsync(static session => session.Execute("UPDATE chat_files SET state = 11"), Token);
        TellDescription(8, description);
        Assert.Equal("started Received file 1 (ab.tar.gz)", await NextAsync());
        Assert.Equal(2, Agent.Transfers.Begun.Count);
        Assert.Equal(Agent.Transfers.Begun[0].Id, Agent.Transfers.Begun[1].Id);
    }

    [Fact]
    public async Task Piece_that_could_not_be_written_is_written_when_it_is_told_again()
    {
        var folder = Directory.CreateDirectory(Path.Combine(Folder, "target"));
        Agent.TellMessage(7, InlineOffer("offer", 3, "file"));
        await NextAsync();
        await DoAsync<ChatResponse.FileAccepted>($"/fr 1 encrypt=off {folder.FullName}/got.bin");
        folder.Delete();
        TellChunk(8, 1, [1, 2, 3]);
        Assert.StartsWith("delayed Received file 1", await NextAsync(), StringComparison.Ordinal);
        folder.Create();
        TellChunk(8, 1, [1, 2, 3]);
        Assert.Equal("completed Received file 1 (small.bin)", await NextAsync());
        Assert.Equal([1, 2, 3], await File.ReadAllBytesAsync(folder.FullName + "/got.bin", Token));
    }

    [Fact]
    public async Task Upload_of_a_message_that_failed_ends_also_when_that_is_told_again_after_a_crash()
    {
        await DoAsync<ChatResponse.MessageAccepted>($"/f @bob {MakeFile("a.txt", 10)}");
        var failed = new AgentEvent.SendFailed(ScriptedAgent.Connection, [Agent.LastMessage], new AgentError.Connection(ConnectionFault.NotFound));
        Agent.Tell(failed);
        await NextAsync();
        Assert.Equal(FileState.SendError, (await DoAsync<ChatResponse.FileShown>("/fs 1")).Item.File!.State);
        Assert.Contains("file cancel", await AllAsync());
        // The process ended before the agent heard of it: the state of line and file is stored, and the event comes again.
        Agent.Tell(failed);
        Agent.TellMessage(7, Text("end"));
        Assert.Equal("bob> end", await NextAsync());
        Assert.Contains("file cancel", await AllAsync());
    }

    [Fact]
    public async Task File_that_failed_for_good_stays_so_when_it_is_cancelled()
    {
        Agent.TellMessage(7, InlineOffer("sent", 3, "voice"));
        await NextAsync();
        Assert.Contains("--allow-instant-files", (await FailAsync("/fc 1")).Sentence, StringComparison.Ordinal);
        Assert.Equal(FileState.ReceiveError, (await DoAsync<ChatResponse.FileShown>("/fs 1")).Item.File!.State);
    }

    [Fact]
    public async Task File_can_be_received_again_when_the_process_ends_while_it_is_cancelled()
    {
        await OfferDescribedAsync();
        await DoAsync<ChatResponse.FileAccepted>("/fr 1");
        Agent.Transfers.CancelFailure = new AgentError.Internal("the process ended");
        await FailAsync("/fc 1");
        Agent.Transfers.CancelFailure = null;
        Assert.Equal(FileState.ReceiveInvitation, (await DoAsync<ChatResponse.FileShown>("/fs 1")).Item.File!.State);
        // What the agent goes on with is nobody's.
        Agent.Tell(new AgentEvent.FileReceiveProgress(Agent.Transfers.Begun[0].Id, 1, 2));
        Agent.TellMessage(10, Text("end 2"));
        Assert.Equal("bob> end 2", await NextAsync());
        Assert.Contains("file cancel", await AllAsync());
        await DoAsync<ChatResponse.FileAccepted>("/fr 1");
        Assert.NotEqual(Agent.Transfers.Begun[0].Id, Agent.Transfers.Begun[1].Id);
    }

    [Theory]
    [InlineData(FileState.SendUploaded, "file delete")]
    [InlineData(FileState.SendComplete, null)]
    public async Task Deleting_a_contact_takes_back_what_it_was_not_told_of(FileState state, string? expected)
    {
        await DoAsync<ChatResponse.MessageAccepted>($"/f @bob {MakeFile("a.txt", 10)}");
        var description = Description(chunks: 1).Replace("recipient", "sender", StringComparison.Ordinal);
        await Database.TransactAsync(session => session.Execute("UPDATE chat_files SET state = ?1, sender_description = ?2", (long)state, description), Token);
        await AllAsync();
        await DoAsync<ChatResponse.ContactDeleted>("/delete bob");
        Assert.Equal(expected, (await AllAsync()).FirstOrDefault(static done => done.StartsWith("file", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Start_asks_for_a_file_inside_the_conversation_when_that_was_cut_short()
    {
        Agent.TellMessage(7, InlineOffer("offer", 3, "file"));
        await NextAsync();
        Assert.StartsWith("ack 7", await Agent.NextAsync(), StringComparison.Ordinal);
        Agent.OnSend = static (_, _) => throw new OperationCanceledException();
        await Assert.ThrowsAsync<OperationCanceledException>(() => DoAsync<ChatResponse.FileAccepted>("/fr 1"));
        await RestartAsync();
        Assert.Equal(ChatEventTags.FileAcceptInvitation, Sent(await Agent.NextAsync()).Tag);
        // It is asked for once.
        await RestartAsync();
        TellChunk(8, 1, [1, 2, 3]);
        Assert.Equal("completed Received file 1 (small.bin)", await NextAsync());
        Assert.StartsWith("ack 8", await Agent.NextAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Taken_back_file_is_taken_again_and_asked_for_again()
    {
        Agent.TellMessage(7, InlineOffer("offer", 3, "file"));
        await NextAsync();
        await DoAsync<ChatResponse.FileAccepted>("/fr 1");
        await AllAsync();
        await Database.TransactAsync(static session => session.Execute("UPDATE chat_files SET state = 10"), Token);
        Agent.OnSend = static (_, _) => throw new OperationCanceledException();
        await Assert.ThrowsAsync<OperationCanceledException>(() => DoAsync<ChatResponse.FileAccepted>("/fr 1"));
        await RestartAsync();
        Assert.Equal(ChatEventTags.FileAcceptInvitation, Sent(await Agent.NextAsync()).Tag);
    }
}
