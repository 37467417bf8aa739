using System.Globalization;
using Pairwise.Agent;
using Pairwise.Agent.Files;
using Pairwise.Chat.Protocol;
using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Xftp;
using Pairwise.Wire;

namespace Pairwise.Chat.Tests;

/// <summary>What may stand beside a path or a number: keys of encrypted files, and that a file is to be received later.</summary>
public sealed class FileArgumentTests : FileConversation
{
    [Theory]
    [InlineData("/f @bob key={0} nonce={1} {2}")]
    [InlineData("/f bob  key={0}  nonce={1}{2}")]
    [InlineData("/img @bob key={0} nonce={1} {2}")]
    [InlineData("/_upload 1 key={0} nonce={1} {2}")]
    [InlineData("/_send @1 json {{\"fileSource\":{{\"filePath\":\"{2}\",\"cryptoArgs\":{{\"fileKey\":\"{0}\",\"fileNonce\":\"{1}\"}}}},\"msgContent\":{{\"type\":\"file\",\"text\":\"\"}}}}")]
    public async Task Encrypted_file_is_sent_by_its_key_with_the_size_of_its_content(string command)
    {
        var file = LocalFile.Encrypted(Path.Combine(Folder, "secret.png"), SystemRandom.Instance);
        await file.WriteAllAsync(new byte[1000], FileMode.CreateNew, Token);
        var response = await DoAsync<ChatResponse>(string.Format(CultureInfo.InvariantCulture, command, Key(file), Nonce(file), file.Path));
        var sent = response switch
        {
            ChatResponse.MessageAccepted { Item.File: { } offered } => offered,
            ChatResponse.StandaloneStarted { File: { } uploaded } => uploaded,
            _ => throw new InvalidOperationException(response.ToString()),
        };
        Assert.Equal(("secret.png", 1000L), (sent.Name, sent.Size));
        Assert.Equal(file, Assert.Single(Agent.Transfers.Begun).File);
        // It is known after a crash, too.
        await RestartAsync();
        while (await Agent.NextAsync() != "file send")
        {
            // Its message is handed over again.
        }

        Assert.Equal(file, Agent.Transfers.Begun[0].File);
        var copy = Path.Combine(Folder, "copy.png");
        await DoAsync<ChatResponse.FileExported>($"/fe 1 {copy}");
        Assert.Equal(new byte[1000], await File.ReadAllBytesAsync(copy, Token));
    }

    [Fact]
    public async Task Download_is_encrypted_with_the_key_that_was_given()
    {
        var file = LocalFile.Encrypted(Path.Combine(Folder, "got.bin"), SystemRandom.Instance);
        Assert.True(FileDescriptionCodec.TryDecode(Description(chunks: 1), out var description));
        var started = await DoAsync<ChatResponse.StandaloneStarted>($"/_download 1 {new FileLink(description)} key={Key(file)} nonce={Nonce(file)} {file.Path}");
        Assert.True(started.File.IsEncrypted);
        Assert.Equal(file, Assert.Single(Agent.Transfers.Begun).File);
    }

    [Theory]
    [InlineData("", true, false)]
    [InlineData(" approved_relays=on encrypt=off", false, true)]
    public async Task File_to_be_received_later_is_received_at_the_next_start_once(string arguments, bool isEncrypted, bool isApproved)
    {
        await OfferDescribedAsync();
        var set = await DoAsync<ChatResponse.SettingChanged>("/_set_file_to_receive 1" + arguments);
        Assert.Contains("file 1 is received at the next start", set.Sentence, StringComparison.Ordinal);
        Assert.Equal(FileState.ReceiveInvitation, (await DoAsync<ChatResponse.FileShown>("/fs 1")).Item.File!.State);
        Assert.Empty(Agent.Transfers.Begun);
        await RestartAsync();
        Assert.Equal("started Received file 1 (ab.tar.gz)", await NextAsync());
        Assert.Equal(isEncrypted, Assert.Single(Agent.Transfers.Begun).File.Key is not null);
        Assert.Contains(isApproved ? "file receive approved" : "file receive", await AllAsync());
        await DoAsync<ChatResponse.FileCancelled>("/fc 1");
        await RestartAsync();
        Agent.TellMessage(10, Text("end 2"));
        Assert.Equal("bob> end 2", await NextAsync());
        Assert.Empty(Agent.Transfers.Begun);
    }

