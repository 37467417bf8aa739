using System.Text;
using QRCoder;

namespace Pairwise.Terminal;

/// <summary>Draws a link as a QR code in half blocks: two modules a character, with the quiet zone that readers need.</summary>
internal static class QrCode
{
    /// <summary>The rows of the code for a light-on-dark terminal, or null when it would not fit into the columns.</summary>
    public static IReadOnlyList<string>? TryDraw(string text, int columns)
    {
        if (Encoding.UTF8.GetByteCount(text) > 2900) return null;
        using var generator = new QRCodeGenerator();
        using var code = generator.CreateQrCode(text, QRCodeGenerator.ECCLevel.L);
        var modules = code.ModuleMatrix;
        if (modules.Count > columns) return null;

        var rows = new List<string>();
        for (var y = 0; y < modules.Count; y += 2)
        {
            var row = new StringBuilder(modules.Count);
            for (var x = 0; x < modules.Count; x++)
            {
                var upperIsLight = !modules[y][x];
                var lowerIsLight = y + 1 >= modules.Count || !modules[y + 1][x];
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
