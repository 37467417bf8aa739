using System.Diagnostics;
using System.Security.Cryptography;
using Pairwise.Agent.Files;
using Pairwise.Agent.Store;
using Pairwise.Protocol;
using Pairwise.Protocol.Xftp;
using Pairwise.Storage;
using Pairwise.TestKit;

namespace Pairwise.Agent.Tests.Files;

/// <summary>
/// Agents as processes of their own, killed without warning at random moments of a transfer. The process is this test
/// program, told by its environment to run <see cref="The_agent_that_is_killed"/> alone.
/// </summary>
public sealed class FileKillTests
{
    private const string FolderVariable = "PAIRWISE_KILLED_AGENT_FOLDER";
    private const int Length = 9_000_000;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Killed_agents_send_and_receive_a_file_once_and_whole(int seed)
    {
        var random = new SeededRandom(seed);
        using var folder = new TemporaryFolder();
        await using var server = await TestFileServer.StartAsync(folder, "server");
        await using var proxy = new BreakingProxy(server.Address, () => null);
        await File.WriteAllTextAsync(folder.File("server.txt"), proxy.Address.ToConfigurationText(), Token);
        var path = FileAgent.MakeFile(folder, "file", Length);

        var kills = await KillUntilAsync(folder, proxy, "sender", folder.File("description.txt"), random);
        var description = FileAgent.Parse(await File.ReadAllTextAsync(folder.File("description.txt"), Token));
        Assert.Equal(description.Chunks.Count, server.ChunkCount);
        kills += await KillUntilAsync(folder, proxy, "receiver", folder.File("done.txt"), random);
        Assert.Equal(SHA256.HashData(await File.ReadAllBytesAsync(path, Token)), SHA256.HashData(await File.ReadAllBytesAsync(await File.ReadAllTextAsync(folder.File("done.txt"), Token), Token)));
        Assert.True(kills > 2, $"killed {kills} times only");

        // Once more in peace: nothing is left, and nothing comes twice.
        await using var sender = await OpenAsync(folder, "sender", proxy.Address);
        await using var receiver = await OpenAsync(folder, "receiver", proxy.Address);
        foreach (var agent in new[] { sender, receiver })
        {
            await FileAgent.UntilAsync(async () => !await agent.Client.Files.HasUnfinishedAsync(Token));
            await FileAgent.UntilEmptyAsync(agent.WorkFolder);
        }

        Assert.Empty(Directory.GetFiles(folder.Path, ".*.part"));
        Assert.Single(Directory.GetFiles(folder.Path, "received*"));
    }

    /// <summary>What the killed process does: asks for the transfer, as an application does at every start, and notes its end.</summary>
    [Fact]
    [Trait("Needs", "a killer")]
    public async Task The_agent_that_is_killed()
    {
        var folder = Environment.GetEnvironmentVariable(FolderVariable);
        Assert.SkipWhen(folder is null, "only runs as the process that another test kills");
        var isSender = Environment.GetEnvironmentVariable("PAIRWISE_KILLED_AGENT_ROLE") == "sender";
        Assert.True(ServerAddressWithPassword.TryParse(await File.ReadAllTextAsync(Path.Combine(folder, "server.txt"), Token), out var server));
        Assert.True(FileTransferId.TryParse("AAAAAAAAAAAAAAAA", out var id));
        await using var agent = await OpenAsync(folder, isSender ? "sender" : "receiver", server);
        if (isSender)
        {
            await agent.Client.Files.SendFileAsync(agent.User, id, new LocalFile(Path.Combine(folder, "file")), 1, Token);
        }
        else
        {
            Assert.True(FileDescriptionCodec.TryDecode(await File.ReadAllTextAsync(Path.Combine(folder, "description.txt"), Token), out var description));
            await agent.Client.Files.ReceiveFileAsync(agent.User, id, description, new LocalFile(Path.Combine(folder, "received")), areServersApproved: true, Token);
        }

        Console.WriteLine("ready");
        await foreach (var raised in agent.Client.ReadEventsAsync(Token))
        {
            var (name, text) = raised switch
            {
                AgentEvent.FileSent sent => ("description.txt", sent.Recipients[0]),
                AgentEvent.FileReceived received => ("done.txt", received.Target.Path),
                _ => ("", ""),
            };
            if (name.Length == 0) continue;
            await File.WriteAllTextAsync(Path.Combine(folder, name + ".new"), text, Token);
            File.Move(Path.Combine(folder, name + ".new"), Path.Combine(folder, name), overwrite: true);
            return;
        }
    }

