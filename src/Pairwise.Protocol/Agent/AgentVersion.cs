using System.Globalization;
using Pairwise.Wire;

namespace Pairwise.Protocol.Agent;

/// <summary>A version of the protocol between two agents. Compare it with the named ones of <see cref="AgentVersions"/>.</summary>
/// <param name="Number">The number on the wire.</param>
public readonly record struct AgentVersion(ushort Number) : IComparable<AgentVersion>
{
    public int CompareTo(AgentVersion other) => Number.CompareTo(other.Number);

    public static bool operator <(AgentVersion left, AgentVersion right) => left.Number < right.Number;

    public static bool operator >(AgentVersion left, AgentVersion right) => left.Number > right.Number;

    public static bool operator <=(AgentVersion left, AgentVersion right) => left.Number <= right.Number;

    public static bool operator >=(AgentVersion left, AgentVersion right) => left.Number >= right.Number;

    public override string ToString() => Number.ToString(CultureInfo.InvariantCulture);
}

/// <summary>The agent versions by the capability that each added.</summary>
public static class AgentVersions
{
    /// <summary>The confirmation bears the reply queue; the oldest version that anyone still accepts.</summary>
    public static readonly AgentVersion DuplexHandshake = new(2);

    /// <summary>Broken ratchets can be agreed on anew.</summary>
    public static readonly AgentVersion RatchetSync = new(3);

    /// <summary>Delivery receipts.</summary>
    public static readonly AgentVersion DeliveryReceipts = new(4);

    /// <summary>Post-quantum ratchets, whose larger headers leave less room for messages.</summary>
    public static readonly AgentVersion PostQuantum = new(5);

    /// <summary>The sender secures the queue; no HELLO is needed.</summary>
    public static readonly AgentVersion SenderAuthKey = new(6);

    /// <summary>The ratchet is initialised when the confirmation is processed.</summary>
    public static readonly AgentVersion RatchetOnConfirmation = new(7);

    public static readonly AgentVersion Current = new(7);

    public static readonly VersionRange Supported = new(2, 7);
}

/// <summary>Sizes of what agents tell each other, in bytes. The origin of each is the reference, release 6.5.5.</summary>
public static class AgentLimits
{
    /// <summary>Queues, receipts and the like in one message: what one byte can count.</summary>
    public const int MaxListCount = 255;

    /// <summary>The padded length of the connection information in a confirmation, before the ratchet's encryption.</summary>
    public static int ConnectionInfoLength(AgentVersion version, bool supportsPostQuantum) =>
        supportsPostQuantum && version >= AgentVersions.PostQuantum ? 11106 : 14832;

    /// <summary>The padded length of any other agent message, before the ratchet's encryption.</summary>
    public static int MessageLength(AgentVersion version, bool supportsPostQuantum) =>
        supportsPostQuantum && version >= AgentVersions.PostQuantum ? 13618 : 15840;
}
