using System.Buffers.Binary;

namespace Pairwise.Chat.Images;

/// <summary>A JPEG picture while it is read: tables, and the coefficients of all blocks as far as scans have told them.</summary>
internal sealed class JpegPicture
{
    private readonly ushort[]?[] _quantization = new ushort[4][];
    private readonly JpegHuffman?[] _dc = new JpegHuffman[4];
    private readonly JpegHuffman?[] _ac = new JpegHuffman[4];
    private Component[] _components = [];
    private int _width;
    private int _height;
    private int _maxAcross = 1;
    private int _maxDown = 1;
    private bool _isProgressive;

    public bool HasScan { get; private set; }

    public int RestartInterval { get; set; }

    public int Orientation { get; set; } = 1;

    /// <summary>What the colours of a picture by that company's rules are; null when it says nothing.</summary>
    public int? AdobeTransform { get; set; }

    // frame = precision height width count *(id sampling table)
    public bool TryReadFrame(ReadOnlySpan<byte> content, bool isProgressive, long maxBlocks)
    {
        if (_components.Length > 0 || content.Length < 6 || content[0] != 8)
            return false;
        _height = BinaryPrimitives.ReadUInt16BigEndian(content[1..]);
        _width = BinaryPrimitives.ReadUInt16BigEndian(content[3..]);
        var count = content[5];
        if (_width == 0 || _height == 0 || (long)_width * _height > Raster.MaxPoints || count is not (1 or 3 or 4) || content.Length < 6 + (3 * count))
            return false;
        var components = new Component[count];
        for (var i = 0; i < count; i++)
        {
            var entry = content[(6 + (3 * i))..];
            components[i] = new Component(entry[0], entry[1] >> 4, entry[1] & 15, entry[2]);
            if (components[i].Across is < 1 or > 4 || components[i].Down is < 1 or > 4 || components[i].Table > 3)
                return false;
        }

        _isProgressive = isProgressive;
        _maxAcross = components.Max(static component => component.Across);
        _maxDown = components.Max(static component => component.Down);
        var (unitsAcross, unitsDown) = (Divide(_width, 8 * _maxAcross), Divide(_height, 8 * _maxDown));
        if (components.Sum(component => (long)unitsAcross * component.Across * unitsDown * component.Down) > maxBlocks)
            return false;
        foreach (var component in components)
        {
            component.BlocksAcross = unitsAcross * component.Across;
            component.BlocksDown = unitsDown * component.Down;
            component.OwnAcross = Divide(Divide(_width * component.Across, _maxAcross), 8);
            component.OwnDown = Divide(Divide(_height * component.Down, _maxDown), 8);
            component.Coefficients = new short[component.BlocksAcross * component.BlocksDown * 64];
        }

        _components = components;
        return true;
    }

    // tables = 1*(kind:4 number:4, 16 counts, values)
    public bool TryReadHuffman(ReadOnlySpan<byte> content)
    {
        while (content.Length >= 17)
        {
            var (kind, number) = (content[0] >> 4, content[0] & 15);
            var counts = content.Slice(1, 16);
            var total = 0;
            foreach (var count in counts)
                total += count;
            if (kind > 1 || number > 3 || total > 256 || content.Length < 17 + total)
                return false;
            (kind == 0 ? _dc : _ac)[number] = new JpegHuffman(counts, content.Slice(17, total));
            content = content[(17 + total)..];
        }

        return content.IsEmpty;
    }

    // tables = 1*(precision:4 number:4, 64 steps of one or two bytes)
    public bool TryReadQuantization(ReadOnlySpan<byte> content)
    {
        while (!content.IsEmpty)
        {
            var (isWide, number) = (content[0] >> 4 != 0, content[0] & 15);
            var length = isWide ? 128 : 64;
            if (number > 3 || content.Length < 1 + length)
                return false;
            var table = new ushort[64];
            for (var i = 0; i < 64; i++)
                table[JpegTables.ZigZag[i]] = isWide ? BinaryPrimitives.ReadUInt16BigEndian(content[(1 + (2 * i))..]) : content[1 + i];
            _quantization[number] = table;
            content = content[(1 + length)..];
        }

        return true;
    }

