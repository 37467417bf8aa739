using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Pairwise.Protocol;

/// <summary>Texts that the protocols keep as bytes, one character each.</summary>
internal static class Latin1
{
    /// <summary>The bytes of a text; false if a character does not fit in one byte.</summary>
    public static bool TryGetBytes(string text, [NotNullWhen(true)] out byte[]? bytes)
    {
        bytes = null;
        foreach (var character in text)
        {
            if (character > byte.MaxValue)
            {
                return false;
            }
        }

        bytes = Encoding.Latin1.GetBytes(text);
        return true;
    }

    /// <summary>The bytes of a text; characters that do not fit lose their upper bits, as the reference does it.</summary>
    public static byte[] GetTruncatedBytes(string text)
    {
        var bytes = new byte[text.Length];
        for (var i = 0; i < bytes.Length; i++)
        {
            bytes[i] = unchecked((byte)text[i]);
        }

        return bytes;
    }
}
