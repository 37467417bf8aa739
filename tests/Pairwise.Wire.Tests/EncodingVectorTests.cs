using System.Globalization;
using System.Text;
using System.Text.Json;
using Pairwise.TestKit;

namespace Pairwise.Wire.Tests;

/// <summary>Every record of encoding.json: binary forms through the reader and the writer, text forms through the parsers.</summary>
public sealed class EncodingVectorTests
{
    [Fact]
    public void All_records_of_encoding_json_hold() => VectorFile.Load("encoding.json").Check(
        record => $"{record.String("encoding")} {record.String("type")}",
        new Dictionary<string, Action<VectorRecord>>
        {
            ["binary Word16"] = Binary(ReadUInt16, (ref WireWriter w, JsonElement v) => w.WriteUInt16(v.GetUInt16())),
            ["binary Word32"] = Binary(ReadUInt32, (ref WireWriter w, JsonElement v) => w.WriteUInt32(v.GetUInt32())),
            ["binary Int64"] = Binary(ReadInt64, (ref WireWriter w, JsonElement v) => w.WriteInt64(Int64(v))),
            ["binary Char"] = Binary(ReadByte, (ref WireWriter w, JsonElement v) => w.WriteByte(v.GetByte())),
            ["binary Bool"] = Binary(ReadBool, (ref WireWriter w, JsonElement v) => w.WriteBool(v.GetBoolean())),
            ["binary ByteString"] = Binary(ReadShort, WriteShort),
            ["binary CorrId"] = Binary(ReadShort, WriteShort),
            ["binary EntityId"] = Binary(ReadShort, WriteShort),
            ["binary KeyHash"] = Binary(ReadShort, WriteShort),
            ["binary Text"] = Binary(ReadText, (ref WireWriter w, JsonElement v) => w.WriteShort(Encoding.UTF8.GetBytes(v.GetString()!))),
            ["binary Large"] = Binary(ReadLarge, (ref WireWriter w, JsonElement v) => w.WriteLarge(v.Bytes())),
            ["binary Tail"] = Binary(ReadTail, (ref WireWriter w, JsonElement v) => w.WriteBytes(v.Bytes())),
            ["binary Maybe ByteString"] = Binary(Maybe(ReadShort), Maybe(WriteShort)),
            ["binary Maybe Bool"] = Binary(Maybe(ReadBool), Maybe((ref WireWriter w, JsonElement v) => w.WriteBool(v.GetBoolean()))),
            ["binary Maybe Word16"] = Binary(Maybe(ReadUInt16), Maybe((ref WireWriter w, JsonElement v) => w.WriteUInt16(v.GetUInt16()))),
            ["binary Maybe (Maybe Bool)"] = MaybeMaybe,
            ["binary list of ByteString"] = Binary(List(ReadShort, isNonEmpty: false), List(WriteShort)),
            ["binary list of Word16"] = Binary(List(ReadUInt16, isNonEmpty: false), List((ref WireWriter w, JsonElement v) => w.WriteUInt16(v.GetUInt16()))),
            ["binary NonEmpty ByteString"] = Binary(List(ReadShort, isNonEmpty: true), List(WriteShort)),
            ["binary (Word16, ByteString, Bool, Maybe Char)"] = Binary(ReadTuple, WriteTuple),
            ["binary Version"] = Binary(ReadUInt16, (ref WireWriter w, JsonElement v) => w.WriteUInt16(v.GetUInt16())),
            ["binary VersionRange"] = Binary(ReadRange, (ref WireWriter w, JsonElement v) => Range(v).Write(ref w)),
            ["binary SystemTime"] = Binary(ReadSeconds, (ref WireWriter w, JsonElement v) => w.WriteInt64(v.GetProperty("seconds").GetInt64())),
            ["binary MsgFlags"] = VectorRecord.Elsewhere("Pairwise.Protocol.Tests.Smp.EncodingVectorTests"),
            ["binary SubscriptionMode"] = VectorRecord.Elsewhere("Pairwise.Protocol.Tests.Smp.EncodingVectorTests"),
            ["binary BasicAuth"] = VectorRecord.Elsewhere("Pairwise.Protocol.Tests.Smp.EncodingVectorTests"),
            // The reference writes this word into its own store, which nobody else reads.
            ["string SubscriptionMode"] = record => Assert.Contains(record.String("encoded"), new[] { "subscribe", "only-create" }),
            ["none compatibleVRange"] = Compatible,
            ["none compatibleVRange'"] = Capped,
            ["string ByteString"] = Base64Url,
            ["string KeyHash"] = Base64Url,
            ["string Word16"] = Text(ParseUInt16, v => v.GetUInt16().ToString(CultureInfo.InvariantCulture)),
            ["string Word32"] = Text(ParseUInt32, v => v.GetUInt32().ToString(CultureInfo.InvariantCulture)),
            ["string Int64"] = Text(ParseInt64, v => Int64(v).ToString(CultureInfo.InvariantCulture)),
            ["string Bool"] = Binary(ReadBool, (ref WireWriter w, JsonElement v) => w.WriteBool(v.GetBoolean())),
            ["string SystemTime"] = Text(ParseSeconds, v => v.GetProperty("seconds").GetInt64().ToString(CultureInfo.InvariantCulture)),
            ["string RoundedSystemTime"] = Text(ParseSeconds, v => v.GetProperty("seconds").GetInt64().ToString(CultureInfo.InvariantCulture)),
            ["string UTCTime"] = Text(ParseUtc, v => v.GetString()!),
            ["string Maybe Word16"] = Text(text => text.Length == 0 ? "null" : ParseUInt16(text), v => v.ValueKind == JsonValueKind.Null ? "" : v.GetRawText()),
            ["string NonEmpty Word16"] = Text(ParseUInt16List, JoinNumbers),
            ["string Set Word16"] = Text(ParseUInt16List, JoinNumbers),
            ["string IntSet"] = Text(ParseUInt16List, JoinNumbers),
            ["string NonEmpty ByteString"] = Text(ParseBytesList, v => string.Join(',', v.EnumerateArray().Select(i => TextEncoding.ToBase64Url(i.Bytes())))),
            ["string (Word16, ByteString, Bool)"] = TupleText,
            ["string Version"] = Text(ParseUInt16, v => v.GetRawText()),
            ["string VersionRange"] = Text(ParseRange, v => Range(v).ToString()),
        });

