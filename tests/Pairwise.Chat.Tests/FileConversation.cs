using System.Text;
using System.Text.Json.Nodes;
using Pairwise.Agent;
using Pairwise.Chat.Protocol;
using Pairwise.Chat.Tests.Dialogue;
using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Xftp;
using Pairwise.Storage;
using Pairwise.Wire;
using FileChunk = Pairwise.Chat.Protocol.FileChunk;

namespace Pairwise.Chat.Tests;

/// <summary>A chat of alice with bob over an agent that does as a test tells it, for tests about files.</summary>
public abstract class FileConversation : IAsyncLifetime
{
    private protected const string Info = """{"v":"1-16","event":"x.info","params":{"profile":{"displayName":"bob","fullName":""}}}""";
    private protected const string Offer = """{"v":"1-16","msgId":"AQID","event":"x.msg.new","params":{"content":{"text":"","type":"file"},"file":{"fileName":"../../a\u202eb\u0007.tar.gz","fileSize":70000,"fileDescr":{"fileDescrText":"","fileDescrPartNo":0,"fileDescrComplete":false}}}}""";
    private protected const string Cancel = """{"v":"1-16","event":"x.file.cancel","params":{"msgId":"AQID"}}""";
    private protected const string Host = "files.example.org";

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("pairwise-files-");
    private ChatCore _core = null!;
    private IAsyncEnumerator<ChatEvent> _events = null!;

    private protected ScriptedAgent Agent { get; private set; } = null!;

    private protected ChatCore Core => _core;

    private protected Database Database { get; private set; } = null!;

    /// <summary>Options that the next start has.</summary>
    private protected Func<ChatOptions, ChatOptions> Change { get; set; } = static options => options;

    /// <summary>What is to be done with an agent before a chat starts over it.</summary>
    private protected Action<ScriptedAgent> Prepare { get; set; } = static _ => { };

    private protected string Folder => _directory.FullName;

    private protected static CancellationToken Token => TestContext.Current.CancellationToken;

    private protected string Files => Path.Combine(Folder, "files");

    public async ValueTask InitializeAsync()
    {
        await OpenAsync();
        await _core.CreateProfileAsync("alice", "", Token);
        Agent.Tell(new AgentEvent.ConfirmationReceived(ScriptedAgent.Connection, ConfirmationId.Generate(SystemRandom.Instance), true, [], Bytes.Wrap(Encoding.UTF8.GetBytes(Info))));
        Assert.StartsWith("allow", await Agent.NextAsync(), StringComparison.Ordinal);
        Assert.Equal("bob is connecting", await NextAsync());
        Agent.Tell(new AgentEvent.Connected(ScriptedAgent.Connection, true));
        Assert.Equal("bob is connected", await NextAsync());
    }

    public async ValueTask DisposeAsync()
    {
        await CloseAsync();
        _directory.Delete(recursive: true);
        GC.SuppressFinalize(this);
    }

    private protected static string Text(string text) =>
        Encoding.UTF8.GetString(ChatMessageCodec.Encode(ChatMessage.NewText(SharedMessageId.Create(SystemRandom.Instance), text)));

    private protected static string InlineOffer(string mode, int size, string type) => new JsonObject
    {
        ["v"] = "1-16",
        ["msgId"] = "AQID",
        ["event"] = "x.msg.new",
        ["params"] = new JsonObject
        {
            ["content"] = new JsonObject { ["type"] = type, ["text"] = "", ["duration"] = 5 },
            ["file"] = new JsonObject { ["fileName"] = "small.bin", ["fileSize"] = size, ["fileInline"] = mode },
        },
    }.ToJsonString();

