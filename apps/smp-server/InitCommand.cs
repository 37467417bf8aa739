using System.CommandLine;
using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Server.Smp;
using Pairwise.Wire;

namespace Pairwise.SmpRelay;

/// <summary>init: makes the folders, the certificates and the ini file, and tells the address.</summary>
internal static class InitCommand
{
    /// <summary>Where the source code of the official server is.</summary>
    public const string SourceCode = "https://github.com/simplex-chat/simplexmq";
    private const int PasswordBytes = 32;
    private const int ControlPasswordBytes = 18;

    public static Command Create(ServerFolders folders)
    {
        Option<bool> disableStoreLog = new("--disable-store-log") { Description = "Keep nothing beyond the process." };
        Option<bool> storeLog = new("--store-log", "-l") { Description = "Keep queues in a log (deprecated: this is the default)." };
        Option<string> database = new("--database", "-d") { Description = "PostgreSQL connection.", DefaultValueFactory = _ => IniTemplate.DefaultDatabase };
        Option<string> schema = new("--schema") { Description = "PostgreSQL schema.", DefaultValueFactory = _ => IniTemplate.DefaultSchema };
        Option<int> pool = new("--pool-size") { Description = "PostgreSQL connections.", DefaultValueFactory = _ => IniTemplate.DefaultPool };
        Option<bool> statistics = new("--daily-stats", "-s") { Description = "Write the statistics of each day." };
        Option<string> algorithm = CertCommand.AlgorithmOption("ED25519");
        Option<string> ip = new("--ip") { Description = "The address, for the certificate, when there is no host name.", DefaultValueFactory = _ => "127.0.0.1" };
        Option<string?> fqdn = new("--fqdn", "-n") { Description = "The host name, for the certificate and the address." };
        Option<bool> noPassword = new("--no-password") { Description = "Let anybody make queues." };
        Option<string?> password = new("--password") { Description = "The password for new queues; a random one when not given." };
        Option<int?> controlPort = new("--control-port") { Description = "Switch the control port on (5224 when no number is given).", Arity = ArgumentArity.ZeroOrOne };
        Option<string?> socks = new("--socks-proxy") { Description = "Forward through a SOCKS proxy (127.0.0.1:9050 when none is given).", Arity = ArgumentArity.ZeroOrOne };
        Option<string?> ownDomains = new("--own-domains") { Description = "Domains of your own servers, separated by commas." };
        Option<string?> source = new("--source-code") { Description = "Where the server's source code is.", Arity = ArgumentArity.ZeroOrOne };
        Option<string?> operatorName = new("--operator") { Description = "Who runs the server." };
        Option<string?> operatorCountry = new("--operator-country") { Description = "Their country, two letters." };
        Option<string?> website = new("--operator-website") { Description = "Their website." };
        Option<string?> hosting = new("--hosting") { Description = "Who hosts it." };
        Option<string?> hostingCountry = new("--hosting-country") { Description = "Their country, two letters." };
        Option<string?> hostingType = new("--hosting-type") { Description = "virtual, dedicated, colocation or owned." };
        hostingType.AcceptOnlyFromAmong("virtual", "dedicated", "colocation", "owned");
        Option<string?> serverCountry = new("--server-country") { Description = "Where the server stands, two letters." };
        Option<string?> webPath = new("--web-path") { Description = "Where the server's pages are written." };
        Option<bool> disableWeb = new("--disable-web") { Description = "Serve no pages." };
        Option<bool> yes = new("--yes", "-y") { Description = "Ask nothing." };
        foreach (Option<string?> country in (Option<string?>[])[operatorCountry, hostingCountry, serverCountry])
        {
            country.Validators.Add(result =>
            {
                if (result.GetValueOrDefault<string?>() is { } code && !(code.Length == 2 && code.All(char.IsAsciiLetter)))
                {
                    result.AddError($"\"{code}\" is not a two-letter country code (ISO 3166).");
                }
            });
        }

        Command command = new("init", $"Make a new server in {folders.Configuration} and {folders.State}.")
        {
            disableStoreLog, storeLog, database, schema, pool, statistics, algorithm, ip, fqdn, noPassword, password, controlPort, socks,
            ownDomains, source, operatorName, operatorCountry, website, hosting, hostingCountry, hostingType, serverCountry, webPath, disableWeb, yes,
        };
        command.SetAction((result, cancellationToken) => Failure.Guard(result, output =>
        {
            // Its identity, queues and messages would be gone.
            if (File.Exists(folders.IniFile))
            {
                throw new SmpServerException($"the server is initialized already ({folders.IniFile} exists).\nRun `smp-server start`.");
            }

            InitOptions options = new()
            {
                StoreLog = !result.GetValue(disableStoreLog),
                DatabaseConnection = result.GetValue(database)!,
                DatabaseSchema = result.GetValue(schema)!,
                DatabasePool = result.GetValue(pool),
                DailyStatistics = result.GetValue(statistics),
                Algorithm = CertCommand.AlgorithmOf(result.GetValue(algorithm)) ?? KeyAlgorithm.Ed25519,
                Ip = result.GetValue(ip)!,
                Fqdn = result.GetValue(fqdn),
                Password = result.GetValue(noPassword) ? null : result.GetValue(password) ?? RandomText(PasswordBytes),
                ControlPort = result.GetResult(controlPort) is null ? null : result.GetValue(controlPort) ?? IniTemplate.DefaultControlPort,
                SocksProxy = result.GetResult(socks) is null ? null : (result.GetValue(socks) ?? IniTemplate.DefaultSocksProxy).Replace("localhost", "127.0.0.1", StringComparison.Ordinal),
                OwnDomains = result.GetValue(ownDomains)?.Replace(',', ' '),
                SourceCode = result.GetResult(source) is null ? null : result.GetValue(source) ?? SourceCode,
                Operator = result.GetValue(operatorName),
                OperatorCountry = result.GetValue(operatorCountry)?.ToUpperInvariant(),
                Website = result.GetValue(website),
                Hosting = result.GetValue(hosting),
                HostingCountry = result.GetValue(hostingCountry)?.ToUpperInvariant(),
                HostingType = result.GetValue(hostingType),
                ServerCountry = result.GetValue(serverCountry)?.ToUpperInvariant(),
                WebPath = result.GetValue(webPath),
                IsWebDisabled = result.GetValue(disableWeb),
            };
            if (options.FindFault() is { } fault)
            {
                throw new SmpServerException(fault);
            }

            if (!result.GetValue(yes))
            {
                options = InitDialogue.Ask(options, Console.In, output);
            }

            Initialize(folders, options, output);
            return Task.FromResult(0);
        }));
        return command;
    }

