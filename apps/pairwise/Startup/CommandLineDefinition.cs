using System.CommandLine;
using System.Globalization;
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
            DataFolder, Servers, FileServers, FilesFolder, TemporaryFolder, InstantFiles, AcceptSmall, AcceptUpTo, Key, PassphraseFile, DisplayName, Execute, Stay, NoQr, NoPostQuantum,
        };
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

    /// <summary><c>$XDG_DATA_HOME/pairwise</c>, or <c>~/.local/share/pairwise</c>.</summary>
    private static string DefaultDataFolder()
    {
        var data = Environment.GetEnvironmentVariable("XDG_DATA_HOME");
        var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        return Path.Combine(string.IsNullOrEmpty(data) ? Path.Combine(home, ".local", "share") : data, "pairwise");
    }
}