    // scan = count *(id tables) first last (high:4 low:4), then bits
    public bool TryReadScan(ReadOnlySpan<byte> header, ReadOnlySpan<byte> data, out int read)
    {
        read = 0;
        if (_components.Length == 0 || header.Length < 1 || header[0] is < 1 or > 4 || header.Length < 4 + (2 * header[0]))
            return false;
        int count = header[0];
        var chosen = new Component[count];
        for (var i = 0; i < count; i++)
        {
            var (id, tables) = (header[1 + (2 * i)], header[2 + (2 * i)]);
            if (Array.Find(_components, component => component.Id == id) is not { } component || (tables >> 4) > 3 || (tables & 15) > 3)
                return false;
            component.Dc = _dc[tables >> 4];
            component.Ac = _ac[tables & 15];
            component.Previous = 0;
            chosen[i] = component;
        }

        var tail = header[(1 + (2 * count))..];
        var band = _isProgressive ? new JpegBand(tail[0], tail[1], tail[2] >> 4, tail[2] & 15) : new JpegBand(0, 63, 0, 0);
        if (band.First > band.Last || band.Last > 63 || band.Low > 13 || (band.First > 0 && count > 1))
            return false;
        var bits = new JpegBits(data);
        var isWhole = ReadUnits(chosen, band, ref bits);
        read = bits.Position;
        HasScan = true;
        return isWhole;
    }

    /// <summary>The points.</summary>
    public Raster Paint(int smallest)
    {
        var scale = Math.Min(_width, _height) / 8 >= smallest ? 8 : 1;
        var planes = _components.Select(component => component.Paint(_quantization[component.Table] ?? Flat, scale)).ToArray();
        var raster = new Raster(Divide(_width, scale), Divide(_height, scale));
        Span<byte> values = stackalloc byte[4];
        for (var y = 0; y < raster.Height; y++)
        {
            for (var x = 0; x < raster.Width; x++)
            {
                for (var i = 0; i < planes.Length; i++)
                {
                    var component = _components[i];
                    values[i] = planes[i][(y * component.Down / _maxDown * (component.BlocksAcross * 8 / scale)) + (x * component.Across / _maxAcross)];
                }

                Paint(raster, x, y, values[..planes.Length]);
            }
        }

        return raster;
    }

    private static ushort[] Flat { get; } = [.. Enumerable.Repeat((ushort)1, 64)];

    private static int Divide(int length, int part) => (length + part - 1) / part;

    private bool ReadUnits(Component[] chosen, JpegBand band, ref JpegBits bits)
    {
        // One component alone comes block by block; several come in units that hold the blocks of each.
        var isAlone = chosen.Length == 1;
        var (across, down) = isAlone ? (chosen[0].OwnAcross, chosen[0].OwnDown) : (chosen[0].BlocksAcross / chosen[0].Across, chosen[0].BlocksDown / chosen[0].Down);
        for (var unit = 0; unit < across * down; unit++)
        {
            if (RestartInterval > 0 && unit > 0 && unit % RestartInterval == 0)
            {
                bits.Restart();
                band.RunOfEnds = 0;
                foreach (var component in chosen)
                    component.Previous = 0;
            }

            foreach (var component in chosen)
            {
                var (wide, high) = isAlone ? (1, 1) : (component.Across, component.Down);
                for (var i = 0; i < wide * high; i++)
                {
                    var row = (unit / across * high) + (i / wide);
                    var column = (unit % across * wide) + (i % wide);
                    if (!TryReadBlock(component, band, component.Coefficients.AsSpan(((row * component.BlocksAcross) + column) * 64, 64), ref bits))
                        return false;
                }
            }

            if (bits.IsAtEnd && unit + 1 < across * down && RestartInterval == 0)
                return false;
        }

        return true;
    }

    private bool TryReadBlock(Component component, JpegBand band, Span<short> block, ref JpegBits bits)
    {
        if (!_isProgressive)
            return component is { Dc: { } first, Ac: { } others } && TryReadDc(component, first, 0, block, ref bits) && band.TryReadAc(others, 1, block, ref bits);
        if (band.First == 0)
        {
            if (band.High == 0)
                return component.Dc is { } table && TryReadDc(component, table, band.Low, block, ref bits);
            block[0] |= (short)(bits.Next() << band.Low);
            return true;
        }

        return component.Ac is { } ac && (band.High == 0 ? band.TryReadAc(ac, band.First, block, ref bits) : band.TryRefineAc(ac, block, ref bits));
    }

