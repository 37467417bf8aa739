using Pairwise.Chat.Images;
using Pairwise.Chat.Protocol;

namespace Pairwise.Chat.Tests.Images;

/// <summary>
/// Pictures of four colours (red, green; blue, white), written by another program's encoders in the forms that cameras and
/// browsers make, and broken ones.
/// </summary>
public sealed class ImagePreviewTests
{
    private const string Prefix = "data:image/jpg;base64,";

    public static TheoryData<string> Pictures => [.. Directory.GetFiles(Folder).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)];

    private static string Folder => Path.Combine(AppContext.BaseDirectory, "Images", "Files");

    [Theory]
    [MemberData(nameof(Pictures))]
    public void Picture_has_its_colours_where_they_belong(string name)
    {
        var raster = Read(File.ReadAllBytes(Path.Combine(Folder, name)));
        Assert.NotNull(raster);
        Assert.Equal(name == "odd-size.jpg" ? (91, 67) : (96, 72), (raster.Width, raster.Height));
        Check(raster, name);
    }

    [Theory]
    [MemberData(nameof(Pictures))]
    public void Preview_is_a_picture_again_and_fits_into_a_message(string name)
    {
        var preview = ImagePreview.Of(File.ReadAllBytes(Path.Combine(Folder, name)));
        Assert.StartsWith(Prefix, preview, StringComparison.Ordinal);
        Assert.InRange(preview.Length, Prefix.Length, ChatMessageLimits.MaxPreviewLength);
        Assert.True(JpegReader.TryRead(Convert.FromBase64String(preview[Prefix.Length..]), 1000, out var raster));
        Check(raster, name);
    }

    [Fact]
    public void Large_noise_shrinks_until_it_fits()
    {
        var noise = new Raster(800, 600);
        new Random(5).NextBytes(noise.Points);
        var preview = ImagePreview.Of(JpegWriter.Write(noise, 95));
        Assert.NotEqual(ImagePreview.Placeholder, preview);
        Assert.InRange(preview.Length, 1000, ChatMessageLimits.MaxPreviewLength);
    }

    [Fact]
    public void Picture_read_at_an_eighth_has_the_same_colours()
    {
        Assert.True(PngReader.TryRead(File.ReadAllBytes(Path.Combine(Folder, "colours.png")), out var small));
        var large = new Raster(small.Width * 10, small.Height * 10);
        for (var y = 0; y < large.Height; y++)
        {
            for (var x = 0; x < large.Width; x++)
            {
                var at = (((y / 10) * small.Width) + (x / 10)) * 3;
                large.Set(x, y, small.Points[at], small.Points[at + 1], small.Points[at + 2]);
            }
        }

        Assert.True(JpegReader.TryRead(JpegWriter.Write(large, 80), 60, out var raster));
        Assert.Equal((120, 90), (raster.Width, raster.Height));
        Check(raster, "colours");
    }

    /// <summary>Cut off and changed at places all over it: no reader throws.</summary>
    [Theory]
    [MemberData(nameof(Pictures))]
    public void Broken_picture_throws_nothing(string name)
    {
        var whole = File.ReadAllBytes(Path.Combine(Folder, name));
        var step = Math.Max(1, whole.Length / 25);
        for (var i = 0; i < whole.Length; i += step)
        {
            _ = Read(whole.AsSpan(0, i));
            var changed = whole.ToArray();
            changed[i] ^= (byte)(1 << (i % 8));
            _ = Read(changed);
            changed[i] = 0xff;
            _ = Read(changed);
        }
    }

    [Fact]
    public void What_is_no_picture_gets_the_placeholder()
    {
        Assert.Equal(ImagePreview.Placeholder, ImagePreview.Of("no picture"u8));
        Assert.Equal(ImagePreview.Placeholder, ImagePreview.Of([]));
    }

    private static Raster? Read(ReadOnlySpan<byte> file) =>
        PngReader.TryRead(file, out var raster) || GifReader.TryRead(file, out raster) || JpegReader.TryRead(file, 1000, out raster) ? raster : null;

    private static void Check(Raster raster, string name)
    {
        (int Red, int Green, int Blue)[] colours = [(220, 30, 30), (30, 200, 30), (30, 30, 220), (240, 240, 240)];
        for (var i = 0; i < 4; i++)
        {
            var (x, y) = ((raster.Width / 4) + (i % 2 * raster.Width / 2), (raster.Height / 4) + (i / 2 * raster.Height / 2));
            var at = ((y * raster.Width) + x) * 3;
            var (red, green, blue) = colours[i];
            if (name.StartsWith("grey", StringComparison.Ordinal))
                red = green = blue = (int)((0.2126 * red) + (0.7152 * green) + (0.0722 * blue));
            // Greys and inks are other people's idea of a colour.
            var tolerance = name.StartsWith("grey", StringComparison.Ordinal) || name.StartsWith("inks", StringComparison.Ordinal) ? 100 : 30;
            Assert.InRange(raster.Points[at], red - tolerance, red + tolerance);
            Assert.InRange(raster.Points[at + 1], green - tolerance, green + tolerance);
            Assert.InRange(raster.Points[at + 2], blue - tolerance, blue + tolerance);
        }
    }
}
