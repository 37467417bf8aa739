using Pairwise.Client;

namespace Pairwise.Terminal.Startup;

/// <summary>What the command line of <c>pairwise</c> asked for.</summary>
internal sealed record PairwiseOptions
{
    /// <summary>Folder of the database and of the embedded relay.</summary>
    public required string DataFolder { get; init; }

    /// <summary>Addresses of the relays for new queues; none means the embedded relay.</summary>
    public IReadOnlyList<string> Servers { get; init; } = [];

    /// <summary>Addresses of the file relays for new files; none means the embedded one.</summary>
    public IReadOnlyList<string> FileServers { get; init; } = [];

    /// <summary>How relays and file relays are reached.</summary>
    public NetworkOptions Network { get; init; } = new();

    /// <summary>Folder for received files, and for paths of files to send; null means the download folder and the present one.</summary>
    public string? FilesFolder { get; init; }

    /// <summary>Folder for files on their way, which are encrypted; null means the data folder.</summary>
    public string? TemporaryFolder { get; init; }

    /// <summary>Files smaller than this, in bytes, are received without being asked for.</summary>
    public long AutoAcceptSize { get; init; }

    /// <summary>Whether a voice message that comes unasked inside the conversation is taken.</summary>
    public bool AcceptsInstantFiles { get; init; }

    /// <summary>Passphrase given on the command line, where other users of the machine may see it.</summary>
    public string? Key { get; init; }

    /// <summary>File whose first line is the passphrase.</summary>
    public string? PassphraseFile { get; init; }

    /// <summary>Name of the profile that a first start creates without asking.</summary>
    public string? DisplayName { get; init; }

    /// <summary>Commands to carry out instead of a conversation, in order.</summary>
    public IReadOnlyList<string> Commands { get; init; } = [];

    /// <summary>How long to stay for events after the last command; null means as long as sending takes, 3 seconds at most.</summary>
    public TimeSpan? Stay { get; init; }

    /// <summary>Whether links are also drawn as QR codes.</summary>
    public bool ShowsQrCodes { get; init; } = true;

    /// <summary>Whether new connections get post-quantum keys.</summary>
    public bool IsPostQuantum { get; init; } = true;
}
