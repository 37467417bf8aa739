using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using Pairwise.Crypto;
using Pairwise.Protocol.Smp;
using Pairwise.TestKit;
using Pairwise.Wire;

namespace Pairwise.Protocol.Tests.Smp;

/// <summary>Every record of smp_commands.json.</summary>
public sealed class SmpCommandVectorTests
{
    [Fact]
    public void Every_record_comes_out_as_the_reference_has_it() =>
        VectorFile.Load("smp_commands.json").Check(new Dictionary<string, Action<VectorRecord>>
        {
            ["command"] = Command,
            ["brokerMsg"] = Message,
            ["errorText"] = ErrorText,
            ["commandDecode"] = DecodeCommand,
            ["brokerMsgDecode"] = DecodeMessage,
            ["commandCredentials"] = CommandCredentials,
            ["brokerMsgCredentials"] = MessageCredentials,
            ["transmission"] = TransmissionRecord,
            ["responseTransmission"] = ResponseTransmission,
            ["batch"] = Batch,
            ["encryptedBlock"] = EncryptedBlock,
            ["limits"] = Limits,
        });

    private static void Command(VectorRecord record)
    {
        var command = SmpCommandVectors.Command(record.Name, record["fields"]);
        Assert.Equal(record.String("party"), "S" + PartyName(command.Party));
        var encoded = record.Bytes("encoded");
        foreach (var version in Versions(record))
        {
            Assert.Equal(encoded, SmpCommandCodec.Encode(version, command));
            Assert.True(SmpCommandCodec.TryDecode(version, encoded, out var decoded, out _), record.Name);
            Assert.Equal(record.Bool("lossless"), decoded.Equals(command));
            Assert.Equal(encoded, SmpCommandCodec.Encode(version, decoded));
        }
    }

    private static void Message(VectorRecord record)
    {
        var message = SmpCommandVectors.Message(record.Name, record["fields"]);
        var encoded = record.Bytes("encoded");
        foreach (var version in Versions(record))
        {
            Assert.Equal(encoded, BrokerMessageCodec.Encode(version, message));
            Assert.True(BrokerMessageCodec.TryDecode(version, encoded, out var decoded, out _), record.Name);
            Assert.Equal(record.Bool("lossless"), decoded.Equals(message));
            Assert.Equal(encoded, BrokerMessageCodec.Encode(version, decoded));
        }
    }

    private static void ErrorText(VectorRecord record)
    {
        var binary = record.Bytes("errorBinary");
        Assert.True(SmpErrorCodec.TryDecode(binary, out var error));
        Assert.Equal(binary, SmpErrorCodec.Encode(error));
        var text = record.String("errorText");
        Assert.Equal(text, SmpErrorCodec.ToText(error));
        Assert.True(SmpErrorCodec.TryParseText(text, out var parsed));
        Assert.Equal(error, parsed);
    }

    private static void DecodeCommand(VectorRecord record)
    {
        var version = new SmpVersion((ushort)record.Int("version"));
        var isDecoded = SmpCommandCodec.TryDecode(version, record.Bytes("input"), out var command, out var error);
        Assert.Equal(record.String("decode") == "ok", isDecoded);
        if (isDecoded)
        {
            Assert.Equal(record.Bytes("canonical"), SmpCommandCodec.Encode(version, command!));
        }
        else
        {
            Assert.Equal(record.String("serverError"), SmpErrorCodec.ToText(error!));
        }
    }

    private static void DecodeMessage(VectorRecord record)
    {
        var version = new SmpVersion((ushort)record.Int("version"));
        var isDecoded = BrokerMessageCodec.TryDecode(version, record.Bytes("input"), out var message, out _);
        Assert.Equal(record.String("decode") == "ok", isDecoded);
        if (isDecoded)
        {
            Assert.Equal(record.Bytes("canonical"), BrokerMessageCodec.Encode(version, message!));
        }
    }

    private static void CommandCredentials(VectorRecord record)
    {
        var command = SmpSamples.Commands.First(sample => sample.ToString() == record.Name);
        Assert.Equal(record.String("noAuth_noEntity"), Text(SmpCredentials.Check(command, false, false)));
        Assert.Equal(record.String("noAuth_entity"), Text(SmpCredentials.Check(command, false, true)));
        Assert.Equal(record.String("auth_noEntity"), Text(SmpCredentials.Check(command, true, false)));
        Assert.Equal(record.String("auth_entity"), Text(SmpCredentials.Check(command, true, true)));
    }

