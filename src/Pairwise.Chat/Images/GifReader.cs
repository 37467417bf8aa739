using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;

namespace Pairwise.Chat.Images;

/// <summary>Reads the first picture of a GIF (87a and 89a). Never throws.</summary>
internal static class GifReader
{
    private const int MaxCodes = 4096;

    // gif = "GIF" version screen [palette] *(extension) picture ... ; picture = "," place [palette] codeSize 1*block
    public static bool TryRead(ReadOnlySpan<byte> file, [NotNullWhen(true)] out Raster? raster)
    {
        raster = null;
        if (file.Length < 13 || !file.StartsWith("GIF8"u8))
            return false;
        var flags = file[10];
        var rest = file[13..];
        if (!TryTakePalette(flags, ref rest, out var palette))
            return false;
        while (rest.Length > 0)
        {
            switch (rest[0])
            {
                case 0x21 when rest.Length >= 2:
                    rest = rest[2..];
                    TakeBlocks(ref rest, null);
                    break;
                case 0x2c when rest.Length >= 11:
                    return TryReadPicture(rest[1..], palette, out raster);
                default:
                    return false;
            }
        }

        return false;
    }

    private static bool TryReadPicture(ReadOnlySpan<byte> rest, byte[] palette, [NotNullWhen(true)] out Raster? raster)
    {
        raster = null;
        int width = BinaryPrimitives.ReadUInt16LittleEndian(rest[4..]), height = BinaryPrimitives.ReadUInt16LittleEndian(rest[6..]);
        var flags = rest[8];
        rest = rest[9..];
        if (width == 0 || height == 0 || (long)width * height > Raster.MaxPoints || !TryTakePalette(flags, ref rest, out var own) || rest.Length < 2)
            return false;
        if (own.Length > 0)
            palette = own;
        var codeSize = rest[0];
        rest = rest[1..];
        if (codeSize is < 1 or > 8 || palette.Length == 0)
            return false;
        using var codes = new MemoryStream();
        TakeBlocks(ref rest, codes);
        raster = new Raster(width, height);
        Paint(Expand(codes.ToArray(), codeSize, width * height), palette, (flags & 0x40) != 0, raster);
        return true;
    }

    private static bool TryTakePalette(byte flags, ref ReadOnlySpan<byte> rest, out byte[] palette)
    {
        palette = [];
        if ((flags & 0x80) == 0)
            return true;
        var length = 3 << ((flags & 7) + 1);
        if (rest.Length < length)
            return false;
        palette = rest[..length].ToArray();
        rest = rest[length..];
        return true;
    }

    private static void TakeBlocks(ref ReadOnlySpan<byte> rest, MemoryStream? content)
    {
        while (rest.Length > 0)
        {
            var length = Math.Min(rest[0], rest.Length - 1);
            content?.Write(rest.Slice(1, length));
            var isLast = rest[0] == 0;
            rest = rest[(1 + length)..];
            if (isLast)
                return;
        }
    }

    // LZW with codes of growing width; the points that a broken picture lacks stay the first colour.
    private static byte[] Expand(byte[] codes, int codeSize, int count)
    {
        var points = new byte[count];
        var (clear, end) = (1 << codeSize, (1 << codeSize) + 1);
        var prefixes = new int[MaxCodes];
        var suffixes = new byte[MaxCodes];
        var stack = new byte[MaxCodes + 1];
        for (var i = 0; i < clear; i++)
            suffixes[i] = (byte)i;
        int next = end + 1, width = codeSize + 1, previous = -1, at = 0, bits = 0, held = 0;
        byte first = 0;
        foreach (var octet in codes)
        {
            held |= octet << bits;
            bits += 8;
            while (bits >= width)
            {
                var code = held & ((1 << width) - 1);
                held >>= width;
                bits -= width;
                if (code == clear)
                {
                    (next, width, previous) = (end + 1, codeSize + 1, -1);
                    continue;
                }

                if (code == end || code > next || (code == next && previous < 0))
                    return points;
                var depth = 0;
                var walk = code;
                if (code == next)
                {
                    stack[depth++] = first;
                    walk = previous;
                }

                while (walk > end && depth < MaxCodes)
                {
                    stack[depth++] = suffixes[walk];
                    walk = prefixes[walk];
                }

                first = suffixes[walk];
                stack[depth++] = first;
                while (depth > 0 && at < count)
                    points[at++] = stack[--depth];
                if (at == count)
                    return points;
                if (previous >= 0 && next < MaxCodes)
                {
                    prefixes[next] = previous;
                    suffixes[next++] = first;
                    if (next == 1 << width && width < 12)
                        width++;
                }

                previous = code;
            }
        }

        return points;
    }

    private static void Paint(byte[] points, byte[] palette, bool isInterlaced, Raster raster)
    {
        for (var row = 0; row < raster.Height; row++)
        {
            var y = isInterlaced ? InterlacedRow(row, raster.Height) : row;
            for (var x = 0; x < raster.Width; x++)
            {
                var index = points[(row * raster.Width) + x] * 3;
                if (index + 2 < palette.Length)
                    raster.Set(x, y, palette[index], palette[index + 1], palette[index + 2]);
            }
        }
    }

    private static int InterlacedRow(int row, int height)
    {
        foreach (var (start, step) in new[] { (0, 8), (4, 8), (2, 4), (1, 2) })
        {
            var rows = (height - start + step - 1) / step;
            if (row < rows)
                return start + (row * step);
            row -= rows;
        }

        return height - 1;
    }
}
