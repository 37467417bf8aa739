namespace Pairwise.Demo.Processes;

/// <summary>A person's chat program, driven through its standard input and output.</summary>
public sealed class ChatProcess : ChildProcess
{
    private ChatProcess(string folder, IEnumerable<string> servers, string? name, IEnumerable<string> more)
        : base(
            Own("pairwise", ["-d", folder, "--no-qr", .. servers.SelectMany(server => new[] { "--server", server }), .. name is null ? Array.Empty<string>() : ["--display-name", name], .. more]),
            new Dictionary<string, string> { ["PAIRWISE_PASSPHRASE"] = "demo passphrase" })
    {
    }

    /// <summary>Starts the chat of a person.</summary>
    /// <param name="folder">Its data folder; made when missing.</param>
    /// <param name="servers">Relays for its queues; none for the embedded one.</param>
    /// <param name="name">Display name for a first start; null afterwards.</param>
    /// <param name="more">Further options.</param>
    public static ChatProcess Start(string folder, IEnumerable<string> servers, string? name = null, params string[] more) =>
        new(folder, servers, name, more);

    /// <summary>Makes a one-time link and gives it.</summary>
    public async Task<string> CreateLinkAsync(TimeSpan patience)
    {
        var from = Lines.Count;
        await TypeAsync("/connect");
        var line = await WaitForLineAsync(text => text.Contains("/invitation#", StringComparison.Ordinal), patience, from);
        return line.Split(' ', StringSplitOptions.RemoveEmptyEntries).First(word => word.Contains("/invitation#", StringComparison.Ordinal));
    }
}
