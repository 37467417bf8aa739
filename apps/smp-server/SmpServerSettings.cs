using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Pairwise.Protocol;
using Pairwise.Server.Configuration;
using Pairwise.Server.Smp;
using Pairwise.Server.Smp.Operation;
using Pairwise.Server.Smp.Postgres;

namespace Pairwise.SmpRelay;

/// <summary>From the ini file to the options of the relay: every key that is known, as the reference reads it.</summary>
internal static class SmpServerSettings
{
    /// <summary>The database that is used when the ini file names none.</summary>
    public const string UsualDatabase = "postgresql://smp@/smp_server_store";

    private const string Transport = "TRANSPORT";
    private const long MaxSeconds = int.MaxValue;

    /// <summary>Reads the file.</summary>
    /// <exception cref="SmpServerException">It is not there, or settings cannot be used; all of them are named.</exception>
    public static SmpServerOptions Read(ServerFolders folders)
    {
        if (!File.Exists(folders.IniFile))
        {
            throw new SmpServerException($"the server is not initialized ({folders.IniFile} does not exist).\nRun `smp-server init`.");
        }

        IniReader ini = Open(folders);
        SmpServerOptions options = Read(folders, ini);
        return ini.Faults.Count == 0
            ? options
            : throw new SmpServerException($"{folders.IniFile} has settings that cannot be used:\n  {string.Join("\n  ", ini.Faults)}");
    }

    private static IniReader Open(ServerFolders folders) =>
        IniDocument.TryParse(File.ReadAllText(folders.IniFile), out IniDocument? document, out string? fault)
            ? new IniReader(document)
            : throw new SmpServerException($"{folders.IniFile} cannot be read. {fault}");

