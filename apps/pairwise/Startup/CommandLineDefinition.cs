using System.CommandLine;
using System.Globalization;
using Pairwise.Client;
using Pairwise.Protocol.Xftp;

namespace Pairwise.Terminal.Startup;

/// <summary>The command line of <c>pairwise</c>: its options, their help, and how they become <see cref="PairwiseOptions"/>.</summary>
internal static class CommandLineDefinition
{
    private static readonly Option<string> DataFolder = new("--database", "-d")
    {
        Description = "Folder for the encrypted database and the embedded relays",
        HelpName = "FOLDER",
        DefaultValueFactory = _ => DefaultDataFolder(),
    };

    private static readonly Option<string[]> Servers = new("--server", "-s")
    {
        Description = "Relay for new connections, smp://FINGERPRINT@HOST[:PORT]; may be repeated. Without it a relay is embedded",
        HelpName = "ADDRESS",
        DefaultValueFactory = _ => [],
    };

    private static readonly Option<string[]> FileServers = new("--xftp-server")
    {
        Description = "File relay for new files, xftp://FINGERPRINT@HOST[:PORT]; may be repeated. Without it one is embedded, if the other relays are on this machine",
        HelpName = "ADDRESS",
        DefaultValueFactory = _ => [],
    };

    private static readonly Option<bool> LocalProxy = new("-x") { Description = "Reach relays through the SOCKS5 proxy at 127.0.0.1:9050 (Tor)" };

    private static readonly Option<SocksOptions?> Proxy = new("--socks-proxy")
    {
        Description = "Reach relays through this SOCKS5 proxy: ADDRESS:PORT or :PORT, with USER:PASSWORD@ before it if it asks for them, or @ if it knows no users",
        HelpName = "PROXY",
        CustomParser = result =>
        {
            if (ProxyArgument.TryParse(result.Tokens[0].Value, out var proxy)) return proxy;
            result.AddError("--socks-proxy takes the IP address and port of a proxy, or :PORT, possibly after USER:PASSWORD@ or @.");
            return null;
        },
    };

    private static readonly Option<string> ProxyMode = new("--socks-mode")
    {
        Description = "What the proxy is used for: always, or onion for onion addresses only",
        HelpName = "MODE",
        DefaultValueFactory = _ => "always",
    };

    private static readonly Option<string?> HostKind = new("--host-mode")
    {
        Description = "Which address of a relay with several is used: onion or public (default: onion with a proxy that keeps connections apart, else public)",
        HelpName = "MODE",
    };

    private static readonly Option<bool> HostRequired = new("--required-host-mode") { Description = "Use no relay that has no address of the kind of --host-mode" };

    private static readonly Option<string?> FilesFolder = new("--files-folder")
    {
        Description = "Folder for received files, and for paths of files to send (default: ~/Downloads, and the present folder)",
        HelpName = "FOLDER",
    };

    private static readonly Option<string?> TemporaryFolder = new("--temp-folder")
    {
        Description = "Folder for files on their way, which are encrypted (default: in the data folder)",
        HelpName = "FOLDER",
    };

    private static readonly Option<bool> InstantFiles = new("--allow-instant-files", "-f") { Description = "Take small voice messages that come unasked inside the conversation" };

    private static readonly Option<bool> AcceptSmall = new("-a") { Description = "Receive files smaller than 1 MB without being asked for" };

    private static readonly Option<long?> AcceptUpTo = new("--auto-accept-files")
    {
        Description = "Receive files smaller than this without being asked for: bytes, or a number with kb, mb or gb",
        HelpName = "SIZE",
        CustomParser = result =>
        {
            if (FileSize.TryParse(result.Tokens[0].Value, out var bytes)) return bytes;
            result.AddError("--auto-accept-files takes bytes, or a number with kb, mb or gb.");
            return null;
        },
    };

    private static readonly Option<string?> Key = new("--key", "-k")
    {
        Description = "Passphrase of the database. Other users of this machine may see it: prefer --passphrase-file or " + PassphraseSource.EnvironmentVariable,
        HelpName = "PASSPHRASE",
    };

    private static readonly Option<string?> PassphraseFile = new("--passphrase-file")
    {
        Description = "File whose first line is the passphrase",
        HelpName = "FILE",
    };

    private static readonly Option<string?> DisplayName = new("--display-name")
    {
        Description = "Name of your profile, for a first start that does not ask",
        HelpName = "NAME",
    };

