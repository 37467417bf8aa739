using System.Text;
using System.Text.Json;
using Pairwise.Crypto;
using Pairwise.TestKit;
using Pairwise.Wire;

namespace Pairwise.Ratchet.Tests;

/// <summary>The X3DH parameters as they are sent: the e2eRatchetParams records of agent_messages.json, and hostile input.</summary>
public sealed class E2ERatchetParamsTests
{
    private static readonly VectorFile File = VectorFile.Load("agent_messages.json");

    [Fact]
    public void All_records_about_ratchet_parameters_come_out_as_the_reference_has_them()
    {
        var checkedRecords = 0;
        foreach (var record in File.Records.Where(record => record.Kind.StartsWith("e2eRatchetParams", StringComparison.Ordinal)))
        {
            checkedRecords++;
            switch (record.Kind)
            {
                case "e2eRatchetParams":
                    CheckParams(record);
                    break;
                case "e2eRatchetParamsError":
                    Assert.Equal("error", record.String("decode"));
                    Assert.False(E2ERatchetParams.TryDecode(record.Bytes("input"), out _), record.Name);
                    break;
                case "e2eRatchetParamsUri":
                    CheckUri(record);
                    break;
                default:
                    Assert.Fail($"unknown kind {record.Kind}");
                    break;
            }
        }

        Assert.Equal(File.Records.Count(record => record.Kind.Contains("RatchetParams", StringComparison.Ordinal)), checkedRecords);
        Assert.NotEqual(0, checkedRecords);
    }

    [Fact]
    public void Parameters_of_a_link_are_found_in_any_order_and_the_first_of_a_name_counts()
    {
        var text = File.OfKind("e2eRatchetParamsUri").First(record => record.Name == "v2-3 with KEM").String("encodedText");
        var expected = Parse(text);
        var parts = text.Split('&');
        Assert.Equal(3, parts.Length);
        Assert.Equal(expected, Parse(string.Join('&', parts.Reverse())));
        Assert.Equal(expected, Parse($"x=1&{text}&v=9"));
        Assert.Equal(expected, Parse(text.Replace("=&", "%3D&", StringComparison.Ordinal).Replace(",", "%2C", StringComparison.Ordinal)));

        Assert.False(TryParse($"{parts[0]}&{parts[2]}", out _));
        Assert.False(TryParse($"{parts[1]}&{parts[2]}", out _));
        Assert.False(TryParse($"{parts[0]}&{parts[1]}&kem_key=AAAA", out _));
        Assert.False(TryParse($"{parts[0]}&{parts[1].Split(',')[0]}&{parts[2]}", out _));
        Assert.False(TryParse($"v=3-2&{parts[1]}&{parts[2]}", out _));
        Assert.False(TryParse($"{text} ", out _));
    }

    [Fact]
    public void The_version_agreed_on_is_the_newest_common_one()
    {
        var offered = Parse(File.OfKind("e2eRatchetParamsUri").First(record => record.Name == "v2-3 with KEM").String("encodedText"));
        Assert.True(offered.TryAgree(new VersionRange(1, 2), out var older));
        Assert.Equal(E2EVersions.KdfX3dh, older.Version);
        Assert.True(offered.TryAgree(new VersionRange(3, 9), out var newer));
        Assert.Equal(E2EVersions.PostQuantum, newer.Version);
        Assert.False(offered.TryAgree(new VersionRange(4, 9), out _));
    }

    [Fact]
    public void No_input_makes_a_parser_throw()
    {
        const int seed = 7611;
        var random = new SeededRandom(seed);
        var binary = File.OfKind("e2eRatchetParams").Select(record => record.Bytes("encoded")).ToArray();
        var uris = File.OfKind("e2eRatchetParamsUri").Select(record => record.Bytes("encodedBinary")).ToArray();
        var texts = File.OfKind("e2eRatchetParamsUri").Select(record => Encoding.UTF8.GetBytes(record.String("encodedText"))).ToArray();
        for (var round = 0; round < 2_000; round++)
        {
            ReadOnlySpan<byte> hostile = Hostile.Mutate(random, binary);
            if (E2ERatchetParams.TryDecode(hostile, out var parameters))
                Assert.True(hostile.SequenceEqual(parameters.Encode()), $"seed {seed}, round {round}");
            hostile = Hostile.Mutate(random, uris);
            if (E2ERatchetParamsUri.TryDecode(hostile, out var uri))
                Assert.True(hostile.SequenceEqual(uri.Encode()), $"seed {seed}, round {round}");
            hostile = Hostile.Mutate(random, texts);
            if (E2ERatchetParamsUri.TryParse(hostile, out var parsed))
                Assert.Equal(parsed, Parse(parsed.ToText()));
        }
    }

    private static void CheckParams(VectorRecord record)
    {
        var encoded = record.Bytes("encoded");
        Assert.True(E2ERatchetParams.TryDecode(encoded, out var parameters), record.Name);
        Compare(record["params"], parameters.Version, parameters.Key1, parameters.Key2, parameters.Kem);
        Assert.Equal(encoded, parameters.Encode());
        Assert.Equal(encoded.Length, parameters.EncodedLength);
        for (var length = 0; length < encoded.Length; length++)
            Assert.False(E2ERatchetParams.TryDecode(encoded.AsSpan(0, length), out _), $"{record.Name} cut at {length}");
    }

    private static void CheckUri(VectorRecord record)
    {
        var range = record["versionRange"];
        var versions = new VersionRange((ushort)range.GetProperty("min").GetInt32(), (ushort)range.GetProperty("max").GetInt32());
        var text = record.String("encodedText");
        var fromText = Parse(text);
        Assert.Equal(versions, fromText.Versions);
        Compare(record["params"], new E2EVersion(versions.Max), fromText.Key1, fromText.Key2, fromText.Kem);
        Assert.Equal(text, fromText.ToText());

        var encoded = record.Bytes("encodedBinary");
        Assert.True(E2ERatchetParamsUri.TryDecode(encoded, out var fromBinary), record.Name);
        Assert.Equal(fromText, fromBinary);
        Assert.Equal(encoded, fromText.Encode());
        for (var length = 0; length < encoded.Length; length++)
            Assert.False(E2ERatchetParamsUri.TryDecode(encoded.AsSpan(0, length), out _), $"{record.Name} cut at {length}");
    }

    private static void Compare(JsonElement expected, E2EVersion version, X448PublicKey key1, X448PublicKey key2, KemParameters? kem)
    {
        Assert.Equal(expected.GetProperty("version").GetInt32(), version.Value);
        Assert.Equal(expected.Bytes("key1Raw"), key1.Raw.ToArray());
        Assert.Equal(expected.Bytes("key2Raw"), key2.Raw.ToArray());
        Assert.Equal(expected.Has("kem"), kem is not null);
        if (kem is null)
            return;
        var expectedKem = expected.GetProperty("kem");
        Assert.Equal(expectedKem.Bytes("publicKey"), kem.PublicKey.Raw.ToArray());
        Assert.Equal(expectedKem.GetProperty("mode").GetString() == "accepted", kem is KemParameters.Accepted);
        if (kem is KemParameters.Accepted accepted)
            Assert.Equal(expectedKem.Bytes("ciphertext"), accepted.Ciphertext.Raw.ToArray());
    }

    private static E2ERatchetParamsUri Parse(string text)
    {
        Assert.True(TryParse(text, out var parsed), text);
        return parsed!;
    }

    private static bool TryParse(string text, out E2ERatchetParamsUri? parsed) =>
        E2ERatchetParamsUri.TryParse(Encoding.UTF8.GetBytes(text), out parsed);
}
