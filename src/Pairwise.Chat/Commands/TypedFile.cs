using Pairwise.Crypto;
using Pairwise.Protocol.Xftp;
using Pairwise.Wire;

namespace Pairwise.Chat.Commands;

/// <summary>A file of this machine as a command names it.</summary>
/// <param name="Path">As it was typed.</param>
/// <param name="Key">Key and nonce, when the file is encrypted there, or is to be; null for a plain one.</param>
internal sealed record TypedFile(string Path, FileKey? Key = null)
{
    private const string KeyWord = "key=";
    private const string NonceWord = "nonce=";

    // 24 bytes in base64url, without padding.
    private const int NonceTextLength = 32;

    // typedFile = ["key=" base64url " nonce=" base64url [" "]] path
    // The path may follow the nonce at once: other programs read it so.
    /// <summary>Reads what stands at the end of a command. What is no such pair of arguments is a path.</summary>
    public static TypedFile Parse(string text)
    {
        var (first, after) = ChatCommandParser.SplitWord(text);
        if (!first.StartsWith(KeyWord, StringComparison.Ordinal) || !after.StartsWith(NonceWord, StringComparison.Ordinal) || after.Length < NonceWord.Length + NonceTextLength)
            return new TypedFile(text);
        var nonce = after.AsSpan(NonceWord.Length, NonceTextLength);
        return TryReadKey(first.AsSpan(KeyWord.Length), nonce, out var key)
            ? new TypedFile(after[(NonceWord.Length + NonceTextLength)..].Trim(), key)
            : new TypedFile(text);
    }

    /// <summary>Reads the two parts of a key; false when they are none.</summary>
    public static bool TryReadKey(ReadOnlySpan<char> key, ReadOnlySpan<char> nonce, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out FileKey? fileKey)
    {
        fileKey = TextEncoding.TryFromBase64Url(key, out var keyBytes) && keyBytes.Length == BoxKey.KeyLength
            && TextEncoding.TryFromBase64Url(nonce, out var nonceBytes) && nonceBytes.Length == BoxNonce.Length
            ? new FileKey(keyBytes, nonceBytes)
            : null;
        return fileKey is not null;
    }

    /// <summary>Never the key.</summary>
    public override string ToString() => Key is null ? Path : "[secret] " + Path;
}
