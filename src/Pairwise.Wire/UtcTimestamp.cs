using System.Globalization;
using System.Text;

namespace Pairwise.Wire;

/// <summary>
/// An instant as the reference writes it in text: ISO 8601 in UTC, with as many digits of a second as it has.
/// </summary>
/// <param name="Time">The instant, to 100 nanoseconds.</param>
/// <param name="ExtraDigits">Digits of the second's fraction behind the seventh, without the zeros at the end; usually
/// empty. They are kept so that a time can be passed on as it came.</param>
public readonly record struct UtcTimestamp(DateTimeOffset Time, string ExtraDigits)
{
    private const int TickDigits = 7;

    // The reference's clock counts picoseconds.
    private const int MaxDigits = 12;

    public UtcTimestamp(DateTimeOffset time)
        : this(time, string.Empty)
    {
    }

    // utcTime = date "T" time ["." 1*12DIGIT] "Z" ; YYYY-MM-DDThh:mm:ss
    public static bool TryParse(ReadOnlySpan<byte> text, out UtcTimestamp timestamp)
    {
        timestamp = default;
        const int wholeLength = 19;
        if (text.Length < wholeLength + 1 || text.Length > wholeLength + MaxDigits + 2 || text[^1] != (byte)'Z' || !Ascii.IsValid(text))
            return false;
        var whole = Encoding.ASCII.GetString(text[..wholeLength]);
        if (!DateTimeOffset.TryParseExact(whole, "yyyy-MM-dd'T'HH:mm:ss", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time))
            return false;

        var fraction = text[wholeLength..^1];
        if (fraction.IsEmpty)
        {
            timestamp = new UtcTimestamp(time);
            return true;
        }

        if (fraction[0] != (byte)'.' || !TextEncoding.TryParseUInt64(fraction[1..], out _))
            return false;
        var digits = Encoding.ASCII.GetString(fraction[1..]);
        var ticks = long.Parse(digits.PadRight(TickDigits, '0')[..TickDigits], CultureInfo.InvariantCulture);
        var extra = digits.Length > TickDigits ? digits[TickDigits..].TrimEnd('0') : string.Empty;
        timestamp = new UtcTimestamp(time.AddTicks(ticks), extra);
        return true;
    }

    public override string ToString()
    {
        var utc = Time.UtcDateTime;
        var whole = utc.ToString("yyyy-MM-dd'T'HH:mm:ss", CultureInfo.InvariantCulture);
        var fraction = (utc.ToString("fffffff", CultureInfo.InvariantCulture) + ExtraDigits).TrimEnd('0');
        return fraction.Length == 0 ? $"{whole}Z" : $"{whole}.{fraction}Z";
    }
}
