namespace Pairwise.SmpRelay;

/// <summary>What init was asked for, by options or by answers.</summary>
internal sealed record InitOptions
{
    public bool StoreLog { get; init; } = true;

    public required string DatabaseConnection { get; init; }

    public required string DatabaseSchema { get; init; }

    public required int DatabasePool { get; init; }

    public bool DailyStatistics { get; init; }

    public required Crypto.KeyAlgorithm Algorithm { get; init; }

    public required string Ip { get; init; }

    public string? Fqdn { get; init; }

    /// <summary>The password for new queues; null for none.</summary>
    public string? Password { get; init; }

    /// <summary>The control port; null for none.</summary>
    public int? ControlPort { get; init; }

    public string? SocksProxy { get; init; }

    public string? OwnDomains { get; init; }

    public string? SourceCode { get; init; }

    public string? Operator { get; init; }

    public string? OperatorCountry { get; init; }

    public string? Website { get; init; }

    public string? Hosting { get; init; }

    public string? HostingCountry { get; init; }

    public string? HostingType { get; init; }

    public string? ServerCountry { get; init; }

    public string? WebPath { get; init; }

    public bool IsWebDisabled { get; init; }

    /// <summary>The host that the ini file names and the address shows.</summary>
    public string Host => Fqdn ?? (Ip == "127.0.0.1" ? "<hostnames>" : Ip);

    /// <summary>The first thing that does not go together, in one sentence; null when all does.</summary>
    public string? FindFault()
    {
        bool saysWho = Operator is not null || Website is not null || Hosting is not null || ServerCountry is not null;
        return this switch
        {
            { SourceCode: null } when saysWho => "Information about the server needs --source-code too.",
            { Operator: null, OperatorCountry: not null } => "--operator-country needs --operator.",
            { Hosting: null, HostingCountry: not null } => "--hosting-country needs --hosting.",
            _ => null,
        };
    }
}
