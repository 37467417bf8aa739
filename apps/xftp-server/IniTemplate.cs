using System.Globalization;
using Pairwise.Protocol.Xftp;

namespace Pairwise.FileServer;

/// <summary>
/// The ini file that init writes: the sections and keys of the reference, so that either program runs with it. A setting
/// that is off stands there as a comment.
/// </summary>
internal static class IniTemplate
{
    public static string Write(ServerFolders folders, string host, string filesPath, long quota, bool isLogged, string? webPath) => string.Create(
        CultureInfo.InvariantCulture,
        $"""
        [INFORMATION]
        # The licence (AGPL-3.0) asks for the source code of a changed server, and source_code must be set when anything else
        # here is.
        # source_code = https://example.org/source
        # server_country = two letters
        # operator = who runs the server
        # operator_country = two letters
        # website =
        # admin_simplex = SimpleX address
        # admin_email =
        # complaints_simplex = SimpleX address
        # complaints_email =
        # hosting = who hosts it
        # hosting_country = two letters
        # hosting_type = virtual

        [STORE_LOG]
        # Files are remembered in memory; the log restores them after a restart.
        enable = {(isLogged ? "on" : "off")}

        # Where they are remembered: memory (with the log above), or database (PostgreSQL).
        store_files = memory

        # The database, its schema, and the most connections to it.
        # db_connection = postgresql://xftp@/xftp_server_store
        # db_schema = xftp_server
        # db_pool_size = 10

        # Whether the log gets every change too while files are in the database.
        # db_store_log = off

        # Hours after which files are removed.
        expire_files_hours = 48

        # One line of statistics a day.
        log_stats = off

        # Seconds between two writings of the metrics file, in Prometheus' text form.
        # prometheus_interval = 60

        [AUTH]
        # off takes no new files, to wind a server down.
        new_files = on

        # Senders then write the password into the address: xftp://fingerprint:password@host. Recipients do not need it.
        # create_password = letters, digits and symbols, but no spaces, @, : and /

        # control_port_admin_password =
        # control_port_user_password =

        [TRANSPORT]
        # The host names of the address that is printed at the start.
        host = {host}
        port = 443
        log_tls_errors = off
        # control_port = 5226

        [FILES]
        path = {filesPath}
        storage_quota = {FileSize.ToText(quota)}

        [INACTIVE_CLIENTS]
        # Whether connections that say nothing are closed, and after how many seconds.
        disconnect = off
        # ttl = 21600
        # check_interval = 3600

        [WEB]
        # Where the pages are written at every start, and served from.
        static_path = {webPath ?? Path.Combine(folders.State, "www")}

        # Serves them without TLS on this port.
        # http = 8000

        # Serves them with TLS on a port of its own.
        # https = 8443

        # The certificate and key that browsers get, on the port of https and on the server's own port. With them people send and
        # receive files in the browser too: https://HOST/file/
        # cert = {Path.Combine(folders.Configuration, "web.crt")}
        # key = {Path.Combine(folders.Configuration, "web.key")}

        # Serves /metrics and /health, for the monitoring of this machine.
        # metrics = 127.0.0.1:9224

        """);
}
