using Pairwise.Protocol.Agent;
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
            ServerCountry = Country("server_country"),
            Operator = Entity("operator"),
            Website = Given("website"),
            Administration = Contact("admin"),
            Complaints = Contact("complaints"),
            Hosting = Entity("hosting"),
            HostingType = reader.OneOf(Section, "hosting_type", "virtual", "dedicated", "colocation", "owned"),
        };

        string? Given(string key) => reader.Text(Section, key) is { Length: > 0 } text ? text : null;

        // As the reference has it: nothing here counts, right or wrong, before it says where the source code is.
        string? Country(string key)
        {
            string? code = Given(key);
            if (code is not null && Given("source_code") is not null && !(code.Length == 2 && code.All(char.IsAsciiLetter)))
            {
                reader.Report(Section, key, $"\"{code}\" is not a two-letter country code (ISO 3166).");
            }

            return code?.ToUpperInvariant();
        }

        ServerEntity? Entity(string key) => Given(key) is { } name ? new ServerEntity(name, Country(key + "_country")) : null;

        string? Address(string key)
        {
            string? link = Given(key);
            if (link is not null && Given("source_code") is not null && !ConnectionLink.TryParse(link, out _))
            {
                reader.Report(Section, key, "this is no SimpleX address.");
            }

            return link;
        }

        ServerContact Contact(string key) =>
            new(Address(key + "_simplex"), Given(key + "_email"), Given(key + "_pgp"), Given(key + "_pgp_fingerprint"));
    }
}