    private delegate string? Read(ref WireReader reader);

    private delegate void Write(ref WireWriter writer, JsonElement value);

    /// <summary>Reads the whole input and compares the value as JSON; writes the value and compares the bytes.</summary>
    private static Action<VectorRecord> Binary(Read read, Write write) => record =>
    {
        var isText = record.String("encoding") == "string";
        if (record.Has("encoded"))
        {
            var encoded = isText ? Encoding.UTF8.GetBytes(record.String("encoded")) : record.Bytes("encoded");
            var buffer = new byte[encoded.Length];
            var writer = new WireWriter(buffer);
            write(ref writer, record["value"]);
            Assert.Equal(encoded, writer.WrittenSpan.ToArray());
            Assert.Equal(JsonOf(record["value"]), Whole(read, encoded));
            for (var length = 0; length < encoded.Length; length++)
                AssertDiffers(JsonOf(record["value"]), Whole(read, encoded[..length]));
            return;
        }

        var result = Whole(read, record.Bytes("input"));
        if (record.String("decode") == "error")
            Assert.Null(result);
        else
            Assert.Equal(JsonOf(record["value"]), result);
    };

    private static void AssertDiffers(string value, string? other) => Assert.False(value == other);

    private static Action<VectorRecord> Text(Func<byte[], string?> parse, Func<JsonElement, string> format) => record =>
    {
        if (record.Has("encoded"))
        {
            Assert.Equal(record.String("encoded"), format(record["value"]));
            Assert.Equal(JsonOf(record["value"]), parse(Encoding.UTF8.GetBytes(record.String("encoded"))));
            return;
        }

        var parsed = parse(Encoding.UTF8.GetBytes(record.String("input")));
        if (record.String("decode") == "error")
            Assert.Null(parsed);
        else
            Assert.Equal(JsonOf(record["value"]), parsed);
    };

    private static string? Whole(Read read, byte[] input)
    {
        var reader = new WireReader(input);
        var value = read(ref reader);
        return reader.IsAtEnd ? value : null;
    }

