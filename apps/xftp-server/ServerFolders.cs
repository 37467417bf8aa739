using Pairwise.Server.Xftp;

namespace Pairwise.FileServer;

/// <summary>Where the server keeps what it is configured with and what it remembers.</summary>
/// <param name="Configuration">The ini file and the certificates.</param>
/// <param name="State">The logs.</param>
internal sealed record ServerFolders(string Configuration, string State)
{
    public string IniFile => Path.Combine(Configuration, XftpServerFiles.Configuration);

    public string StoreLog => Path.Combine(State, XftpServerFiles.StoreLog);

    /// <summary>The folders by environment variable, or the usual ones; an empty variable counts as none.</summary>
    public static ServerFolders FromEnvironment() => new(
        Read("XFTP_SERVER_CFG_PATH", "/etc/opt/simplex-xftp"),
        Read("XFTP_SERVER_LOG_PATH", "/var/opt/simplex-xftp"));

    private static string Read(string variable, string usual) =>
        Environment.GetEnvironmentVariable(variable) is { Length: > 0 } path ? path : usual;
}
