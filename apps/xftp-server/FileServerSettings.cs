using System.Net;
using System.Net.Sockets;
using Pairwise.Protocol;
using Pairwise.Protocol.Xftp;
using Pairwise.Server.Configuration;
using Pairwise.Server.Smp;
using Pairwise.Server.Smp.Operation;
using Pairwise.Server.Smp.Postgres;
using Pairwise.Server.Xftp;

namespace Pairwise.FileServer;

/// <summary>From the ini file to the options of the server: every key that is known, as the reference reads it.</summary>
internal static class FileServerSettings
{
    private const string Store = "STORE_LOG";
    private const string Auth = "AUTH";
    private const string Transport = "TRANSPORT";
    private const string Files = "FILES";
    private const string Inactive = "INACTIVE_CLIENTS";

    /// <summary>Reads the file.</summary>
    /// <exception cref="XftpServerException">It is not there, or settings cannot be used; all of them are named.</exception>
    public static XftpServerOptions Read(ServerFolders folders) => Read(folders, ini => ReadOptions(folders, ini));

    /// <summary>Reads of the file what <paramref name="read"/> asks for.</summary>
    /// <exception cref="XftpServerException">It is not there, or settings cannot be used; all of them are named.</exception>
    public static T Read<T>(ServerFolders folders, Func<IniReader, T> read)
    {
        if (!File.Exists(folders.IniFile))
        {
            throw new XftpServerException($"the server is not initialized ({folders.IniFile} does not exist).\nRun `xftp-server init`.");
        }

        if (!IniDocument.TryParse(File.ReadAllText(folders.IniFile), out var document, out var fault))
        {
            throw new XftpServerException($"{folders.IniFile} cannot be read. {fault}");
        }

        var ini = new IniReader(document);
        var options = read(ini);
        return ini.Faults.Count == 0
            ? options
            : throw new XftpServerException($"{folders.IniFile} has settings that cannot be used:\n  {string.Join("\n  ", ini.Faults)}");
    }

    private static XftpServerOptions ReadOptions(ServerFolders folders, IniReader ini)
    {
        const int usualHours = 48;
        var files = ini.RequiredText(Files, "path");
        if (ini.Text(Files, "path") is "")
        {
            ini.Report(Files, "path", "say in which folder the files are.");
        }

        var usual = new XftpServerOptions { ConfigurationFolder = folders.Configuration, FilesFolder = files };
        var hours = ini.Number(Store, "expire_files_hours", 0, 876_000_000) ?? usualHours;
        return usual with
        {
            StateFolder = folders.State,
            Database = ini.OneOf(Store, "store_files", "memory", "database") == "database" ? ReadDatabase(ini) : null,
            MirrorDatabaseToLog = ini.Switch(Store, "db_store_log") ?? false,
            KeepChunks = ini.Switch(Store, "enable") ?? false,
            Endpoints = [new IPEndPoint(Socket.OSSupportsIPv6 ? IPAddress.IPv6Any : IPAddress.Any, (int)ini.RequiredNumber(Transport, "port", 0, IPEndPoint.MaxPort))],
            Host = ini.Text(Transport, "host") ?? "<hostnames>",
            Quota = ReadQuota(ini),
            AllowNewChunks = ini.Switch(Auth, "new_files") ?? true,
            CreatePassword = ReadPassword(ini, "create_password"),
            ChunkExpiration = usual.ChunkExpiration! with { Lifetime = TimeSpan.FromHours(Math.Min(hours, 87_600_000)) },
            InactiveClientTime = ini.Switch(Inactive, "disconnect") == true ? TimeSpan.FromSeconds(ini.RequiredNumber(Inactive, "ttl", 1, int.MaxValue)) : null,
            LogStatistics = ini.Switch(Store, "log_stats") ?? false,
            MetricsInterval = ini.Number(Store, "prometheus_interval", 1, int.MaxValue) is { } seconds ? TimeSpan.FromSeconds(seconds) : null,
            Control = ReadControl(ini),
            LogTlsErrors = ini.Switch(Transport, "log_tls_errors") ?? false,
            Web = WebSettings.Read(ini, ini.Switch(Store, "log_stats") ?? false, isPortShared: true),
        };
    }

    /// <summary>The database that the ini file names, or the usual one.</summary>
    public static PostgresOptions ReadDatabase(IniReader ini) =>
        DatabaseSettings.Read(ini, new PostgresOptions("postgresql://xftp@/xftp_server_store", "xftp_server"));

    private static SmpControlOptions? ReadControl(IniReader ini) =>
        ini.Number(Transport, "control_port", 1, IPEndPoint.MaxPort) is not { } port ? null : new SmpControlOptions
        {
            Endpoint = new IPEndPoint(IPAddress.Loopback, (int)port),
            AdministratorPassword = ReadPassword(ini, "control_port_admin_password"),
            UserPassword = ReadPassword(ini, "control_port_user_password"),
        };

    private static long ReadQuota(IniReader ini)
    {
        if (ini.Text(Files, "storage_quota") is not { } text)
        {
            return long.MaxValue;
        }

        if (FileSize.TryParse(text, out var quota))
        {
            return quota;
        }

        ini.Report(Files, "storage_quota", $"\"{text}\" is not a size such as 100gb.");
        return 0;
    }

    private static BasicAuth? ReadPassword(IniReader ini, string key)
    {
        if (ini.Text(Auth, key) is not { } text)
        {
            return null;
        }

        if (text.Length > 0 && BasicAuth.TryParse(text, out var password))
        {
            return password;
        }

        ini.Report(Auth, key, "a password has at least one character, and no spaces, @, : and /.");
        return null;
    }
}
