using Pairwise.TestKit;

namespace Pairwise.Wire.Tests;

/// <summary>What holds for any bytes: reading never throws and never moves on failure, writing and reading are inverse.</summary>
public sealed class WirePropertyTests
{
    private readonly SeededRandom _random = SeededRandom.Usual();
    private readonly ITestOutputHelper _output;

    public WirePropertyTests(ITestOutputHelper output)
    {
        _output = output;
        _output.WriteLine($"seed {_random.Seed}");
    }

    [Fact]
    public void What_is_written_is_read_back_and_nothing_else()
    {
        var buffer = new byte[70_000];
        for (var round = 0; round < 2_000; round++)
        {
            var expected = new List<(int Kind, byte[] Bytes)>();
            var writer = new WireWriter(buffer);
            for (var i = _random.Next(8); i >= 0; i--)
            {
                var kind = _random.Next(9);
                var value = _random.NextBytes(kind switch { 0 => 1, 1 => 2, 2 => 4, 3 => 8, 4 => _random.Next(256), 5 => _random.Next(3000), _ => 1 });
                expected.Add((kind, value));
                Write(ref writer, kind, value);
            }

            var reader = new WireReader(writer.WrittenSpan);
            foreach (var (kind, value) in expected)
                Assert.Equal(Convert.ToHexString(kind >= 6 ? [(byte)(value[0] & 1)] : value), Convert.ToHexString(ReadBack(ref reader, kind)));
            Assert.True(reader.IsAtEnd);
        }
    }

