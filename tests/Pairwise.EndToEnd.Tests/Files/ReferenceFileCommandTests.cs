using Pairwise.Crypto;

namespace Pairwise.EndToEnd.Tests.Files;

/// <summary>
/// The original <c>xftp</c> and ours send each other files through the original file server and ours.
/// <c>./test reference --xftp PATH --xftp-server PATH</c> runs these; without the originals they are skipped.
/// </summary>
[Trait("Needs", "originals")]
public sealed class ReferenceFileCommandTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static string? Command => Environment.GetEnvironmentVariable("PAIRWISE_REFERENCE_XFTP");

    private static string? Server => Environment.GetEnvironmentVariable("PAIRWISE_REFERENCE_XFTP_SERVER");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true, true, 300_000)]
    [InlineData(true, false, 9_000_000)]
    [InlineData(false, true, 9_000_000)]
    [InlineData(false, false, 300_000)]
    public async Task The_original_command_and_ours_send_each_other_files(bool isServerOurs, bool isSenderOurs, int size)
    {
        Assert.SkipWhen(Command is null || Server is null, "the original programs are not here: ./test reference --xftp PATH --xftp-server PATH");
        using var folder = new TestFolder();
        var address = await FileServerProcess.InitAsync(folder["server"], isServerOurs ? null : Server);
        await using var server = await FileServerProcess.StartAsync(folder["server"], address, isServerOurs ? null : Server);
        var content = new byte[size];
        SystemRandom.Instance.Fill(content);
        await File.WriteAllBytesAsync(folder["photo.jpg"], content, Token);
        Directory.CreateDirectory(folder["out"]);
        var sender = isSenderOurs ? null : Command;
        var receiver = isSenderOurs ? Command : null;

        // Two recipients, each with a description of its own: one of each program.
        var said = await FileCommandProcess.SucceedAsync(sender, "send", folder["photo.jpg"], folder["out"], "-n", "2", "-s", address);
        var descriptions = Path.Combine(folder["out"], "photo.jpg.xftp");
        await ReceiveAsync(receiver, Path.Combine(descriptions, "rcv1.xftp"), folder["in1"], content);
        await ReceiveAsync(sender, Path.Combine(descriptions, "rcv2.xftp"), folder["in2"], content);
        Assert.NotEqual(0, (await FileCommandProcess.RunAsync(receiver, "recv", Path.Combine(descriptions, "rcv1.xftp"), folder["in1"], "-y")).Code);

        // The link is the first recipient's description, which is used up: a new one.
        said = await FileCommandProcess.SucceedAsync(sender, "send", folder["photo.jpg"], folder["out"], "-s", address);
        var link = said.Last(line => line.Contains('#', StringComparison.Ordinal)).Trim();
        await ReceiveAsync(receiver, link, folder["in3"], content);

        // The other program deletes what the first one uploaded.
        await FileCommandProcess.SucceedAsync(receiver, "del", Path.Combine(descriptions, "snd.xftp.private"), "-y");
        Assert.Equal(0, await server.InterruptAsync(Patience) * (isServerOurs ? 1 : 0));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_link_that_leads_to_a_description_is_followed_by_the_original_command(bool isServerOurs)
    {
        Assert.SkipWhen(Command is null || Server is null, "the original programs are not here: ./test reference --xftp PATH --xftp-server PATH");
        using var folder = new TestFolder();
        var address = await FileServerProcess.InitAsync(folder["server"], isServerOurs ? null : Server);
        await using var server = await FileServerProcess.StartAsync(folder["server"], address, isServerOurs ? null : Server);
        var content = new byte[3_000_000];
        SystemRandom.Instance.Fill(content);
        await File.WriteAllBytesAsync(folder["photo.jpg"], content, Token);
        var said = await FileCommandProcess.SucceedAsync(null, "send", folder["photo.jpg"], folder["out"], "-s", address, "--short-link");
        await ReceiveAsync(Command, said.Last(line => line.Contains('#', StringComparison.Ordinal)).Trim(), folder["in"], content);

        // What the link led to can be deleted with the description that was saved.
        var descriptions = Path.Combine(folder["out"], "photo.jpg.xftp");
        await FileCommandProcess.SucceedAsync(Command, "del", Path.Combine(descriptions, "link.xftp.private"), "-y");
        await FileCommandProcess.SucceedAsync(null, "del", Path.Combine(descriptions, "snd.xftp.private"), "-y");
        Assert.Empty(Directory.EnumerateFiles(FileServerProcess.FilesOf(folder["server"])));
    }

    private static async Task ReceiveAsync(string? program, string description, string destination, byte[] content)
    {
        Directory.CreateDirectory(destination);
        if (description.Contains("://", StringComparison.Ordinal))
        {
            await FileCommandProcess.SucceedAsync(program, "recv", description, destination);
        }
        else
        {
            // A copy, since the description is deleted with "yes".
            var copy = destination + ".xftp";
            File.Copy(description, copy);
            await FileCommandProcess.SucceedAsync(program, "recv", copy, destination, "-y");
        }

        Assert.Equal(content, await File.ReadAllBytesAsync(Path.Combine(destination, "photo.jpg"), Token));
    }
}
