using System.Text;
using Pairwise.Crypto;
using Pairwise.Protocol.Smp;
using Pairwise.Protocol.Xftp;
using Pairwise.TestKit;
using Pairwise.Wire;

namespace Pairwise.Protocol.Tests.Xftp;

/// <summary>What must hold for all inputs; failures name their seed.</summary>
public sealed class XftpPropertyTests
{
    private const int Runs = 2_000;

    [Fact]
    public void Decoding_commands_and_responses_never_throws_and_what_decodes_encodes_back()
    {
        var samples = Samples().ToArray();
        for (var seed = 0; seed < Runs; seed++)
        {
            var bytes = Mutate(samples[seed % samples.Length], new SeededRandom(seed));
            if (XftpCodec.TryDecode(bytes, out XftpCommand? command, out _))
            {
                Assert.True(XftpCodec.TryDecode(XftpCodec.Encode(command), out XftpCommand? again, out _), $"seed {seed}");
                Assert.Equal(command, again);
            }

            if (XftpCodec.TryDecode(bytes, out XftpResponse? response, out _))
            {
                Assert.True(XftpCodec.TryDecode(XftpCodec.Encode(XftpVersions.BlockedFiles, response), out XftpResponse? again, out _), $"seed {seed}");
                Assert.Equal(response, again);
            }
        }
    }

    [Fact]
    public void Opening_blocks_and_handshakes_never_throws()
    {
        var format = TransmissionFormat.WithSentSessionId([1, 2, 3]);
        Assert.True(XftpTransmission.TryEncode([1, 2, 3], null, CorrId.None, EntityId.None, XftpCommand.Ping.Instance, null, out var ping));
        for (var seed = 0; seed < Runs; seed++)
        {
            var block = ping.ToArray();
            var random = new SeededRandom(seed);
            for (var i = random.Next(4); i >= 0; i--)
            {
                block[random.Next(40)] = (byte)random.Next(256);
            }

            if (XftpTransmission.TryOpen(block, format, out var transmission))
            {
                transmission.TryDecodeCommand(out _, out _);
                transmission.TryDecodeResponse(out _, out _);
            }

            var hello = random.NextBytes(random.Next(120));
            XftpClientHello.TryDecode(hello, out _);
            XftpServerHandshake.TryDecode(hello, out _);
            XftpClientHandshake.TryDecode(hello, out _);
        }

        Assert.False(XftpTransmission.TryOpen(ping.AsMemory(1), format, out _));
    }

    [Fact]
    public void Reading_descriptions_and_links_never_throws_and_what_reads_writes_back()
    {
        var texts = VectorFile.Load("xftp.json").Records.Where(record => record.Has("yaml")).Select(record => record.String("yaml")).ToArray();
        var links = VectorFile.Load("xftp.json").OfKind("fileDescriptionUri").Select(record => record.String("uri")).ToArray();
        var read = 0;
        for (var seed = 0; seed < Runs; seed++)
        {
            var random = new SeededRandom(seed);
            var text = Encoding.Latin1.GetString(Mutate(Encoding.Latin1.GetBytes(texts[seed % texts.Length]), random));
            if (FileDescriptionCodec.TryDecode(text, out var description))
            {
                read++;
                // Writing puts servers in order, which decides which replica comes first; from then on nothing changes.
                Assert.True(FileDescriptionCodec.TryDecode(FileDescriptionCodec.Encode(description), out var ordered), $"seed {seed}");
                Assert.True(FileDescriptionCodec.TryDecode(FileDescriptionCodec.Encode(ordered), out var again), $"seed {seed}");
                Assert.Equal(ordered, again);
            }

            if (FileLink.TryParse(Encoding.Latin1.GetString(Mutate(Encoding.Latin1.GetBytes(links[seed % links.Length]), random)), out var link))
            {
                Assert.True(FileLink.TryParse(link.ToString(), out var ordered), $"seed {seed}");
                Assert.True(FileLink.TryParse(ordered.ToString(), out var again), $"seed {seed}");
                Assert.Equal(ordered, again);
            }

            FileWebLink.TryDecodeFragment(TextEncoding.ToBase64Url(random.NextBytes(random.Next(200))), out _);
        }

        Assert.True(read > 0);
    }

