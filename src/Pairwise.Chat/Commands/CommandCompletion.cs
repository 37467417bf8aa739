namespace Pairwise.Chat.Commands;

/// <summary>Completes what is being typed.</summary>
internal static class CommandCompletion
{
    /// <summary>The line with what all candidates have in common added; null when that is nothing.</summary>
    public static string? Complete(string line, IReadOnlyList<Contact> contacts)
    {
        var at = line.StartsWith('@') ? 0 : line.StartsWith('/') ? line.IndexOf(" @", StringComparison.Ordinal) + 1 : -1;
        if (line.StartsWith('/') && at == 0)
            return Extend(line, ChatCommandParser.Words);
        if (at < 0)
            return null;
        var typed = line[(at + 1)..].TrimStart('\'');
        var names = contacts.Select(static contact => contact.Name).Where(name => name.StartsWith(typed, StringComparison.OrdinalIgnoreCase)).ToList();
        if (names.Count == 0)
            return null;
        var common = names.Aggregate(Common);
        var isWhole = names.Count == 1;
        var name = isWhole ? DisplayName.Quote(common) + " " : common.Contains(' ', StringComparison.Ordinal) ? "'" + common : common;
        var completed = line[..(at + 1)] + name;
        return completed == line ? null : completed;
    }

    private static string? Extend(string line, IEnumerable<string> words)
    {
        var fitting = words.Where(word => word.StartsWith(line, StringComparison.Ordinal)).ToList();
        if (fitting.Count == 0)
            return null;
        var common = fitting.Aggregate(Common);
        if (fitting.Count == 1 && !common.EndsWith(' '))
            common += " ";
        return common == line ? null : common;
    }

    private static string Common(string left, string right)
    {
        var length = 0;
        while (length < left.Length && length < right.Length && left[length] == right[length])
            length++;
        return left[..length];
    }
}
