using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Pairwise.TestKit;

namespace Pairwise.Crypto.Tests;

/// <summary>Every record of sntrup761.json: keys, encapsulations, implicit rejections and hybrid secrets of the reference.</summary>
public sealed class Sntrup761VectorTests
{
    private static readonly VectorFile File = VectorFile.Load("sntrup761.json");

    [Fact]
    public void All_records_come_out_as_the_reference_has_them() => File.Check(new Dictionary<string, Action<VectorRecord>>
    {
        ["kem"] = CheckKem,
        ["kemImplicitRejection"] = CheckRejection,
        ["kemHybridSecret"] = CheckHybridSecret,
    });

    private static void CheckKem(VectorRecord record)
    {
        var (publicKey, secretKey) = GenerateKeyPair(record.Bytes("keyRandom"));
        Assert.Equal(record.Bytes("publicKey"), publicKey);
        Assert.Equal(record.Bytes("secretKey"), secretKey);

        var ciphertext = new byte[Sntrup761.CiphertextLength];
        var secret = new byte[Sntrup761.SharedSecretLength];
        var random = new ReplayRandom(record.Bytes("encRandom"));
        Sntrup761.Encapsulate(random, publicKey, ciphertext, secret);
        Assert.Equal(0, random.Remaining);
        Assert.Equal(record.Bytes("ciphertext"), ciphertext);
        Assert.Equal(record.Bytes("sharedSecret"), secret);
        Assert.Equal(secret, Decapsulate(secretKey, ciphertext));

        Span<byte> lengthPrefix = stackalloc byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(lengthPrefix, (ushort)publicKey.Length);
        Assert.Equal(record.Bytes("publicKeySmpEncodedPrefix"), lengthPrefix.ToArray());
    }

    private static void CheckRejection(VectorRecord record)
    {
        var secretKey = SecretKeyOf(record.String("keyCase"));
        Assert.Equal(record.Bytes("sharedSecret"), Decapsulate(secretKey, record.Bytes("ciphertext")));
    }

    private static void CheckHybridSecret(VectorRecord record)
    {
        using var own = X25519PrivateKey.FromRaw(record["privateKeyB"].Bytes("privateRaw"));
        using var dh = own.DeriveSharedSecret(X25519PublicKey.FromRaw(record.Bytes("publicKeyA")));
        var hybrid = Digests.Sha3_256([.. dh.Bytes, .. record.Bytes("kemSharedSecret")]);
        Assert.Equal(record.Bytes("hybridSecret"), hybrid);

        using var box = BoxKey.FromSymmetric(hybrid);
        var ciphertext = box.SealPadded(record.Bytes("nonce"), record.Bytes("message"), record.Int("paddedLength"));
        Assert.Equal(record.Bytes("ciphertext"), ciphertext);
    }

    // Rejections refer to key pairs by name; the file holds most of them, all come from named random bytes.
    private static byte[] SecretKeyOf(string name)
    {
        var recorded = File.OfKind("kem").FirstOrDefault(record => record.Name == name);
        if (recorded is not null)
            return recorded.Bytes("secretKey");
        return GenerateKeyPair(Det($"sntrup-key-{name["sntrup761 ".Length..]}", 20_000), takesAll: false).SecretKey;
    }

    private static byte[] Det(string label, int length)
    {
        var bytes = new List<byte>();
        var counter = new byte[4];
        for (var i = 0; bytes.Count < length; i++)
        {
            BinaryPrimitives.WriteInt32BigEndian(counter, i);
            bytes.AddRange(SHA512.HashData([.. Encoding.ASCII.GetBytes(label), .. counter]));
        }

        return [.. bytes.Take(length)];
    }

    private static (byte[] PublicKey, byte[] SecretKey) GenerateKeyPair(byte[] recorded, bool takesAll = true)
    {
        var publicKey = new byte[Sntrup761.PublicKeyLength];
        var secretKey = new byte[Sntrup761.SecretKeyLength];
        var random = new ReplayRandom(recorded);
        Sntrup761.GenerateKeyPair(random, publicKey, secretKey);
        if (takesAll)
            Assert.Equal(0, random.Remaining);
        return (publicKey, secretKey);
    }

    private static byte[] Decapsulate(byte[] secretKey, byte[] ciphertext)
    {
        var secret = new byte[Sntrup761.SharedSecretLength];
        Sntrup761.Decapsulate(secretKey, ciphertext, secret);
        return secret;
    }
}
