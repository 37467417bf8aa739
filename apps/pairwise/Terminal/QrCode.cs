using System.Text;
using QRCoder;

namespace Pairwise.Terminal;

/// <summary>
/// Draws a link as a QR code in half blocks: two modules a character, with the quiet zone of four modules around it
/// (ISO/IEC 18004), or as much of it as the columns leave; readers do with one.
/// </summary>
internal static class QrCode
{
    private const int MostCropped = 3;

    /// <summary>The rows of the code for a light-on-dark terminal, or null when it would not fit into the columns.</summary>
    public static IReadOnlyList<string>? TryDraw(string text, int columns)
    {
        if (Encoding.UTF8.GetByteCount(text) > 2900) return null;
        using var generator = new QRCodeGenerator();
        using var code = generator.CreateQrCode(text, QRCodeGenerator.ECCLevel.L);
        var modules = code.ModuleMatrix;
        var cropped = Math.Max(0, (modules.Count - columns + 1) / 2);
        if (cropped > MostCropped) return null;

        var end = modules.Count - cropped;
        var rows = new List<string>();
        for (var y = cropped; y < end; y += 2)
        {
            var row = new StringBuilder(columns);
            for (var x = cropped; x < end; x++)
            {
                var upperIsLight = !modules[y][x];
                var lowerIsLight = y + 1 >= end || !modules[y + 1][x];
                row.Append((upperIsLight, lowerIsLight) switch
                {
                    (true, true) => '\u2588',
                    (true, false) => '\u2580',
                    (false, true) => '\u2584',
                    _ => ' ',
                });
            }

            rows.Add(row.ToString());
        }

        return rows;
    }
}
