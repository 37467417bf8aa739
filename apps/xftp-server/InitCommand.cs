using System.CommandLine;
using System.CommandLine.Parsing;
using Pairwise.Crypto;
using Pairwise.Protocol.Xftp;
using Pairwise.Server.Smp;
using Pairwise.Server.Xftp;

namespace Pairwise.FileServer;

/// <summary>init: makes the folders, the certificates and the ini file, and tells the address.</summary>
internal static class InitCommand
{
    private const string DefaultIp = "127.0.0.1";

    public static Command Create(ServerFolders folders)
    {
        var path = new Option<string>("--path", "-p") { Description = "The folder for files.", Required = true };
        var quota = new Option<long>("--quota", "-q")
        {
            Description = "Bytes that all files together may have, such as 100gb.",
            Required = true,
            CustomParser = ParseSize,
        };
        var disableStoreLog = new Option<bool>("--disable-store-log") { Description = "Keep nothing beyond the process." };
        var storeLog = new Option<bool>("--store-log", "-l") { Description = "Keep files over restarts (this is the default)." };
        var algorithm = AlgorithmOption();
        var ip = new Option<string>("--ip") { Description = "The address, for the certificate, when there is no host name.", DefaultValueFactory = _ => DefaultIp };
        var fqdn = new Option<string?>("--fqdn", "-n") { Description = "The host name, for the certificate and the address." };
        var webPath = new Option<string?>("--web-path") { Description = "The folder of the pages for browsers." };
        var command = new Command("init", $"Make a new server in {folders.Configuration} and {folders.State}.")
        {
            path, quota, disableStoreLog, storeLog, algorithm, ip, fqdn, webPath,
        };
        command.SetAction((result, _) => Failure.Guard(result, async output =>
        {
            if (File.Exists(folders.IniFile))
            {
                throw new XftpServerException($"the server is initialized already ({folders.IniFile} exists).\nRun `xftp-server start`.");
            }

            Clear(folders.Configuration);
            Clear(folders.State);
            var host = result.GetValue(fqdn) ?? (result.GetValue(ip) == DefaultIp ? "<hostnames>" : result.GetValue(ip)!);
            var fingerprint = SmpServerFiles.Create(
                folders.Configuration, AlgorithmOf(result.GetValue(algorithm)!), result.GetValue(fqdn) ?? result.GetValue(ip)!, SystemRandom.Instance, TimeProvider.System);
            await File.WriteAllTextAsync(folders.IniFile, IniTemplate.Write(
                folders, host, Path.GetFullPath(result.GetValue(path)!), result.GetValue(quota), !result.GetValue(disableStoreLog), result.GetValue(webPath)));
            await output.WriteLineAsync($"The server is ready to start: xftp-server start");
            await output.WriteLineAsync($"Its settings are in {folders.IniFile}.");
            await output.WriteLineAsync($"Move {Path.Combine(folders.Configuration, SmpServerFiles.AuthorityKey)} to a safe place off this machine: who has it is this server.");
            await output.WriteLineAsync($"Fingerprint: {fingerprint.ToBase64Url()}");
            await output.WriteLineAsync($"Server address: xftp://{fingerprint.ToBase64Url()}@{host}");
            return 0;
        }));
        return command;
    }

    public static Option<string> AlgorithmOption()
    {
        var option = new Option<string>("--sign-algorithm", "-a") { Description = "Keys of the certificates: ED25519 or ED448.", DefaultValueFactory = _ => "ED448" };
        option.AcceptOnlyFromAmong("ED25519", "ED448");
        return option;
    }

    public static KeyAlgorithm AlgorithmOf(string name) => name == "ED25519" ? KeyAlgorithm.Ed25519 : KeyAlgorithm.Ed448;

    private static long ParseSize(ArgumentResult argument)
    {
        if (argument.Tokens is [{ Value: var text }] && FileSize.TryParse(text, out var size) && size > 0)
        {
            return size;
        }

        argument.AddError("The quota is a number of bytes, or of kb, mb or gb: 100gb.");
        return 0;
    }

    // The folder itself may be a mount, so only what is in it goes.
    private static void Clear(string folder)
    {
        Directory.CreateDirectory(folder);
        foreach (var file in Directory.EnumerateFiles(folder))
        {
            File.Delete(file);
        }

        foreach (var inner in Directory.EnumerateDirectories(folder))
        {
            Directory.Delete(inner, recursive: true);
        }
    }
}
