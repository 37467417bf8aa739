using System.Security.Cryptography;
using System.Text.Json;
using Pairwise.Crypto;
using Pairwise.Protocol.Smp;
using Pairwise.TestKit;
using Pairwise.Transport.Memory;
using Pairwise.Transport.Smp;
using Pairwise.Wire;

namespace Pairwise.Transport.Tests.Smp;

/// <summary>
/// Whole handshakes of the reference: both our sides make the same bytes from the same keys, and come to the same
/// versions, secrets and block keys.
/// </summary>
public sealed class SmpHandshakeVectorTests
{
    [Fact]
    public void All_records_of_the_reference_are_reproduced() =>
        VectorFile.Load("smp_handshake.json").Check(new Dictionary<string, Action<VectorRecord>>(StringComparer.Ordinal)
        {
            ["handshake"] = CheckHandshake,
            ["transportError"] = CheckTransportError,
        });

    [Fact]
    public void The_file_has_the_records_it_had() => Assert.Equal(32, VectorFile.Load("smp_handshake.json").Records.Count);

    private static void CheckTransportError(VectorRecord record)
    {
        var wire = System.Text.Encoding.ASCII.GetBytes(record.String("encoded"));
        Assert.True(TransportErrorCodec.TryDecode(wire, out var error));
        Assert.Equal(wire, TransportErrorCodec.ToWire(error).ToArray());
    }

    private static void CheckHandshake(VectorRecord record)
    {
        var server = new ServerSide(record);
        var client = new ClientSide(record, server);
        var serverBlocks = record["serverBlocks"].EnumerateArray().ToArray();
        var clientBlocks = record["clientBlocks"].EnumerateArray().ToArray();

        var serverHello = Encode((ref WireWriter writer) => SmpHandshakeCodec.Write(server.Handshake.CreateHello(), ref writer));
        CheckBlock(serverBlocks[0], serverHello);
        CheckTrailingBytesAreIgnored(serverHello);

        var clientResult = record["clientResult"];
        var clientError = client.Handshake.Receive(serverHello, out var clientHello, out var clientAgreement);
        if (clientBlocks.Length == 0)
        {
            Assert.Equal(clientResult.GetProperty("error").GetString(), Text(clientError));
            return;
        }

        Assert.Null(clientError);
        var clientHelloBytes = Encode((ref WireWriter writer) => SmpHandshakeCodec.Write(clientHello!, ref writer));
        CheckBlock(clientBlocks[0], clientHelloBytes);
        Assert.True(SmpHandshakeCodec.TryRead([.. clientHelloBytes, .. "more"u8], out SmpClientHello? reread));
        Assert.Equal(clientHelloBytes, Encode((ref WireWriter writer) => SmpHandshakeCodec.Write(reread!, ref writer)));

        var serverError = server.Handshake.Receive(clientHelloBytes, out var serverAgreement, out var claim, out var isAnswerExpected);
        Assert.Null(serverError);
        Assert.Equal(serverBlocks.Length == 2, isAnswerExpected);
        if (isAnswerExpected && !Answer(record, serverBlocks[1], claim!, client.Handshake, ref serverAgreement!, ref clientAgreement!))
            return;
        CheckServer(record["serverResult"], serverAgreement!);
        CheckClient(clientResult, clientAgreement!);
    }

    /// <summary>The third block; false when the service is refused and nothing more is to be compared.</summary>
    private static bool Answer(
        VectorRecord record, JsonElement block, SmpServiceClaim claim, SmpClientHandshake client, ref SmpServerAgreement serverAgreement, ref SmpClientAgreement clientAgreement)
    {
        var service = record["client"].GetProperty("service");
        Assert.Equal(service.GetProperty("role").GetString(), claim.Role.ToString().ToLowerInvariant());
        var assigned = service.GetProperty("serverAssigns").GetString()!;
        if (TransportErrorCodec.TryDecode(System.Text.Encoding.ASCII.GetBytes(assigned), out var refusal))
        {
            var rejected = Encode((ref WireWriter writer) => SmpHandshakeCodec.Write(new SmpServiceAnswer.Rejected(refusal), ref writer));
            CheckBlock(block, rejected);
            Assert.Equal(record["clientResult"].GetProperty("error").GetString(), Text(client.ReceiveAnswer(rejected, ref clientAgreement)));
            return false;
        }

        var id = new ServiceId(Convert.FromHexString(assigned));
        serverAgreement = SmpServerHandshake.Accept(serverAgreement, claim, id);
        var accepted = Encode((ref WireWriter writer) => SmpHandshakeCodec.Write(new SmpServiceAnswer.Accepted(id), ref writer));
        CheckBlock(block, accepted);
        Assert.Null(client.ReceiveAnswer(accepted, ref clientAgreement));
        return true;
    }