    private static async Task<int> KillUntilAsync(TemporaryFolder folder, BreakingProxy proxy, string role, string result, SeededRandom random)
    {
        const int heldRounds = 2;
        for (var kills = 0; ; kills++)
        {
            // The first rounds end in the middle on any machine: the rest of the file waits until the process is dead.
            if (kills < heldRounds) proxy.HoldAfter(random.Next(Length / 2));
            var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true, RedirectStandardError = true };
            if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet") start.ArgumentList.Add(typeof(FileKillTests).Assembly.Location);
            foreach (var argument in new[] { "-method", $"*{nameof(FileKillTests)}.{nameof(The_agent_that_is_killed)}", "-noColor", "-noLogo", "-showLiveOutput" }) start.ArgumentList.Add(argument);
            start.Environment[FolderVariable] = folder.Path;
            start.Environment["PAIRWISE_KILLED_AGENT_ROLE"] = role;
            using var process = Process.Start(start)!;
            var ready = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            process.OutputDataReceived += (_, line) =>
            {
                if (line.Data is null || line.Data.Contains("ready", StringComparison.Ordinal)) ready.TrySetResult();
            };
            process.ErrorDataReceived += (_, _) => { };
            process.BeginOutputReadLine();
            process.BeginErrorReadLine();
            try
            {
                await ready.Task.WaitAsync(TimeSpan.FromMinutes(2), Token);
                // Later rounds get further, so that every machine comes to the end.
                await Task.WhenAny(process.WaitForExitAsync(Token), Task.Delay(TimeSpan.FromMilliseconds(random.Next(60 + (kills * kills * 30))), TimeProvider.System, Token));
            }
            finally
            {
                process.Kill();
            }

            await process.WaitForExitAsync(Token);
            proxy.Release();
            if (File.Exists(result)) return kills;
            Assert.True(kills < 60, "the transfer does not come to its end");
        }
    }

    private static Task<OpenAgent> OpenAsync(TemporaryFolder folder, string name, ServerAddressWithPassword server) => OpenAsync(folder.Path, name, server);

    private static async Task<OpenAgent> OpenAsync(string folder, string name, ServerAddressWithPassword server)
    {
        using var passphrase = Passphrase.Empty();
        var path = Path.Combine(folder, name + ".db");
        var database = Database.Open(new DatabaseOptions { Path = path, Schemas = [AgentSchema.Schema] }, passphrase);
        var client = await AgentClient.StartAsync(new AgentOptions(), new AgentDependencies(database, TestAgent.Network), Token);
        var users = await database.ReadAsync(ConnectionRows.GetUsers, Token);
        Assert.True(ServerAddressWithPassword.TryParse("smp://LcJUMfVhwD8yxjAiSaDzzGF3-kLG4Uh0Fl_ZIjrRwjI=@localhost:5223", out var relay));
        var user = users.Count > 0 ? users[0] : await client.CreateUserAsync([relay], Token);
        client.Files.SetServers(user, [server]);
        await client.Files.ResumeAsync(Token);
        return new OpenAgent(database, client, user, path + ".files");
    }

    private sealed record OpenAgent(Database Database, AgentClient Client, UserId User, string WorkFolder) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            await Client.DisposeAsync();
            await Database.DisposeAsync();
        }
    }
}
