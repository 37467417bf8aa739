namespace Pairwise.Crypto;

/// <summary>
/// Byte forms of sntrup761's polynomials: small ones with four coefficients a byte, others as one mixed-radix number.
/// </summary>
/// <remarks>Decoding accepts any bytes of the right length, as the specification has it. No division is executed:
/// quotients by the public radices are products with their reciprocals.</remarks>
internal static class Sntrup761Codec
{
    private const int P = Sntrup761Ring.P;
    private const int Q = Sntrup761Lanes.Q;
    private const int HalfQ = Sntrup761Lanes.HalfQ;

    /// <summary>Bytes of a polynomial with coefficients -1, 0, 1.</summary>
    public const int SmallLength = 191;

    /// <summary>Bytes of a polynomial of R/q.</summary>
    public const int QuotientLength = 1158;

    /// <summary>Bytes of a polynomial of R/q whose coefficients are multiples of 3.</summary>
    public const int RoundedLength = 1007;

    /// <summary>16-bit numbers that encoding and decoding need as working memory.</summary>
    public const int ScratchLength = 2 * Sntrup761Ring.Length;

    private static readonly RadixTree QuotientTree = new(Q, QuotientLength);
    private static readonly RadixTree RoundedTree = new((Q + 2) / 3, RoundedLength);

    // small = 190*(c + 1 of four coefficients, two bits each, the first lowest) (c + 1 of the last)
    public static void EncodeSmall(ReadOnlySpan<short> polynomial, Span<byte> encoded)
    {
        unchecked
        {
            encoded = encoded[..SmallLength];
            for (var i = 0; i < SmallLength; i++)
            {
                var four = 0;
                for (var k = 0; k < 4; k++)
                {
                    // The buffer's last three coefficients stand for nothing: only the 761st is left in the last byte.
                    var coefficient = (4 * i) + k < P ? polynomial[(4 * i) + k] + 1 : 0;
                    four |= coefficient << (2 * k);
                }

                encoded[i] = (byte)four;
            }
        }
    }

    public static void DecodeSmall(ReadOnlySpan<byte> encoded, Span<short> polynomial)
    {
        unchecked
        {
            for (var i = 0; i < P; i++)
                polynomial[i] = (short)(((encoded[i / 4] >> (2 * (i % 4))) & 3) - 1);
            polynomial[P..].Clear();
        }
    }

    // quotient = mixed radix of c + 2295, each below 4591
    public static void EncodeQuotient(ReadOnlySpan<short> polynomial, Span<byte> encoded, Span<ushort> scratch)
    {
        unchecked
        {
            var digits = scratch[..P];
            for (var i = 0; i < P; i++)
                digits[i] = (ushort)(polynomial[i] + HalfQ);
            QuotientTree.Encode(digits, encoded);
        }
    }

    public static void DecodeQuotient(ReadOnlySpan<byte> encoded, Span<short> polynomial, Span<ushort> scratch)
    {
        unchecked
        {
            var digits = QuotientTree.Decode(encoded, scratch);
            for (var i = 0; i < P; i++)
                polynomial[i] = (short)(digits[i] - HalfQ);
            polynomial[P..].Clear();
        }
    }

    // rounded = mixed radix of (c + 2295) / 3, each below 1531
    public static void EncodeRounded(ReadOnlySpan<short> polynomial, Span<byte> encoded, Span<ushort> scratch)
    {
        unchecked
        {
            // 10923 is 2^15 / 3 rounded up, exact for these multiples of 3.
            var digits = scratch[..P];
            for (var i = 0; i < P; i++)
                digits[i] = (ushort)(((polynomial[i] + HalfQ) * 10923) >> 15);
            RoundedTree.Encode(digits, encoded);
        }
    }

    public static void DecodeRounded(ReadOnlySpan<byte> encoded, Span<short> polynomial, Span<ushort> scratch)
    {
        unchecked
        {
            var digits = RoundedTree.Decode(encoded, scratch);
            for (var i = 0; i < P; i++)
                polynomial[i] = (short)((digits[i] * 3) - HalfQ);
            polynomial[P..].Clear();
        }
    }

    /// <summary>
    /// Numbers of a list with equal radices are merged pairwise, low bytes given out while the merged radix is large,
    /// until one number is left (NTRU Prime specification, "Encode" and "Decode"). What happens depends on the radices
    /// alone, so it is laid out once.
    /// </summary>
    private sealed class RadixTree
    {
        // Above this, a merged number gives out its lowest byte.
        private const int Limit = 16384;

        private readonly Level[] _levels;
        private readonly int _lastBytes;
        private readonly int _lastOffset;
        private readonly Radix _lastRadix;

