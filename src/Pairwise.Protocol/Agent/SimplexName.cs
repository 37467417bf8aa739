using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Pairwise.Protocol.Agent;

/// <summary>What a name is of.</summary>
public enum SimplexNameType
{
    /// <summary>#</summary>
    PublicGroup,

    /// <summary>@</summary>
    Contact,
}

/// <summary>
/// A name of a group or contact, such as <c>#group.simplex</c> or <c>@sub.name.testing</c>. Resolving names comes with a
/// later protocol version; here they are only recognised.
/// </summary>
/// <param name="Type">What the name is of.</param>
/// <param name="Domain">The full name with its top level domain.</param>
public sealed record SimplexName(SimplexNameType Type, string Domain)
{
    private const string TextPrefix = "simplex:/name";
    private const string DefaultTopLevel = ".simplex";
    private const int MaxDomainLength = 1024;

    /// <summary>The short form: a group directly under <c>.simplex</c> without that.</summary>
    public string ToShortText()
    {
        var name = Domain.EndsWith(DefaultTopLevel, StringComparison.Ordinal) ? Domain[..^DefaultTopLevel.Length] : Domain;
        var isPlainGroup = Type == SimplexNameType.PublicGroup && name.Length != Domain.Length && !name.Contains('.', StringComparison.Ordinal);
        return Sign + (isPlainGroup ? name : Domain);
    }

    public string ToText() => TextPrefix + Sign + Domain;

    private string Sign => Type == SimplexNameType.PublicGroup ? "#" : "@";

    // name = ["simplex:/name"] ("#" (domain / label) / "@" domain / domain / label) ; a label alone is under ".simplex"
    // domain = label 1*("." label) ; label = part *("-" part) ; part = 1*(letter / DIGIT), no letter of U+00C0 to U+024F
    public static bool TryParse(string text, [NotNullWhen(true)] out SimplexName? name)
    {
        name = null;
        var rest = text.AsSpan();
        if (rest.StartsWith(TextPrefix, StringComparison.Ordinal))
        {
            rest = rest[TextPrefix.Length..];
        }

        var type = SimplexNameType.PublicGroup;
        if (!rest.IsEmpty && rest[0] is '#' or '@')
        {
            type = rest[0] == '#' ? SimplexNameType.PublicGroup : SimplexNameType.Contact;
            rest = rest[1..];
        }

        if (rest.Length > MaxDomainLength)
        {
            return false;
        }

        var labels = 0;
        foreach (var range in rest.Split('.'))
        {
            if (!IsLabel(rest[range]))
            {
                return false;
            }

            labels++;
        }

        if (labels == 1 && (type == SimplexNameType.Contact || rest.Length + DefaultTopLevel.Length > MaxDomainLength))
        {
            return false;
        }

        name = new SimplexName(type, labels == 1 ? string.Concat(rest, DefaultTopLevel) : rest.ToString());
        return true;
    }

    private static bool IsLabel(ReadOnlySpan<char> label)
    {
        foreach (var range in label.Split('-'))
        {
            var part = label[range];
            if (part.IsEmpty)
            {
                return false;
            }

            foreach (var rune in part.EnumerateRunes())
            {
                // Letters of the Latin supplements are too easy to mistake for others; the reference refuses them.
                var category = System.Text.Rune.GetUnicodeCategory(rune);
                var isLetter = category <= UnicodeCategory.OtherLetter && rune.Value is < 0xC0 or > 0x24F;
                if (!isLetter && !(rune.Value is >= '0' and <= '9'))
                {
                    return false;
                }
            }
        }

        return true;
    }
}
