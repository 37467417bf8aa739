using System.Security.Cryptography;
using System.Text.Json;
using Pairwise.Crypto;
using Pairwise.Protocol.Smp;
using Pairwise.Protocol.Xftp;
using Pairwise.TestKit;
using Pairwise.Wire;

namespace Pairwise.Protocol.Tests.Xftp;

/// <summary>Every record of xftp.json.</summary>
public sealed class XftpVectorTests
{
    [Fact]
    public void Every_record_comes_out_as_the_reference_has_it() =>
        VectorFile.Load("xftp.json").Check(new Dictionary<string, Action<VectorRecord>>
        {
            ["command"] = Command,
            ["response"] = Response,
            ["commandDecode"] = CommandDecode,
            ["serverHandshake"] = ServerHandshake,
            ["clientHello"] = ClientHello,
            ["clientHelloDecode"] = record => Assert.False(XftpClientHello.TryDecode(record.Bytes("input"), out _)),
            ["clientHandshake"] = ClientHandshake,
            ["transmission"] = TransmissionRecord,
            ["responseTransmission"] = ResponseTransmission,
            ["chunkSizes"] = ChunkSizes,
            ["fileHeader"] = Header,
            ["fileEncryption"] = FileEncryptionVectors.File,
            ["localFileEncryption"] = FileEncryptionVectors.LocalFile,
            ["lazySecretBox"] = FileEncryptionVectors.BoxWithLongLength,
            ["downloadEncryption"] = FileEncryptionVectors.Download,
            ["fileDescriptionUri"] = FileDescriptionVectors.Link,
            ["fileDescription"] = FileDescriptionVectors.Description,
            ["fileDescriptionParse"] = FileDescriptionVectors.Parse,
            ["fileSize"] = Size,
        });

    private static void Command(VectorRecord record)
    {
        var command = XftpVectors.Command(record.Name, record["fields"]);
        Assert.Equal(record.String("party"), command is XftpCommand.SenderCommand ? "SFSender" : "SFRecipient");
        var encoded = record.Bytes("encoded");
        Assert.Equal([1, 2, 3], record["versions"].EnumerateArray().Select(version => version.GetInt32()));
        Assert.Equal(encoded, XftpCodec.Encode(command));
        Assert.True(XftpCodec.TryDecode(encoded, out XftpCommand? decoded, out _));
        Assert.Equal(command, decoded);
        Assert.False(XftpCodec.TryDecode([.. encoded, 0x20], out XftpCommand? _, out var error));
        Assert.IsType<XftpError.Command>(error);
    }

    private static void Response(VectorRecord record)
    {
        var response = XftpVectors.Response(record.Name, record["fields"]);
        var encoded = record.Bytes("encoded");
        foreach (var version in record["versions"].EnumerateArray().Select(version => new XftpVersion(version.GetUInt16())))
        {
            Assert.Equal(encoded, XftpCodec.Encode(version, response));
            Assert.True(XftpCodec.TryDecode(encoded, out XftpResponse? decoded, out _));
            var expected = response is XftpResponse.Err { Error: XftpError.Blocked } && version < XftpVersions.BlockedFiles
                ? new XftpResponse.Err(XftpError.Auth.Instance)
                : response;
            Assert.Equal(expected, decoded);
        }
    }

    private static void CommandDecode(VectorRecord record)
    {
        Assert.Equal("error", record.String("decode"));
        Assert.False(XftpCodec.TryDecode(record.Bytes("input"), out XftpCommand? _, out var error));
        Assert.Equal(record.Name == "unknown" ? XftpError.Command.Unknown : XftpError.Command.Syntax, error);
    }

    private static void ServerHandshake(VectorRecord record)
    {
        var range = record["versionRange"];
        var certificates = record["certChain"].EnumerateArray().Select(der => Bytes.Wrap(der.Bytes())).ToArray();
        Assert.True(PrivateKey.TryFromPkcs8(record["signKey"].Bytes("privatePkcs8"), out var key));
        var signer = Assert.IsAssignableFrom<SigningKey>(key);
        var sessionKey = SignedKey.Sign(signer, SpkiOf(record["sessionKey"]));
        var proof = record.Bytes("webIdentityProof");
        var handshake = new XftpServerHandshake(
            new VersionRange(range.GetProperty("min").GetUInt16(), range.GetProperty("max").GetUInt16()),
            Bytes.Wrap(record.Bytes("sessionId")),
            new CertificateSignedKey([.. certificates], Bytes.Wrap(sessionKey)),
            Bytes.Wrap(proof));
        var encoded = record.Bytes("encoded");
        Assert.Equal(encoded, handshake.Encode());
        Assert.True(XftpServerHandshake.TryDecode(encoded, out var decoded));
        Assert.Equal(handshake, decoded);
        Assert.Equal(record.Bytes("paddedBlockSha256"), SHA256.HashData(Padding.Pad(encoded, record.Int("blockSize"))));
        if (record.BytesOrNull("challenge") is { } challenge)
        {
            Assert.Equal([.. challenge, .. record.Bytes("sessionId")], record.Bytes("signedChallenge"));
            Assert.True(signer.PublicKey.Verify(record.Bytes("signedChallenge"), proof));
        }
    }

