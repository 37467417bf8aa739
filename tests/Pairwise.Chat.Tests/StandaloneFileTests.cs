using Pairwise.Agent;
using Pairwise.Agent.Files;
using Pairwise.Crypto;
using Pairwise.Protocol.Xftp;

namespace Pairwise.Chat.Tests;

/// <summary>Files that belong to no conversation, over an agent that does as a test tells it.</summary>
public sealed class StandaloneFileTests : FileConversation
{
    [Fact]
    public async Task Short_description_is_the_link()
    {
        var started = await DoAsync<ChatResponse.StandaloneStarted>($"/_upload 1 {MakeFile("a.bin", 100)}");
        Assert.Equal(("a.bin", 100L), (started.File.Name, started.File.Size));
        var transfer = Agent.Transfers.Begun[0].Id;
        Agent.Tell(new AgentEvent.FileSendProgress(transfer, 1, 2));
        Assert.Equal("progress standalone file 1", await NextAsync());
        var description = Description(chunks: 1);
        Agent.Tell(new AgentEvent.FileSent(transfer, SenderOf(description), [description]));
        var link = (await NextAsync())["completed standalone file 1 ".Length..];
        Assert.True(FileLink.TryParse(link, out var parsed));
        Assert.Equal(description, FileDescriptionCodec.Encode(parsed.Description));
        Assert.Equal(link, (await DoAsync<ChatResponse.StandaloneShown>("/fs 1")).Link);

        await DoAsync<ChatResponse.StandaloneCancelled>("/fc 1");
        Assert.Contains("file delete", await AllAsync());
        Assert.Equal(ChatError.NoFile, (await FailAsync("/fc 1")).Error);
    }

    [Fact]
    public async Task Long_description_is_uploaded_itself_and_goes_on_after_a_crash()
    {
        await DoAsync<ChatResponse.StandaloneStarted>($"/_upload 1 {MakeFile("a.bin", 100)}");
        var transfer = Agent.Transfers.Begun[0].Id;
        var description = Description(chunks: 3);
        Agent.Tell(new AgentEvent.FileSent(transfer, SenderOf(description), [description]));
        Assert.Equal("uploaded standalone file 1", await NextAsync());
        Agent.TellMessage(7, Text("end"));
        await NextAsync();
        var redirect = Agent.Transfers.Begun[1].Id;
        Assert.NotEqual(transfer, redirect);
        await RestartAsync();
        Agent.TellMessage(8, Text("end 2"));
        await NextAsync();
        Assert.Equal(redirect, Agent.Transfers.Begun[0].Id);
        // The first word again, and then the second.
        Agent.Tell(new AgentEvent.FileSent(transfer, SenderOf(description), [description]));
        var shorter = Description(chunks: 1, leadsOn: true);
        Agent.Tell(new AgentEvent.FileSent(redirect, SenderOf(shorter), [shorter]));
        Assert.True(FileLink.TryParse((await NextAsync())["completed standalone file 1 ".Length..], out var link));
        Assert.NotNull(link.Description.Redirect);
        Assert.Equal(["description send", "description send"], (await AllAsync()).Where(static done => !done.StartsWith("ack", StringComparison.Ordinal)));
        await DoAsync<ChatResponse.StandaloneCancelled>("/fc 1");
        Assert.Equal(2, (await AllAsync()).Count(static done => done == "file delete"));
    }

