using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;

namespace Pairwise.Chat.Images;

/// <summary>
/// Reads JPEG pictures (ITU-T T.81): sequential and progressive, grey, YCbCr, RGB and CMYK, with their Exif orientation.
/// A picture that ends early is shown as far as it goes. Never throws.
/// </summary>
internal static class JpegReader
{
    // Blocks kept: 8 by 8 coefficients of 2 bytes.
    private const long MaxBlocks = 1_000_000;

    // jpeg = SOI *(marker [length content]) *(SOS scan) EOI
    /// <param name="smallest">Points that the shorter side has at least, if the picture has as many: a large picture is read at an eighth.</param>
    public static bool TryRead(ReadOnlySpan<byte> file, int smallest, [NotNullWhen(true)] out Raster? raster)
    {
        raster = null;
        if (file is not [0xff, 0xd8, ..])
            return false;
        var picture = new JpegPicture();
        var at = 2;
        while (at + 4 <= file.Length)
        {
            if (file[at] != 0xff)
            {
                at++;
                continue;
            }

            var marker = file[at + 1];
            if (marker is 0xff)
            {
                at++;
                continue;
            }

            if (marker is 0x00 or 0x01 or (>= 0xd0 and <= 0xd8))
            {
                at += 2;
                continue;
            }

            if (marker == 0xd9)
                break;
            int length = BinaryPrimitives.ReadUInt16BigEndian(file[(at + 2)..]);
            if (length < 2 || at + 2 + length > file.Length)
                break;
            var content = file.Slice(at + 4, length - 2);
            at += 2 + length;
            if (marker == 0xda)
            {
                if (!picture.TryReadScan(content, file[at..], out var read))
                    break;
                at += read;
            }
            else if (!TryReadSegment(picture, marker, content))
            {
                return false;
            }
        }

        if (!picture.HasScan)
            return false;
        raster = picture.Paint(smallest).Turn(picture.Orientation);
        return true;
    }

    private static bool TryReadSegment(JpegPicture picture, byte marker, ReadOnlySpan<byte> content)
    {
        switch (marker)
        {
            case 0xc0 or 0xc1 or 0xc2:
                return picture.TryReadFrame(content, isProgressive: marker == 0xc2, MaxBlocks);
            case 0xc4:
                return picture.TryReadHuffman(content);
            case 0xdb:
                return picture.TryReadQuantization(content);
            case 0xdd when content.Length >= 2:
                picture.RestartInterval = BinaryPrimitives.ReadUInt16BigEndian(content);
                return true;
            case 0xe1:
                picture.Orientation = ReadOrientation(content);
                return true;
            case 0xee when content.StartsWith("Adobe"u8) && content.Length >= 12:
                picture.AdobeTransform = content[11];
                return true;
            // Lossless, arithmetic and hierarchical pictures, which nobody makes.
            case 0xc3 or (>= 0xc5 and <= 0xcf):
                return false;
            default:
                return true;
        }
    }

    // exif = "Exif" 2 NUL tiff ; tiff = ("II" / "MM") 42 offset ... entries of 12 bytes; 0112 is the orientation
    private static int ReadOrientation(ReadOnlySpan<byte> content)
    {
        if (!content.StartsWith("Exif\0\0"u8) || content.Length < 16)
            return 1;
        var tiff = content[6..];
        var isLittle = tiff[0] == 'I';
        var start = Read32(tiff[4..], isLittle);
        if (start > (uint)tiff.Length - 2 || tiff.Length < 2)
            return 1;
        var entries = tiff[(int)start..];
        int count = Read16(entries, isLittle);
        entries = entries[2..];
        for (var i = 0; i < count && entries.Length >= 12; i++, entries = entries[12..])
        {
            if (Read16(entries, isLittle) == 0x0112)
                return Read16(entries[8..], isLittle);
        }

        return 1;
    }

    private static ushort Read16(ReadOnlySpan<byte> bytes, bool isLittle) => isLittle ? BinaryPrimitives.ReadUInt16LittleEndian(bytes) : BinaryPrimitives.ReadUInt16BigEndian(bytes);

    private static uint Read32(ReadOnlySpan<byte> bytes, bool isLittle) => isLittle ? BinaryPrimitives.ReadUInt32LittleEndian(bytes) : BinaryPrimitives.ReadUInt32BigEndian(bytes);
}