    private static void MessageCredentials(VectorRecord record)
    {
        var message = SmpSamples.Messages.First(sample => sample.ToString() == record.Name);
        Assert.Equal(record.String("noEntity"), Text(SmpCredentials.Check(message, false)));
        Assert.Equal(record.String("entity"), Text(SmpCredentials.Check(message, true)));
    }

    private static void TransmissionRecord(VectorRecord record)
    {
        foreach (var version in Versions(record))
        {
            var format = new TransmissionFormat(version, record.Bytes("sessionId"));
            Assert.Equal(record.Bool("impliedSessionId"), format.ImpliesSessionId);
            var corrId = new CorrId(record.Bytes("corrId"));
            var entity = new EntityId(record.Bytes("entityId"));
            Assert.True(SmpCommandCodec.TryDecode(version, record.Bytes("command"), out var command, out _));
            var service = record.Has("service") ? Service(record) : null;
            Assert.Equal(service is not null && record["service"].GetProperty("commandUsesServiceAuth").GetBoolean(), service is not null && SmpCredentials.UsesServiceSignature(command));
            var serverKey = Key(record["serverSessionKey"]);
            using var privateKey = record.Has("authPrivateKey") ? Key(record["authPrivateKey"]) : null;
            if (privateKey is not null)
            {
                Assert.Equal(record.Bool("serviceAuthField"), format.HasServiceSignature);
            }

            var authorizer = new TransmissionAuthorizer(format, (X25519PublicKey)serverKey.PublicKey, service);
            Assert.True(authorizer.TryEncode(corrId, entity, command, privateKey, out var encoded));
            Assert.Equal(record.Bytes("encodedTransmission"), encoded);

            var buffer = new byte[SmpLimits.MaxBlockContent];
            var writer = new BatchWriter(buffer, format);
            Assert.True(writer.TryAppend(encoded));
            var batch = writer.WrittenSpan.ToArray();
            Assert.Equal(record.Bytes("batchOfOne"), batch);

            Assert.True(BatchReader.TryOpen(batch, format, out var reader));
            Assert.True(reader.TryReadNext(out var transmission));
            Assert.False(reader.TryReadNext(out _));
            CheckReceived(record, version, format, transmission, privateKey, (X25519PrivateKey)serverKey);
        }
    }

    private static void CheckReceived(
        VectorRecord record, SmpVersion version, TransmissionFormat format, Transmission transmission, PrivateKey? privateKey, X25519PrivateKey serverKey)
    {
        Assert.Equal(record.Bytes("corrId"), transmission.CorrId.Value.ToArray());
        Assert.Equal(record.Bytes("entityId"), transmission.Entity.Value.ToArray());
        Assert.Equal(record.Bytes("command"), transmission.Command.ToArray());
        var signed = transmission.GetSigned(format, new byte[transmission.GetSignedLength(format)]).ToArray();
        Assert.Equal(record.Bytes("signedData"), signed);
        var isDecoded = transmission.TryDecodeCommand(version, out _, out var error);
        Assert.Equal(record.String("serverDecode"), isDecoded ? "ok" : Text(error));

        var authorization = transmission.Authorization;
        Assert.Equal(record.BytesOrNull("authenticator") ?? [], authorization.Content.ToArray());
        Assert.Equal(record.BytesOrNull("serviceSignature") ?? [], authorization.ServiceSignature.ToArray());
        var authorized = record.BytesOrNull("authorizedByEntityKey") ?? [];
        switch (privateKey)
        {
            case null:
                Assert.Equal(AuthorizationKind.None, authorization.Kind);
                break;
            case SigningKey signing:
                Assert.Equal(AuthorizationKind.Signature, authorization.Kind);
                Assert.True(signing.PublicKey.Verify(authorized, authorization.Content.Span));
                break;
            case X25519PrivateKey agreement:
                Assert.Equal(AuthorizationKind.Authenticator, authorization.Kind);
                using (var secret = serverKey.DeriveSharedSecret(agreement.PublicKey))
                using (var box = BoxKey.From(secret))
                {
                    Assert.True(Authenticator.Verify(box, record.Bytes("corrId"), authorized, authorization.Content.Span));
                }

                break;
            default:
                Assert.Fail("a key that authorizes nothing");
                break;
        }

        if (!authorization.ServiceSignature.IsEmpty)
        {
            Assert.True(Service(record).Key.PublicKey.Verify(signed, authorization.ServiceSignature.Span));
        }
    }

