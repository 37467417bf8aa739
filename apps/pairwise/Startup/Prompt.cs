using System.Security.Cryptography;
using System.Text;
using Pairwise.Terminal.Interop;

namespace Pairwise.Terminal.Startup;

/// <summary>
/// Questions before the chat begins. Bytes are read one by one from standard input, so that nothing behind the
/// answer is taken from whoever reads next, and no reader keeps a copy of a passphrase.
/// </summary>
internal static class Prompt
{
    private const int LongestAnswer = 4096;

    private static volatile bool _isAsking;

    /// <summary>Whether a question waits for its answer, so that nothing else would notice a signal.</summary>
    public static bool IsAsking => _isAsking;

    /// <summary>Whether somebody sits at standard input.</summary>
    public static bool IsTerminal => Termios.IsTerminal(0);

    /// <summary>Asks for a line of text, which a script may pipe; null at the end of the input.</summary>
    public static string? AskText(string question)
    {
        Console.Error.Write(question);
        return ReadLine(bytes => Encoding.UTF8.GetString(bytes).Trim());
    }

    /// <summary>Asks for a line that is not shown; the answer is handed over as bytes that are cleared afterwards.</summary>
    public static T? AskHidden<T>(string question, Func<ReadOnlySpan<byte>, T> use)
        where T : class
    {
        using var hidden = RawMode.TryHideInput();
        Console.Error.Write(question);
        try
        {
            return ReadLine(use);
        }
        finally
        {
            Console.Error.WriteLine();
        }
    }

    private static T? ReadLine<T>(Func<ReadOnlySpan<byte>, T> use)
        where T : class
    {
        var line = new byte[LongestAnswer];
        var length = 0;
        _isAsking = true;
        try
        {
            using var input = StandardStreams.OpenInput();
            while (true)
            {
                var read = input.Read(line, length, 1);
                if (read == 0 && length == 0) return null;
                if (read == 0 || line[length] == (byte)'\n') return use(line.AsSpan(0, length));
                if (line[length] != (byte)'\r' && ++length == LongestAnswer) throw new StartupException($"An answer has at most {LongestAnswer - 1} bytes.");
            }
        }
        finally
        {
            _isAsking = false;
            CryptographicOperations.ZeroMemory(line);
        }
    }
}
