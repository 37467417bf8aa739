using System.Buffers.Binary;
using System.Collections.Concurrent;
using Pairwise.Client;
using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Xftp;

namespace Pairwise.Agent.Files;

/// <summary>The file servers of each user: where new chunks go, and which may be contacted without asking. Thread-safe.</summary>
internal sealed class FileServerLists(NetworkOptions network, IRandomSource random)
{
    private readonly ConcurrentDictionary<UserId, UserServers> _users = new();

    public void Set(UserId user, IReadOnlyList<ServerAddressWithPassword> servers, IReadOnlyCollection<ServerAddress>? alsoKnown)
    {
        ArgumentNullException.ThrowIfNull(servers);
        _users[user] = new UserServers([.. servers], [.. servers.Select(server => server.Server), .. alsoKnown ?? []]);
    }

    public void Remove(UserId user) => _users.TryRemove(user, out _);

    /// <summary>Where new chunks of a user go.</summary>
    public IReadOnlyList<ServerAddressWithPassword> Get(UserId user) => _users.TryGetValue(user, out var servers) ? servers.Storage : [];

    /// <summary>Where the chunks of one file go, in turn: all servers, in an order drawn for this file.</summary>
    public ServerAddress[] Shuffle(UserId user)
    {
        var servers = Get(user).Select(server => server.Server).ToArray();
        Span<byte> drawn = stackalloc byte[sizeof(uint)];
        for (var i = servers.Length - 1; i > 0; i--)
        {
            random.Fill(drawn);
            var j = (int)(BinaryPrimitives.ReadUInt32BigEndian(drawn) % (uint)(i + 1));
            (servers[i], servers[j]) = (servers[j], servers[i]);
        }

        return servers;
    }

    /// <summary>The server of the list behind this one, or the first when it is not in the list; null when the list is empty.</summary>
    public ServerAddress? Next(UserId user, ServerAddress server)
    {
        var servers = Get(user);
        for (var i = 0; i < servers.Count; i++)
        {
            if (servers[i].Server == server) return servers[(i + 1) % servers.Count].Server;
        }

        return servers.Count > 0 ? servers[0].Server : null;
    }

    /// <summary>Whether this server may be contacted without asking the user: it is known, or does not learn the IP address.</summary>
    public bool IsApproved(UserId user, ServerAddress server) =>
        (_users.TryGetValue(user, out var servers) && servers.Known.Contains(server)) || IsAddressProtected(server, network);

    /// <summary>Those servers of a description that may not be contacted without asking.</summary>
    public List<ServerAddress> FindUnapproved(UserId user, FileDescription description) =>
        [.. description.Chunks.SelectMany(chunk => chunk.Replicas).Select(replica => replica.Server).Distinct().Where(server => !IsApproved(user, server))];

    // A proxy that is used for onion hosts only protects nothing at a public host.
    private static bool IsAddressProtected(ServerAddress server, NetworkOptions network)
    {
        var hasOnion = server.Hosts.Any(host => host.Kind == TransportHostKind.Onion);
        return network.Socks is { } socks
            ? socks.Mode == SocksMode.Always || (hasOnion && network.HostMode != HostMode.Public)
            : hasOnion && network.HostMode == HostMode.Onion;
    }

    private sealed record UserServers(IReadOnlyList<ServerAddressWithPassword> Storage, HashSet<ServerAddress> Known);
}
