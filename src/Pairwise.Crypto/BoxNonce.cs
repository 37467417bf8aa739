namespace Pairwise.Crypto;

/// <summary>The nonce rules of the reference's boxes; a nonce is 24 bytes.</summary>
public static class BoxNonce
{
    /// <summary>Size of a nonce in bytes.</summary>
    public const int Length = 24;

    /// <summary>A nonce from any bytes, such as a message id: cut to 24 bytes, or filled up with zero bytes.</summary>
    public static byte[] From(ReadOnlySpan<byte> bytes)
    {
        var nonce = new byte[Length];
        Write(bytes, nonce);
        return nonce;
    }

    /// <summary>As <see cref="From"/>, into 24 bytes of the caller's.</summary>
    public static void Write(ReadOnlySpan<byte> bytes, Span<byte> nonce)
    {
        Check(nonce);
        nonce.Clear();
        bytes[..Math.Min(bytes.Length, Length)].CopyTo(nonce);
    }

    /// <summary>The nonce's bytes in reverse order: what a proxy's answer to a forwarded command uses.</summary>
    public static byte[] Reverse(ReadOnlySpan<byte> nonce)
    {
        Check(nonce);
        var reversed = nonce.ToArray();
        Array.Reverse(reversed);
        return reversed;
    }

    /// <summary>Draws a nonce.</summary>
    public static byte[] Random(IRandomSource random) => random.Bytes(Length);

    internal static void Check(ReadOnlySpan<byte> nonce)
    {
        if (nonce.Length != Length)
            throw new ArgumentException($"A nonce has {Length} bytes, not {nonce.Length}.", nameof(nonce));
    }
}
