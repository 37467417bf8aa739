using System.Diagnostics;
using System.Globalization;

namespace Pairwise.Agent;

/// <summary>
/// Result of comparing a message with its predecessor by the sender's sequential ids and the previous-message hash
/// (agent-protocol, "message integrity"; the order of the checks is the reference's).
/// </summary>
public abstract record MessageIntegrity
{
    private protected MessageIntegrity()
    {
    }

    /// <summary>The expected id and the expected hash.</summary>
    public sealed record Ok : MessageIntegrity
    {
        public static Ok Instance { get; } = new();
    }

    /// <summary>The messages from <paramref name="First"/> to <paramref name="Last"/> (sender's ids) were not received.</summary>
    public sealed record Skipped(long First, long Last) : MessageIntegrity;

    /// <summary>An id smaller than that of the previous message.</summary>
    public sealed record BadId(long Id) : MessageIntegrity;

    /// <summary>The expected id, but the hash of the previous message differs from what was received.</summary>
    public sealed record BadHash : MessageIntegrity
    {
        public static BadHash Instance { get; } = new();
    }

    /// <summary>The id of the previous message once more.</summary>
    public sealed record Duplicate : MessageIntegrity
    {
        public static Duplicate Instance { get; } = new();
    }

    /// <summary>Compares a message with the last one received on the connection.</summary>
    /// <param name="lastSenderId">Sender's id of the last received message.</param>
    /// <param name="lastHash">SHA-256 of the last received message.</param>
    /// <param name="senderId">Sender's id in this message.</param>
    /// <param name="previousHash">Hash of the previous message as this message states it.</param>
    public static MessageIntegrity Check(long lastSenderId, ReadOnlySpan<byte> lastHash, long senderId, ReadOnlySpan<byte> previousHash)
    {
        var next = unchecked(lastSenderId + 1);
        var sameHash = lastHash.SequenceEqual(previousHash);
        if (senderId == next && sameHash) return Ok.Instance;
        if (senderId < lastSenderId) return new BadId(senderId);
        if (senderId == lastSenderId) return Duplicate.Instance;
        if (senderId > next) return new Skipped(next, unchecked(senderId - 1));
        return BadHash.Instance;
    }

    // integrity = "OK" / "ERR ID " id / "ERR NO_ID " first " " last / "ERR HASH" / "ERR DUPLICATE"
    /// <summary>The reference's text form.</summary>
    public string ToText() => this switch
    {
        Ok => "OK",
        BadId bad => string.Create(CultureInfo.InvariantCulture, $"ERR ID {bad.Id}"),
        Skipped skipped => string.Create(CultureInfo.InvariantCulture, $"ERR NO_ID {skipped.First} {skipped.Last}"),
        BadHash => "ERR HASH",
        Duplicate => "ERR DUPLICATE",
        _ => throw new UnreachableException(),
    };

    /// <summary>Reads what <see cref="ToText"/> wrote.</summary>
    internal static MessageIntegrity FromText(string text) => text.Split(' ') switch
    {
        ["OK"] => Ok.Instance,
        ["ERR", "ID", var id] => new BadId(long.Parse(id, CultureInfo.InvariantCulture)),
        ["ERR", "NO_ID", var first, var last] => new Skipped(long.Parse(first, CultureInfo.InvariantCulture), long.Parse(last, CultureInfo.InvariantCulture)),
        ["ERR", "HASH"] => BadHash.Instance,
        ["ERR", "DUPLICATE"] => Duplicate.Instance,
        _ => throw new FormatException("Not a stored integrity result."),
    };
}
