using System.Numerics;

namespace Pairwise.Chat.Images;

/// <summary>Writes sequential JPEG pictures with the typical tables of ITU-T T.81, annex K, without subsampling.</summary>
internal static class JpegWriter
{
    private static readonly byte[] LightSteps =
    [
        16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62,
        18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
    ];

    private static readonly byte[] ColourSteps =
    [
        17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99, 99, 99, 99,
        99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
    ];

    private static readonly byte[] DcCounts = [0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0];
    private static readonly byte[] DcValues = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];
    private static readonly byte[] AcCounts = [0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 125];

    private static readonly byte[] AcValues = Convert.FromHexString(
        "01020300041105122131410613516107227114328191A1082342B1C11552D1F02433627282090A161718191A25262728292A3435363738393A" +
        "434445464748494A535455565758595A636465666768696A737475767778797A838485868788898A92939495969798999AA2A3A4A5A6A7A8A9AA" +
        "B2B3B4B5B6B7B8B9BAC2C3C4C5C6C7C8C9CAD2D3D4D5D6D7D8D9DAE1E2E3E4E5E6E7E8E9EAF1F2F3F4F5F6F7F8F9FA");

    private static readonly (ushort Code, byte Length)[] DcCodes = MakeCodes(DcCounts, DcValues);
    private static readonly (ushort Code, byte Length)[] AcCodes = MakeCodes(AcCounts, AcValues);

    /// <param name="quality">1 to 100.</param>
    public static byte[] Write(Raster raster, int quality)
    {
        using var file = new MemoryStream();
        byte[][] steps = [Scale(LightSteps, quality), Scale(ColourSteps, quality)];
        file.Write([0xff, 0xd8, 0xff, 0xe0, 0, 16, .. "JFIF\0"u8, 1, 1, 0, 0, 1, 0, 1, 0, 0]);
        for (byte i = 0; i < 2; i++)
        {
            file.Write([0xff, 0xdb, 0, 67, i]);
            foreach (var place in JpegTables.ZigZag)
                file.WriteByte(steps[i][place]);
        }

        file.Write([0xff, 0xc0, 0, 17, 8, (byte)(raster.Height >> 8), (byte)(raster.Height & 0xff), (byte)(raster.Width >> 8), (byte)(raster.Width & 0xff), 3, 1, 0x11, 0, 2, 0x11, 1, 3, 0x11, 1]);
        file.Write([0xff, 0xc4, 0, (byte)(19 + DcValues.Length), 0x00, .. DcCounts, .. DcValues]);
        file.Write([0xff, 0xc4, 0, (byte)(19 + AcValues.Length), 0x10, .. AcCounts, .. AcValues]);
        file.Write([0xff, 0xda, 0, 12, 3, 1, 0, 2, 0, 3, 0, 0, 63, 0]);
        WriteBlocks(raster, steps, new BitWriter(file));
        file.Write([0xff, 0xd9]);
        return file.ToArray();
    }

    private static void WriteBlocks(Raster raster, byte[][] steps, BitWriter bits)
    {
        Span<float> values = stackalloc float[64];
        Span<int> coefficients = stackalloc int[64];
        Span<int> previous = stackalloc int[3];
        for (var top = 0; top < raster.Height; top += 8)
        {
            for (var left = 0; left < raster.Width; left += 8)
            {
                for (var colour = 0; colour < 3; colour++)
                {
                    for (var i = 0; i < 64; i++)
                        values[i] = ValueAt(raster, Math.Min(left + (i % 8), raster.Width - 1), Math.Min(top + (i / 8), raster.Height - 1), colour);
                    Transform(values, steps[colour == 0 ? 0 : 1], coefficients);
                    WriteBlock(coefficients, ref previous[colour], bits);
                }
            }
        }

        bits.Complete();
    }

    private static float ValueAt(Raster raster, int x, int y, int colour)
    {
        var at = ((y * raster.Width) + x) * 3;
        float red = raster.Points[at], green = raster.Points[at + 1], blue = raster.Points[at + 2];
        return colour switch
        {
            0 => (0.299f * red) + (0.587f * green) + (0.114f * blue) - 128,
            1 => (-0.168736f * red) - (0.331264f * green) + (0.5f * blue),
            _ => (0.5f * red) - (0.418688f * green) - (0.081312f * blue),
        };
    }

    private static void Transform(ReadOnlySpan<float> values, byte[] steps, Span<int> coefficients)
    {
        Span<float> rows = stackalloc float[64];
        var cosines = JpegTables.Cosines;
        for (var y = 0; y < 8; y++)
        {
            for (var u = 0; u < 8; u++)
            {
                var sum = 0f;
                for (var x = 0; x < 8; x++)
                    sum += values[(y * 8) + x] * cosines[(x * 8) + u];
                rows[(y * 8) + u] = sum;
            }
        }

        for (var v = 0; v < 8; v++)
        {
            for (var u = 0; u < 8; u++)
            {
                var sum = 0f;
                for (var y = 0; y < 8; y++)
                    sum += rows[(y * 8) + u] * cosines[(y * 8) + v];
                coefficients[(v * 8) + u] = (int)MathF.Round(sum / steps[(v * 8) + u]);
            }
        }
    }

    private static void WriteBlock(ReadOnlySpan<int> coefficients, ref int previous, BitWriter bits)
    {
        var difference = coefficients[0] - previous;
        previous = coefficients[0];
        WriteNumber(difference, 0, DcCodes, bits);
        var run = 0;
        for (var k = 1; k < 64; k++)
        {
            var value = coefficients[JpegTables.ZigZag[k]];
            if (value == 0)
            {
                run++;
                continue;
            }

            for (; run > 15; run -= 16)
                bits.Write(AcCodes[0xf0].Code, AcCodes[0xf0].Length);
            WriteNumber(value, run, AcCodes, bits);
            run = 0;
        }

        if (run > 0)
            bits.Write(AcCodes[0].Code, AcCodes[0].Length);
    }

    private static void WriteNumber(int value, int run, (ushort Code, byte Length)[] codes, BitWriter bits)
    {
        var length = 32 - BitOperations.LeadingZeroCount((uint)Math.Abs(value));
        var (code, codeLength) = codes[(run << 4) | length];
        bits.Write(code, codeLength);
        bits.Write((value < 0 ? value + (1 << length) - 1 : value) & ((1 << length) - 1), length);
    }

    private static byte[] Scale(byte[] steps, int quality)
    {
        var percent = quality < 50 ? 5000 / quality : 200 - (2 * quality);
        return [.. steps.Select(step => (byte)Math.Clamp(((step * percent) + 50) / 100, 1, 255))];
    }

    private static (ushort Code, byte Length)[] MakeCodes(byte[] counts, byte[] values)
    {
        var codes = new (ushort, byte)[256];
        int code = 0, index = 0;
        for (byte length = 1; length <= 16; length++, code <<= 1)
        {
            for (var i = 0; i < counts[length - 1]; i++)
                codes[values[index++]] = ((ushort)code++, length);
        }

        return codes;
    }

    private sealed class BitWriter(MemoryStream file)
    {
        private int _held;
        private int _count;

        public void Write(int value, int length)
        {
            for (var i = length - 1; i >= 0; i--)
            {
                _held = (_held << 1) | ((value >> i) & 1);
                if (++_count < 8)
                    continue;
                file.WriteByte((byte)_held);
                if (_held == 0xff)
                    file.WriteByte(0);
                (_held, _count) = (0, 0);
            }
        }

        // The last byte is filled up with ones.
        public void Complete()
        {
            if (_count > 0)
                Write(0xff, 8 - _count);
        }
    }
}
