using Pairwise.Chat.Protocol;

namespace Pairwise.Terminal.Views;

/// <summary>What a person reads about a feature that the two sides allow or forbid.</summary>
internal static class FeatureText
{
    /// <summary><c>Voice messages: off (you allow: default (yes), contact allows: no)</c>.</summary>
    public static string Of(FeatureState state)
    {
        var ours = FeatureState.Word(state.Ours);
        return $"{state.Name}: {Use(state)} (you allow: {(state.IsOursDefault ? $"default ({ours})" : ours)}, contact allows: {FeatureState.Word(state.Theirs)})";
    }

    private static string Use(FeatureState state) => (state.IsForUs, state.IsForContact) switch
    {
        (true, true) => "enabled",
        (false, false) => "off",
        (true, false) => "enabled for you",
        (false, true) => "enabled for contact",
    };
}
