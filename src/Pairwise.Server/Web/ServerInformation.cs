using Pairwise.Server.Configuration;

namespace Pairwise.Server.Web;

/// <summary>A person or organisation, and the country by its two-letter code.</summary>
public sealed record ServerEntity(string Name, string? Country);

/// <summary>How somebody responsible can be reached; null is not given.</summary>
public sealed record ServerContact(string? SimplexAddress, string? Email, string? Pgp, string? PgpFingerprint)
{
    /// <summary>Whether nothing is given.</summary>
    public bool IsEmpty => SimplexAddress is null && Email is null && Pgp is null;
}

/// <summary>What an operator says publicly about a server: the section INFORMATION of its ini file. All is optional.</summary>
public sealed record ServerInformation
{
    private const string Section = "INFORMATION";

    /// <summary>Where the source code of the running program is: the licence asks for it when it was changed.</summary>
    public string? SourceCode { get; init; }

    public string? UsageConditions { get; init; }

    public string? ConditionAmendments { get; init; }

    public string? ServerCountry { get; init; }

    public ServerEntity? Operator { get; init; }

    public string? Website { get; init; }

    public ServerContact Administration { get; init; } = new(null, null, null, null);

    public ServerContact Complaints { get; init; } = new(null, null, null, null);

    public ServerEntity? Hosting { get; init; }

    /// <summary>"virtual", "dedicated", "colocation" or "owned".</summary>
    public string? HostingType { get; init; }

    /// <summary>Reads the section; faults are collected by <paramref name="reader"/>.</summary>
    public static ServerInformation Read(IniReader reader)
    {
        ArgumentNullException.ThrowIfNull(reader);
        return new ServerInformation
        {
            SourceCode = Given("source_code"),
            UsageConditions = Given("usage_conditions"),
            ConditionAmendments = Given("condition_amendments"),
            ServerCountry = Given("server_country"),
            Operator = Entity("operator"),
            Website = Given("website"),
            Administration = Contact("admin"),
            Complaints = Contact("complaints"),
            Hosting = Entity("hosting"),
            HostingType = reader.OneOf(Section, "hosting_type", "virtual", "dedicated", "colocation", "owned"),
        };

        string? Given(string key) => reader.Text(Section, key) is { Length: > 0 } text ? text : null;

        ServerEntity? Entity(string key) => Given(key) is { } name ? new ServerEntity(name, Given(key + "_country")) : null;

        ServerContact Contact(string key) =>
            new(Given(key + "_simplex"), Given(key + "_email"), Given(key + "_pgp"), Given(key + "_pgp_fingerprint"));
    }
}
