using System.Security.Cryptography;
using System.Text;
using Pairwise.Agent;
using Pairwise.Agent.Files;
using Pairwise.Agent.Relays;
using Pairwise.Chat;
using Pairwise.Client;
using Pairwise.Protocol;
using Pairwise.Storage;
using Pairwise.Terminal.Interop;
using Pairwise.Terminal.Sessions;

namespace Pairwise.Terminal.Startup;

/// <summary>Puts the chat together: folder, database, relay, profile, and whoever talks with it.</summary>
internal static class Application
{
    private const int Failure = 1;

    /// <summary>Runs the chat until its user leaves; gives the exit code. What goes wrong is one sentence on standard error.</summary>
    public static async Task<int> RunAsync(PairwiseOptions options)
    {
        using var signals = new Signals();
        try
        {
            return await ComposeAsync(options, signals.Stopping);
        }
        catch (OperationCanceledException) when (signals.Stopping.IsCancellationRequested)
        {
            return 0;
        }
        catch (StorageException e)
        {
            await Console.Error.WriteLineAsync(StorageAdvice.Sentence(e, DatabasePath(options)));
            return Failure;
        }
        catch (Exception e) when (e is StartupException or AgentException or ChatException)
        {
            await Console.Error.WriteLineAsync(Printable.Of(e.Message));
            return Failure;
        }
    }