    private static void ClientHello(VectorRecord record)
    {
        var hello = new XftpClientHello(record.BytesOrNull("challenge") is { } challenge ? Bytes.Wrap(challenge) : null);
        Assert.Equal(record.Bytes("encoded"), hello.Encode());
        Assert.True(XftpClientHello.TryDecode(record.Bytes("encoded"), out var decoded));
        Assert.Equal(hello, decoded);
    }

    private static void ClientHandshake(VectorRecord record)
    {
        var handshake = new XftpClientHandshake(new XftpVersion((ushort)record.Int("version")), Bytes.Wrap(record.Bytes("keyHash")));
        Assert.Equal(record.Bytes("encoded"), handshake.Encode());
        Assert.True(XftpClientHandshake.TryDecode([.. record.Bytes("encoded"), 1, 2, 3], out var decoded));
        Assert.Equal(handshake, decoded);
    }

    private static void TransmissionRecord(VectorRecord record)
    {
        var sessionId = record.Bytes("sessionId");
        var entity = new EntityId(record.BytesOrNull("entityId"));
        Assert.True(XftpCodec.TryDecode(record.Bytes("command"), out XftpCommand? command, out _));
        PrivateKey? key = null;
        X25519PublicKey? serverKey = null;
        if (record.Has("authKey"))
        {
            Assert.True(PrivateKey.TryFromPkcs8(record["authKey"].Bytes("privatePkcs8"), out key));
            serverKey = Assert.IsType<X25519PublicKey>(SpkiOf(record["serverSessionKey"]));
            Assert.Equal(XftpLimits.BlockSize, record.Int("blockLength"));
        }

        Assert.Empty(record.Bytes("corrId"));
        Assert.True(XftpTransmission.TryEncode(sessionId, serverKey, CorrId.None, entity, command, key, out var block));
        Assert.True(Padding.TryUnpad(block, out var content));
        Assert.Equal(record.Bytes("blockContent"), content.ToArray());
        Assert.Equal(record.Bytes("blockSha256"), SHA256.HashData(block));

        var format = TransmissionFormat.WithSentSessionId(sessionId);
        Assert.True(XftpTransmission.TryOpen(block, format, out var transmission));
        if (record.Has("signedData"))
        {
            Assert.Equal(record.Bytes("signedData"), transmission.GetSigned(format, default).ToArray());
        }

        Assert.True(transmission.TryDecodeCommand(out var decoded, out var error), error?.ToString());
        Assert.Equal(command, decoded);
        Assert.True(XftpTransmission.TryOpen(block, TransmissionFormat.WithSentSessionId([1, 2]), out var other));
        Assert.False(other.TryDecodeCommand(out _, out error));
        Assert.Equal(XftpError.Session.Instance, error);
    }

    private static void ResponseTransmission(VectorRecord record)
    {
        var sessionId = record.Bytes("sessionId");
        var entity = new EntityId(record.BytesOrNull("entityId"));
        Assert.True(XftpCodec.TryDecode(record.Bytes("response"), out XftpResponse? response, out _));
        var block = XftpTransmission.Encode(new XftpVersion((ushort)record.Int("version")), sessionId, CorrId.None, entity, response);
        Assert.True(Padding.TryUnpad(block, out var content));
        Assert.Equal(record.Bytes("blockContent"), content.ToArray());
        Assert.Equal(record.Bytes("blockSha256"), SHA256.HashData(block));
        Assert.True(XftpTransmission.TryOpen(block, TransmissionFormat.WithSentSessionId(sessionId), out var transmission));
        Assert.True(transmission.TryDecodeResponse(out var decoded, out _));
        Assert.Equal(response, decoded);
    }

    private static void ChunkSizes(VectorRecord record)
    {
        var payload = record["payloadSize"].GetInt64();
        var expected = record["chunks"].EnumerateArray()
            .SelectMany(run => Enumerable.Repeat(run.GetProperty("size").GetInt32(), run.GetProperty("count").GetInt32()));
        var chunks = ChunkPlan.Split(payload);
        Assert.Equal(expected, chunks);
        Assert.Equal(record["total"].GetInt64(), chunks.Sum(size => (long)size));
        Assert.Equal(record.Has("singleChunkSize"), ChunkPlan.TryGetSingle(payload, out var single));
        if (record.Has("singleChunkSize"))
        {
            Assert.Equal(record.Int("singleChunkSize"), single);
        }
    }

    private static void Header(VectorRecord record)
    {
        var header = new FileHeader(record.String("fileName"), record.Has("fileExtra") ? record.String("fileExtra") : null);
        var encoded = record.Bytes("encoded");
        Assert.Equal(encoded, header.Encode());
        Assert.True(FileHeader.TryRead([.. encoded, 7, 7], out var decoded, out var length));
        Assert.Equal(header, decoded);
        Assert.Equal(encoded.Length, length);
        for (var cut = 0; cut < encoded.Length; cut++)
        {
            Assert.False(FileHeader.TryRead(encoded.AsSpan(0, cut), out _, out _));
        }
    }

    private static void Size(VectorRecord record)
    {
        Assert.True(FileSize.TryParse(record.String("input"), out var bytes));
        Assert.Equal(record["bytes"].GetInt64(), bytes);
        Assert.Equal(record.String("canonical"), FileSize.ToText(bytes));
    }

    internal static PublicKey SpkiOf(JsonElement key) =>
        PublicKey.TryFromSpki(key.Bytes("publicSpki"), out var parsed) ? parsed : throw new VectorException("not a key");
}
