using System.Buffers.Text;
using System.Globalization;
using Pairwise.Crypto;

namespace Pairwise.Agent;

/// <summary>A local profile: its servers and connections are kept apart from those of other users. Known on this device only.</summary>
public readonly record struct UserId(long Value)
{
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}

/// <summary>
/// A message of one connection, in either direction, by the order in which this agent first saw it (the internal id).
/// Ids grow by one, without gaps for the reader to rely on: messages of the agent itself take ids too.
/// </summary>
public readonly record struct AgentMessageId(long Value) : IComparable<AgentMessageId>
{
    public int CompareTo(AgentMessageId other) => Value.CompareTo(other.Value);

    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}

/// <summary>A connection of this agent: 12 random bytes, known on this device only, in text base64url.</summary>
public readonly record struct ConnectionId
{
    /// <summary>Bytes of an id, as in the reference (connIdBytes).</summary>
    public const int Length = 12;

    private readonly string? _text;

    private ConnectionId(string text) => _text = text;

    /// <summary>A fresh random id.</summary>
    public static ConnectionId Generate(IRandomSource random) => new(LocalId.Generate(random));

    /// <summary>Reads the text form; false for anything that is not 12 bytes of base64url.</summary>
    public static bool TryParse(string? text, out ConnectionId id)
    {
        var isValid = LocalId.TryParse(text, out var valid);
        id = isValid ? new ConnectionId(valid) : default;
        return isValid;
    }

    internal static ConnectionId FromStore(string text) => new(text);

    public override string ToString() => _text ?? string.Empty;
}

/// <summary>A confirmation received on a connection that this agent created, waiting to be allowed.</summary>
public readonly record struct ConfirmationId
{
    private readonly string? _text;

    private ConfirmationId(string text) => _text = text;

    public static ConfirmationId Generate(IRandomSource random) => new(LocalId.Generate(random));

    /// <summary>Reads the text form; false for anything that is not 12 bytes of base64url.</summary>
    public static bool TryParse(string? text, out ConfirmationId id)
    {
        var isValid = LocalId.TryParse(text, out var valid);
        id = isValid ? new ConfirmationId(valid) : default;
        return isValid;
    }

    internal static ConfirmationId FromStore(string text) => new(text);

    public override string ToString() => _text ?? string.Empty;
}

/// <summary>A request received at a contact address, waiting to be accepted or rejected.</summary>
public readonly record struct InvitationId
{
    private readonly string? _text;

    private InvitationId(string text) => _text = text;

    public static InvitationId Generate(IRandomSource random) => new(LocalId.Generate(random));

    /// <summary>Reads the text form; false for anything that is not 12 bytes of base64url.</summary>
    public static bool TryParse(string? text, out InvitationId id)
    {
        var isValid = LocalId.TryParse(text, out var valid);
        id = isValid ? new InvitationId(valid) : default;
        return isValid;
    }

    internal static InvitationId FromStore(string text) => new(text);

    public override string ToString() => _text ?? string.Empty;
}

/// <summary>What the random ids of the agent share: 12 bytes, written as base64url (16 characters, no padding).</summary>
internal static class LocalId
{
    private const int TextLength = 16;

    public static string Generate(IRandomSource random)
    {
        Span<byte> bytes = stackalloc byte[ConnectionId.Length];
        random.Fill(bytes);
        return Base64Url.EncodeToString(bytes);
    }

    public static bool TryParse(string? text, out string valid)
    {
        valid = text ?? string.Empty;
        return valid.Length == TextLength && Base64Url.IsValid(valid);
    }
}
