using System.Collections.Concurrent;
using Pairwise.Crypto;
using Pairwise.Protocol;

namespace Pairwise.Agent.Connections;

/// <summary>The relays that each user's new queues are spread over. Thread-safe.</summary>
internal sealed class ServerLists(IRandomSource random)
{
    private readonly ConcurrentDictionary<UserId, IReadOnlyList<ServerAddressWithPassword>> _servers = new();

    public void Set(UserId user, IReadOnlyList<ServerAddressWithPassword> servers)
    {
        ArgumentNullException.ThrowIfNull(servers);
        if (servers.Count == 0) throw new ArgumentException("A user needs at least one relay.", nameof(servers));
        _servers[user] = [.. servers];
    }

    public void Remove(UserId user) => _servers.TryRemove(user, out _);

    /// <summary>
    /// Draws a relay for a new queue, if possible one without a host in common with <paramref name="used"/>: whoever runs the
    /// relay of one direction of a connection should not run that of the other.
    /// </summary>
    public ServerAddressWithPassword Pick(UserId user, ServerAddress? used)
    {
        if (!_servers.TryGetValue(user, out var all)) throw new AgentException(new AgentError.NoUser());
        var others = used is null ? [] : all.Where(server => !HasCommonHost(server.Server, used)).ToList();
        var choice = others.Count > 0 ? others : all;
        return choice[NextBelow(choice.Count)];
    }

    private static bool HasCommonHost(ServerAddress left, ServerAddress right)
    {
        foreach (var host in left.Hosts)
        {
            foreach (var other in right.Hosts)
            {
                if (host.Equals(other)) return true;
            }
        }

        return false;
    }

    /// <summary>A number below <paramref name="count"/>, each as likely as the others.</summary>
    private int NextBelow(int count)
    {
        Span<byte> bytes = stackalloc byte[sizeof(uint)];
        var limit = uint.MaxValue - (uint.MaxValue % (uint)count);
        while (true)
        {
            random.Fill(bytes);
            var number = BitConverter.ToUInt32(bytes);
            if (number < limit) return (int)(number % (uint)count);
        }
    }
}
