using System.Text;
using Pairwise.Crypto;
using Pairwise.Protocol.Smp;
using Pairwise.TestKit;

namespace Pairwise.Protocol.Tests.Smp;

/// <summary>The records of encoding.json that are parts of commands; the primitive ones are tested with the reader and the writer.</summary>
public sealed class EncodingVectorTests
{
    private static readonly Action<VectorRecord> Primitive = VectorRecord.Elsewhere("Pairwise.Wire.Tests.EncodingVectorTests");

    [Fact]
    public void Parts_of_commands_are_written_and_read_as_recorded()
    {
        var file = VectorFile.Load("encoding.json");
        var own = new Dictionary<string, Action<VectorRecord>>
        {
            ["binary MsgFlags"] = Flags,
            ["binary SubscriptionMode"] = Mode,
            ["binary BasicAuth"] = Password,
        };
        var handlers = file.Records.Select(KindOf).Distinct().ToDictionary(kind => kind, kind => own.GetValueOrDefault(kind, Primitive));
        Assert.All(own.Keys, kind => Assert.Contains(kind, handlers.Keys));
        file.Check(KindOf, handlers);
    }

    private static string KindOf(VectorRecord record) => $"{record.String("encoding")} {record.String("type")}";

    private static void Flags(VectorRecord record)
    {
        var encoded = record.Bytes(record.Has("encoded") ? "encoded" : "input");
        var flags = new MessageFlags(record["value"].GetProperty("notification").GetBoolean());
        byte[] command = [.. "SEND "u8, .. encoded, .. " body"u8];
        Assert.True(SmpCommandCodec.TryDecode(SmpVersions.Current, command, out var decoded, out _));
        Assert.Equal(flags, Assert.IsType<SmpCommand.Send>(decoded).Flags);
        if (record.Has("encoded"))
            Assert.Equal(command, SmpCommandCodec.Encode(SmpVersions.Current, new SmpCommand.Send(flags, "body"u8.ToArray())));
    }

    private static void Mode(VectorRecord record)
    {
        // In this version the mode is the last byte of NEW.
        var random = new SeededRandom(6);
        using var authKey = Ed25519PrivateKey.Generate(random);
        using var dhKey = X25519PrivateKey.Generate(random);
        var create = new SmpCommand.New(authKey.PublicKey, dhKey.PublicKey, null, SubscriptionMode.Subscribe, null, null);
        var encoded = SmpCommandCodec.Encode(SmpVersions.SubscriptionMode, create);
        if (!record.Has("encoded"))
        {
            encoded[^1] = Assert.Single(record.Bytes("input"));
            Assert.False(SmpCommandCodec.TryDecode(SmpVersions.SubscriptionMode, encoded, out _, out _));
            return;
        }

        var mode = record.String("value") == "S" ? SubscriptionMode.Subscribe : SubscriptionMode.OnlyCreate;
        Assert.Equal(Assert.Single(record.Bytes("encoded")), SmpCommandCodec.Encode(SmpVersions.SubscriptionMode, create with { Mode = mode })[^1]);
        encoded[^1] = record.Bytes("encoded")[0];
        Assert.True(SmpCommandCodec.TryDecode(SmpVersions.SubscriptionMode, encoded, out var decoded, out _));
        Assert.Equal(mode, Assert.IsType<SmpCommand.New>(decoded).Mode);
    }

    private static void Password(VectorRecord record)
    {
        var encoded = record.Bytes(record.Has("encoded") ? "encoded" : "input");
        Assert.Equal(encoded.Length - 1, encoded[0]);
        Assert.Equal(record.Has("encoded"), BasicAuth.TryParse(encoded.AsSpan(1), out var password));
        if (password is not null)
            Assert.Equal(record.String("value"), Encoding.ASCII.GetString(password.Span));
    }
}
