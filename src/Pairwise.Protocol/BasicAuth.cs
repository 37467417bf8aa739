using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using Pairwise.Wire;

namespace Pairwise.Protocol;

/// <summary>
/// The password of a server: printable ASCII or Latin-1 characters without space, <c>@</c>, <c>:</c> and <c>/</c>.
/// Compares in a time that does not depend on where two passwords of one length differ.
/// </summary>
public sealed class BasicAuth : IEquatable<BasicAuth>
{
    private readonly Bytes _password;

    private BasicAuth(Bytes password) => _password = password;

    /// <summary>The password's bytes.</summary>
    public ReadOnlySpan<byte> Span => _password.Span;

    public static bool TryParse(ReadOnlySpan<byte> password, [NotNullWhen(true)] out BasicAuth? auth)
    {
        auth = null;
        foreach (var value in password)
        {
            if (!IsAllowed(value))
            {
                return false;
            }
        }

        auth = new BasicAuth(Bytes.CopyOf(password));
        return true;
    }

    public static bool TryParse(string password, [NotNullWhen(true)] out BasicAuth? auth)
    {
        auth = null;
        return Latin1.TryGetBytes(password, out var bytes) && TryParse(bytes, out auth);
    }

    public bool Equals(BasicAuth? other) => other is not null && CryptographicOperations.FixedTimeEquals(Span, other.Span);

    public override bool Equals(object? obj) => Equals(obj as BasicAuth);

    public override int GetHashCode() => _password.GetHashCode();

    public override string ToString() => "[secret]";

    // basicAuth = 1*<printable, not a space, not "@" ":" "/">
    internal static bool TryRead(ref TextCursor cursor, [NotNullWhen(true)] out BasicAuth? auth)
    {
        auth = null;
        var start = cursor.Position;
        var text = cursor.ReadUntilAny("@"u8);
        if (text.IsEmpty || !TryParse(text, out auth))
        {
            cursor.Position = start;
            return false;
        }

        return true;
    }

    // basicAuth = shortString
    internal static bool TryRead(ref WireReader reader, [NotNullWhen(true)] out BasicAuth? auth)
    {
        auth = null;
        return reader.TryReadShort(out var password) && TryParse(password, out auth);
    }

    internal void Write(ref WireWriter writer) => writer.WriteShort(Span);

    // Printable in Latin-1: not a control character; the no-break space counts as a space and the soft hyphen as a control.
    private static bool IsAllowed(byte value) =>
        value is > 0x20 and < 0x7F or > 0xA0 and not 0xAD && value is not ((byte)'@' or (byte)':' or (byte)'/');
}