    private static void ResponseTransmission(VectorRecord record)
    {
        foreach (var version in Versions(record))
        {
            var format = new TransmissionFormat(version, record.Bytes("sessionId"));
            Assert.True(BrokerMessageCodec.TryDecode(version, record.Bytes("message"), out var message, out _));
            var writer = new BatchWriter(new byte[SmpLimits.MaxBlockContent], format);
            Assert.True(writer.TryAppend(new CorrId(record.Bytes("corrId")), new EntityId(record.Bytes("entityId")), message));
            var batch = writer.WrittenSpan.ToArray();
            Assert.Equal(record.Bytes("batchOfOne"), batch);

            Assert.True(BatchReader.TryOpen(batch, format, out var reader));
            Assert.True(reader.TryReadNext(out var transmission));
            Assert.Equal(record.Bytes("corrId"), transmission.CorrId.Value.ToArray());
            Assert.True(transmission.TryDecodeMessage(version, out var decoded, out _));
            Assert.Equal(message, decoded);
        }
    }

    private static void Batch(VectorRecord record)
    {
        var transmissions = BatchTransmissions(record);
        var lengths = transmissions.Select(transmission => transmission.Length).ToArray();
        var plan = BatchPlan.Split(lengths);
        var blocks = record["blocks"].EnumerateArray().ToArray();
        Assert.Equal(blocks.Length, plan.Count);
        Assert.Equal(transmissions.Count, plan.Sum(batch => batch.Count));
        var format = new TransmissionFormat(new SmpVersion((ushort)record.Int("version")), record.Bytes("sessionId"));
        for (var i = 0; i < blocks.Length; i++)
        {
            if (blocks[i].Has("error"))
            {
                Assert.Equal("LARGE_MSG", blocks[i].GetProperty("error").GetString());
                Assert.True(plan[i].IsTooLarge);
                continue;
            }

            var writer = new BatchWriter(new byte[SmpLimits.MaxBlockContent], format);
            foreach (var transmission in transmissions.Skip(plan[i].Start).Take(plan[i].Count))
            {
                Assert.True(writer.TryAppend(transmission));
            }

            Assert.Equal(blocks[i].GetProperty("count").GetInt32(), writer.Count);
            Assert.Equal(blocks[i].GetProperty("contentLength").GetInt32(), writer.Written);
            Assert.Equal(blocks[i].Bytes("contentSha256"), SHA256.HashData(writer.WrittenSpan));
            Assert.Equal(blocks[i].Bytes("paddedBlockSha256"), SHA256.HashData(Padding.Pad(writer.WrittenSpan, record.Int("blockSize"))));
            if (blocks[i].Has("content"))
            {
                Assert.Equal(blocks[i].Bytes("content"), writer.WrittenSpan.ToArray());
            }
        }
    }

    private static void EncryptedBlock(VectorRecord record)
    {
        using var client = (X25519PrivateKey)Key(record["clientKey"]);
        using var server = (X25519PrivateKey)Key(record["serverKey"]);
        using var secret = client.DeriveSharedSecret(server.PublicKey);
        Assert.Equal(record.Bytes("dhSecret"), secret.Bytes.ToArray());
        var chains = SecretBoxChain.Init(record.Bytes("sessionId"), secret);
        using var serverChain = chains.ServerSends;
        using var clientChain = chains.ClientSends;
        var chain = record.String("direction") == "server to client" ? serverChain : clientChain;
        var key = new byte[BoxKey.KeyLength];
        var nonce = new byte[BoxNonce.Length];
        for (var i = 0; i < record.Int("blockNumber"); i++)
        {
            chain.Next(key, nonce);
        }

        Assert.Equal(record.Bytes("key"), key);
        Assert.Equal(record.Bytes("nonce"), nonce);
        using var box = BoxKey.FromSymmetric(key);
        var block = box.SealPadded(nonce, record.Bytes("content"), SmpLimits.BlockSize - SmpLimits.BlockTagLength);
        Assert.Equal(record.Int("blockLength"), block.Length);
        Assert.Equal(record.Bytes("blockSha256"), SHA256.HashData(block));
        Assert.Equal(record.Bytes("blockFirst64"), block[..64]);
        Assert.Equal(record.Bytes("blockLast32"), block[^32..]);
        Assert.True(box.TryOpenPadded(nonce, block, out var opened));
        Assert.Equal(record.Bytes("content"), opened);
    }