    [Fact]
    public async Task Download_by_a_link_goes_on_after_a_crash_and_tells_where_the_file_is()
    {
        Assert.True(FileDescriptionCodec.TryDecode(Description(chunks: 1), out var description));
        var link = new FileLink(description, ClientData: """{"name":"x"}""").ToString();
        var shown = await DoAsync<ChatResponse.FileLinkShown>($"/_download info {link}");
        Assert.Equal(("""{"name":"x"}""", 65_536L, Host), (shown.ClientData, shown.Size, Assert.Single(shown.Servers)));
        var path = Path.Combine(Folder, "got.bin");
        var started = await DoAsync<ChatResponse.StandaloneStarted>($"/_download 1 {link} {path}");
        Assert.Equal((path, FileState.ReceiveAccepted), (started.File.Path, started.File.State));
        // The number is from the sequence of all files.
        await DoAsync<ChatResponse.MessageAccepted>($"/f @bob {MakeFile("a.txt", 10)}");
        Assert.Equal(FileState.SendStored, (await DoAsync<ChatResponse.FileShown>("/fs 2")).Item.File!.State);
        Assert.Contains("already", (await FailAsync($"/_download 1 {link} {Path.Combine(Folder, "a.txt")}")).Sentence, StringComparison.Ordinal);

        var transfer = Agent.Transfers.Begun[0].Id;
        await RestartAsync();
        Agent.Tell(new AgentEvent.FileReceiveProgress(transfer, 1, 2));
        Assert.Equal("progress standalone file 1", await NextAsync());
        Agent.Tell(new AgentEvent.FileReceived(transfer, new LocalFile(path), "original name"));
        Agent.Tell(new AgentEvent.FileReceived(transfer, new LocalFile(path), "original name"));
        Assert.Equal("completed standalone file 1", await NextAsync());
        Assert.Contains("file receive approved", await AllAsync());
        Assert.Equal(FileState.ReceiveComplete, (await DoAsync<ChatResponse.StandaloneShown>("/fs 1")).File.State);
        Assert.Contains("already", (await FailAsync("/fc 1")).Sentence, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Failure_says_why_and_leaves_nothing_at_the_relays()
    {
        await DoAsync<ChatResponse.StandaloneStarted>($"/_upload 1 {MakeFile("a.bin", 100)}");
        var description = Description(chunks: 3);
        Agent.Tell(new AgentEvent.FileSent(Agent.Transfers.Begun[0].Id, SenderOf(description), [description]));
        Assert.Equal("uploaded standalone file 1", await NextAsync());
        Agent.TellMessage(7, Text("end"));
        await NextAsync();
        Agent.Tell(new AgentEvent.FileSendDelayed(Agent.Transfers.Begun[1].Id, new AgentError.File(FileFault.Expired)));
        Assert.StartsWith("delayed standalone file 1: ", await NextAsync(), StringComparison.Ordinal);
        Agent.Tell(new AgentEvent.FileSendFailed(Agent.Transfers.Begun[1].Id, new AgentError.File(FileFault.Expired)));
        Assert.StartsWith("failed standalone file 1: ", await NextAsync(), StringComparison.Ordinal);
        Assert.Contains("file delete", await AllAsync());
    }

    [Theory]
    [InlineData("/_upload 1 /no/such/file", "There is no file")]
    [InlineData("/_upload 2 /tmp/x", "no profile with the number 2")]
    [InlineData("/_upload", "Write /_upload 1 PATH")]
    [InlineData("/_download 1 simplex:/file#/?desc=x /tmp/x", "not the link of a file")]
    [InlineData("/_download 1 simplex:/file", "Write /_download")]
    [InlineData("/_download info nothing", "not the link of a file")]
    [InlineData("/xftp test nothing", "not the address of a relay")]
    [InlineData("/_temp_folder /tmp", "--temp-folder")]
    public async Task Mistake_is_one_clear_sentence(string command, string sentence) => Assert.Contains(sentence, (await FailAsync(command)).Sentence, StringComparison.Ordinal);

    [Fact]
    public async Task Test_of_a_relay_names_the_step_that_failed()
    {
        const string Address = "xftp://AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=@127.0.0.1";
        Assert.Equal(new ChatResponse.ServerTested("XFTP", null, null), await DoAsync<ChatResponse.ServerTested>("/xftp test " + Address));
        Agent.Transfers.TestFailure = new FileServerTestFailure(FileServerTestStep.CreateFile, new AgentError.FileServer(Address, XftpError.Auth.Instance));
        var failed = await DoAsync<ChatResponse.ServerTested>("/xftp test " + Address);
        Assert.Equal("CreateFile", failed.Step);
        Assert.Contains("password", failed.Sentence, StringComparison.Ordinal);
    }

    private static string SenderOf(string description) => description.Replace("party: recipient", "party: sender", StringComparison.Ordinal);
}