    private static void Initialize(ServerFolders folders, InitOptions options, TextWriter output)
    {
        if (options.Password is { } password && (password.Length == 0 || !BasicAuth.TryParse(password, out _)))
        {
            throw new SmpServerException("The password may have letters, digits and symbols, but no spaces, @, : and /.");
        }

        Clear(folders.Configuration);
        Clear(folders.State);
        Directory.CreateDirectory(folders.State);
        Bytes fingerprint = SmpServerFiles.Create(folders.Configuration, options.Algorithm, options.Fqdn ?? options.Ip, SystemRandom.Instance, TimeProvider.System);
        (string, string)? controlPasswords = options.ControlPort is null ? null : (RandomText(ControlPasswordBytes), RandomText(ControlPasswordBytes));
        File.WriteAllText(folders.IniFile, IniTemplate.Write(folders, options, controlPasswords));
        output.WriteLine($"The server is ready to start: smp-server start");
        output.WriteLine($"Its settings, and what its page says of it, are in {folders.IniFile}.");
        output.WriteLine($"Move {Path.Combine(folders.Configuration, SmpServerFiles.AuthorityKey)} to a safe place off this machine: who has it is this server.");
        output.WriteLine($"Fingerprint: {fingerprint.ToBase64Url()}");
        output.WriteLine($"Server address: smp://{fingerprint.ToBase64Url()}{(options.Password is null ? "" : ":" + options.Password)}@{options.Host}");
    }

    private static string RandomText(int length) => Bytes.Wrap(SystemRandom.Instance.Bytes(length)).ToBase64Url();

    // The folder itself may be a mount, so only what is in it goes.
    private static void Clear(string folder)
    {
        Directory.CreateDirectory(folder);
        foreach (string file in Directory.EnumerateFiles(folder))
        {
            File.Delete(file);
        }

        foreach (string inner in Directory.EnumerateDirectories(folder))
        {
            Directory.Delete(inner, recursive: true);
        }
    }
}