    private static bool TryReadDc(Component component, JpegHuffman table, int low, Span<short> block, ref JpegBits bits)
    {
        var length = table.Read(ref bits);
        if (length is < 0 or > 15)
            return false;
        component.Previous = unchecked((short)(component.Previous + bits.TakeSigned(length)));
        block[0] = unchecked((short)(component.Previous << low));
        return true;
    }

    private void Paint(Raster raster, int x, int y, ReadOnlySpan<byte> values)
    {
        if (values.Length == 1)
        {
            raster.Set(x, y, values[0], values[0], values[0]);
            return;
        }

        var isPlain = AdobeTransform == 0;
        var (red, green, blue) = isPlain ? (values[0], values[1], values[2]) : FromYCbCr(values);
        if (values.Length == 4)
        {
            // Inks, told inverted by those who make such pictures.
            var black = values[3];
            (red, green, blue) = ((byte)(red * black / 255), (byte)(green * black / 255), (byte)(blue * black / 255));
        }

        raster.Set(x, y, red, green, blue);
    }

    private static (byte Red, byte Green, byte Blue) FromYCbCr(ReadOnlySpan<byte> values)
    {
        float light = values[0], blueness = values[1] - 128f, redness = values[2] - 128f;
        return (Byte(light + (1.402f * redness)), Byte(light - (0.344136f * blueness) - (0.714136f * redness)), Byte(light + (1.772f * blueness)));
    }

    private static byte Byte(float value) => (byte)Math.Clamp(value + 0.5f, 0, 255);

    /// <summary>One colour of the picture.</summary>
    private sealed class Component(byte id, int across, int down, byte table)
    {
        public byte Id { get; } = id;

        /// <summary>Blocks of it in a unit.</summary>
        public int Across { get; } = across;

        public int Down { get; } = down;

        public byte Table { get; } = table;

        public int BlocksAcross { get; set; }

        public int BlocksDown { get; set; }

        /// <summary>Blocks that hold points of the picture, without those that only fill up units.</summary>
        public int OwnAcross { get; set; }

        public int OwnDown { get; set; }

        public short[] Coefficients { get; set; } = [];

        public JpegHuffman? Dc { get; set; }

        public JpegHuffman? Ac { get; set; }

        public short Previous { get; set; }

        public byte[] Paint(ushort[] steps, int scale)
        {
            var side = 8 / scale;
            var width = BlocksAcross * side;
            var plane = new byte[width * BlocksDown * side];
            Span<float> rows = stackalloc float[64];
            for (var block = 0; block < BlocksAcross * BlocksDown; block++)
            {
                var coefficients = Coefficients.AsSpan(block * 64, 64);
                var start = (block / BlocksAcross * side * width) + (block % BlocksAcross * side);
                if (scale == 8)
                {
                    plane[start] = Byte((coefficients[0] * steps[0] / 8f) + 128);
                    continue;
                }

                Transform(coefficients, steps, rows, plane.AsSpan(start), width);
            }

            return plane;
        }

        // The inverse cosine transform, rows first.
        private static void Transform(ReadOnlySpan<short> coefficients, ushort[] steps, Span<float> rows, Span<byte> plane, int width)
        {
            var cosines = JpegTables.Cosines;
            for (var v = 0; v < 8; v++)
            {
                for (var x = 0; x < 8; x++)
                {
                    var sum = 0f;
                    for (var u = 0; u < 8; u++)
                        sum += coefficients[(v * 8) + u] * steps[(v * 8) + u] * cosines[(x * 8) + u];
                    rows[(v * 8) + x] = sum;
                }
            }

            for (var y = 0; y < 8; y++)
            {
                for (var x = 0; x < 8; x++)
                {
                    var sum = 0f;
                    for (var v = 0; v < 8; v++)
                        sum += rows[(v * 8) + x] * cosines[(y * 8) + v];
                    plane[(y * width) + x] = Byte(sum + 128);
                }
            }
        }
    }
}
