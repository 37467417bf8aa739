namespace Pairwise.Fuzz;

/// <summary>One parser under fuzz.</summary>
/// <param name="Name">A test name: the layer and what is parsed.</param>
/// <param name="Parsers">The types whose <c>Try…</c> methods it reaches, so that no public parser is forgotten.</param>
/// <param name="Seeds">Good inputs.</param>
/// <param name="Parse">
/// Parses one input. Whatever it is, nothing may be thrown; what was accepted is encoded again, and must be accepted again
/// as the same value. Returns whether it was accepted.
/// </param>
internal sealed record FuzzTarget(string Name, Type[] Parsers, Func<byte[][]> Seeds, Func<byte[], bool> Parse)
{
    /// <summary>How many inputs of an average parser one input of this one stands for.</summary>
    public int Cost { get; init; } = 1;

    /// <summary>Whether all seeds are wrong on purpose, or belong to other versions, so that none needs to be accepted.</summary>
    public bool MayRefuseEverySeed { get; init; }

    public override string ToString() => Name;

    /// <summary>Checks that the encoding of an accepted value is accepted and gives the same value.</summary>
    public static bool Stable<T>(bool isAccepted, T? value, Func<T, byte[]> encode, Func<byte[], T?> decode)
        where T : class
    {
        if (!isAccepted)
        {
            return false;
        }

        var encoded = encode(value!);
        var again = decode(encoded) ?? throw new FuzzException("What was accepted is refused after encoding it again.");
        if (!encode(again).AsSpan().SequenceEqual(encoded))
        {
            throw new FuzzException("What was accepted encodes differently the second time.");
        }

        return true;
    }
}

/// <summary>A parser broke a rule other than by throwing.</summary>
internal sealed class FuzzException(string message) : Exception(message);
