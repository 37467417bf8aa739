using System.Diagnostics.CodeAnalysis;
using Pairwise.Crypto;
using Pairwise.Wire;

namespace Pairwise.Chat.Protocol;

/// <summary>The id by which both sides of a conversation know a chat message: 12 or 11 random bytes when ours, any bytes when the peer's.</summary>
public readonly record struct SharedMessageId(Bytes Value)
{
    private const int Length = 12;

    /// <summary>A new id.</summary>
    public static SharedMessageId Create(IRandomSource random) => new(Bytes.Wrap(random.Bytes(Length)));

    /// <summary>
    /// A new id for a message that offers a file in several pieces: each of these repeats it, and with one byte more a full
    /// piece would not fit into a message of today's agents.
    /// </summary>
    public static SharedMessageId CreateForPieces(IRandomSource random) => new(Bytes.Wrap(random.Bytes(Length - 1)));

    public static bool TryParse(string text, out SharedMessageId id)
    {
        var isValid = TextEncoding.TryFromBase64Url(text, out var bytes);
        id = isValid ? new SharedMessageId(Bytes.Wrap(bytes!)) : default;
        return isValid;
    }

    /// <summary>The base64url text form.</summary>
    public override string ToString() => Value.ToBase64Url();
}
