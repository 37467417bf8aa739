using Pairwise.Server.Smp.Store;
using Pairwise.Server.Smp.Subscribing;

namespace Pairwise.Server.Smp.Connections;

/// <summary>
/// Bodies that the message store does not have in memory, for one writer: when the first of them is needed, it is read
/// together with some that follow. Owned by whoever writes.
/// </summary>
internal sealed class AbsentBodies(MessageStore messages)
{
    private const int ReadTogether = 16; // 256 KB at most, and one query for so many blocks

    private readonly Dictionary<StoredId, StoredMessage> _read = [];
    private readonly HashSet<StoredId> _gone = [];

    /// <summary>
    /// Gives the message of an entry its body. A message that is not in the store any more gives its place to the one behind
    /// it; without one, an answer is OK and a delivery nothing.
    /// </summary>
    /// <returns>False when the body has to be read first, see <see cref="ReadAsync"/>.</returns>
    public bool TryComplete(ref OutboxEntry entry, out bool isNothing)
    {
        isNothing = false;
        while (entry.Answer is { Stored: { HasBody: false } stored, Hold: { } hold })
        {
            if (_read.Remove(stored.Id, out StoredMessage? whole))
            {
                entry = entry with { Answer = SmpAnswer.Of(hold, whole) };
            }
            else if (!_gone.Remove(stored.Id))
            {
                return false;
            }
            else if (Subscriptions.TakeOther(hold, stored.Id, messages) is { } next)
            {
                entry = entry with { Answer = SmpAnswer.Of(hold, next) };
            }
            else
            {
                isNothing = entry.Subscription is not null;
                entry = entry with { Answer = SmpAnswer.Ok };
            }
        }

        return true;
    }

    /// <summary>Reads the body that an entry waits for, and those of the next entries.</summary>
    /// <exception cref="IOException">The store cannot be read.</exception>
    public async ValueTask ReadAsync(OutboxEntry first, Outbox outbox)
    {
        Dictionary<StoredId, StoredId> queues = [];
        foreach (OutboxEntry entry in (IEnumerable<OutboxEntry>)[first, .. outbox.LookAhead(ReadTogether - 1)])
        {
            if ((entry.Subscription ?? entry.Answer.Hold) is { } hold && IdOf(entry, hold) is { } id)
            {
                queues[id] = hold.Queue.RecipientId;
            }
        }

        _read.Clear();
        _gone.Clear();
        _gone.UnionWith(queues.Keys);
        foreach (StoredMessage message in await messages.ReadBodiesAsync([.. queues.Select(each => (each.Value, each.Key))]))
        {
            _gone.Remove(message.Id);
            _read[message.Id] = message;
        }
    }

    private static StoredId? IdOf(in OutboxEntry entry, Subscription hold)
    {
        if (entry.Answer.Stored is { } stored)
        {
            return stored.HasBody ? null : stored.Id;
        }

        lock (hold.Queue)
        {
            return hold.Delivered;
        }
    }
}
