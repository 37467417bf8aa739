namespace Pairwise.Protocol.Agent;

/// <summary>
/// Onion hosts of relays whose old addresses, from before addresses could have two hosts, are still in use. The list is
/// the reference's; it will not grow.
/// </summary>
internal static class KnownOnionHosts
{
    private static readonly Dictionary<string, string> OnionByHost = new(StringComparer.Ordinal)
    {
        ["smp4.simplex.im"] = "o5vmywmrnaxalvz6wi3zicyftgio6psuvyniis6gco6bp6ekl4cqj4id.onion",
        ["smp5.simplex.im"] = "jjbyvoemxysm7qxap7m5d5m35jzv5qq6gnlv7s4rsn7tdwwmuqciwpid.onion",
        ["smp6.simplex.im"] = "bylepyau3ty4czmn77q4fglvperknl4bi2eb2fdy2bh4jxtf32kf73yd.onion",
        ["smp8.simplex.im"] = "beccx4yfxxbvyhqypaavemqurytl6hozr47wfc7uuecacjqdvwpw2xid.onion",
        ["smp9.simplex.im"] = "jssqzccmrcws6bhmn77vgmhfjmhwlyr3u7puw4erkyoosywgl67slqqd.onion",
        ["smp10.simplex.im"] = "rb2pbttocvnbrngnwziclp2f4ckjq65kebafws6g4hy22cdaiv5dwjqd.onion",
    };

    /// <summary>The address with its onion host added, if it has one host and that is in the list.</summary>
    public static ServerAddress Complete(ServerAddress server) =>
        server.Hosts.Count == 1
        && OnionByHost.TryGetValue(server.Hosts[0].Name, out var onion)
        && TransportHost.TryParse(onion, out var host)
            ? server with { Hosts = [server.Hosts[0], host] }
            : server;
}
