using Pairwise.Protocol;
using Pairwise.Server.Smp;

namespace Pairwise.SmpRelay;

/// <summary>The questions of init, for whoever did not say -y: in the official server's order, so that prepared answers fit both.</summary>
internal static class InitDialogue
{
    /// <summary>Asks; an empty answer keeps what the options say.</summary>
    /// <exception cref="SmpServerException">The input ended before the last answer.</exception>
    public static InitOptions Ask(InitOptions options, TextReader input, TextWriter output)
    {
        output.WriteLine("smp-server init --help lists all options. Enter keeps what stands in brackets.");
        output.Write("A new server will be made. Enter to go on: ");
        Read(input);
        bool storeLog = AskYesNo("Keep queues and messages over restarts", options.StoreLog, input, output);
        bool statistics = AskYesNo("Write statistics of each day", options.DailyStatistics, input, output);
        string? password = AskPassword(options.Password, input, output);
        string? host = AskText("Host name or IP address of the server", options.Fqdn ?? options.Ip, input, output);
        string source = AskSource(options.SourceCode ?? InitCommand.SourceCode, input, output);
        string? web = AskText("Folder for the server's pages", options.WebPath ?? "www beside the logs", input, output);
        return options with
        {
            StoreLog = storeLog,
            DailyStatistics = statistics,
            Password = password,
            Fqdn = host ?? options.Fqdn,
            SourceCode = source,
            WebPath = web ?? options.WebPath,
        };
    }

    private static bool AskYesNo(string question, bool usual, TextReader input, TextWriter output)
    {
        while (true)
        {
            output.Write($"{question}? [{(usual ? "Y/n" : "y/N")}] ");
            switch (Read(input))
            {
                case "":
                    return usual;
                case "y" or "Y":
                    return true;
                case "n" or "N":
                    return false;
            }

            output.WriteLine("Please answer y or n.");
        }
    }

    private static string? AskPassword(string? usual, TextReader input, TextWriter output)
    {
        while (true)
        {
            output.Write("Password for new queues: Enter for a random one, n for none (a public server), or the password itself: ");
            switch (Read(input))
            {
                case "" or "r":
                    return usual;
                case "n":
                    return null;
                case var password when BasicAuth.TryParse(password, out _):
                    return password;
            }

            output.WriteLine("Letters, digits and symbols, but no spaces, @, : and /.");
        }
    }

    private static string AskSource(string usual, TextReader input, TextWriter output)
    {
        while (true)
        {
            switch (AskText("Address of the server's source code", usual, input, output))
            {
                case null:
                    return usual;
                case var address when address.StartsWith("https://", StringComparison.Ordinal) || address.StartsWith("http://", StringComparison.Ordinal):
                    return address;
            }

            output.WriteLine("It begins with https:// or http://.");
        }
    }

    private static string? AskText(string question, string usual, TextReader input, TextWriter output)
    {
        output.Write($"{question} [{usual}]: ");
        return Read(input) is { Length: > 0 } answer ? answer : null;
    }

    private static string Read(TextReader input) =>
        input.ReadLine()?.Trim() ?? throw new SmpServerException("The questions were not answered; -y asks none.");
}
