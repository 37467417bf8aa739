using System.Text;

namespace Pairwise.SmpRelay;

/// <summary>
/// The ini file that init writes: the sections and keys of the reference, so that either program runs with it. A
/// setting that is off stands there as a comment.
/// </summary>
internal static class IniTemplate
{
    public const string DefaultDatabase = "postgresql://smp@/smp_server_store";
    public const string DefaultSchema = "smp_server";
    public const int DefaultPool = 10;
    public const int DefaultControlPort = 5224;

    /// <summary>An address, for the reference takes no host name here.</summary>
    public const string DefaultSocksProxy = "127.0.0.1:9050";

    /// <summary>The file's text.</summary>
    /// <param name="folders">For paths inside it.</param>
    /// <param name="options">What init was asked for.</param>
    /// <param name="controlPasswords">Of the control port: the administrator's and the user's; null without a control port.</param>
    public static string Write(ServerFolders folders, InitOptions options, (string Administrator, string User)? controlPasswords)
    {
        StringBuilder text = new();
        WriteInformation(text, options);
        WriteStoreLog(text, options);
        WriteAuth(text, options, controlPasswords);
        WriteTransport(text, options);
        WriteProxy(text, options);
        WriteInactiveClients(text);
        WriteLimits(text);
        WriteWeb(text, folders, options);
        return text.ToString();
    }

    private static void WriteInformation(StringBuilder text, InitOptions options) => text
        .Section("INFORMATION")
        .Remark("Shown on the page of the server. The licence (AGPL-3.0) asks for the source code of a changed server,")
        .Remark("and source_code must be set when anything else here is.")
        .Setting("source_code", options.SourceCode, "URI")
        .AppendLine()
        .Off("usage_conditions", "https://example.org/conditions")
        .Off("condition_amendments", "https://example.org/amendments")
        .AppendLine()
        .Remark("Countries are two-letter codes of ISO 3166.")
        .Setting("server_country", options.ServerCountry, "XX")
        .Setting("operator", options.Operator, "person or organisation")
        .Setting("operator_country", options.OperatorCountry, "XX")
        .Setting("website", options.Website, "https://example.org")
        .AppendLine()
        .Remark("Whom to write to about the server, and about complaints.")
        .Off("admin_simplex", "address")
        .Off("admin_email", "")
        .Off("admin_pgp", "")
        .Off("admin_pgp_fingerprint", "")
        .Off("complaints_simplex", "address")
        .Off("complaints_email", "")
        .Off("complaints_pgp", "")
        .Off("complaints_pgp_fingerprint", "")
        .AppendLine()
        .Setting("hosting", options.Hosting, "person or organisation")
        .Setting("hosting_country", options.HostingCountry, "XX")
        .Remark("virtual, dedicated, colocation or owned")
        .On("hosting_type", options.HostingType ?? "virtual");

    private static void WriteStoreLog(StringBuilder text, InitOptions options) => text
        .Section("STORE_LOG")
        .Remark("Queues are written to a log and restored from it; the log is compacted at every start.")
        .On("enable", OnOff(options.StoreLog))
        .AppendLine()
        .Remark("Where queues are: memory (with the log above) or database.")
        .On("store_queues", "memory")
        .AppendLine()
        .Remark("The PostgreSQL database, if one is used.")
        .Setting("db_connection", options.DatabaseConnection, options.DatabaseConnection != DefaultDatabase)
        .Setting("db_schema", options.DatabaseSchema, options.DatabaseSchema != DefaultSchema)
        .Setting("db_pool_size", $"{options.DatabasePool}", options.DatabasePool != DefaultPool)
        .Off("db_store_log", "off")
        .Off("db_deleted_ttl", "21")
        .AppendLine()
        .Remark("Where messages wait: memory, journal (one file for each queue: nothing acknowledged is lost) or database.")
        .On("store_messages", "memory")
        .AppendLine()
        .Remark("Messages in memory are saved when the server stops, and restored.")
        .On("restore_messages", OnOff(options.StoreLog))
        .AppendLine()
        .Remark("While it runs they are saved every so many seconds, if they changed: a crash loses what came since.")
        .Remark("0 saves them at a stop only.")
        .Off("snapshot_interval", "60")
        .AppendLine()
        .Remark("How long messages and notifications wait.")
        .On("expire_messages_days", "21")
        .On("expire_messages_on_start", "on")
        .On("expire_messages_on_send", "off")
        .On("expire_ntfs_hours", "24")
        .AppendLine()
        .Remark("Statistics of each day, as CSV; and for Prometheus, every so many seconds.")
        .On("log_stats", OnOff(options.DailyStatistics))
        .Off("prometheus_interval", "60");

