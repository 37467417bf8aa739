using System.Text.Json.Nodes;

namespace Pairwise.Chat.Protocol;

/// <summary>Features of a conversation that each side allows or forbids: those that this program acts on.</summary>
public enum ChatFeature
{
    Voice,
    Files,
}

/// <summary>What one side says about a feature.</summary>
public enum FeatureAllowed
{
    No,

    /// <summary>If the other side allows it, too.</summary>
    Yes,

    /// <summary>Also when the other side does not: then in one direction only.</summary>
    Always,
}

/// <summary>A feature between us and a contact.</summary>
/// <param name="Ours">What we say to this contact.</param>
/// <param name="IsOursDefault">We said nothing to this contact in particular.</param>
/// <param name="Theirs">What the contact says to us.</param>
public sealed record FeatureState(ChatFeature Feature, FeatureAllowed Ours, bool IsOursDefault, FeatureAllowed Theirs)
{
    /// <summary>Whether we may use it.</summary>
    public bool IsForUs => Theirs == FeatureAllowed.Always || (Theirs == FeatureAllowed.Yes && Ours != FeatureAllowed.No);

    /// <summary>Whether the contact may.</summary>
    public bool IsForContact => Ours == FeatureAllowed.Always || (Ours == FeatureAllowed.Yes && Theirs != FeatureAllowed.No);

    /// <summary>What the reference calls it.</summary>
    public string Name => NameOf(Feature);

    public static string NameOf(ChatFeature feature) => feature switch
    {
        ChatFeature.Voice => "Voice messages",
        ChatFeature.Files => "Files and media",
        _ => throw new System.Diagnostics.UnreachableException(),
    };

    /// <summary>The word for it in profiles and commands.</summary>
    public static string Word(FeatureAllowed allowed) => allowed switch
    {
        FeatureAllowed.No => "no",
        FeatureAllowed.Yes => "yes",
        FeatureAllowed.Always => "always",
        _ => throw new System.Diagnostics.UnreachableException(),
    };

    public static FeatureAllowed? Parse(string? word) => word switch
    {
        "no" => FeatureAllowed.No,
        "yes" => FeatureAllowed.Yes,
        "always" => FeatureAllowed.Always,
        _ => null,
    };
}

/// <summary>The preferences of a profile: the text of a JSON object, of which other programs' parts are kept.</summary>
internal static class ProfilePreferences
{
    // preferences = {[feature: {"allow": "no" / "yes" / "always"}]*}

    /// <summary>What is said about a feature; null for nothing.</summary>
    public static FeatureAllowed? Get(string? preferences, ChatFeature feature) =>
        preferences is not null && JsonNode.Parse(preferences) is JsonObject json && json[Key(feature)] is JsonObject said
        && said["allow"] is JsonValue value && value.TryGetValue(out string? word)
            ? FeatureState.Parse(word)
            : null;

    /// <summary>What somebody who says nothing allows.</summary>
    public static FeatureAllowed Default(ChatFeature feature) => feature == ChatFeature.Files ? FeatureAllowed.Always : FeatureAllowed.Yes;

    /// <summary>The same with another word about a feature, or none.</summary>
    public static string? With(string? preferences, ChatFeature feature, FeatureAllowed? allowed)
    {
        var json = preferences is null ? [] : JsonNode.Parse(preferences)!.AsObject();
        if (allowed is { } word)
            json[Key(feature)] = new JsonObject { ["allow"] = FeatureState.Word(word) };
        else
            json.Remove(Key(feature));
        return json.Count == 0 ? null : JsonWriting.ToText(json);
    }

    /// <summary>What is said to everybody, where nothing else is said to one contact.</summary>
    public static string? Merge(string? general, string? particular)
    {
        foreach (var feature in Enum.GetValues<ChatFeature>())
        {
            if (Get(particular, feature) is { } allowed)
                general = With(general, feature, allowed);
        }

        return general;
    }

    private static string Key(ChatFeature feature) => feature switch
    {
        ChatFeature.Voice => "voice",
        ChatFeature.Files => "files",
        _ => throw new System.Diagnostics.UnreachableException(),
    };
}