    private static void Limits(VectorRecord record)
    {
        foreach (var limit in record["maxMessageLength"].EnumerateObject())
        {
            var version = new SmpVersion(ushort.Parse(limit.Name, CultureInfo.InvariantCulture));
            Assert.Equal(limit.Value.GetInt32(), SmpLimits.MaxMessageLength(version));
        }

        Assert.Equal(SmpLimits.PaddedProxiedTransmissionLength, record.Int("paddedProxiedTLength"));
        Assert.Equal(SmpLimits.EndToEndConfirmationLength, record.Int("e2eEncConfirmationLength"));
        Assert.Equal(SmpLimits.EndToEndMessageLength, record.Int("e2eEncMessageLength"));
        Assert.Equal(SmpLimits.BlockSize, record.Int("blockSize"));
        Assert.Equal(record.String("proxiedVersionRange"), SmpVersions.ProxiedRange.ToString());
        Assert.Equal(record.String("clientVersionRange"), SmpVersions.ClientRange.ToString());
        Assert.Equal(record.String("serverVersionRange"), SmpVersions.ServerRange.ToString());
        Assert.Equal("smp/1", Assert.Single(record["alpn"].EnumerateArray()).GetString());
    }

    internal static IEnumerable<SmpVersion> Versions(VectorRecord record) =>
        record["versions"].EnumerateArray().Select(version => new SmpVersion(version.GetUInt16()));

    internal static PrivateKey Key(JsonElement key) =>
        PrivateKey.TryFromPkcs8(key.Bytes("privatePkcs8"), out var parsed) ? parsed : throw new VectorException("not a private key");

    private static SmpClientService Service(VectorRecord record) => new(
        Bytes.Wrap(record["service"].Bytes("serviceCertHash")), (Ed25519PrivateKey)Key(record["service"].GetProperty("serviceKey")));

    private static string Text(SmpError? error) => error is null ? "ok" : SmpErrorCodec.ToText(error);

    private static string PartyName(SmpParty party) => party switch
    {
        SmpParty.Idle => "IdleClient",
        SmpParty.LinkClient => "SenderLink",
        _ => party.ToString(),
    };

    private static List<byte[]> BatchTransmissions(VectorRecord record)
    {
        var format = new TransmissionFormat(new SmpVersion((ushort)record.Int("version")), record.Bytes("sessionId"));
        var authorizer = new TransmissionAuthorizer(format, null);
        var transmissions = new List<byte[]>();
        if (record["transmissions"].ValueKind == JsonValueKind.String)
        {
            for (var number = 1; number <= 300; number++)
            {
                var corrId = new CorrId(DeterministicBytes.Make($"pingCorr{number}", SmpLimits.IdLength));
                Assert.True(authorizer.TryEncode(corrId, EntityId.None, SmpCommand.Ping.Instance, null, out var ping));
                transmissions.Add(ping);
            }

            return transmissions;
        }

        // The large ones are described by label and length; they are signed with the key of the transmission records.
        using var key = Key(VectorFile.Load("smp_commands.json").OfKind("transmission").First(
            transmission => transmission.String("authKeyAlgorithm") == "Ed25519")["authPrivateKey"]);
        foreach (var transmission in record["transmissions"].EnumerateArray())
        {
            var encoded = transmission.GetProperty("encoded");
            if (encoded.ValueKind == JsonValueKind.String)
            {
                transmissions.Add(encoded.Bytes());
                continue;
            }

            const int allButTheBody = 123;
            var length = encoded.GetProperty("length").GetInt32();
            var body = DeterministicBytes.Make($"batchBody{transmissions.Count + 1}", length - allButTheBody);
            Assert.True(authorizer.TryEncode(
                new CorrId(transmission.Bytes("corrId")),
                new EntityId(transmission.Bytes("entityId")),
                new SmpCommand.Send(MessageFlags.None, body),
                key,
                out var made));
            Assert.Equal(length, made.Length);
            Assert.Equal(encoded.Bytes("sha256"), SHA256.HashData(made));
            transmissions.Add(made);
        }

        return transmissions;
    }
}
