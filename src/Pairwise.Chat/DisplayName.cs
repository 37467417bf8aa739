using System.Globalization;
using System.Text;
using Pairwise.Chat.Protocol;

namespace Pairwise.Chat;

/// <summary>Rules for names: which ones a profile may have, how they are quoted in commands, and how equal ones are told apart.</summary>
public static class DisplayName
{
    /// <summary>
    /// The nearest name that is allowed, possibly empty: it begins with a letter, digit or symbol (not '#' or '@'), has no
    /// single quotes, no two spaces in a row, no long runs of punctuation, and at most 50 characters. A name is valid
    /// when it is its own nearest.
    /// </summary>
    public static string ToValid(string name)
    {
        var valid = new StringBuilder();
        Rune? previous = null;
        var punctuation = 0;
        var length = 0;
        foreach (var rune in name.EnumerateRunes())
        {
            var character = Rune.IsWhiteSpace(rune) ? new Rune(' ') : rune;
            if (length == ChatMessageLimits.MaxDisplayNameLength || !MayFollow(previous, character, punctuation))
                continue;
            punctuation = Rune.IsPunctuation(character) ? punctuation + 1 : character.Value == ' ' ? punctuation : 0;
            valid.Append(character.ToString());
            previous = character;
            length++;
        }

        return valid.ToString().TrimEnd(' ');
    }

    /// <summary>The name as it is typed in a command.</summary>
    public static string Quote(string name) => name.Contains(' ', StringComparison.Ordinal) ? $"'{name}'" : name;

    /// <summary>The name itself, or with the first number that makes it unlike all that are taken: <c>alice_1</c>.</summary>
    public static string MakeUnique(string name, Func<string, bool> isTaken)
    {
        var candidate = name;
        for (var number = 1; isTaken(candidate); number++)
            candidate = string.Create(CultureInfo.InvariantCulture, $"{name}_{number}");
        return candidate;
    }

    /// <summary>
    /// A name for a contact that can be typed and printed whatever the peer calls itself: control characters and quotes
    /// are left out, and an empty rest becomes "contact".
    /// </summary>
    public static string ForContact(string displayName)
    {
        var valid = ToValid(displayName);
        return valid.Length == 0 ? "contact" : valid;
    }

    private static bool MayFollow(Rune? previous, Rune character, int punctuation)
    {
        if (character.Value == '\'')
            return false;
        var mayBegin = Rune.IsLetter(character) || Rune.IsNumber(character) || Rune.IsSymbol(character);
        return previous switch
        {
            null => mayBegin && character.Value is not ('#' or '@'),
            { Value: ' ' } => mayBegin || (punctuation == 0 && Rune.IsPunctuation(character)),
            { } last when Rune.IsPunctuation(last) => mayBegin || character.Value == ' ' || (punctuation < 3 && Rune.IsPunctuation(character)),
            _ => mayBegin || character.Value == ' ' || IsMark(character) || Rune.IsPunctuation(character),
        };
    }

    private static bool IsMark(Rune rune) => Rune.GetUnicodeCategory(rune)
        is UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark;
}