    private static void WriteAuth(StringBuilder text, InitOptions options, (string Administrator, string User)? controlPasswords) => text
        .Section("AUTH")
        .Remark("Off lets no new queues be made: a way to wind the server down.")
        .On("new_queues", "on")
        .AppendLine()
        .Remark("With a password, only who knows it makes queues here and has messages forwarded. It belongs into the address,")
        .Remark("smp://fingerprint:password@host, and is never told to contacts. No spaces, @, : or /.")
        .Setting("create_password", options.Password, "")
        .AppendLine()
        .Setting("control_port_admin_password", controlPasswords?.Administrator, "")
        .Setting("control_port_user_password", controlPasswords?.User, "")
        .AppendLine()
        .Remark("Queues that may be blocked a day through the control port: 0 = any number, -1 = none.")
        .Off("daily_block_queue_quota", "20");

    private static void WriteTransport(StringBuilder text, InitOptions options) => text
        .Section("TRANSPORT")
        .Remark("The host is only shown in the address. Several ports are separated by commas.")
        .On("host", options.Host)
        .On("port", "5223,443")
        .On("log_tls_errors", "off")
        .AppendLine()
        .Remark("Ports where the same protocol is spoken through WebSockets over TLS, besides the ports above; \"on\" is port 80. For tests")
        .Remark("only: no app uses it.")
        .On("websockets", "off")
        .Setting("control_port", $"{options.ControlPort ?? DefaultControlPort}", options.ControlPort is not null);

    private static void WriteProxy(StringBuilder text, InitOptions options) => text
        .Section("PROXY")
        .Remark("How messages are forwarded to other servers. host_mode says which of their hosts is preferred: public or onion.")
        .Off("host_mode", "public")
        .Off("required_host_mode", "off")
        .AppendLine()
        .Remark("Your own servers, counted apart; separated by spaces.")
        .Setting("own_server_domains", options.OwnDomains, "")
        .AppendLine()
        .Remark("A SOCKS proxy for them: for onion hosts only, or always.")
        .Setting("socks_proxy", options.SocksProxy, DefaultSocksProxy)
        .Off("socks_mode", "onion")
        .AppendLine()
        .Remark("Commands forwarded at the same time for one client.")
        .Off("client_concurrency", "32");

    private static void WriteInactiveClients(StringBuilder text) => text
        .Section("INACTIVE_CLIENTS")
        .Remark("Clients without subscriptions are disconnected after so many silent seconds.")
        .On("disconnect", "on")
        .On("ttl", "21600")
        .On("check_interval", "3600");

    private static void WriteLimits(StringBuilder text) => text
        .Section("LIMITS")
        .Remark("Connections at the same time, and TLS handshakes of them; more connections are refused, more handshakes wait.")
        .Remark("Fewer are taken where the system allows fewer open files.")
        .Off("max_connections", "100000")
        .Off("max_handshakes", "1024")
        .AppendLine()
        .Remark("Sessions with other servers, to which messages are forwarded; the one unused longest makes room.")
        .Off("max_relay_sessions", "2000")
        .AppendLine()
        .Remark("Seconds that a client may take to finish a block it sends, and to read one it is sent.")
        .Off("block_timeout", "60")
        .Off("write_timeout", "300")
        .AppendLine()
        .Remark("At so much of the memory no new connections are taken, then connections are closed. Stored messages stay.")
        .Remark("The memory is what the container or machine has, unless it is set.")
        .Off("memory_refuse_percent", "80")
        .Off("memory_cut_percent", "90")
        .Off("memory_limit_mb", "2048");

    private static void WriteWeb(StringBuilder text, ServerFolders folders, InitOptions options) => text
        .Section("WEB")
        .Remark("The pages of the server and of its links are written here.")
        .On("static_path", options.WebPath ?? Path.Combine(folders.State, "www"))
        .AppendLine()
        .Remark("They are served without TLS on this port,")
        .Off("http", "8000")
        .AppendLine()
        .Remark("and with TLS on this one, which may be one of the ports above. Browsers need a certificate of their own.")
        .Setting("https", "443", !options.IsWebDisabled)
        .Setting("cert", Path.Combine(folders.Configuration, "web.crt"), !options.IsWebDisabled)
        .Setting("key", Path.Combine(folders.Configuration, "web.key"), !options.IsWebDisabled)
        .AppendLine()
        .Remark("Metrics for Prometheus and a health check, over HTTP. Only for this machine: everybody who reaches it can read them.")
        .Off("metrics", "127.0.0.1:9223");

    private static string OnOff(bool value) => value ? "on" : "off";

    private static StringBuilder Section(this StringBuilder text, string name) =>
        (text.Length == 0 ? text : text.Append('\n')).Append('[').Append(name).Append("]\n");

    private static StringBuilder Remark(this StringBuilder text, string remark) => text.Append("# ").Append(remark).Append('\n');

    private static StringBuilder On(this StringBuilder text, string key, string value) => text.Append(key).Append(" = ").Append(value).Append('\n');

    private static StringBuilder Off(this StringBuilder text, string key, string value) => text.Append("# ").On(key, value);

    private static StringBuilder Setting(this StringBuilder text, string key, string? value, string example) =>
        value is null ? text.Off(key, example) : text.On(key, value);

    private static StringBuilder Setting(this StringBuilder text, string key, string value, bool isOn) =>
        isOn ? text.On(key, value) : text.Off(key, value);
}
