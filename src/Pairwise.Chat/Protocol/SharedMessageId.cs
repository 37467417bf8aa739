using System.Diagnostics.CodeAnalysis;
using Pairwise.Crypto;
using Pairwise.Wire;

namespace Pairwise.Chat.Protocol;

/// <summary>The id by which both sides of a conversation know a chat message: 12 random bytes when ours, any bytes when the peer's.</summary>
public readonly record struct SharedMessageId(Bytes Value)
{
    private const int Length = 12;

    /// <summary>A new id.</summary>
    public static SharedMessageId Create(IRandomSource random)
    {
        var bytes = new byte[Length];
        random.Fill(bytes);
        return new SharedMessageId(Bytes.Wrap(bytes));
    }

    public static bool TryParse(string text, out SharedMessageId id)
    {
        var isValid = TextEncoding.TryFromBase64Url(text, out var bytes);
        id = isValid ? new SharedMessageId(Bytes.Wrap(bytes!)) : default;
        return isValid;
    }

    /// <summary>The base64url text form.</summary>
    public override string ToString() => Value.ToBase64Url();
}
