using Pairwise.Chat.Protocol;
using Pairwise.Wire;

namespace Pairwise.Chat;

/// <summary>A contact in this database; it means nothing elsewhere.</summary>
public readonly record struct ContactId(long Value);

/// <summary>How far a contact is.</summary>
public enum ContactState
{
    /// <summary>Who they are is known; the two directions are not both there yet.</summary>
    Connecting = 0,

    /// <summary>Messages go both ways.</summary>
    Connected = 1,

    /// <summary>They deleted us: messages can still be read, not sent.</summary>
    DeletedByPeer = 2,
}

/// <summary>Somebody we are connected with, or about to be.</summary>
/// <param name="Id">Identifies the contact in this database.</param>
/// <param name="Name">Unique here: their display name, with a number when another contact has the same; what one types after '@'.</param>
/// <param name="Profile">What they say of themselves.</param>
/// <param name="State">How far the contact is.</param>
/// <param name="IsPostQuantum">Whether the ratchet mixed a post-quantum key into the last message.</param>
/// <param name="Versions">Chat versions they speak.</param>
/// <param name="CreatedAt">When we first knew of them.</param>
public sealed record Contact(
    ContactId Id,
    string Name,
    Profile Profile,
    ContactState State,
    bool IsPostQuantum,
    VersionRange Versions,
    DateTimeOffset CreatedAt)
{
    /// <summary>The name as it is typed in a command: in single quotes when it has spaces.</summary>
    public string QuotedName => DisplayName.Quote(Name);

    /// <summary>What we say to everybody of what is allowed, as in a profile; null for nothing.</summary>
    internal string? OwnPreferences { get; init; }

    /// <summary>What we say to this contact in particular.</summary>
    internal string? PreferencesForContact { get; init; }

    /// <summary>Where the two sides stand with a feature.</summary>
    public FeatureState Feature(ChatFeature feature)
    {
        var particular = ProfilePreferences.Get(PreferencesForContact, feature);
        var general = ProfilePreferences.Get(OwnPreferences, feature) ?? ProfilePreferences.Default(feature);
        var theirs = ProfilePreferences.Get(Profile.Preferences, feature) ?? ProfilePreferences.Default(feature);
        return new FeatureState(feature, particular ?? general, particular is null, theirs);
    }

    /// <summary>The features about which either side said something else before.</summary>
    public IReadOnlyList<FeatureState> FeaturesChangedSince(Contact before) =>
        [.. Enum.GetValues<ChatFeature>().Select(Feature).Where(state => before.Feature(state.Feature) is var former && (former.Ours != state.Ours || former.Theirs != state.Theirs))];

    /// <summary>Our profile as this contact is told it.</summary>
    internal Profile SeesOf(Profile own) => own with { Preferences = ProfilePreferences.Merge(own.Preferences, PreferencesForContact) };
}
