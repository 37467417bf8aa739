using Pairwise.Agent;
using Pairwise.Crypto;
using Pairwise.Protocol;

namespace Pairwise.Chat;

/// <summary>Settings of a chat.</summary>
public sealed record ChatOptions
{
    /// <summary>Relays for new connections when the user has set none by command; at least one.</summary>
    public required IReadOnlyList<ServerAddressWithPassword> Servers { get; init; }

    /// <summary>Whether new connections ask for the post-quantum ratchet.</summary>
    public bool IsPostQuantum { get; init; } = true;

    /// <summary>Whether contacts are told that their messages arrived.</summary>
    public bool SendsReceipts { get; init; } = true;

    /// <summary>File relays for files when the user has set none by command; empty means that files go over the relays of messages, if they have no more than 8 MB.</summary>
    public IReadOnlyList<ServerAddressWithPassword> FileServers { get; init; } = [];

    /// <summary>Where received files go, and where a path that is not absolute is looked for; null means <see cref="DownloadFolder"/> and the present folder.</summary>
    public string? FilesFolder { get; init; }

    /// <summary>Where received files go when there is no <see cref="FilesFolder"/>; it is made when it is needed.</summary>
    public string DownloadFolder { get; init; } = Path.Combine(Path.GetTempPath(), "pairwise-files");

    /// <summary>Whether received files are kept encrypted when the command does not say.</summary>
    public bool EncryptsFiles { get; init; } = true;

    /// <summary>Files smaller than this, in bytes, are received without being asked for.</summary>
    public long AutoAcceptSize { get; init; }

    /// <summary>Whether a voice message that comes unasked inside the conversation is taken.</summary>
    public bool AcceptsInstantFiles { get; init; }

    public TimeProvider Time { get; init; } = TimeProvider.System;

    public IRandomSource Random { get; init; } = SystemRandom.Instance;
}
