using System.Globalization;
using Pairwise.Wire;

namespace Pairwise.Protocol.Xftp;

/// <summary>A version of the file protocol. Compare it with the named ones of <see cref="XftpVersions"/>.</summary>
/// <param name="Number">The number on the wire.</param>
public readonly record struct XftpVersion(ushort Number) : IComparable<XftpVersion>
{
    public int CompareTo(XftpVersion other) => Number.CompareTo(other.Number);

    public static bool operator <(XftpVersion left, XftpVersion right) => left.Number < right.Number;

    public static bool operator >(XftpVersion left, XftpVersion right) => left.Number > right.Number;

    public static bool operator <=(XftpVersion left, XftpVersion right) => left.Number <= right.Number;

    public static bool operator >=(XftpVersion left, XftpVersion right) => left.Number >= right.Number;

    public override string ToString() => Number.ToString(CultureInfo.InvariantCulture);
}

/// <summary>What each version of the file protocol brought. Source: xftp.md, "Version history".</summary>
public static class XftpVersions
{
    /// <summary>The first one; a connection without ALPN is of this version and has no handshake.</summary>
    public static readonly XftpVersion Initial = new(1);

    /// <summary>Commands may be authorized with authenticators (X25519 keys) besides signatures.</summary>
    public static readonly XftpVersion AuthenticatedCommands = new(2);

    /// <summary>The error BLOCKED, which is AUTH before.</summary>
    public static readonly XftpVersion BlockedFiles = new(3);

    /// <summary>What we speak, as client and as server.</summary>
    public static readonly VersionRange Range = new(Initial.Number, BlockedFiles.Number);

    /// <summary>The ALPN name of connections that begin with a handshake.</summary>
    public const string ApplicationProtocol = "xftp/1";
}
