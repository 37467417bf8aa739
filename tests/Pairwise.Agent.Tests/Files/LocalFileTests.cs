using Pairwise.Agent.Files;
using Pairwise.Crypto;
using Pairwise.Protocol.Xftp;
using Pairwise.TestKit;

namespace Pairwise.Agent.Tests.Files;

/// <summary>Files on this device, plain and encrypted.</summary>
public sealed class LocalFileTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Encrypted_files_are_those_of_the_reference()
    {
        using var folder = new TemporaryFolder();
        var count = 0;
        foreach (var record in VectorFile.Load("xftp.json").OfKind("localFileEncryption"))
        {
            var file = new LocalFile(folder.File($"{count++}"), new FileKey(record.Bytes("key"), record.Bytes("nonce")));
            await file.WriteAllAsync(record.Bytes("content"), FileMode.CreateNew, Token);
            Assert.Equal(record.Bytes("encrypted"), await File.ReadAllBytesAsync(file.Path, Token));
            Assert.Equal(record.Bytes("content"), await file.ReadAllAsync(long.MaxValue, Token));
        }

        Assert.Equal(3, count);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(64 * 1024)]
    [InlineData(300_001)]
    public async Task What_was_written_in_pieces_is_read_in_other_pieces(int length)
    {
        using var folder = new TemporaryFolder();
        var content = SystemRandom.Instance.Bytes(length);
        foreach (var file in new[] { new LocalFile(folder.File("plain")), LocalFile.Encrypted(folder.File("encrypted"), SystemRandom.Instance) })
        {
            await using (var writer = file.OpenWrite(FileMode.CreateNew))
            {
                for (var start = 0; start < length; start += 7919) await writer.WriteAsync(content.AsMemory(start, Math.Min(7919, length - start)), Token);
                await writer.CompleteAsync(Token);
            }

            Assert.Equal(length, file.GetContentLength());
            await using var reader = file.OpenRead();
            Assert.Equal(length, reader.Length);
            using var read = new MemoryStream();
            var buffer = new byte[10_007];
            while (await reader.ReadAsync(buffer, Token) is var got and > 0) read.Write(buffer, 0, got);
            reader.CheckEnd();
            Assert.Equal(content, read.ToArray());
            if (!OperatingSystem.IsWindows()) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file.Path));
        }
    }

    [Fact]
    public async Task Nothing_changed_cut_or_unfinished_is_read_to_its_end()
    {
        using var folder = new TemporaryFolder();
        var file = LocalFile.Encrypted(folder.File("file"), SystemRandom.Instance);
        await file.WriteAllAsync(SystemRandom.Instance.Bytes(1000), FileMode.CreateNew, Token);
        var good = await File.ReadAllBytesAsync(file.Path, Token);
        foreach (var position in new[] { 0, 500, 999, 1000, 1015 })
        {
            var bad = good.ToArray();
            bad[position] ^= 0x80;
            await RefusedAsync(bad);
        }

        foreach (var length in new[] { 0, 15, 16, 999, 1015 }) await RefusedAsync(good[..length]);
        await RefusedAsync([.. good, 0]);

        var unfinished = LocalFile.Encrypted(folder.File("unfinished"), SystemRandom.Instance);
        await using (var writer = unfinished.OpenWrite(FileMode.CreateNew)) await writer.WriteAsync(new byte[1000], Token);
        await Assert.ThrowsAsync<InvalidDataException>(() => unfinished.ReadAllAsync(long.MaxValue, Token));
        await Assert.ThrowsAsync<InvalidDataException>(() => (file with { Key = FileKey.Generate(SystemRandom.Instance) }).ReadAllAsync(long.MaxValue, Token));
        await File.WriteAllBytesAsync(file.Path, good, Token);
        await Assert.ThrowsAsync<InvalidDataException>(() => file.ReadAllAsync(999, Token));
        Assert.Equal(1000, (await file.ReadAllAsync(1000, Token)).Length);

        async Task RefusedAsync(byte[] bytes)
        {
            await File.WriteAllBytesAsync(file.Path, bytes, Token);
            await Assert.ThrowsAsync<InvalidDataException>(() => file.ReadAllAsync(long.MaxValue, Token));
            if (bytes.Length < XftpLimits.TagLength) return;
            // Whoever reads on after that is told so again.
            await using var reader = file.OpenRead();
            using var read = new MemoryStream();
            for (var i = 0; i < 2; i++) await Assert.ThrowsAsync<InvalidDataException>(() => reader.CopyToAsync(read, Token));
        }
    }
}