    private protected static string Description(int chunks, bool leadsOn = false)
    {
        Assert.True(ServerAddress.TryParse($"xftp://AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=@{Host}", out var server));
        var random = SystemRandom.Instance;
        return FileDescriptionCodec.Encode(new FileDescription(
            FileParty.Recipient,
            chunks * 65_536L,
            Bytes.Wrap(random.Bytes(64)),
            FileKey.Generate(random),
            65_536,
            [.. Enumerable.Range(1, chunks).Select(number => new Pairwise.Protocol.Xftp.FileChunk(
                number,
                65_536,
                Bytes.Wrap(random.Bytes(32)),
                [new ChunkReplica(server, new ChunkId(new WireId(random.Bytes(16))), Ed25519PrivateKey.Generate(random))]))],
            leadsOn ? new FileRedirect(65_536, Bytes.Wrap(random.Bytes(64))) : null));
    }

    private protected ChatMessage Sent(string noted)
    {
        Assert.StartsWith("send ", noted, StringComparison.Ordinal);
        return Assert.IsType<ChatBodyItem.Message>(Assert.Single(ChatBody.Decode(Agent.LastBody))).Value;
    }

    private protected void TellDescription(long id, string description)
    {
        foreach (var part in FileDescriptionPart.Split(description))
            TellPart(id++, part);
    }

    private protected void TellPart(long id, FileDescriptionPart part)
    {
        Assert.True(SharedMessageId.TryParse("AQID", out var target));
        Agent.TellMessage(id, Encoding.UTF8.GetString(ChatMessageCodec.Encode(ChatMessage.FileDescription(SharedMessageId.Create(SystemRandom.Instance), target, part))));
    }

    /// <summary>Bob has offered a file, and said where it is.</summary>
    private protected async Task OfferDescribedAsync(bool leadsOn = false)
    {
        Agent.TellMessage(7, Offer);
        TellDescription(8, Description(chunks: 1, leadsOn));
        await NextAsync();
        Agent.TellMessage(9, Text("end"));
        await NextAsync();
    }

    private protected void TellChunk(long id, int number, byte[] content, byte last = 3)
    {
        var body = new FileChunk((uint)number, Bytes.Wrap(content)).EncodeInline(new SharedMessageId(Bytes.Wrap(new byte[] { 1, 2, last })));
        Agent.Tell(new AgentEvent.MessageReceived(ScriptedAgent.Connection, ScriptedAgent.Meta(id), false, Bytes.Wrap(body)));
    }

    private protected string MakeFile(string name, int length)
    {
        var path = Path.Combine(Folder, name);
        File.WriteAllBytes(path, SystemRandom.Instance.Bytes(length));
        return path;
    }

    private protected async Task<List<string>> AllAsync()
    {
        var all = new List<string>();
        while (Agent.HasMore)
            all.Add(await Agent.NextAsync());
        return all;
    }

    private protected async Task<T> DoAsync<T>(string command)
        where T : ChatResponse
    {
        var response = await _core.ExecuteAsync(command, Token);
        return response as T ?? throw new InvalidOperationException($"{command} gave {response}");
    }

    private protected Task<ChatResponse.Failed> FailAsync(string command) => DoAsync<ChatResponse.Failed>(command);

    private protected async Task<string> NextAsync()
    {
        Assert.True(await _events.MoveNextAsync());
        return Person.Show(_events.Current);
    }

    private protected async Task RestartAsync()
    {
        await CloseAsync();
        await OpenAsync();
    }

    private protected async Task OpenAsync()
    {
        using var passphrase = Passphrase.Empty();
        Database = Database.Open(new() { Path = Path.Combine(Folder, "a.db"), Schemas = ChatCore.Schemas }, passphrase);
        Agent = new ScriptedAgent();
        Prepare(Agent);
        Assert.True(ServerAddressWithPassword.TryParse("smp://AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=@127.0.0.1", out var server));
        Assert.True(ServerAddressWithPassword.TryParse("xftp://AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=@127.0.0.1", out var fileServer));
        var options = new ChatOptions { Servers = [server], FileServers = [fileServer], DownloadFolder = Files };
        _core = await ChatCore.StartAsync(Change(options), Database, Agent, Token);
        _events = _core.ReadEventsAsync(Token).GetAsyncEnumerator(Token);
    }

    private protected async Task CloseAsync()
    {
        await _core.DisposeAsync();
        await _events.DisposeAsync();
        await Database.DisposeAsync();
    }
}
