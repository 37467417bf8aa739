using System.Buffers.Binary;
using System.Security.Cryptography;
using Pairwise.Crypto;
using Pairwise.Protocol.Xftp;
using Pairwise.TestKit;

namespace Pairwise.Protocol.Tests.Xftp;

/// <summary>The records about encrypted files and downloads.</summary>
internal static class FileEncryptionVectors
{
    public static void File(VectorRecord record)
    {
        var content = Content(record);
        Assert.Equal(record.Bytes("contentSha256"), SHA256.HashData(content));
        var header = new FileHeader(record.String("fileName")).Encode();
        Assert.Equal(record.Bytes("fileHeader"), header);
        Assert.Equal(record["sizeWithHeader"].GetInt64(), header.Length + content.Length);
        var payload = ChunkPlan.PayloadSize(header.Length, content.Length);
        Assert.Equal(record["payloadSize"].GetInt64(), payload);
        var sizes = record["chunkSizes"].EnumerateArray().Select(size => size.GetInt32()).ToArray();
        Assert.Equal(sizes, ChunkPlan.Split(payload));
        var size = record.Int("encryptedSize");
        var key = new FileKey(record.Bytes("key"), record.Bytes("nonce"));

        var chunks = Encrypt(key, header, content, sizes);
        byte[] encrypted = [.. chunks.SelectMany(chunk => chunk)];
        Assert.Equal(size, encrypted.Length);
        Assert.Equal(record.Bytes("encryptedFirst128"), encrypted[..128]);
        Assert.Equal(record.Bytes("encryptedLast64"), encrypted[^64..]);
        Assert.Equal(record.Bytes("encryptedSha256"), SHA256.HashData(encrypted));
        Assert.Equal(record.Bytes("encryptedSha512Digest"), SHA512.HashData(encrypted));
        Assert.Equal(record["chunkDigestsSha256"].EnumerateArray().Select(digest => digest.Bytes()), chunks.Select(SHA256.HashData));

        Assert.Equal(FileDecryptionError.None, Decrypt(key, size, chunks, out var decryptor, out var decrypted));
        Assert.Equal(content, decrypted);
        Assert.Equal(record.String("fileName"), decryptor.Header?.FileName);
        Assert.Equal(content.Length, decryptor.ContentLength);
        Assert.True(decryptor.IsComplete);

        Assert.Equal("FTCEInvalidAuthTag", record.String("tamperedDecrypt"));
        foreach (var position in new[] { header.Length + 8, size / 2, size - 17, size - 16, size - 1 })
        {
            var tampered = encrypted.ToArray();
            tampered[position] ^= 1;
            Assert.Equal(FileDecryptionError.Tag, Decrypt(key, size, Cut(tampered, sizes), out _, out _));
        }
    }

    public static void LocalFile(VectorRecord record)
    {
        var content = record.Bytes("content");
        using var box = BoxKey.FromSymmetric(record.Bytes("key"));
        var encrypted = new byte[content.Length + BoxKey.TagLength];
        box.SealTailTag(record.Bytes("nonce"), content, encrypted);
        Assert.Equal(record.Bytes("encrypted"), encrypted);
        using var stream = new FileKey(record.Bytes("key"), record.Bytes("nonce")).StartStream();
        stream.Decrypt(encrypted.AsSpan(0, content.Length), encrypted.AsSpan(0, content.Length));
        Assert.Equal(content, encrypted[..content.Length]);
        Assert.True(stream.TryFinish(encrypted.AsSpan(content.Length)));
    }

    public static void BoxWithLongLength(VectorRecord record)
    {
        var message = record.Bytes("message");
        var padded = new byte[record.Int("paddedLength")];
        BinaryPrimitives.WriteInt64BigEndian(padded, message.Length);
        message.CopyTo(padded.AsSpan(XftpLimits.FileLengthSize));
        padded.AsSpan(XftpLimits.FileLengthSize + message.Length).Fill((byte)'#');
        using var box = BoxKey.FromSymmetric(record.Bytes("key"));
        Assert.Equal(record.Bytes("tagFirst"), box.Seal(record.Bytes("nonce"), padded));
        var tagLast = new byte[padded.Length + BoxKey.TagLength];
        box.SealTailTag(record.Bytes("nonce"), padded, tagLast);
        Assert.Equal(record.Bytes("tagLast"), tagLast);
    }

    public static void Download(VectorRecord record)
    {
        Assert.True(X25519PrivateKey.TryFromPkcs8(record["serverKey"].Bytes("privatePkcs8"), out var serverKey));
        using (serverKey)
        using (var secret = serverKey.DeriveSharedSecret(Assert.IsType<X25519PublicKey>(XftpVectorTests.SpkiOf(record["recipientKey"]))))
        using (var box = BoxKey.From(secret))
        using (var stream = box.StartStream(record.Bytes("nonce")))
        {
            Assert.Equal(record.Bytes("dhSecret"), secret.Bytes.ToArray());
            var chunk = DeterministicBytes.Make(record["chunkDet"].GetProperty("label").GetString()!, record["chunkDet"].GetProperty("length").GetInt32());
            var body = new byte[record.Int("bodyLength")];
            var half = chunk.Length / 2;
            stream.Encrypt(chunk.AsSpan(0, half), body.AsSpan(0, half));
            stream.Encrypt(chunk.AsSpan(half), body.AsSpan(half, chunk.Length - half));
            stream.Finish(body.AsSpan(chunk.Length));
            Assert.Equal(record.Bytes("bodyFirst64"), body[..64]);
            Assert.Equal(record.Bytes("tag"), body[^XftpLimits.TagLength..]);
            Assert.Equal(record.Bytes("bodySha256"), SHA256.HashData(body));
        }
    }

    public static byte[][] Encrypt(FileKey key, byte[] header, byte[] content, IReadOnlyList<int> sizes)
    {
        using var encryptor = new FileEncryptor(key, header, content.Length, sizes.Sum(size => (long)size));
        var taken = 0;
        var chunks = new List<byte[]>();
        foreach (var size in sizes)
        {
            var chunk = new byte[size];
            var room = chunk.AsSpan(encryptor.Begin(size));
            content.AsSpan(taken, room.Length).CopyTo(room);
            taken += room.Length;
            encryptor.Complete(chunk);
            chunks.Add(chunk);
        }

        Assert.Equal(content.Length, taken);
        return [.. chunks];
    }

    public static FileDecryptionError Decrypt(FileKey key, long size, byte[][] chunks, out FileDecryptor decryptor, out byte[] content)
    {
        decryptor = new FileDecryptor(key, size);
        using (decryptor)
        {
            var found = new List<byte>();
            content = [];
            foreach (var chunk in chunks)
            {
                var piece = chunk.ToArray();
                if (decryptor.Decrypt(piece, out var range) is var error and not FileDecryptionError.None)
                {
                    return error;
                }

                found.AddRange(piece[range]);
            }

            content = [.. found];
            return FileDecryptionError.None;
        }
    }

    public static byte[][] Cut(byte[] encrypted, IReadOnlyList<int> sizes)
    {
        var position = 0;
        var pieces = new List<byte[]>();
        foreach (var size in sizes)
        {
            pieces.Add(encrypted.AsSpan(position, size).ToArray());
            position += size;
        }

        return [.. pieces];
    }

    private static byte[] Content(VectorRecord record) => record.Has("contentDet")
        ? DeterministicBytes.Make(record["contentDet"].GetProperty("label").GetString()!, record["contentDet"].GetProperty("length").GetInt32())
        : record.Bytes("content");
}
