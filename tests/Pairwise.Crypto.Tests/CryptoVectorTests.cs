using System.Text;
using System.Text.Json;
using Pairwise.TestKit;
using Pairwise.Wire;

namespace Pairwise.Crypto.Tests;

/// <summary>Every record of crypto.json.</summary>
public sealed class CryptoVectorTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 21, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void All_records_of_crypto_json_hold() => VectorFile.Load("crypto.json").Check(new Dictionary<string, Action<VectorRecord>>
    {
        ["key"] = Key,
        ["badPublicKey"] = BadPublicKey,
        ["publicKeyTrailingBytes"] = BadPublicKey,
        ["dh"] = Agreement,
        ["sign"] = Signature,
        ["pad"] = Pad,
        ["padLong"] = PadLong,
        ["unPad"] = Unpad,
        ["cbEncrypt"] = CryptoBox,
        ["cbEncryptNoPad"] = record => SealAndOpen(record, record.Bytes("dhSecret")),
        ["cbDecryptError"] = RefusedBox,
        ["sbEncrypt"] = record => SealAndOpenPadded(record, record.Bytes("key")),
        ["sbEncryptNoPad"] = record => SealAndOpen(record, record.Bytes("key")),
        ["cbNonce"] = record => Assert.Equal(record.Bytes("nonce"), BoxNonce.From(record.Bytes("input"))),
        ["reverseNonce"] = record => Assert.Equal(record.Bytes("output"), BoxNonce.Reverse(record.Bytes("nonce"))),
        ["cbAuthenticate"] = Authenticate,
        ["hash"] = Hash,
        ["senderIdFromCorrId"] = SenderId,
        ["hkdf"] = Hkdf,
        ["sbChain"] = Chains,
        ["aesGcm16"] = AesGcm,
        ["aesGcm12"] = AesGcm,
        ["certChain"] = Chain,
        ["signX509"] = SignedSessionKey,
    });

    private static void Key(VectorRecord record)
    {
        var json = record["key"];
        var algorithm = Enum.Parse<KeyAlgorithm>(record.String("algorithm"));
        Assert.True(PrivateKey.TryFromPkcs8(json.Bytes("privatePkcs8"), out var key));
        using (key)
        {
            Assert.Equal(algorithm, key.Algorithm);
            Assert.Equal(json.Bytes("privateRaw"), key.Raw.ToArray());
            Assert.Equal(json.Bytes("privatePkcs8"), key.ToPkcs8());
            Assert.Equal(json.Bytes("publicRaw"), key.PublicKey.Raw.ToArray());
            Assert.Equal(json.Bytes("publicSpki"), key.PublicKey.ToSpki());
            Assert.True(PublicKey.TryFromSpki(json.Bytes("publicSpki"), out var parsed));
            Assert.Equal(key.PublicKey, parsed);
        }

        var encoded = record.Bytes("publicSmpEncoded");
        var reader = new WireReader(encoded);
        Assert.True(reader.TryReadShort(out var spki) && reader.IsAtEnd);
        Assert.Equal(json.Bytes("publicSpki"), spki.ToArray());
        var buffer = new byte[encoded.Length];
        var writer = new WireWriter(buffer);
        Assert.True(PublicKey.TryFromSpki(spki, out var publicKey));
        publicKey.WriteSpki(ref writer);
        Assert.Equal(encoded, buffer);
        Assert.Equal(record.String("publicStrEncoded"), TextEncoding.ToBase64Url(spki));
    }

    private static void BadPublicKey(VectorRecord record)
    {
        Assert.Equal("error", record.String("decode"));
        var spki = record.Bytes("spki");
        if (!record.Has("expectedAlgorithm"))
        {
            Assert.False(PublicKey.TryFromSpki(spki, out _));
            return;
        }

        // A good key of an algorithm that is not wanted in this place.
        Assert.True(PublicKey.TryFromSpki(spki, out var key));
        Assert.DoesNotContain(key.Algorithm.ToString(), record.String("expectedAlgorithm").Split(' ', ','));
        if (record.String("expectedAlgorithm") == "X25519")
            Assert.False(X25519PublicKey.TryFromSpki(spki, out _));
    }

    private static void Agreement(VectorRecord record)
    {
        var expected = record.Bytes("secret");
        Assert.Equal(expected, Agree(record["keyA"], record["keyB"]));
        Assert.Equal(expected, Agree(record["keyB"], record["keyA"]));
    }

    private static byte[] Agree(JsonElement own, JsonElement peer)
    {
        Assert.True(PrivateKey.TryFromPkcs8(own.Bytes("privatePkcs8"), out var key));
        Assert.True(PublicKey.TryFromSpki(peer.Bytes("publicSpki"), out var peerKey));
        using (key)
        using (var secret = key is X25519PrivateKey x25519
            ? x25519.DeriveSharedSecret((X25519PublicKey)peerKey)
            : ((X448PrivateKey)key).DeriveSharedSecret((X448PublicKey)peerKey))
            return secret.Bytes.ToArray();
    }

    private static void Signature(VectorRecord record)
    {
        Assert.True(PrivateKey.TryFromPkcs8(record["key"].Bytes("privatePkcs8"), out var key));
        using var signer = Assert.IsAssignableFrom<SigningKey>(key);
        var (message, signature) = (record.Bytes("message"), record.Bytes("signature"));
        Assert.Equal(record.Bool("valid"), signer.PublicKey.Verify(message, signature));
        if (record.Bool("valid"))
            Assert.Equal(signature, signer.Sign(message));
    }

    private static void Pad(VectorRecord record)
    {
        var paddedLength = record.Int("paddedLength");
        if (record.Has("error"))
        {
            Assert.False(Padding.TryPad(new byte[record.Int("messageLength")], new byte[paddedLength]));
            return;
        }

        Assert.Equal(record.Bytes("output"), Padding.Pad(record.Bytes("message"), paddedLength));
    }

    private static void PadLong(VectorRecord record)
    {
        var message = new byte[record.Int("messageLength")];
        message.AsSpan().Fill(record.Bytes("messageByte")[0]);
        var padded = new byte[record.Int("paddedLength")];
        Assert.Equal(!record.Has("error"), Padding.TryPad(message, padded));
        if (!record.Has("error"))
            Assert.Equal(record.Bytes("outputSha256"), Digests.Sha256(padded));
    }

    private static void Unpad(VectorRecord record)
    {
        var isUnpadded = Padding.TryUnpad(record.Bytes("input"), out var message);
        Assert.Equal(!record.Has("error"), isUnpadded);
        if (isUnpadded)
            Assert.Equal(record.Bytes("output"), message.ToArray());
    }

    private static void CryptoBox(VectorRecord record)
    {
        var secret = record.Bytes("dhSecret");
        if (record.Has("error"))
        {
            using var refused = BoxKey.FromSymmetric(secret);
            Assert.False(refused.TrySealPadded(record.Bytes("nonce"), record.Bytes("message"), new byte[record.Int("paddedLength") + BoxKey.TagLength]));
            return;
        }

        Assert.Equal(secret, Agree(record["privateKeyA"], record["privateKeyB"]));
        SealAndOpenPadded(record, secret);
    }

    private static void SealAndOpenPadded(VectorRecord record, byte[] secret)
    {
        using var box = BoxKey.FromSymmetric(secret);
        var (nonce, message, ciphertext) = (record.Bytes("nonce"), record.Bytes("message"), record.Bytes("ciphertext"));
        Assert.Equal(ciphertext, box.SealPadded(nonce, message, record.Int("paddedLength")));
        Assert.True(box.TryOpenPadded(nonce, ciphertext, out byte[]? opened));
        Assert.Equal(message, opened);
    }

    private static void SealAndOpen(VectorRecord record, byte[] secret)
    {
        using var shared = SharedSecret.FromBytes(secret);
        using var box = BoxKey.From(shared);
        var (nonce, message, ciphertext) = (record.Bytes("nonce"), record.Bytes("message"), record.Bytes("ciphertext"));
        Assert.Equal(ciphertext, box.Seal(nonce, message));
        Assert.True(box.TryOpen(nonce, ciphertext, out byte[]? opened));
        Assert.Equal(message, opened);
    }

    private static void RefusedBox(VectorRecord record)
    {
        using var box = BoxKey.FromSymmetric(record.Bytes("dhSecret"));
        Assert.Equal(record.String("error") == "CryptoInvalidMsgError", box.TryOpen(record.Bytes("nonce"), record.Bytes("ciphertext"), out byte[]? _));
        Assert.False(box.TryOpenPadded(record.Bytes("nonce"), record.Bytes("ciphertext"), out byte[]? message));
        Assert.Null(message);
    }

    private static void Authenticate(VectorRecord record)
    {
        var (nonce, message, authenticator) = (record.Bytes("nonceCorrId"), record.Bytes("message"), record.Bytes("authenticator"));
        Assert.Equal(Authenticator.Length, record.Int("length"));
        Assert.Equal(record.Bytes("sha512"), Digests.Sha512(message));
        using var client = BoxKey.FromSymmetric(Agree(record["clientQueueKey"], record["serverSessionKey"]));
        using var server = BoxKey.FromSymmetric(Agree(record["serverSessionKey"], record["clientQueueKey"]));
        Assert.Equal(authenticator, Authenticator.Create(client, nonce, message));
        Assert.True(Authenticator.Verify(server, nonce, message, authenticator));
        Assert.False(Authenticator.Verify(server, nonce, [.. message, 0], authenticator));
        Assert.False(Authenticator.Verify(server, nonce, message, authenticator.AsSpan(0, 79)));
    }

    private static void Hash(VectorRecord record)
    {
        var message = record.Bytes("message");
        Assert.Equal(record.Bytes("sha256"), Digests.Sha256(message));
        Assert.Equal(record.Bytes("sha512"), Digests.Sha512(message));
        Assert.Equal(record.Bytes("sha3_256"), Digests.Sha3_256(message));
        Assert.Equal(record.Bytes("sha3_384"), Digests.Sha3_384(message));
    }

    private static void SenderId(VectorRecord record)
    {
        var digest = Digests.Sha3_384(record.Bytes("corrId"));
        Assert.Equal(record.Bytes("sha3_384"), digest);
        Assert.Equal(record.Bytes("senderId"), digest[..24]);
    }

    private static void Hkdf(VectorRecord record) => Assert.Equal(
        record.Bytes("output"),
        HkdfSha512.Derive(record.Bytes("salt"), record.Bytes("ikm"), Encoding.UTF8.GetBytes(record.String("infoText")), record.Int("length")));

    private static void Chains(VectorRecord record)
    {
        using var secret = SharedSecret.FromBytes(record.Bytes("secret"));
        Assert.Equal(record.Bytes("initialHkdf"), HkdfSha512.Derive(record.Bytes("sessionId"), record.Bytes("secret"), "SimpleXSbChainInit"u8, 64));
        var (server, client) = SecretBoxChain.Init(record.Bytes("sessionId"), secret);
        using (server)
        using (client)
        {
            CheckSteps(server, record["chain1Steps"]);
            CheckSteps(client, record["chain2Steps"]);
        }
    }

    private static void CheckSteps(SecretBoxChain chain, JsonElement steps)
    {
        foreach (var step in steps.EnumerateArray())
        {
            var (key, nonce) = (new byte[BoxKey.KeyLength], new byte[BoxNonce.Length]);
            chain.Next(key, nonce);
            Assert.Equal(step.Bytes("key"), key);
            Assert.Equal(step.Bytes("nonce"), nonce);
        }
    }

    private static void AesGcm(VectorRecord record)
    {
        if (record.Has("error"))
        {
            Assert.False(Padding.TryPad(record.Bytes("message"), new byte[record.Int("paddedLength")]));
            return;
        }

        var (key, iv, associated) = (record.Bytes("key"), record.Bytes("iv"), record.Bytes("associatedData"));
        var message = record.Bytes("message");
        var plaintext = record.Has("paddedLength") ? Padding.Pad(message, record.Int("paddedLength")) : message;
        var (ciphertext, tag) = (new byte[plaintext.Length], new byte[AesGcm16.TagLength]);
        AesGcm16.Encrypt(key, iv, associated, plaintext, ciphertext, tag);
        Assert.Equal(record.Bytes("ciphertext"), ciphertext);
        Assert.Equal(record.Bytes("tag"), tag);

        var opened = new byte[plaintext.Length];
        Assert.True(AesGcm16.TryDecrypt(key, iv, associated, ciphertext, tag, opened));
        Assert.Equal(plaintext, opened);
        Assert.False(AesGcm16.TryDecrypt(key, iv, [.. associated, 0], ciphertext, tag, opened));
        tag[0] ^= 1;
        Assert.False(AesGcm16.TryDecrypt(key, iv, associated, ciphertext, tag, opened));
        Assert.All(opened, value => Assert.Equal(0, value));
    }

    private static void Chain(VectorRecord record)
    {
        var certificates = record["certificates"].EnumerateArray().Select(c => (ReadOnlyMemory<byte>)c.Bytes()).ToArray();
        Assert.True(CertificateChain.TryParse(certificates, out var chain));
        Assert.Equal(record.Bytes("identityFingerprint"), chain.IdentityFingerprint.ToArray());
        Assert.Equal(record.String("keyHashText"), chain.IdentityFingerprint.ToBase64Url());
        Assert.Equal(record["fingerprints"].EnumerateArray().Select(f => f.Bytes()), chain.Certificates.Select(c => c.Fingerprint.ToArray()));
        foreach (var (certificate, key) in chain.Certificates.Zip(record["privateKeys"].EnumerateArray()))
            Assert.Equal(key.Bytes("publicRaw"), certificate.PublicKey!.Raw.ToArray());

        var reader = new WireReader(record.Bytes("smpEncoded"));
        Assert.True(CertificateChain.TryRead(ref reader, out var read) && reader.IsAtEnd);
        Assert.Equal(chain.Certificates.Select(c => c.Fingerprint), read.Certificates.Select(c => c.Fingerprint));
        var buffer = new byte[record.Bytes("smpEncoded").Length];
        var writer = new WireWriter(buffer);
        chain.Write(ref writer);
        Assert.Equal(record.Bytes("smpEncoded"), buffer);

        var expected = record.String("chainClass") == "self" ? CertificateVerdict.SelfSigned
            : record["validationErrors"].GetArrayLength() == 0 ? CertificateVerdict.Valid
            : CertificateVerdict.BadSignature;
        Assert.Equal(expected, chain.Validate(record.Bytes("identityFingerprint"), Now));
    }

    private static void SignedSessionKey(VectorRecord record)
    {
        Assert.True(Certificate.TryParse(record.Bytes("leafCertificate"), out var leaf));
        var signer = Assert.IsAssignableFrom<VerificationKey>(leaf.PublicKey);
        var der = record.Bytes("signedKeyDer");
        Assert.Equal(record.Bool("verifies"), SignedKey.TryVerify(der, signer, out var key));
        if (!record.Bool("verifies"))
            return;

        Assert.Equal(record["sessionKey"].Bytes("publicSpki"), key!.ToSpki());
        var reader = new WireReader(record.Bytes("smpEncoded"));
        Assert.True(reader.TryReadLarge(out var encoded) && reader.IsAtEnd);
        Assert.Equal(der, encoded.ToArray());
        Assert.True(signer.Verify(record.Bytes("signedDataDer"), record.Bytes("signature")));
        // The leaf's private key, where there is one, stands in the chain's own record.
        var leafHex = record.String("leafCertificate");
        var chain = VectorFile.Load("crypto.json").OfKind("certChain").FirstOrDefault(c => c["certificates"][0].GetString() == leafHex);
        if (chain is null)
            return;
        Assert.True(PrivateKey.TryFromPkcs8(chain["privateKeys"][0].Bytes("privatePkcs8"), out var leafKey));
        using (leafKey)
            Assert.Equal(der, SignedKey.Sign((SigningKey)leafKey, key));
    }
}
