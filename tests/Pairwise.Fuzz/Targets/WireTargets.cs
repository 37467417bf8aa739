using System.Text;
using Pairwise.Wire;

namespace Pairwise.Fuzz;

/// <summary>Primitive encodings.</summary>
internal static class WireTargets
{
    public static IReadOnlyList<FuzzTarget> All { get; } =
    [
        new("wire version range", [typeof(VersionRange)], Seeds, input =>
        {
            var reader = new WireReader(input);
            return VersionRange.TryRead(ref reader, out _) | VersionRange.TryParse(input, out _);
        }),
        new("wire texts", [typeof(TextEncoding), typeof(UtcTimestamp)], Seeds, input =>
            TextEncoding.TryFromBase64Url(input, out _)
            | TextEncoding.TryFromBase64Url(Encoding.UTF8.GetString(input), out _)
            | TextEncoding.TryParseUInt16(input, out _)
            | TextEncoding.TryParseUInt32(input, out _)
            | TextEncoding.TryParseUInt64(input, out _)
            | TextEncoding.TryParseInt64(input, out _)
            | TextEncoding.TryDecodeUtf8(input, out _)
            | UtcTimestamp.TryParse(input, out _)),
        new("wire padding", [], Seeds, input => Padding.TryUnpad(input, out _)),
        new("wire reader", [], Seeds, Walk),
    ];

    private static byte[][] Seeds() => Corpus.Of(Corpus.Bytes("encoding.json"), Corpus.Texts("encoding.json"), Corpus.Bytes("crypto.json", "padded"));

    // The input says itself which reads to try.
    private static bool Walk(byte[] input)
    {
        var reader = new WireReader(input);
        for (var steps = 0; !reader.IsAtEnd && steps < 1000; steps++)
        {
            var before = reader.Position;
            var isRead = (reader.Rest[0] % 12) switch
            {
                0 => reader.TryReadByte(out _),
                1 => reader.TryReadUInt16(out _),
                2 => reader.TryReadUInt32(out _),
                3 => reader.TryReadInt64(out _),
                4 => reader.TryReadShort(out _),
                5 => reader.TryReadLarge(out _),
                6 => reader.TryReadBool(out _),
                7 => reader.TryReadMaybe(out _),
                8 => reader.TryReadListCount(out _),
                9 => reader.TryReadNonEmptyListCount(out _),
                10 => reader.TryReadBytes(unchecked((sbyte)reader.Rest[0]), out _),
                _ => reader.TryReadWord(out _) && reader.TryReadSpace(),
            };
            if (!isRead && reader.Position != before && reader.Rest.Length != 0)
            {
                reader = new WireReader(reader.Rest);
            }

            if (reader.Position == before)
            {
                reader.TryReadByte(out _);
            }
        }

        return true;
    }
}
