using System.Globalization;

namespace Pairwise.Wire;

/// <summary>The protocol versions a party speaks, both ends included.</summary>
/// <param name="Min">The oldest version spoken.</param>
/// <param name="Max">The newest version spoken, not below <paramref name="Min"/>.</param>
public readonly record struct VersionRange(ushort Min, ushort Max)
{
    /// <summary>Size of the binary form in bytes.</summary>
    public const int WireLength = 4;

    /// <summary>The versions both ranges hold; the common version of two parties is the maximum of it.</summary>
    public bool TryIntersect(VersionRange other, out VersionRange common)
    {
        var min = Math.Max(Min, other.Min);
        var max = Math.Min(Max, other.Max);
        if (min > max)
        {
            common = default;
            return false;
        }

        common = new VersionRange(min, max);
        return true;
    }

    /// <summary>This range with <paramref name="version"/> as its maximum; false when it does not hold that version.</summary>
    public bool TryCap(ushort version, out VersionRange capped)
    {
        if (!Contains(version))
        {
            capped = default;
            return false;
        }

        capped = new VersionRange(Min, version);
        return true;
    }

    /// <summary>Whether <paramref name="version"/> is within the range.</summary>
    public bool Contains(ushort version) => version >= Min && version <= Max;

    // versionRange = minVersion maxVersion ; each word16, min <= max
    public static bool TryRead(ref WireReader reader, out VersionRange range)
    {
        var attempt = reader;
        if (attempt.TryReadUInt16(out var min) && attempt.TryReadUInt16(out var max) && min <= max)
        {
            reader = attempt;
            range = new VersionRange(min, max);
            return true;
        }

        range = default;
        return false;
    }

    public void Write(ref WireWriter writer)
    {
        writer.WriteUInt16(Min);
        writer.WriteUInt16(Max);
    }

    // versionRangeText = version ["-" version] ; version = 1*DIGIT
    public static bool TryParse(ReadOnlySpan<byte> text, out VersionRange range)
    {
        range = default;
        var dash = text.IndexOf((byte)'-');
        var minText = dash < 0 ? text : text[..dash];
        if (!TextEncoding.TryParseUInt16(minText, out var min))
            return false;
        var max = min;
        if (dash >= 0 && !TextEncoding.TryParseUInt16(text[(dash + 1)..], out max))
            return false;
        if (min > max)
            return false;
        range = new VersionRange(min, max);
        return true;
    }

    /// <summary>The text form: "6-18", or "6" when both ends are equal.</summary>
    public override string ToString() => Min == Max
        ? Min.ToString(CultureInfo.InvariantCulture)
        : string.Create(CultureInfo.InvariantCulture, $"{Min}-{Max}");
}
