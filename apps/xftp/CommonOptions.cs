using System.CommandLine;
using System.Globalization;
using Pairwise.Client.Xftp;
using Pairwise.Protocol;

namespace Pairwise.XftpCommand;

/// <summary>The options that several verbs have, by the reference's names.</summary>
internal static class CommonOptions
{
    private static readonly string[] PresetServers =
    [
        "xftp://da1aH3nOT-9G8lV7bWamhxpDYdJ1xmW7j3JpGaDR5Ug=@xftp1.simplex.im,blisztokwh6alt5oem45f2eksm2xdowxszmhjesntcyolmhutoon7sid.onion",
        "xftp://5vog2Imy1ExJB_7zDZrkV1KDWi96jYFyy9CL6fndBVw=@xftp2.simplex.im,jk6jybnel5hin2am5omd7g3hyvb4tfkyl7ea4vx5ldi7gpvz5ogqtcqd.onion",
        "xftp://PYa32DdYNFWi0uZZOprWQoQpIk5qyjRJ3EF7bVpbsn8=@xftp3.simplex.im,pqhchr4bpkzef5wra4hnmzvppn5j5mjrpzkh5ixx6mhylnxxd6lmwnad.onion",
        "xftp://k_GgQl40UZVV0Y4BX9ZTyMVqX5ZewcLW0waQIl7AYDE=@xftp4.simplex.im,q2lrjgiyo2efyweksavwxh3dlsrxetaxjztde2x5nateugrtrwzvmdid.onion",
        "xftp://-bIo6o8wuVc4wpZkZD3tH-rCeYaeER_0lz1ffQcSJDs=@xftp5.simplex.im,2kikdbdhlrluburwt6q6rnoxvezcm2ifx2hj463jlunkeftlzm7hf3qd.onion",
        "xftp://6nSvtY9pJn6PXWTAIMNl95E1Kk1vD7FM2TeOA64CFLg=@xftp6.simplex.im,tg3fmu6houq7vfqlsipm2qqzhtpgxesnuydqozx3khojxydhs53sbbyd.onion",
    ];

    private const int MaxAttempts = 1000;

    public static Option<int> Retry() => Number("Attempts for each request.", "RETRY", 3, MaxAttempts, "attempts", "--retry", "-r");

    /// <summary>A whole number from 1 on; anything else is refused in one sentence.</summary>
    public static Option<int> Number(string description, string helpName, int usual, int most, string counted, string name, params string[] aliases) => new(name, aliases)
    {
        Description = description,
        HelpName = helpName,
        DefaultValueFactory = _ => usual,
        CustomParser = argument =>
        {
            if (int.TryParse(argument.Tokens[^1].Value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= 1 && number <= most)
            {
                return number;
            }

            argument.AddError(string.Create(CultureInfo.InvariantCulture, $"There are 1 to {most} {counted}."));
            return usual;
        },
    };

    public static Option<string?> Temporary() => new("--tmp") { HelpName = "TMP", Description = "The folder for what waits on the disk (default: the system's)." };

    public static Option<bool> Verbose() => new("--verbose", "-v") { Description = "Say more." };

    public static Option<bool> Yes() => new("--yes", "-y") { Description = "Yes to questions." };

    public static Option<IReadOnlyList<ServerAddressWithPassword>?> Servers() => new("--servers", "-s")
    {
        Description = "File servers, separated by semicolons; each part of the file goes to one of them (default: six public servers).",
        HelpName = "SERVERS",
        CustomParser = argument =>
        {
            var servers = Parse(argument.Tokens[^1].Value);
            if (servers is null)
            {
                argument.AddError("A server is written xftp://FINGERPRINT[:PASSWORD]@HOST[,HOST][:PORT].");
            }

            return servers ?? [];
        },
    };

    /// <summary>The servers that were asked for, or else the public ones.</summary>
    public static IReadOnlyList<ServerAddressWithPassword> ServersOf(IReadOnlyList<ServerAddressWithPassword>? chosen) =>
        chosen ?? Parse(string.Join(';', PresetServers))!;

    /// <summary>What to do with an error after which there is another attempt.</summary>
    public static Action<XftpClientError>? Retrying(bool isVerbose, TextWriter error) =>
        isVerbose ? cause => error.WriteLine($"\nTrying again: {FileTransferErrors.Sentence(cause)}") : null;

    private static List<ServerAddressWithPassword>? Parse(string text)
    {
        var servers = new List<ServerAddressWithPassword>();
        foreach (var part in text.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (!ServerAddressWithPassword.TryParse(part, out var server) || server.Server.Protocol != ServerProtocol.Xftp)
            {
                return null;
            }

            servers.Add(server);
        }

        return servers.Count == 0 ? null : servers;
    }
}