    private static void CheckServer(JsonElement expected, SmpServerAgreement agreement)
    {
        Assert.Equal("ok", expected.GetProperty("outcome").GetString());
        CheckVersions(expected, agreement.Version, agreement.Versions);
        var auth = expected.GetProperty("auth");
        CheckSecret(auth, agreement.SessionSecret);
        CheckChains(expected, agreement.IsBlockEncrypted, agreement.SessionId, agreement.SessionSecret, isServer: true);
        Assert.Equal(auth.Has("serviceId") ? auth.GetProperty("serviceId").GetString() : null, agreement.Service is { } service ? Hex(service.Id) : null);
        if (agreement.Service is null)
            return;
        Assert.Equal(auth.Bytes("servicePublicKeySpki"), agreement.Service.SessionKey.ToSpki());
        Assert.Equal(auth.Bytes("serviceCertHash"), agreement.Service.CertificateHash.ToArray());
    }

    private static void CheckClient(JsonElement expected, SmpClientAgreement agreement)
    {
        Assert.Equal("ok", expected.GetProperty("outcome").GetString());
        CheckVersions(expected, agreement.Version, agreement.Versions);
        var auth = expected.GetProperty("auth");
        Assert.Equal(auth.Bytes("peerPublicKeySpki"), agreement.ServerKey!.ToSpki());
        CheckSecret(auth, agreement.SessionSecret);
        CheckChains(expected, agreement.IsBlockEncrypted, agreement.SessionId, agreement.SessionSecret, isServer: false);
        Assert.Equal(auth.Has("serviceId") ? auth.GetProperty("serviceId").GetString() : null, agreement.Service is { } service ? Hex(service.Id) : null);
    }

    private static void CheckVersions(JsonElement expected, SmpVersion version, VersionRange versions)
    {
        Assert.Equal(expected.GetProperty("version").GetInt32(), version.Number);
        Assert.Equal(Range(expected.GetProperty("versionRange")), versions);
        var format = new TransmissionFormat(version, default);
        Assert.Equal(expected.GetProperty("impliedSessionId").GetBoolean(), format.ImpliesSessionId);
        Assert.Equal(expected.GetProperty("serviceAuth").GetBoolean(), format.HasServiceSignature);
    }

    private static void CheckSecret(JsonElement auth, SharedSecret? secret)
    {
        Assert.Equal(auth.Has("sessionSecret"), secret is not null);
        if (secret is not null)
            Assert.Equal(auth.Bytes("sessionSecret"), secret.Bytes.ToArray());
    }

    private static void CheckChains(JsonElement expected, bool isEncrypted, Bytes sessionId, SharedSecret? secret, bool isServer)
    {
        Assert.Equal(expected.Has("blockEncryption"), isEncrypted);
        if (!isEncrypted)
            return;
        var (serverSends, clientSends) = SecretBoxChain.Init(sessionId.Span, secret!);
        var encryption = expected.GetProperty("blockEncryption");
        CheckKeys(encryption.GetProperty("sendFirstKeys"), isServer ? serverSends : clientSends);
        CheckKeys(encryption.GetProperty("receiveFirstKeys"), isServer ? clientSends : serverSends);
    }

    private static void CheckKeys(JsonElement expected, SecretBoxChain chain)
    {
        var key = new byte[BoxKey.KeyLength];
        var nonce = new byte[BoxNonce.Length];
        foreach (var pair in expected.EnumerateArray())
        {
            chain.Next(key, nonce);
            Assert.Equal(pair.Bytes("key"), key);
            Assert.Equal(pair.Bytes("nonce"), nonce);
        }
    }

