namespace Pairwise.Chat.Images;

/// <summary>Orders and tables of JPEG (ITU-T T.81) that reading and writing share.</summary>
internal static class JpegTables
{
    /// <summary>Row-major place of each coefficient, in the order in which they are coded (figure A.6).</summary>
    public static ReadOnlySpan<byte> ZigZag =>
    [
        0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
        35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
    ];

    /// <summary>cos((2x + 1)uπ / 16) with the norm of u, at 8x + u: one dimension of the transform.</summary>
    public static readonly float[] Cosines = MakeCosines();

    private static float[] MakeCosines()
    {
        var cosines = new float[64];
        for (var x = 0; x < 8; x++)
        {
            for (var u = 0; u < 8; u++)
                cosines[(x * 8) + u] = (float)(Math.Cos(((2 * x) + 1) * u * Math.PI / 16) * (u == 0 ? Math.Sqrt(0.125) : 0.5));
        }

        return cosines;
    }
}

/// <summary>A Huffman table for reading.</summary>
internal sealed class JpegHuffman
{
    private readonly int[] _lastOfLength = new int[17];
    private readonly int[] _offsets = new int[17];
    private readonly byte[] _values;

    /// <param name="counts">How many codes have each length from 1 to 16.</param>
    /// <param name="values">What they stand for, in the order of the codes.</param>
    public JpegHuffman(ReadOnlySpan<byte> counts, ReadOnlySpan<byte> values)
    {
        _values = values.ToArray();
        int code = 0, index = 0;
        for (var length = 1; length <= 16; length++)
        {
            _offsets[length] = index - code;
            index += counts[length - 1];
            code += counts[length - 1];
            _lastOfLength[length] = counts[length - 1] == 0 ? -1 : code - 1;
            code <<= 1;
        }
    }

    /// <summary>The next value; -1 when the bits are no code.</summary>
    public int Read(ref JpegBits bits)
    {
        var code = 0;
        for (var length = 1; length <= 16; length++)
        {
            code = (code << 1) | bits.Next();
            if (code > _lastOfLength[length])
                continue;
            var index = code + _offsets[length];
            return index >= 0 && index < _values.Length ? _values[index] : -1;
        }

        return -1;
    }
}

/// <summary>The bits of a scan; zeros after its end.</summary>
internal ref struct JpegBits(ReadOnlySpan<byte> data)
{
    private readonly ReadOnlySpan<byte> _data = data;
    private int _held;
    private int _count;

    /// <summary>Where the next byte is.</summary>
    public int Position { get; private set; }

    /// <summary>Whether a marker or the end was met.</summary>
    public bool IsAtEnd { get; private set; }

    public int Next()
    {
        if (_count == 0)
            Fill();
        return (_held >> --_count) & 1;
    }

    public int Take(int count)
    {
        var value = 0;
        for (var i = 0; i < count; i++)
            value = (value << 1) | Next();
        return value;
    }

    /// <summary>A signed number of that many bits (figure F.12).</summary>
    public int TakeSigned(int count)
    {
        if (count == 0)
            return 0;
        var value = Take(count);
        return value < 1 << (count - 1) ? value - (1 << count) + 1 : value;
    }

    /// <summary>Goes behind a restart marker, if one is next.</summary>
    public void Restart()
    {
        _count = 0;
        IsAtEnd = false;
        if (Position + 1 < _data.Length && _data[Position] == 0xff && _data[Position + 1] is >= 0xd0 and <= 0xd7)
            Position += 2;
    }

    // In a scan FF stands for itself when 00 follows; anything else is a marker.
    private void Fill()
    {
        _count = 8;
        _held = 0;
        if (Position >= _data.Length || (_data[Position] == 0xff && (Position + 1 >= _data.Length || _data[Position + 1] != 0)))
        {
            IsAtEnd = true;
            return;
        }

        _held = _data[Position];
        Position += _held == 0xff ? 2 : 1;
    }
}
