using System.Text.Json.Nodes;

namespace Pairwise.Chat.Protocol;

/// <summary>What somebody tells contacts about themselves. Immutable.</summary>
/// <param name="DisplayName">Short name; up to 50 characters in our own profile, anything in a peer's.</param>
/// <param name="FullName">Longer name, or empty.</param>
public sealed record Profile(string DisplayName, string FullName)
{
    /// <summary>A sentence about themselves.</summary>
    public string? ShortDescription { get; init; }

    /// <summary>A picture as a <c>data:</c> URI.</summary>
    public string? Image { get; init; }

    /// <summary>An address for contact requests.</summary>
    public string? ContactLink { get; init; }

    /// <summary>What the peer is when it is not a person, for example <c>bot</c>.</summary>
    public string? PeerType { get; init; }

    /// <summary>Which features they allow, as JSON text in normal form; <see cref="Contact.Feature"/> says what follows from it.</summary>
    public string? Preferences { get; init; }

    /// <summary>"alice", or "alice (Alice Adams)" when there is a full name that says more.</summary>
    public string Display => FullName.Length == 0 || FullName == DisplayName ? DisplayName : $"{DisplayName} ({FullName})";

    // profile = {"displayName", "fullName" [, "shortDescr"] [, "image"] [, "contactLink"] [, "preferences"] [, "peerType"]}
    internal static Profile From(JsonObject json) => new(json["displayName"]!.GetValue<string>(), json["fullName"]!.GetValue<string>())
    {
        ShortDescription = json["shortDescr"]?.GetValue<string>(),
        Image = json["image"]?.GetValue<string>(),
        ContactLink = json["contactLink"]?.GetValue<string>(),
        PeerType = json["peerType"]?.GetValue<string>(),
        Preferences = json["preferences"] is { } preferences ? JsonWriting.ToText(preferences) : null,
    };

    internal JsonObject ToJson()
    {
        var json = new JsonObject();
        if (ContactLink is not null)
            json["contactLink"] = ContactLink;
        json["displayName"] = DisplayName;
        json["fullName"] = FullName;
        if (Image is not null)
            json["image"] = Image;
        if (PeerType is not null)
            json["peerType"] = PeerType;
        if (Preferences is not null)
            json["preferences"] = JsonNode.Parse(Preferences);
        if (ShortDescription is not null)
            json["shortDescr"] = ShortDescription;
        return json;
    }
}
