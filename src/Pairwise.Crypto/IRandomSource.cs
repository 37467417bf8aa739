using System.Security.Cryptography;

namespace Pairwise.Crypto;

/// <summary>Where unpredictable bytes come from; handed in, so that a test can replay recorded bytes.</summary>
/// <remarks>Implementations used outside tests are cryptographically secure and thread-safe.</remarks>
public interface IRandomSource
{
    /// <summary>Fills the whole of <paramref name="destination"/>.</summary>
    void Fill(Span<byte> destination);
}

/// <summary>The operating system's generator. Thread-safe.</summary>
public sealed class SystemRandom : IRandomSource
{
    private SystemRandom()
    {
    }

    public static SystemRandom Instance { get; } = new();

    public void Fill(Span<byte> destination) => RandomNumberGenerator.Fill(destination);
}

/// <summary>Shorthands over <see cref="IRandomSource"/>.</summary>
public static class RandomSourceExtensions
{
    /// <summary>A new array of <paramref name="length"/> random bytes.</summary>
    public static byte[] Bytes(this IRandomSource random, int length)
    {
        ArgumentNullException.ThrowIfNull(random);
        var bytes = new byte[length];
        random.Fill(bytes);
        return bytes;
    }
}
