namespace Pairwise.Server;

/// <summary>What an operator may be told of failures of the disk.</summary>
internal static class DiskFaults
{
    /// <summary>The system's words without what they quote: that is the name of a file, which has an id of a client's in it.</summary>
    public static string Describe(Exception fault)
    {
        string words = fault.Message;
        int first = words.IndexOf('\'', StringComparison.Ordinal);
        if (first >= 0)
        {
            words = (words[..first].TrimEnd() + words[(words.LastIndexOf('\'') + 1)..]).TrimEnd(' ', ':', '.');
        }

        return words.Contains(Path.DirectorySeparatorChar, StringComparison.Ordinal) ? fault.GetType().Name : words.TrimEnd('.');
    }
}
