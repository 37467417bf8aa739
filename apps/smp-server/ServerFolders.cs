using Pairwise.Server.Smp;

namespace Pairwise.SmpRelay;

/// <summary>Where the relay keeps what it is configured with and what it remembers.</summary>
/// <param name="Configuration">The ini file and the certificates.</param>
/// <param name="State">The logs.</param>
internal sealed record ServerFolders(string Configuration, string State)
{
    /// <summary>The ini file.</summary>
    public string IniFile => Path.Combine(Configuration, "smp-server.ini");

    /// <summary>The log of queues.</summary>
    public string StoreLog => Path.Combine(State, SmpServerFiles.StoreLog);

    /// <summary>Messages saved at a stop.</summary>
    public string MessageLog => Path.Combine(State, SmpServerFiles.MessageLog);

    /// <summary>Messages in files of their queues.</summary>
    public string MessageFolder => Path.Combine(State, SmpServerFiles.MessageFolder);

    /// <summary>The folders by environment variable, or the usual ones; an empty variable counts as none.</summary>
    public static ServerFolders FromEnvironment() => new(
        Read("SMP_SERVER_CFG_PATH", "/etc/opt/simplex"),
        Read("SMP_SERVER_LOG_PATH", "/var/opt/simplex"));

    private static string Read(string variable, string usual) =>
        Environment.GetEnvironmentVariable(variable) is { Length: > 0 } path ? path : usual;
}
