using System.Globalization;

namespace Pairwise.Demo;

/// <summary>What one side typed and what the other side must see, in order.</summary>
internal sealed class Transcript(string from)
{
    private readonly List<string> _texts = [];

    /// <summary>Every text typed so far, in order.</summary>
    public IReadOnlyList<string> Texts => _texts;

    /// <summary>The next text to type; no two are the same.</summary>
    public string Next()
    {
        _texts.Add(string.Create(CultureInfo.InvariantCulture, $"message {_texts.Count + 1} from {from}"));
        return _texts[^1];
    }

    /// <summary>Says what is wrong with the lines that the other side saw, or null when all came once and in order.</summary>
    public string? Compare(IEnumerable<string> seen)
    {
        var shown = seen.ToList();
        if (shown.SequenceEqual(_texts)) return null;
        var lost = _texts.Except(shown).ToList();
        if (lost.Count > 0) return $"lost from {from}: {string.Join(", ", lost)}";
        return shown.Count > _texts.Count ? $"shown twice from {from}" : $"out of order from {from}";
    }
}
