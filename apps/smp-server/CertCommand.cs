using System.CommandLine;
using Pairwise.Crypto;
using Pairwise.Server.Smp;

namespace Pairwise.SmpRelay;

/// <summary>cert: a new online certificate under the same identity.</summary>
internal static class CertCommand
{
    public static Command Create(ServerFolders folders)
    {
        Option<string?> algorithm = AlgorithmOption(null)!;
        Option<string?> name = new("--cn") { Description = "The host name in the certificate; the former one when not given." };
        Command command = new("cert", "Make a new online certificate; the address stays.") { algorithm, name };
        command.SetAction((result, cancellationToken) => Failure.Guard(result, async output =>
        {
            if (!File.Exists(folders.IniFile))
            {
                throw new SmpServerException($"the server is not initialized ({folders.IniFile} does not exist).\nRun `smp-server init`.");
            }

            SmpServerFiles.Renew(folders.Configuration, AlgorithmOf(result.GetValue(algorithm)), result.GetValue(name), SystemRandom.Instance, TimeProvider.System);
            await output.WriteLineAsync("The new certificate is in use from the next start, or when the running server gets SIGHUP.");
            await output.WriteLineAsync($"Move {Path.Combine(folders.Configuration, SmpServerFiles.AuthorityKey)} to a safe place off this machine again.");
            return 0;
        }));
        return command;
    }

    /// <summary>The option for the keys of certificates.</summary>
    public static Option<string> AlgorithmOption(string? usual)
    {
        Option<string> option = new("--sign-algorithm", "-a") { Description = "Keys of the certificates: ED25519 or ED448." };
        if (usual is not null)
        {
            option.DefaultValueFactory = _ => usual;
        }

        option.AcceptOnlyFromAmong("ED25519", "ED448");
        return option;
    }

    /// <summary>The algorithm that the option names.</summary>
    public static KeyAlgorithm? AlgorithmOf(string? name) => name switch
    {
        "ED25519" => KeyAlgorithm.Ed25519,
        "ED448" => KeyAlgorithm.Ed448,
        _ => null,
    };
}
