using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.IO.Compression;

namespace Pairwise.Chat.Images;

/// <summary>Reads PNG pictures (W3C PNG, second edition): all colour types and depths, interlaced or not. Checksums are not looked at. Never throws.</summary>
internal static class PngReader
{
    private static readonly (int X, int Y, int StepX, int StepY)[] Passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)];
    private static readonly (int X, int Y, int StepX, int StepY)[] WholePicture = [(0, 0, 1, 1)];

    public static ReadOnlySpan<byte> Signature => [0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10];

    // png = signature 1*chunk ; chunk = length (4 bytes) type (4 bytes) content checksum (4 bytes)
    public static bool TryRead(ReadOnlySpan<byte> file, [NotNullWhen(true)] out Raster? raster)
    {
        raster = null;
        if (!file.StartsWith(Signature))
            return false;
        Header? header = null;
        byte[] palette = [], alphas = [];
        using var compressed = new MemoryStream();
        for (var rest = file[Signature.Length..]; rest.Length >= 12;)
        {
            var length = BinaryPrimitives.ReadUInt32BigEndian(rest);
            if (length > (uint)(rest.Length - 12))
                return false;
            var content = rest.Slice(8, (int)length);
            var type = rest.Slice(4, 4);
            if (type.SequenceEqual("IHDR"u8) && !TryReadHeader(content, out header))
                return false;
            if (type.SequenceEqual("PLTE"u8))
                palette = content.ToArray();
            if (type.SequenceEqual("tRNS"u8))
                alphas = content.ToArray();
            if (type.SequenceEqual("IDAT"u8))
                compressed.Write(content);
            if (type.SequenceEqual("IEND"u8))
                break;
            rest = rest[(12 + (int)length)..];
        }

        if (header is null || (header.ColourType == 3 && palette.Length < 3) || !TryInflate(compressed, header, out var lines))
            return false;
        raster = new Raster(header.Width, header.Height);
        return TryPaint(header, lines, palette, alphas, raster);
    }

    private sealed record Header(int Width, int Height, int Depth, int ColourType, bool IsInterlaced)
    {
        public int Channels => ColourType switch { 0 or 3 => 1, 2 => 3, 4 => 2, _ => 4 };

        public int BytesPerPoint => Math.Max(1, Channels * Depth / 8);

        public (int X, int Y, int StepX, int StepY)[] Passes => IsInterlaced ? PngReader.Passes : WholePicture;

        public (int Width, int Height) SizeOf((int X, int Y, int StepX, int StepY) pass) =>
            (Math.Max(0, (Width - pass.X + pass.StepX - 1) / pass.StepX), Math.Max(0, (Height - pass.Y + pass.StepY - 1) / pass.StepY));

        public long LineLength(int width) => (((long)width * Channels * Depth) + 7) / 8;
    }

    private static bool TryReadHeader(ReadOnlySpan<byte> content, out Header? header)
    {
        header = null;
        if (content.Length != 13)
            return false;
        var (width, height) = (BinaryPrimitives.ReadUInt32BigEndian(content), BinaryPrimitives.ReadUInt32BigEndian(content[4..]));
        var (depth, colour) = (content[8], content[9]);
        var isAllowed = (colour, depth) switch
        {
            (0, 1 or 2 or 4 or 8 or 16) or (3, 1 or 2 or 4 or 8) or (2 or 4 or 6, 8 or 16) => true,
            _ => false,
        };
        if (!isAllowed || width is 0 or > 100_000 || height is 0 or > 100_000 || (long)width * height > Raster.MaxPoints || content[12] > 1)
            return false;
        header = new Header((int)width, (int)height, depth, colour, content[12] == 1);
        return true;
    }

    private static bool TryInflate(MemoryStream compressed, Header header, out byte[] lines)
    {
        var length = header.Passes.Select(header.SizeOf).Where(static size => size.Width > 0).Sum(size => size.Height * (1 + header.LineLength(size.Width)));
        lines = new byte[length];
        compressed.Position = 0;
        try
        {
            using var inflating = new ZLibStream(compressed, CompressionMode.Decompress);
            return inflating.ReadAtLeast(lines, lines.Length, throwOnEndOfStream: false) == lines.Length;
        }
        catch (InvalidDataException)
        {
            return false;
        }
    }

    private static bool TryPaint(Header header, byte[] lines, byte[] palette, byte[] alphas, Raster raster)
    {
        var start = 0;
        foreach (var pass in header.Passes)
        {
            var (width, height) = header.SizeOf(pass);
            if (width == 0)
                continue;
            var length = (int)header.LineLength(width);
            var before = new byte[length];
            for (var row = 0; row < height; row++)
            {
                var line = lines.AsSpan(start + 1, length);
                if (!TryUnfilter(lines[start], line, before, header.BytesPerPoint))
                    return false;
                line.CopyTo(before);
                for (var column = 0; column < width; column++)
                    Paint(header, line, column, pass.X + (column * pass.StepX), pass.Y + (row * pass.StepY), palette, alphas, raster);
                start += 1 + length;
            }
        }

        return true;
    }

    private static bool TryUnfilter(byte filter, Span<byte> line, ReadOnlySpan<byte> before, int step)
    {
        if (filter > 4)
            return false;
        for (var i = 0; i < line.Length; i++)
        {
            int left = i >= step ? line[i - step] : 0, up = before[i], corner = i >= step ? before[i - step] : 0;
            var predicted = filter switch
            {
                0 => 0,
                1 => left,
                2 => up,
                3 => (left + up) / 2,
                _ => Paeth(left, up, corner),
            };
            line[i] = unchecked((byte)(line[i] + predicted));
        }

        return true;
    }

    private static int Paeth(int left, int up, int corner)
    {
        var estimate = left + up - corner;
        var (toLeft, toUp, toCorner) = (Math.Abs(estimate - left), Math.Abs(estimate - up), Math.Abs(estimate - corner));
        return toLeft <= toUp && toLeft <= toCorner ? left : toUp <= toCorner ? up : corner;
    }

    private static void Paint(Header header, ReadOnlySpan<byte> line, int column, int x, int y, byte[] palette, byte[] alphas, Raster raster)
    {
        if (header.Depth < 8)
        {
            var bit = column * header.Depth;
            var value = (line[bit / 8] >> (8 - header.Depth - (bit % 8))) & ((1 << header.Depth) - 1);
            if (header.ColourType == 3)
                PaintIndexed(value, x, y, palette, alphas, raster);
            else
                PaintGrey((byte)(value * 255 / ((1 << header.Depth) - 1)), 255, x, y, raster);
            return;
        }

        var bytes = header.Depth / 8;
        var at = line[(column * header.Channels * bytes)..];
        switch (header.ColourType)
        {
            case 0:
                PaintGrey(at[0], 255, x, y, raster);
                break;
            case 2:
                raster.Set(x, y, at[0], at[bytes], at[2 * bytes]);
                break;
            case 3:
                PaintIndexed(at[0], x, y, palette, alphas, raster);
                break;
            case 4:
                PaintGrey(at[0], at[bytes], x, y, raster);
                break;
            default:
                raster.Set(x, y, at[0], at[bytes], at[2 * bytes], at[3 * bytes]);
                break;
        }
    }

    private static void PaintGrey(byte value, byte alpha, int x, int y, Raster raster) => raster.Set(x, y, value, value, value, alpha);

    private static void PaintIndexed(int index, int x, int y, byte[] palette, byte[] alphas, Raster raster)
    {
        if ((index * 3) + 2 < palette.Length)
            raster.Set(x, y, palette[index * 3], palette[(index * 3) + 1], palette[(index * 3) + 2], index < alphas.Length ? alphas[index] : (byte)255);
    }
}
