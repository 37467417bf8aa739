namespace Pairwise.Storage;

/// <summary>A statement argument: SQL null, integer, real, text or blob. Bound by position (<c>?1</c>, <c>?2</c>, ...), never by concatenation.</summary>
public readonly struct SqlValue
{
    internal enum Kind { Null, Integer, Real, Text, Blob }

    private SqlValue(Kind type, long integer = 0, double real = 0, string? text = null, ReadOnlyMemory<byte> blob = default)
    {
        Type = type;
        Integer = integer;
        Real = real;
        Text = text;
        Blob = blob;
    }

    internal Kind Type { get; }
    internal long Integer { get; }
    internal double Real { get; }
    internal string? Text { get; }
    internal ReadOnlyMemory<byte> Blob { get; }

    public static SqlValue Null => default;

    public static implicit operator SqlValue(long value) => new(Kind.Integer, integer: value);
    public static implicit operator SqlValue(long? value) => value is { } present ? present : Null;
    public static implicit operator SqlValue(int? value) => value is { } present ? (long)present : Null;
    public static implicit operator SqlValue(bool value) => new(Kind.Integer, integer: value ? 1 : 0);
    public static implicit operator SqlValue(double value) => new(Kind.Real, real: value);
    public static implicit operator SqlValue(string? value) => value is null ? Null : new(Kind.Text, text: value);
    public static implicit operator SqlValue(byte[]? value) => value is null ? Null : new(Kind.Blob, blob: value);
    public static implicit operator SqlValue(ReadOnlyMemory<byte> value) => new(Kind.Blob, blob: value);

    public static SqlValue FromInt64(long value) => value;
    public static SqlValue FromInt32(int value) => (long)value;
    public static SqlValue FromBoolean(bool value) => value;
    public static SqlValue FromDouble(double value) => value;
    public static SqlValue FromString(string? value) => value;
    public static SqlValue FromByteArray(byte[]? value) => value;
    public static SqlValue FromReadOnlyMemory(ReadOnlyMemory<byte> value) => value;

    /// <summary>Milliseconds since 1970 UTC: the one form in which our schemas keep time.</summary>
    public static SqlValue FromTime(DateTimeOffset value) => value.ToUnixTimeMilliseconds();
}