    [Fact]
    public void What_is_encrypted_in_any_pieces_decrypts_in_any_pieces()
    {
        for (var seed = 0; seed < 200; seed++)
        {
            var random = new SeededRandom(seed);
            var content = random.NextBytes(random.Next(5_000));
            var header = new FileHeader($"file {seed}").Encode();
            var size = ChunkPlan.PayloadSize(header.Length, content.Length) + random.Next(300);
            var key = FileKey.Generate(random);
            var chunks = FileEncryptionVectors.Encrypt(key, header, content, Pieces(size, 1, random));
            byte[] encrypted = [.. chunks.SelectMany(chunk => chunk)];
            var pieces = FileEncryptionVectors.Cut(encrypted, Pieces(size, 1_100, random));
            Assert.Equal(FileDecryptionError.None, FileEncryptionVectors.Decrypt(key, size, pieces, out _, out var decrypted));
            Assert.Equal(content, decrypted);
        }
    }

    [Fact]
    public void A_file_with_any_bit_flipped_is_refused()
    {
        var random = new SeededRandom(7);
        var content = random.NextBytes(100);
        var header = new FileHeader("x").Encode();
        var size = (int)ChunkPlan.PayloadSize(header.Length, content.Length) + 10;
        var key = FileKey.Generate(random);
        var encrypted = FileEncryptionVectors.Encrypt(key, header, content, [size])[0];
        for (var position = 0; position < size; position++)
        {
            var tampered = encrypted.ToArray();
            tampered[position] ^= (byte)(1 << (position % 8));
            Assert.NotEqual(FileDecryptionError.None, FileEncryptionVectors.Decrypt(key, size, [tampered], out _, out _));
        }
    }

    [Fact]
    public void Sizes_in_text_come_back_and_absurd_ones_are_refused()
    {
        foreach (var size in new[] { 0, 1, 1023, 1024, 65_536, 1 << 20, 5L << 30, (5L << 30) + 1 })
        {
            Assert.True(FileSize.TryParse(FileSize.ToText(size), out var parsed));
            Assert.Equal(size, parsed);
        }

        foreach (var text in new[] { "", "kb", "-1", "1tb", "9999999999999gb", "99999999999999999999", "1 kb" })
        {
            Assert.False(FileSize.TryParse(text, out _));
        }
    }

    private static List<int> Pieces(long size, int minimum, SeededRandom random)
    {
        // The tag is not split, so the last piece takes what is left once it would be too short.
        var pieces = new List<int>();
        var left = (int)size;
        while (left > 0)
        {
            var piece = Math.Min(left, minimum + random.Next(900));
            piece = left - piece < Math.Max(XftpLimits.TagLength, minimum) ? left : piece;
            pieces.Add(piece);
            left -= piece;
        }

        return pieces;
    }

    private static IEnumerable<byte[]> Samples() =>
        VectorFile.Load("xftp.json").Records.Where(record => record.Kind is "command" or "response").Select(record => record.Bytes("encoded"));

    private static byte[] Mutate(byte[] sample, SeededRandom random)
    {
        var bytes = sample.ToList();
        for (var i = random.Next(3); i > 0 && bytes.Count > 0; i--)
        {
            switch (random.Next(4))
            {
                case 0:
                    bytes.RemoveRange(0, random.Next(bytes.Count));
                    break;
                case 1:
                    bytes.RemoveAt(random.Next(bytes.Count));
                    break;
                case 2:
                    bytes.Insert(random.Next(bytes.Count), (byte)random.Next(256));
                    break;
                default:
                    bytes[random.Next(bytes.Count)] = (byte)random.Next(256);
                    break;
            }
        }

        return [.. bytes];
    }
}