    [Fact]
    public void Reading_any_bytes_never_throws_and_a_failed_read_does_not_move()
    {
        for (var round = 0; round < 20_000; round++)
        {
            var input = _random.NextBytes(_random.Next(40));
            var reader = new WireReader(input);
            for (var step = 0; step < 20; step++)
            {
                var before = reader.Position;
                var isRead = _random.Next(14) switch
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
                    10 => reader.TryReadTag("A"u8),
                    11 => reader.TryReadBytes(_random.Next(10) - 2, out _),
                    12 => VersionRange.TryRead(ref reader, out _),
                    _ => reader.TryReadWord(out _),
                };
                if (!isRead)
                    Assert.Equal(before, reader.Position);
                Assert.Equal(input.Length, reader.Position + reader.Remaining);
            }
        }
    }

    [Fact]
    public void Texts_of_any_bytes_never_throw_and_accepted_ones_are_canonical()
    {
        ReadOnlySpan<byte> alphabet = "ABab019-_=+/ \n.TZ:"u8;
        for (var round = 0; round < 50_000; round++)
        {
            var text = new byte[_random.Next(12)];
            for (var i = 0; i < text.Length; i++)
                text[i] = _random.Next(10) == 0 ? (byte)_random.Next(256) : alphabet[_random.Next(alphabet.Length)];
            if (TextEncoding.TryFromBase64Url(text, out var bytes))
                Assert.Equal(System.Text.Encoding.ASCII.GetString(text).TrimEnd('='), TextEncoding.ToBase64UrlUnpadded(bytes));
            Assert.Equal(text.Length > 0 && text.All(c => c is >= (byte)'0' and <= (byte)'9'), TextEncoding.TryParseUInt64(text, out _));
            if (VersionRange.TryParse(text, out var range))
                Assert.True(range.Min <= range.Max);
            if (UtcTimestamp.TryParse(text, out var time))
                Assert.EndsWith("Z", time.ToString(), StringComparison.Ordinal);
            if (TextEncoding.TryDecodeUtf8(text, out var decoded))
                Assert.Equal(text, System.Text.Encoding.UTF8.GetBytes(decoded));
        }
    }

    [Fact]
    public void Base64url_and_bytes_are_inverse()
    {
        for (var length = 0; length < 200; length++)
        {
            var bytes = _random.NextBytes(length);
            Assert.True(TextEncoding.TryFromBase64Url(TextEncoding.ToBase64Url(bytes), out var padded));
            Assert.True(TextEncoding.TryFromBase64Url(TextEncoding.ToBase64UrlUnpadded(bytes), out var unpadded));
            Assert.Equal(bytes, padded);
            Assert.Equal(bytes, unpadded);
        }
    }

    [Fact]
    public void Padding_and_unpadding_are_inverse_and_work_in_place()
    {
        for (var round = 0; round < 1_000; round++)
        {
            var message = _random.NextBytes(_random.Next(300));
            var paddedLength = message.Length + _random.Next(5);
            var padded = new byte[paddedLength];
            var fits = Padding.TryPad(message, padded);
            Assert.Equal(Padding.Fits(message.Length, paddedLength), fits);
            if (!fits)
            {
                Assert.Throws<ArgumentException>(() => Padding.Pad(message, paddedLength));
                continue;
            }

            Assert.True(Padding.TryUnpad(padded, out var unpadded));
            Assert.Equal(message, unpadded.ToArray());

            var inPlace = new byte[paddedLength];
            message.CopyTo(inPlace, 0);
            Assert.True(Padding.TryPad(inPlace.AsSpan(0, message.Length), inPlace));
            Assert.Equal(padded, inPlace);
        }
    }

    [Fact]
    public void Times_come_back_as_they_were_written()
    {
        foreach (var text in new[] { "2026-11-21T09:00:00Z", "2026-11-21T09:00:00.1Z", "2026-02-28T23:59:59.999999999999Z", "0001-01-01T00:00:00.0000001Z" })
        {
            Assert.True(UtcTimestamp.TryParse(System.Text.Encoding.ASCII.GetBytes(text), out var time));
            Assert.Equal(text, time.ToString());
        }

        foreach (var text in new[] { "", "Z", "2026-11-21T09:00:00", "2026-13-21T09:00:00Z", "2026-02-29T09:00:00Z", "2026-11-21T09:00:00.Z", "2026-11-21T09:00:00.1234567890123Z", "2026-11-21 09:00:00Z" })
            Assert.False(UtcTimestamp.TryParse(System.Text.Encoding.ASCII.GetBytes(text), out _));
    }

    [Fact]
    public void Bytes_compare_by_content_and_print_their_length_only()
    {
        var array = new byte[] { 1, 2, 3 };
        Assert.Equal(Bytes.CopyOf(array), Bytes.Wrap(array.AsMemory()));
        Assert.Equal(Bytes.CopyOf(array).GetHashCode(), Bytes.Wrap(array).GetHashCode());
        Assert.True(Bytes.CopyOf(array) != Bytes.CopyOf([1, 2, 4]));
        Assert.True(Bytes.Empty == Bytes.CopyOf([]));
        Assert.Equal("3 bytes", Bytes.Wrap(array).ToString());
        var copy = Bytes.CopyOf(array);
        array[0] = 9;
        Assert.Equal(1, copy.Span[0]);
    }

    [Fact]
    public void Writing_too_much_is_the_callers_mistake()
    {
        Assert.ThrowsAny<ArgumentException>(() => { var writer = new WireWriter(new byte[1]); writer.WriteUInt16(1); });
        Assert.ThrowsAny<ArgumentException>(() => { var writer = new WireWriter(new byte[300]); writer.WriteShort(new byte[256]); });
        Assert.ThrowsAny<ArgumentException>(() => { var writer = new WireWriter(new byte[70_000]); writer.WriteLarge(new byte[65_536]); });
        Assert.ThrowsAny<ArgumentException>(() => { var writer = new WireWriter(new byte[10]); writer.WriteListCount(256); });
        Assert.ThrowsAny<ArgumentException>(() => { var writer = new WireWriter(new byte[300]); var mark = writer.BeginShort(); writer.Reserve(256); writer.EndShort(mark); });
    }

    private static void Write(ref WireWriter writer, int kind, byte[] value)
    {
        switch (kind)
        {
            case 4:
                writer.WriteShort(value);
                break;
            case 5:
                var mark = writer.BeginLarge();
                writer.WriteBytes(value);
                writer.EndLarge(mark);
                break;
            case 6:
                writer.WriteBool((value[0] & 1) != 0);
                break;
            case >= 7:
                writer.WriteMaybe((value[0] & 1) != 0);
                break;
            default:
                writer.WriteBytes(value);
                break;
        }
    }

    private static byte[] ReadBack(ref WireReader reader, int kind)
    {
        switch (kind)
        {
            case 0:
                Assert.True(reader.TryReadByte(out var one));
                return [one];
            case 1:
                Assert.True(reader.TryReadUInt16(out var two));
                return [(byte)(two >> 8), unchecked((byte)two)];
            case 2:
                Assert.True(reader.TryReadUInt32(out var four));
                return Convert.FromHexString(four.ToString("x8", null));
            case 3:
                Assert.True(reader.TryReadInt64(out var eight));
                return Convert.FromHexString(eight.ToString("x16", null));
            case 4:
                Assert.True(reader.TryReadShort(out var shortString));
                return shortString.ToArray();
            case 5:
                Assert.True(reader.TryReadLarge(out var largeString));
                return largeString.ToArray();
            case 6:
                Assert.True(reader.TryReadBool(out var flag));
                return [flag ? (byte)1 : (byte)0];
            default:
                Assert.True(reader.TryReadMaybe(out var isPresent));
                return [isPresent ? (byte)1 : (byte)0];
        }
    }
}