    /// <summary>The content is the reference's, and a block connection makes the same block of it.</summary>
    private static void CheckBlock(JsonElement expected, byte[] content)
    {
        Assert.Equal(expected.Bytes("content"), content);
        var (near, far) = MemoryDuplex.CreatePair();
        var blocks = new BlockConnection(new MemoryConnection(near, default));
        var written = blocks.WriteAsync(content, CancellationToken.None);
        Assert.True(written.IsCompletedSuccessfully);
        var block = new byte[Block.Size + 1];
        var read = far.ReadAsync(block, TestContext.Current.CancellationToken).AsTask();
        Assert.True(read.IsCompletedSuccessfully);
        Assert.Equal(expected.GetProperty("blockLength").GetInt32(), read.Result);
        Assert.Equal(expected.Bytes("blockSha256"), SHA256.HashData(block.AsSpan(0, Block.Size)));
    }

    private static void CheckTrailingBytesAreIgnored(byte[] serverHello)
    {
        Assert.True(SmpHandshakeCodec.TryRead([.. serverHello, .. "more"u8], out SmpServerHello? reread));
        Assert.Equal(serverHello, Encode((ref WireWriter writer) => SmpHandshakeCodec.Write(reread!, ref writer)));
    }

    private delegate void WriteTo(ref WireWriter writer);

    private static byte[] Encode(WriteTo write)
    {
        var buffer = new byte[BlockConnection.MaxContent];
        var writer = new WireWriter(buffer);
        write(ref writer);
        return buffer[..writer.Written];
    }

    private static VersionRange Range(JsonElement range) =>
        new((ushort)range.GetProperty("min").GetInt32(), (ushort)range.GetProperty("max").GetInt32());

    private static string? Text(TransportError? error) =>
        error is null ? null : System.Text.Encoding.ASCII.GetString(TransportErrorCodec.ToWire(error.Value));

    private static string Hex(ServiceId id) => Convert.ToHexStringLower(id.Value.ToArray());

    private static CertificateChain Chain(JsonElement certificates)
    {
        Assert.True(CertificateChain.TryParse([.. certificates.EnumerateArray().Select(certificate => (ReadOnlyMemory<byte>)certificate.Bytes())], out var chain));
        return chain;
    }

    private static SigningKey SigningKeyOf(JsonElement key)
    {
        Assert.True(PrivateKey.TryFromPkcs8(key.Bytes("privatePkcs8"), out var parsed));
        return (SigningKey)parsed;
    }

    private sealed class ServerSide
    {
        public ServerSide(VectorRecord record)
        {
            var server = record["server"];
            var service = record["client"].GetProperty("service");
            Identity = new SmpServerIdentity(Chain(server.GetProperty("certChain")), SigningKeyOf(server.GetProperty("signKey")));
            Assert.Equal(server.Bytes("keyHash"), Identity.KeyHash.ToArray());
            Handshake = new SmpServerHandshake(
                Identity,
                X25519PrivateKey.FromRaw(server.GetProperty("sessionKey").Bytes("privateRaw")),
                record.Bytes("sessionId"),
                record.Has("alpn"),
                Range(server.GetProperty("versionRange")),
                service.ValueKind == JsonValueKind.Null ? [] : [.. Chain(service.GetProperty("certChain")).Certificates.Select(certificate => certificate.Der)]);
        }

        public SmpServerIdentity Identity { get; }

        public SmpServerHandshake Handshake { get; }
    }

    private sealed class ClientSide
    {
        public ClientSide(VectorRecord record, ServerSide server)
        {
            var client = record["client"];
            var service = client.GetProperty("service");
            var hasService = service.ValueKind != JsonValueKind.Null;
            var options = new SmpClientHandshakeOptions
            {
                KeyHash = Bytes.Wrap(client.Bytes("expectedKeyHash")),
                Versions = Range(client.GetProperty("versionRange")),
                IsProxy = client.GetProperty("proxyServer").GetBoolean(),
                Service = hasService
                    ? new SmpServiceCredential(
                        Enum.Parse<SmpServiceRole>(service.GetProperty("role").GetString()!, ignoreCase: true),
                        Chain(service.GetProperty("certChain")),
                        SigningKeyOf(service.GetProperty("signKey")))
                    : null,
            };
            Handshake = new SmpClientHandshake(
                options,
                client.Has("sessionKey") ? X25519PrivateKey.FromRaw(client.GetProperty("sessionKey").Bytes("privateRaw")) : null,
                hasService ? Ed25519PrivateKey.FromRaw(service.GetProperty("serviceSessionKey").Bytes("privateRaw")) : null,
                record.Bytes("clientSessionId"),
                [.. server.Identity.Certificates.Certificates.Select(certificate => certificate.Der)],
                isCertificateSent: hasService);
        }

        public SmpClientHandshake Handshake { get; }
    }
}