    [Fact]
    public async Task File_to_be_received_later_is_not_received_once_it_was_cancelled()
    {
        await OfferDescribedAsync();
        await DoAsync<ChatResponse.SettingChanged>("/_set_file_to_receive 1");
        await DoAsync<ChatResponse.FileCancelled>("/fc 1");
        await RestartAsync();
        Agent.TellMessage(10, Text("end 2"));
        Assert.Equal("bob> end 2", await NextAsync());
        Assert.Empty(Agent.Transfers.Begun);
    }

    [Fact]
    public async Task File_that_failed_at_its_relays_can_be_received_later_too()
    {
        await OfferDescribedAsync();
        await DoAsync<ChatResponse.FileAccepted>("/fr 1");
        Agent.Tell(new AgentEvent.FileReceiveFailed(Agent.Transfers.Begun[0].Id, new AgentError.FileServer($"xftp://AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=@{Host}", XftpError.Auth.Instance)));
        Assert.StartsWith("failed Received file 1", await NextAsync(), StringComparison.Ordinal);
        await DoAsync<ChatResponse.SettingChanged>("/_set_file_to_receive 1");
        await RestartAsync();
        Assert.Equal("started Received file 1 (ab.tar.gz)", await NextAsync());
    }

    [Fact]
    public async Task File_to_be_received_later_whose_relays_are_unknown_stays_offered_and_says_why()
    {
        await OfferDescribedAsync();
        await DoAsync<ChatResponse.SettingChanged>("/_set_file_to_receive 1");
        Assert.True(ServerAddress.TryParse($"xftp://AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=@{Host}", out var server));
        Prepare = agent => agent.Transfers.Unapproved = [server];
        await RestartAsync();
        Assert.Contains("approved_relays=on", await NextAsync(), StringComparison.Ordinal);
        Assert.Equal(FileState.ReceiveInvitation, (await DoAsync<ChatResponse.FileShown>("/fs 1")).Item.File!.State);
        await RestartAsync();
        Agent.TellMessage(10, Text("end 2"));
        Assert.Equal("bob> end 2", await NextAsync());
    }

    [Fact]
    public async Task Empty_file_is_sent_over_file_relays_only()
    {
        var path = MakeFile("empty.txt", 0);
        var sent = await DoAsync<ChatResponse.MessageAccepted>($"/f @bob {path}");
        Assert.Equal(0, sent.Item.File!.Size);
        Assert.Single(Agent.Transfers.Begun);
        Change = static options => options with { FileServers = [] };
        await RestartAsync();
        Assert.Contains("only be sent over a file relay", (await FailAsync($"/f @bob {path}")).Sentence, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Upload_counts_as_unsent_until_the_contact_is_told_of_it()
    {
        await DoAsync<ChatResponse.MessageAccepted>($"/f @bob {MakeFile("a.txt", 10)}");
        Agent.Tell(new AgentEvent.Sent(ScriptedAgent.Connection, Agent.LastMessage));
        await NextAsync();
        // As when the upload is over, and its description is not the agent's yet.
        await Database.TransactAsync(static session => session.Execute("UPDATE chat_files SET state = 2"), Token);
        Assert.True(await Core.HasUploadsAsync(Token));
        await Database.TransactAsync(static session => session.Execute("UPDATE chat_files SET last_message_id = 9"), Token);
        Assert.False(await Core.HasUploadsAsync(Token));
    }

    private static string Key(LocalFile file) => TextEncoding.ToBase64Url(file.Key!.Key);

    private static string Nonce(LocalFile file) => TextEncoding.ToBase64Url(file.Key!.Nonce);
}