    private static readonly Option<string[]> Execute = new("--execute", "-e")
    {
        Description = "Carry out a command and end; may be repeated",
        HelpName = "COMMAND",
        DefaultValueFactory = _ => [],
    };

    private static readonly Option<double?> Stay = new("--time", "-t")
    {
        Description = "Seconds to stay for events after --execute or the end of piped input (default: until sent, 3 at most)",
        HelpName = "SECONDS",
        CustomParser = result =>
        {
            if (double.TryParse(result.Tokens[0].Value, NumberStyles.Float, CultureInfo.InvariantCulture, out var seconds) && seconds is >= 0 and <= 31_536_000) return seconds;
            result.AddError("--time takes seconds, from 0 to a year.");
            return null;
        },
    };

    private static readonly Option<bool> NoQr = new("--no-qr") { Description = "Print links without their QR codes" };

    private static readonly Option<bool> NoPostQuantum = new("--no-post-quantum") { Description = "Make new connections without post-quantum keys, for very slow peers" };

    /// <summary>Builds the root command; <paramref name="run"/> gets the options and answers with the exit code.</summary>
    public static RootCommand Create(Func<PairwiseOptions, Task<int>> run)
    {
        var root = new RootCommand("Pairwise: private chat over relays, without user identifiers")
        {
            DataFolder, Servers, FileServers, LocalProxy, Proxy, ProxyMode, HostKind, HostRequired, FilesFolder, TemporaryFolder, InstantFiles, AcceptSmall, AcceptUpTo, Key, PassphraseFile, DisplayName, Execute, Stay, NoQr, NoPostQuantum,
        };
        ProxyMode.AcceptOnlyFromAmong("always", "onion");
        HostKind.AcceptOnlyFromAmong("onion", "public");
        DataFolder.Validators.Add(result =>
        {
            if (string.IsNullOrWhiteSpace(result.GetValueOrDefault<string>())) result.AddError("--database takes the path of a folder.");
        });
        foreach (var option in root.Options.Where(option => option.Name == "--version")) option.Aliases.Add("-v");
        root.SetAction((result, _) => run(
            new PairwiseOptions
            {
                DataFolder = Path.GetFullPath(result.GetRequiredValue(DataFolder)),
                Servers = result.GetValue(Servers) ?? [],
                FileServers = [.. (result.GetValue(FileServers) ?? []).SelectMany(static text => text.Split([' ', ';'], StringSplitOptions.RemoveEmptyEntries))],
                Network = NetworkOf(result),
                FilesFolder = result.GetValue(FilesFolder),
                TemporaryFolder = result.GetValue(TemporaryFolder),
                AcceptsInstantFiles = result.GetValue(InstantFiles),
                AutoAcceptSize = result.GetValue(AcceptUpTo) ?? (result.GetValue(AcceptSmall) ? 1024 * 1024 : 0),
                Key = result.GetValue(Key),
                PassphraseFile = result.GetValue(PassphraseFile),
                DisplayName = result.GetValue(DisplayName),
                Commands = result.GetValue(Execute) ?? [],
                Stay = result.GetValue(Stay) is { } seconds ? TimeSpan.FromSeconds(seconds) : null,
                ShowsQrCodes = !result.GetValue(NoQr),
                IsPostQuantum = !result.GetValue(NoPostQuantum),
            }));
        return root;
    }

    private static NetworkOptions NetworkOf(ParseResult result)
    {
        var mode = result.GetValue(ProxyMode) == "onion" ? SocksMode.OnionOnly : SocksMode.Always;
        var proxy = (result.GetValue(Proxy) ?? (result.GetValue(LocalProxy) ? ProxyArgument.Usual : null)) is { } given ? given with { Mode = mode } : null;
        var isOnion = result.GetValue(HostKind) is { } kind ? kind == "onion" : proxy?.Authentication is SocksAuthentication.Isolate;
        return new NetworkOptions { Socks = proxy, HostMode = isOnion ? HostMode.OnionViaSocks : HostMode.Public, IsHostModeRequired = result.GetValue(HostRequired) };
    }

    /// <summary><c>$XDG_DATA_HOME/pairwise</c>, or <c>~/.local/share/pairwise</c>.</summary>
    private static string DefaultDataFolder()
    {
        var data = Environment.GetEnvironmentVariable("XDG_DATA_HOME");
        var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        return Path.Combine(string.IsNullOrEmpty(data) ? Path.Combine(home, ".local", "share") : data, "pairwise");
    }
}
