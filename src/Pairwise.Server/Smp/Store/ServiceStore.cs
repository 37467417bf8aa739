using Pairwise.Protocol.Smp;
using Pairwise.Server.Smp.Logs;
using Pairwise.Wire;

namespace Pairwise.Server.Smp.Store;

/// <summary>The services that presented a certificate, and how many queues each is associated with. Thread-safe.</summary>
public sealed class ServiceStore
{
    private readonly Lock _gate = new();
    private readonly Dictionary<StoredId, Entry> _byId = [];
    private readonly Dictionary<Bytes, StoredId> _byCertificate = [];

    /// <summary>All services.</summary>
    public IReadOnlyList<ServiceRecord> All()
    {
        lock (_gate)
        {
            return [.. _byId.Values.Select(entry => entry.Record)];
        }
    }

    /// <summary>How many queues a service is associated with on one side; null = no such service.</summary>
    public long? QueueCount(StoredId id, ServiceSide side)
    {
        lock (_gate)
        {
            return _byId.TryGetValue(id, out Entry? entry) ? entry.Queues[(int)side] : null;
        }
    }

    /// <summary>How many services have the role of one side, and how many queues are associated on it.</summary>
    public (int Services, long Queues) Count(ServiceSide side)
    {
        lock (_gate)
        {
            SmpServiceRole role = side == ServiceSide.Recipient ? SmpServiceRole.Messaging : SmpServiceRole.Notifier;
            return (_byId.Values.Count(entry => entry.Record.Role == role), _byId.Values.Sum(entry => entry.Queues[(int)side]));
        }
    }

    // A new one is written first: nobody finds it before, and what the log refuses is not added.
    internal SmpError? GetOrAdd(ServiceRecord service, Func<ServiceRecord, SmpError?> write, out StoredId id)
    {
        lock (_gate)
        {
            if (_byCertificate.TryGetValue(service.CertificateHash, out id))
            {
                return _byId[id].Record.Role == service.Role ? null : SmpError.Service.Instance;
            }

            id = service.Id;
            if (_byId.ContainsKey(id))
            {
                return SmpError.Duplicate.Instance;
            }

            if (write(service) is { } refused)
            {
                return refused;
            }

            _byId.Add(id, new Entry(service));
            _byCertificate.Add(service.CertificateHash, id);
            return null;
        }
    }

    internal void Associate(ServiceSide side, StoredId? former, StoredId? next)
    {
        if (former is null && next is null)
        {
            return;
        }

        lock (_gate)
        {
            if (former is { } from && _byId.TryGetValue(from, out Entry? left))
            {
                left.Queues[(int)side]--;
            }

            if (next is { } to && _byId.TryGetValue(to, out Entry? joined))
            {
                joined.Queues[(int)side]++;
            }
        }
    }

    private sealed class Entry(ServiceRecord record)
    {
        public ServiceRecord Record { get; } = record;

        public long[] Queues { get; } = new long[2];
    }
}
