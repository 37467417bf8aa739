using System.Text;
using Pairwise.Crypto;
using Pairwise.Protocol.Smp;
using Pairwise.Server.Smp.Store;
using Pairwise.Wire;

namespace Pairwise.Server.Smp.Operation;

/// <summary>From what people hand on to the queues that it is about, for operators who were given a link.</summary>
public static class QueueSearch
{
    /// <summary>
    /// The queues that a text is about: an id, an address of a queue or a link, in any form in which people hand them on.
    /// </summary>
    /// <remarks>Whatever in the text can be an id is looked up as a recipient, sender, notifier and link id; the key in a
    /// contact's short link gives its link id.</remarks>
    public static IReadOnlyList<SmpQueue> Find(QueueStore queues, string text)
    {
        ArgumentNullException.ThrowIfNull(queues);
        ArgumentNullException.ThrowIfNull(text);
        HashSet<SmpQueue> found = new(ReferenceEqualityComparer.Instance);
        foreach (StoredId id in IdsIn(text))
        {
            if (queues.TryFindByRecipient(id, out SmpQueue? queue) || queues.TryFindBySender(id, out queue)
                || queues.TryFindByNotifier(id, out queue) || queues.TryFindByLink(new LinkId(id.ToWireId()), out queue))
            {
                found.Add(queue);
            }
        }

        return [.. found];
    }

    /// <summary>Whatever in a text can be an id of a queue, and the link ids of contacts' short links in it.</summary>
    internal static IEnumerable<StoredId> IdsIn(string text)
    {
        // In full links the queue's address is escaped, and its parts once more.
        string once = Uri.UnescapeDataString(text);
        foreach (string token in Tokens(once).Concat(Tokens(Uri.UnescapeDataString(once))))
        {
            if (!TextEncoding.TryFromBase64Url(token, out byte[]? bytes))
            {
                continue;
            }

            const int linkKeyLength = 32;
            if (bytes.Length == linkKeyLength)
            {
                bytes = HkdfSha512.Derive([], bytes, "SimpleXContactLink"u8, StoredId.Length + linkKeyLength)[..StoredId.Length];
            }

            if (StoredId.TryFrom(bytes, out StoredId id))
            {
                yield return id;
            }
        }
    }

    // Ids have no padding, and keys are found without theirs.
    private static IEnumerable<string> Tokens(string text)
    {
        StringBuilder token = new();
        foreach (char character in text)
        {
            if (char.IsAsciiLetterOrDigit(character) || character is '-' or '_')
            {
                token.Append(character);
                continue;
            }

            yield return token.ToString();
            token.Clear();
        }

        yield return token.ToString();
    }
}