    // A folder of this database alone: the agent removes from it what it does not know.
    private static string? WorkFolder(PairwiseOptions options, string database) => options.TemporaryFolder is { } shared
        ? Path.Combine(shared, "pairwise-" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Path.GetFullPath(database))).AsSpan(0, 8)))
        : null;

    private static async Task<int> ComposeAsync(PairwiseOptions options, CancellationToken cancellationToken)
    {
        MakeFolder(options.DataFolder);
        var path = DatabasePath(options);
        var name = options.DisplayName ?? (File.Exists(path) ? null : AskName());
        await using var database = new PassphraseSource(options).Open(path, passphrase => Database.Open(new DatabaseOptions { Path = path, Schemas = ChatCore.Schemas }, passphrase));

        var needsRelay = options.Servers.Count == 0 || EmbeddedRelay.ExistsIn(options.DataFolder);
        await using var relay = needsRelay ? await EmbeddedRelay.StartAsync(options.DataFolder, cancellationToken) : null;
        var servers = options.Servers.Count > 0 ? options.Servers.Select(ParseServer).ToList() : [ParseServer(relay!.Address)];
        var needsFileRelay = options.FileServers.Count == 0 && servers.TrueForAll(static server => server.Server.Hosts.All(static host => host.IsThisMachine));
        await using var fileRelay = needsFileRelay || EmbeddedFileRelay.ExistsIn(options.DataFolder) ? await EmbeddedFileRelay.StartAsync(options.DataFolder, cancellationToken) : null;
        List<ServerAddressWithPassword> fileServers = options.FileServers.Count > 0 ? [.. options.FileServers.Select(ParseFileServer)] : needsFileRelay ? [ParseFileServer(fileRelay!.Address)] : [];
        var agentOptions = new AgentOptions { Files = new FileTransferOptions { WorkFolder = WorkFolder(options, path), Network = options.Network } };
        // At a proxy that isolates by name, this start of the program is kept apart from others.
        var relayOptions = new SmpClientOptions { Network = options.Network, IsolationKey = Convert.ToHexString(RandomNumberGenerator.GetBytes(16)) };
        var agent = await AgentClient.StartAsync(agentOptions, new AgentDependencies(database, new SmpRelayConnector(relayOptions)), cancellationToken);
        await using var chat = await ChatCore.StartAsync(ChatOptionsFor(options, servers, fileServers), database, agent, cancellationToken);

        var isPerson = options.Commands.Count == 0 && Termios.IsTerminal(0) && Termios.IsTerminal(1);
        await EnsureProfileAsync(chat, name, options, cancellationToken);
        if (options.Servers.Count > 0 && await chat.ExecuteAsync("/smp", cancellationToken) is ChatResponse.ServerList { AreDefault: false })
        {
            await Console.Error.WriteLineAsync("Note: new connections use the relays that /smp has set, not those of --server; /smp default changes that.");
        }

        using var screen = Screen.Open(isPerson);
        var conversation = new Conversation(chat, options, screen, isPerson);
        if (options.Commands.Count > 0) return await conversation.RunCommandsAsync(cancellationToken);
        if (!isPerson) return await conversation.RunPipedAsync(new LineSource(), cancellationToken);

        Welcome(screen, chat, relay, options.Network.Socks);
        using var raw = RawMode.TryEnter();
        return await conversation.RunInteractiveAsync(new LineSource(), cancellationToken);
    }

    private static ChatOptions ChatOptionsFor(PairwiseOptions options, IReadOnlyList<ServerAddressWithPassword> servers, IReadOnlyList<ServerAddressWithPassword> fileServers)
    {
        var downloads = Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), "Downloads");
        return new ChatOptions
        {
            Servers = servers,
            FileServers = fileServers,
            IsPostQuantum = options.IsPostQuantum,
            FilesFolder = options.FilesFolder,
            DownloadFolder = Directory.Exists(downloads) ? downloads : Path.Combine(options.DataFolder, "files"),
            AutoAcceptSize = options.AutoAcceptSize,
            AcceptsInstantFiles = options.AcceptsInstantFiles,
        };
    }

    private static ServerAddressWithPassword ParseFileServer(string text) =>
        ServerAddressWithPassword.TryParse(text, out var address) && address.Server.Protocol == ServerProtocol.Xftp
            ? address
            : throw new StartupException($"{text} is not the address of a file relay: it looks like xftp://FINGERPRINT@HOST[:PORT], as xftp-server init prints it.");

    private static string DatabasePath(PairwiseOptions options) => Path.Combine(options.DataFolder, "pairwise.db");

    private static ServerAddressWithPassword ParseServer(string text) =>
        ServerAddressWithPassword.TryParse(text, out var address)
            ? address
            : throw new StartupException($"{text} is not the address of a relay: it looks like smp://FINGERPRINT@HOST[:PORT], as smp-server init prints it.");

    // The folder holds keys: nobody else on the machine may look into it.
    private static void MakeFolder(string folder)
    {
        try
        {
            Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StartupException($"The data folder {folder} cannot be made: {e.Message} Choose another with -d FOLDER.", e);
        }
    }

    private static async Task EnsureProfileAsync(ChatCore chat, string? name, PairwiseOptions options, CancellationToken cancellationToken)
    {
        while (chat.Profile is null)
        {
            name ??= AskName() ?? throw new StartupException($"There is no profile in {options.DataFolder} yet: start once in a terminal, or give --display-name NAME.");
            try
            {
                await chat.CreateProfileAsync(name, "", cancellationToken);
            }
            catch (ChatException e) when (Prompt.IsTerminal && options.DisplayName is null && !e.IsTransient)
            {
                await Console.Error.WriteLineAsync(e.Message);
                name = null;
            }
        }
    }

    // Null when nobody answers: standard input is at its end.
    private static string? AskName()
    {
        Console.Error.WriteLine("Choose the name that your contacts will see. You can change it later with /p.");
        return Prompt.AskText("Display name: ");
    }

    private static void Welcome(Screen screen, ChatCore chat, EmbeddedRelay? relay, SocksOptions? proxy)
    {
        var style = screen.Style;
        screen.Print(
            $"Welcome to {style.Strong("Pairwise")}, {style.Name(Printable.Of(chat.Profile!.DisplayName))}.",
            relay is null ? "" : style.Faint($"A relay runs inside this program, at {relay.Address[(relay.Address.LastIndexOf('@') + 1)..]}; contacts reach you while it runs."),
            proxy is null ? "" : style.Faint($"{(proxy.Mode == SocksMode.Always ? "Relays" : "Onion relays")} are reached through the SOCKS proxy at {proxy.EndPoint}."),
            $"{style.Strong("/connect")} makes a link for somebody, {style.Strong("/connect LINK")} takes one, {style.Strong("@name text")} writes, {style.Strong("/help")} tells the rest.",
            "");
    }
}