        public RadixTree(int radix, int length)
        {
            var levels = new List<Level>();
            var (count, common, last, offset) = (P, radix, radix, 0);
            while (count > 1)
            {
                var pairs = count / 2;
                var regular = Merge(common, common);
                var final = count % 2 == 0 ? Merge(common, last) : (Bytes: 0, Radix: last);
                levels.Add(new Level(count, new Radix(common), new Radix(last), regular.Bytes, final.Bytes, offset));
                var regularPairs = count % 2 == 0 ? pairs - 1 : pairs;
                offset += (regularPairs * regular.Bytes) + final.Bytes;
                (count, common, last) = ((count + 1) / 2, regular.Radix, final.Radix);
            }

            _levels = [.. levels];
            _lastRadix = new Radix(last);
            _lastOffset = offset;
            _lastBytes = length - offset;
        }

        /// <summary>Encodes the digits, which are overwritten.</summary>
        public void Encode(Span<ushort> digits, Span<byte> encoded)
        {
            unchecked
            {
                foreach (var level in _levels)
                {
                    var offset = level.Offset;
                    var pairs = level.Count / 2;
                    var radix = (uint)level.Common.Value;
                    for (var i = 0; i < pairs; i++)
                    {
                        var merged = digits[2 * i] + (digits[(2 * i) + 1] * radix);
                        var bytes = level.BytesOf(i);
                        for (var k = 0; k < bytes; k++)
                        {
                            encoded[offset++] = (byte)merged;
                            merged >>= 8;
                        }

                        digits[i] = (ushort)merged;
                    }

                    if (level.Count % 2 != 0)
                        digits[pairs] = digits[level.Count - 1];
                }

                uint last = digits[0];
                for (var k = 0; k < _lastBytes; k++)
                {
                    encoded[_lastOffset + k] = (byte)last;
                    last >>= 8;
                }
            }
        }

        /// <summary>Decodes into a part of the scratch memory.</summary>
        public Span<ushort> Decode(ReadOnlySpan<byte> encoded, Span<ushort> scratch)
        {
            unchecked
            {
                var current = scratch[..Sntrup761Ring.Length];
                var next = scratch[Sntrup761Ring.Length..];
                uint last = 0;
                for (var k = _lastBytes - 1; k >= 0; k--)
                    last = (last << 8) | encoded[_lastOffset + k];
                current[0] = (ushort)_lastRadix.Remainder(last, out _);

                for (var depth = _levels.Length - 1; depth >= 0; depth--)
                {
                    var level = _levels[depth];
                    var offset = level.Offset;
                    var pairs = level.Count / 2;
                    for (var i = 0; i < pairs; i++)
                    {
                        var bytes = level.BytesOf(i);
                        uint merged = current[i];
                        for (var k = bytes - 1; k >= 0; k--)
                            merged = (merged << 8) | encoded[offset + k];
                        offset += bytes;
                        next[2 * i] = (ushort)level.Common.Remainder(merged, out var quotient);
                        next[(2 * i) + 1] = (ushort)level.RadixOf((2 * i) + 1).Remainder(quotient, out _);
                    }

                    if (level.Count % 2 != 0)
                        next[level.Count - 1] = current[pairs];
                    var swapped = current;
                    current = next;
                    next = swapped;
                }

                return current[..P];
            }
        }

        private static (int Bytes, int Radix) Merge(int first, int second)
        {
            var (bytes, radix) = (0, first * second);
            while (radix >= Limit)
            {
                bytes++;
                radix = (radix + 255) >> 8;
            }

            return (bytes, radix);
        }

        /// <summary>One round of merging: <paramref name="count"/> numbers, all of one radix but the last.</summary>
        private sealed class Level(int count, Radix common, Radix last, int regularBytes, int finalBytes, int offset)
        {
            private readonly int _finalPair = count % 2 == 0 ? (count / 2) - 1 : -1;

            public int Count { get; } = count;

            public Radix Common { get; } = common;

            public int Offset { get; } = offset;

            public int BytesOf(int pair) => pair == _finalPair ? finalBytes : regularBytes;

            public Radix RadixOf(int index) => index == Count - 1 ? last : Common;
        }

        /// <summary>A public divisor below 2^14 with its reciprocal.</summary>
        private sealed class Radix(int value)
        {
            private readonly ulong _reciprocal = (ulong.MaxValue / (uint)value) + 1;

            public int Value { get; } = value;

            /// <summary>Exact for every 32-bit number: the error of the reciprocal stays below one part in 2^50.</summary>
            public uint Remainder(uint number, out uint quotient)
            {
                unchecked
                {
                    quotient = (uint)Math.BigMul(number, _reciprocal, out _);
                    return number - (quotient * (uint)Value);
                }
            }
        }
    }
}
