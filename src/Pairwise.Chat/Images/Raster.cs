namespace Pairwise.Chat.Images;

/// <summary>A picture as points: three bytes each, red, green and blue, row by row.</summary>
internal sealed class Raster(int width, int height)
{
    /// <summary>Points of a picture that is worth a preview; a larger one is not decoded.</summary>
    public const long MaxPoints = 50_000_000;

    public int Width { get; } = width;

    public int Height { get; } = height;

    public byte[] Points { get; } = new byte[width * height * 3];

    /// <summary>Sets a point that may be transparent, on white.</summary>
    public void Set(int x, int y, byte red, byte green, byte blue, byte alpha = 255)
    {
        var at = ((y * Width) + x) * 3;
        Points[at] = OnWhite(red, alpha);
        Points[at + 1] = OnWhite(green, alpha);
        Points[at + 2] = OnWhite(blue, alpha);
    }

    /// <summary>A smaller picture whose longer side is <paramref name="longest"/> at most; each point is the mean of those it stands for.</summary>
    public Raster Shrink(int longest)
    {
        if (Math.Max(Width, Height) <= longest)
            return this;
        var (width, height) = Width >= Height
            ? (longest, Math.Max(1, (int)((long)Height * longest / Width)))
            : (Math.Max(1, (int)((long)Width * longest / Height)), longest);
        var small = new Raster(width, height);
        for (var y = 0; y < height; y++)
        {
            var (top, bottom) = Range(y, height, Height);
            for (var x = 0; x < width; x++)
            {
                var (left, right) = Range(x, width, Width);
                long red = 0, green = 0, blue = 0;
                for (var row = top; row < bottom; row++)
                {
                    for (var at = ((row * Width) + left) * 3; at < ((row * Width) + right) * 3; at += 3)
                    {
                        red += Points[at];
                        green += Points[at + 1];
                        blue += Points[at + 2];
                    }
                }

                var count = (bottom - top) * (right - left);
                small.Set(x, y, (byte)(red / count), (byte)(green / count), (byte)(blue / count));
            }
        }

        return small;
    }

    /// <summary>The picture as its Exif orientation (1 to 8) says that it is to be seen.</summary>
    public Raster Turn(int orientation)
    {
        if (orientation is < 2 or > 8)
            return this;
        var turned = orientation >= 5 ? new Raster(Height, Width) : new Raster(Width, Height);
        for (var y = 0; y < Height; y++)
        {
            for (var x = 0; x < Width; x++)
            {
                var (toX, toY) = orientation switch
                {
                    2 => (Width - 1 - x, y),
                    3 => (Width - 1 - x, Height - 1 - y),
                    4 => (x, Height - 1 - y),
                    5 => (y, x),
                    6 => (Height - 1 - y, x),
                    7 => (Height - 1 - y, Width - 1 - x),
                    _ => (y, Width - 1 - x),
                };
                var at = ((y * Width) + x) * 3;
                turned.Set(toX, toY, Points[at], Points[at + 1], Points[at + 2]);
            }
        }

        return turned;
    }

    private static (int From, int To) Range(int index, int count, int length)
    {
        var from = (int)((long)index * length / count);
        return (from, Math.Max(from + 1, (int)((long)(index + 1) * length / count)));
    }

    private static byte OnWhite(byte value, byte alpha) => alpha == 255 ? value : (byte)(((value * alpha) + (255 * (255 - alpha))) / 255);
}