    /// <summary>One spelling of a JSON value: times without what the encodings drop, texts without quotes.</summary>
    private static string JsonOf(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object when value.TryGetProperty("seconds", out var seconds) => seconds.GetRawText(),
        JsonValueKind.Object => string.Create(CultureInfo.InvariantCulture, $"{Range(value)}"),
        JsonValueKind.Array => string.Join(';', value.EnumerateArray().Select(JsonOf)),
        JsonValueKind.String => value.GetString()!,
        _ => value.GetRawText(),
    };

    private static string Hex(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(bytes);

    private static string Number(IFormattable value) => value.ToString(null, CultureInfo.InvariantCulture);

    private static long Int64(JsonElement value) => long.Parse(value.GetString()!, CultureInfo.InvariantCulture);

    private static VersionRange Range(JsonElement value) => new(value.GetProperty("min").GetUInt16(), value.GetProperty("max").GetUInt16());

    private static string? ReadUInt16(ref WireReader r) => r.TryReadUInt16(out var value) ? Number(value) : null;

    private static string? ReadUInt32(ref WireReader r) => r.TryReadUInt32(out var value) ? Number(value) : null;

    private static string? ReadInt64(ref WireReader r) => r.TryReadInt64(out var value) ? Number(value) : null;

    private static string? ReadSeconds(ref WireReader r) => ReadInt64(ref r);

    private static string? ReadByte(ref WireReader r) => r.TryReadByte(out var value) ? Number(value) : null;

    private static string? ReadBool(ref WireReader r) => r.TryReadBool(out var value) ? (value ? "true" : "false") : null;

    private static string? ReadShort(ref WireReader r) => r.TryReadShort(out var value) ? Hex(value) : null;

    private static string? ReadLarge(ref WireReader r) => r.TryReadLarge(out var value) ? Hex(value) : null;

    private static string? ReadTail(ref WireReader r) => Hex(r.ReadTail());

    private static string? ReadText(ref WireReader r) => r.TryReadShort(out var value) && TextEncoding.TryDecodeUtf8(value, out var text) ? text : null;

    private static string? ReadRange(ref WireReader r) => VersionRange.TryRead(ref r, out var range) ? range.ToString() : null;

    private static void WriteShort(ref WireWriter writer, JsonElement value) => writer.WriteShort(value.Bytes());

    private static Read Maybe(Read read) => (ref WireReader r) => r.TryReadMaybe(out var isPresent) ? (isPresent ? read(ref r) : "null") : null;

    private static Write Maybe(Write write) => (ref WireWriter w, JsonElement value) =>
    {
        w.WriteMaybe(value.ValueKind != JsonValueKind.Null);
        if (value.ValueKind != JsonValueKind.Null)
            write(ref w, value);
    };

    private static Read List(Read read, bool isNonEmpty) => (ref WireReader r) =>
    {
        if (!(isNonEmpty ? r.TryReadNonEmptyListCount(out var count) : r.TryReadListCount(out count)))
            return null;
        var items = new string[count];
        for (var i = 0; i < count; i++)
        {
            if (read(ref r) is not { } item)
                return null;
            items[i] = item;
        }

        return string.Join(';', items);
    };

    private static Write List(Write write) => (ref WireWriter w, JsonElement value) =>
    {
        w.WriteListCount(value.GetArrayLength());
        foreach (var item in value.EnumerateArray())
            write(ref w, item);
    };

    private static string? ReadTuple(ref WireReader r) =>
        ReadUInt16(ref r) is { } number && ReadShort(ref r) is { } bytes && ReadBool(ref r) is { } flag && Maybe(ReadByte)(ref r) is { } character
            ? string.Join(';', number, bytes, flag, character)
            : null;

    private static void WriteTuple(ref WireWriter writer, JsonElement value)
    {
        writer.WriteUInt16(value[0].GetUInt16());
        writer.WriteShort(value[1].Bytes());
        writer.WriteBool(value[2].GetBoolean());
        writer.WriteMaybe(true);
        writer.WriteByte(value[3].GetByte());
    }

    private static void MaybeMaybe(VectorRecord record)
    {
        var reader = new WireReader(record.Bytes("encoded"));
        Assert.Equal(JsonValueKind.Null, record["value"].GetProperty("some").ValueKind);
        Assert.True(reader.TryReadMaybe(out var isOuter) && isOuter);
        Assert.True(reader.TryReadMaybe(out var isInner) && !isInner && reader.IsAtEnd);
    }

    private static void Compatible(VectorRecord record)
    {
        var (ours, theirs) = (Range(record["ours"]), Range(record["theirs"]));
        var isCompatible = ours.TryIntersect(theirs, out var common);
        Assert.Equal(record.Has("commonRange"), isCompatible);
        Assert.Equal(isCompatible, theirs.TryIntersect(ours, out var mirrored));
        if (!isCompatible)
            return;
        Assert.Equal(Range(record["commonRange"]), common);
        Assert.Equal(common, mirrored);
        Assert.Equal(record.Int("commonVersion"), common.Max);
    }

    private static void Capped(VectorRecord record)
    {
        var isCapped = Range(record["range"]).TryCap((ushort)record.Int("cap"), out var capped);
        Assert.Equal(record.Has("result"), isCapped);
        if (isCapped)
            Assert.Equal(Range(record["result"]), capped);
    }

    private static void Base64Url(VectorRecord record)
    {
        if (record.Has("encoded"))
        {
            Assert.Equal(record.String("encoded"), TextEncoding.ToBase64Url(record.Bytes("value")));
            Assert.Equal(record.String("encoded").TrimEnd('='), TextEncoding.ToBase64UrlUnpadded(record.Bytes("value")));
            Assert.True(TextEncoding.TryFromBase64Url(record.String("encoded"), out var decoded));
            Assert.Equal(record.Bytes("value"), decoded);
            return;
        }

        var isDecoded = TextEncoding.TryFromBase64Url(record.String("input"), out var value);
        Assert.Equal(record["strDecode"].GetProperty("decode").GetString() == "ok", isDecoded);
        // The reference's parser inside longer texts wants at least one byte more than its decoder.
        Assert.Equal(record["parser"].GetProperty("decode").GetString() == "ok", isDecoded && value!.Length > 0);
        if (isDecoded)
            Assert.Equal(record["strDecode"].Bytes("value"), value);
    }

    private static string? ParseUInt16(byte[] text) => TextEncoding.TryParseUInt16(text, out var value) ? Number(value) : null;

    private static string? ParseUInt32(byte[] text) => TextEncoding.TryParseUInt32(text, out var value) ? Number(value) : null;

    private static string? ParseInt64(byte[] text) => TextEncoding.TryParseInt64(text, out var value) ? Number(value) : null;

    private static string? ParseSeconds(byte[] text) => ParseInt64(text);

    private static string? ParseRange(byte[] text) => VersionRange.TryParse(text, out var range) ? range.ToString() : null;

    private static string? ParseUtc(byte[] text) => UtcTimestamp.TryParse(text, out var time) ? time.ToString() : null;

    private static string? ParseUInt16List(byte[] text) =>
        text.Length == 0 ? "" : string.Join(';', Encoding.UTF8.GetString(text).Split(',').Select(item => ParseUInt16(Encoding.UTF8.GetBytes(item))));

    private static string? ParseBytesList(byte[] text) =>
        string.Join(';', Encoding.UTF8.GetString(text).Split(',').Select(item => TextEncoding.TryFromBase64Url(item, out var bytes) ? Hex(bytes) : "?"));

    private static string JoinNumbers(JsonElement value) => string.Join(',', value.EnumerateArray().Select(item => item.GetRawText()));

    private static void TupleText(VectorRecord record)
    {
        var reader = new WireReader(Encoding.UTF8.GetBytes(record.String("encoded")));
        Assert.True(reader.TryReadWord(out var number) && reader.TryReadSpace());
        Assert.True(reader.TryReadWord(out var bytes) && reader.TryReadSpace());
        Assert.True(reader.TryReadBool(out var flag) && reader.IsAtEnd);
        Assert.True(TextEncoding.TryParseUInt16(number, out var parsed));
        Assert.True(TextEncoding.TryFromBase64Url(bytes, out var decoded));
        Assert.Equal(record["value"][0].GetUInt16(), parsed);
        Assert.Equal(record["value"][1].Bytes(), decoded);
        Assert.Equal(record["value"][2].GetBoolean(), flag);
    }
}
