using System.Globalization;
using Pairwise.Wire;

namespace Pairwise.Protocol.Smp;

/// <summary>A version of the SMP client-server protocol. Compare it with the named ones of <see cref="SmpVersions"/>.</summary>
/// <param name="Number">The number on the wire.</param>
public readonly record struct SmpVersion(ushort Number) : IComparable<SmpVersion>
{
    public int CompareTo(SmpVersion other) => Number.CompareTo(other.Number);

    public static bool operator <(SmpVersion left, SmpVersion right) => left.Number < right.Number;

    public static bool operator >(SmpVersion left, SmpVersion right) => left.Number > right.Number;

    public static bool operator <=(SmpVersion left, SmpVersion right) => left.Number <= right.Number;

    public static bool operator >=(SmpVersion left, SmpVersion right) => left.Number >= right.Number;

    public override string ToString() => Number.ToString(CultureInfo.InvariantCulture);
}

/// <summary>The SMP versions by the capability that each added, and the ranges that this implementation speaks.</summary>
public static class SmpVersions
{
    /// <summary>A queue can be created without subscribing to it; the oldest version that anyone still accepts.</summary>
    public static readonly SmpVersion SubscriptionMode = new(6);

    /// <summary>X25519 authenticators beside signatures; the session id is implied in the signed part and not sent.</summary>
    public static readonly SmpVersion AuthenticatedCommands = new(7);

    /// <summary>Private routing: PRXY, PFWD, RFWD.</summary>
    public static readonly SmpVersion SendingProxy = new(8);

    /// <summary>SKEY: the sender secures the queue.</summary>
    public static readonly SmpVersion SenderAuthKey = new(9);

    /// <summary>DELD: the subscriber learns that another connection deleted the queue.</summary>
    public static readonly SmpVersion DeletedEvent = new(10);

    /// <summary>Blocks are encrypted once more inside TLS, with a key of their own each.</summary>
    public static readonly SmpVersion EncryptedBlock = new(11);

    /// <summary>ERR BLOCKED for moderated queues.</summary>
    public static readonly SmpVersion BlockedEntity = new(12);

    /// <summary>The client hello says whether the client is a proxy, which turns the block encryption off.</summary>
    public static readonly SmpVersion ProxyServerHandshake = new(14);

    /// <summary>Queue modes and link data: short links.</summary>
    public static readonly SmpVersion ShortLinks = new(15);

    /// <summary>Service certificates and the second signature.</summary>
    public static readonly SmpVersion ServiceCertificates = new(16);

    /// <summary>Notifier credentials inside NEW and IDS.</summary>
    public static readonly SmpVersion NewNotifierCredentials = new(17);

    /// <summary>ERR BLOCKED may carry a notice for the client.</summary>
    public static readonly SmpVersion ClientNotices = new(18);

    /// <summary>What the client offers.</summary>
    public static readonly VersionRange ClientRange = new(6, 18);

    /// <summary>What the relay offers to a client that agreed on ALPN <c>smp/1</c>.</summary>
    public static readonly VersionRange ServerRange = new(6, 18);

    /// <summary>What the relay offers without ALPN.</summary>
    public static readonly VersionRange LegacyServerRange = new(6, 6);

    /// <summary>What a proxy tells the client about the destination, so that a new client does not stand out there.</summary>
    public static readonly VersionRange ProxiedRange = new(8, 17);

    public static readonly SmpVersion Current = new(18);
}

/// <summary>A version of the format that two SMP clients speak to each other through a queue (the client message envelope).</summary>
public static class SmpClientVersions
{
    /// <summary>The first version: queue addresses with one host, binary.</summary>
    public const ushort Initial = 1;

    /// <summary>Several hosts in a server address.</summary>
    public const ushort ServerHostNames = 2;

    /// <summary>The sender may secure the queue: <c>k=s</c> in addresses, SKEY.</summary>
    public const ushort SenderAuthKey = 3;

    /// <summary>Queue mode in addresses; short links.</summary>
    public const ushort ShortLinks = 4;

    public const ushort Current = ShortLinks;

    public static readonly VersionRange Range = new(Initial, Current);
}
