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

    public TimeProvider Time { get; init; } = TimeProvider.System;

    public IRandomSource Random { get; init; } = SystemRandom.Instance;
}