    private static SmpServerOptions Read(ServerFolders folders, IniReader ini)
    {
        const string store = "STORE_LOG";
        const string auth = "AUTH";
        bool isLogged = ini.Switch(store, "enable") ?? false;
        bool isRestored = ini.Switch(store, "restore_messages") ?? isLogged;
        string queues = ini.OneOf(store, "store_queues", "memory", "database") ?? "memory";
        string messages = ini.OneOf(store, "store_messages", "memory", "journal", "database") ?? "memory";
        if (messages == "database" && queues != "database")
        {
            ini.Report(store, "store_messages", "messages cannot be in a database when queues are not: set store_queues to database too.");
        }

        if (queues == "database" && messages == "memory")
        {
            ini.Report(store, "store_messages", "messages cannot be in memory when queues are in a database: use journal or database.");
        }

        const int usualDays = 21;
        const int usualHours = 24;
        long expireDays = ini.Number(store, "expire_messages_days", 0, 36_500_000) ?? usualDays;
        long notificationHours = ini.Number(store, "expire_ntfs_hours", 0, 876_000_000) ?? usualHours;
        List<IPEndPoint> endpoints = ReadEndpoints(ini);
        SmpServerOptions usual = new() { ConfigurationFolder = folders.Configuration };
        return usual with
        {
            StateFolder = folders.State,
            Endpoints = endpoints,
            WebSocketEndpoints = ReadWebSocketEndpoints(ini, endpoints),
            Host = ini.Text(Transport, "host") ?? "<hostnames>",
            KeepQueues = isLogged || messages == "journal",
            KeepMessages = isRestored,
            MessageStorage = messages switch
            {
                "journal" => MessageStorage.Journal,
                "database" => MessageStorage.Database,
                _ => MessageStorage.Memory,
            },
            Database = queues == "database" ? ReadDatabase(ini) : null,
            MirrorDatabaseToLog = ini.Switch(store, "db_store_log") ?? false,
            SkipWarnings = false,
            AllowNewQueues = ini.Switch(auth, "new_queues") ?? true,
            CreatePassword = ReadPassword(ini, auth, "create_password"),
            MessageExpiration = usual.MessageExpiration! with { Lifetime = TimeSpan.FromDays(Math.Min(expireDays, 3_650_000)) },
            ExpireMessagesOnStart = ini.Switch(store, "expire_messages_on_start") ?? true,
            ExpireMessagesOnSend = ini.Switch(store, "expire_messages_on_send") ?? true,
            NotificationExpiration = usual.NotificationExpiration with { Lifetime = TimeSpan.FromHours(Math.Min(notificationHours, 87_600_000)) },
            InactiveClients = ReadInactiveClients(ini),
            AcceptServices = ini.Switch(Transport, "accept_service_credentials") ?? true,
            KeepStatistics = ini.Switch(store, "log_stats") ?? false,
            Control = ReadControl(ini),
            Network = SmpProxySettings.Read(ini),
            OwnDomains = ini.Text("PROXY", "own_server_domains")?.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries) ?? [],
            Limits = SmpLimitSettings.Read(ini, usual.Limits),
            SnapshotInterval = ini.Number(store, "snapshot_interval", 0, MaxSeconds) switch
            {
                null => usual.SnapshotInterval,
                0 => null,
                long interval => TimeSpan.FromSeconds(interval),
            },
            MetricsInterval = ini.Number(store, "prometheus_interval", 1, MaxSeconds) is { } seconds ? TimeSpan.FromSeconds(seconds) : null,
            LogTlsErrors = ini.Switch(Transport, "log_tls_errors") ?? false,
            Web = WebSettings.Read(ini, ini.Switch(store, "log_stats") ?? false, isPortShared: false),
        };
    }

    /// <summary>The database that the ini file says queues are in; null when they are not, or there is no file.</summary>
    /// <exception cref="SmpServerException">The file cannot be read.</exception>
    public static PostgresOptions? FindDatabase(ServerFolders folders)
    {
        if (!File.Exists(folders.IniFile))
        {
            return null;
        }

        IniReader ini = Open(folders);
        return ini.Text("STORE_LOG", "store_queues") == "database" ? ReadDatabase(ini) : null;
    }

    /// <summary>The database that the ini file names, or the usual one.</summary>
    public static PostgresOptions ReadDatabase(IniReader ini) => DatabaseSettings.Read(ini, new PostgresOptions(UsualDatabase)) with
    {
        DeletedLifetime = ini.Number("STORE_LOG", "db_deleted_ttl", 0, MaxSeconds) is { } number ? ReadDeletedLifetime(number) : PostgresOptions.DefaultDeletedLifetime,
    };

    // The generated file shows days, and the reference reads seconds: a number of a day's seconds or more is meant as seconds.
    private static TimeSpan ReadDeletedLifetime(long number)
    {
        const int secondsPerDay = 86400;
        return number < secondsPerDay ? TimeSpan.FromDays(number) : TimeSpan.FromSeconds(number);
    }

    private static List<IPEndPoint> ReadEndpoints(IniReader ini)
    {
        const string key = "port";
        string text = ini.RequiredText(Transport, key);
        List<IPEndPoint> endpoints = ReadPorts(ini, key, text);
        if (endpoints.Count == 0 && text.Length > 0 && ini.Faults.Count == 0)
        {
            ini.Report(Transport, key, "there is no port number.");
        }

        return endpoints;
    }

    // "off", "on" for port 80, or ports; those that serve plain TLS go on doing so.
    private static List<IPEndPoint> ReadWebSocketEndpoints(IniReader ini, List<IPEndPoint> plain)
    {
        const string key = "websockets";
        string text = ini.Text(Transport, key) switch
        {
            null or "off" => "",
            "on" => "80",
            { } ports => ports,
        };
        return [.. ReadPorts(ini, key, text).Except(plain)];
    }

    private static List<IPEndPoint> ReadPorts(IniReader ini, string key, string text)
    {
        List<IPEndPoint> endpoints = [];
        IPAddress any = Socket.OSSupportsIPv6 ? IPAddress.IPv6Any : IPAddress.Any;
        foreach (string port in text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (int.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number <= IPEndPoint.MaxPort)
            {
                endpoints.Add(new IPEndPoint(any, number));
            }
            else
            {
                ini.Report(Transport, key, $"\"{port}\" is not a port number.");
            }
        }

        return endpoints;
    }

    private static BasicAuth? ReadPassword(IniReader ini, string section, string key)
    {
        if (ini.Text(section, key) is not { } text)
        {
            return null;
        }

        if (text.Length > 0 && BasicAuth.TryParse(text, out BasicAuth? password))
        {
            return password;
        }

        ini.Report(section, key, "a password has at least one character, and no spaces, @, : and /.");
        return null;
    }

    // A port of this machine only; "off" means none. What belongs to it is read in any case, so that its faults are told.
    private static SmpControlOptions? ReadControl(IniReader ini)
    {
        const string auth = "AUTH";
        const int usualQuota = 20;
        const string key = "control_port";
        long? port = ini.Text(Transport, key) == "off" ? null : ini.Number(Transport, key, 0, IPEndPoint.MaxPort);
        SmpControlOptions control = new()
        {
            Endpoint = new IPEndPoint(IPAddress.Loopback, (int)(port ?? 0)),
            AdministratorPassword = ReadPassword(ini, auth, "control_port_admin_password"),
            UserPassword = ReadPassword(ini, auth, "control_port_user_password"),
            DailyBlockQuota = (int)(ini.Number(auth, "daily_block_queue_quota", -1, int.MaxValue) ?? usualQuota),
        };
        return port is null ? null : control;
    }

    private static Expiration? ReadInactiveClients(IniReader ini)
    {
        const string section = "INACTIVE_CLIENTS";
        return ini.Switch(section, "disconnect") == true
            ? new Expiration(
                TimeSpan.FromSeconds(ini.RequiredNumber(section, "ttl", 1, MaxSeconds)),
                TimeSpan.FromSeconds(ini.RequiredNumber(section, "check_interval", 1, MaxSeconds)))
            : null;
    }
}
