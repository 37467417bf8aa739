using System.Security.Cryptography;
using System.Text;
using Pairwise.Demo.Processes;

namespace Pairwise.Demo;

/// <summary>A file that one person sends another through the file relay inside the sender's program.</summary>
internal sealed record Photo(string Path, byte[] Digest)
{
    private const int Length = 3_000_000;

    /// <summary>Words in the file that its relay must not see.</summary>
    private const string Telling = "a holiday photo, for Bob alone";

    /// <summary>Makes the file.</summary>
    public static Photo Make(string path)
    {
        var content = RandomNumberGenerator.GetBytes(Length);
        Encoding.UTF8.GetBytes(Telling).CopyTo(content, 100);
        File.WriteAllBytes(path, content);
        return new Photo(path, SHA256.HashData(content));
    }

    /// <summary>Sends it, receives it into a folder, and gives what is wrong with what came; null when nothing is.</summary>
    public async Task<string?> SendAsync(ChatProcess sender, ChatProcess receiver, string receiverName, string folder, TimeSpan patience)
    {
        await sender.TypeAsync($"/file @{receiverName} {Path}");
        var offer = await receiver.WaitForLineAsync(line => line.StartsWith("use /fr ", StringComparison.Ordinal), patience);
        Directory.CreateDirectory(folder);
        await receiver.TypeAsync($"/freceive {offer.Split(' ')[2]} encrypt=off {folder}/");
        await receiver.WaitForLineAsync(line => line.StartsWith("completed receiving file", StringComparison.Ordinal), patience);
        var received = System.IO.Path.Combine(folder, System.IO.Path.GetFileName(Path));
        return SHA256.HashData(await File.ReadAllBytesAsync(received)).AsSpan().SequenceEqual(Digest) ? null : "another file than was sent";
    }

    /// <summary>Whether the words of the file stand anywhere in a folder.</summary>
    public static bool IsReadableIn(string folder) =>
        Directory.GetFiles(folder, "*", SearchOption.AllDirectories).Any(file => File.ReadAllBytes(file).AsSpan().IndexOf(Encoding.UTF8.GetBytes(Telling)) >= 0);
}
