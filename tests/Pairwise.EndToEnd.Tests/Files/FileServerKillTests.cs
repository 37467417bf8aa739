using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using Pairwise.Client.Xftp;
using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Xftp;
using Pairwise.Transport;
using Pairwise.Wire;

namespace Pairwise.EndToEnd.Tests.Files;

/// <summary>
/// A file server dies by <c>kill -9</c> in every round while clients upload, download and delete: what it answered for is
/// there, what it lists is whole, and no file on its disk has no owner.
/// <c>PAIRWISE_KILL_ROUNDS</c> sets the rounds, <c>PAIRWISE_SEED</c> repeats a run.
/// </summary>
public sealed class FileServerKillTests(ITestOutputHelper output)
{
    private const int DefaultRounds = 50;
    private const int Clients = 6;
    private const int ChunkSize = 64 * 1024;

    private readonly ConcurrentDictionary<ChunkId, Kept> _kept = new();
    private readonly ConcurrentDictionary<ChunkId, Kept> _deleted = new();
    private readonly ConcurrentQueue<string> _faults = new();
    private long _answers;

    [Fact]
    public async Task A_killed_file_server_keeps_what_it_answered_for_and_nothing_else()
    {
        var rounds = KillRounds.Read(DefaultRounds);
        var seed = KillRounds.Seed();
        output.WriteLine($"seed {seed}, {rounds} rounds");
        var random = new Random(seed);
        using var folder = new TestFolder();
        var address = await FileServerProcess.InitAsync(folder["server"]);
        Assert.True(ServerAddress.TryParse(address, out var server));
        for (var round = 0; round < rounds; round++)
        {
            await using var process = await FileServerProcess.StartAsync(folder["server"], address);
            CheckDisk(folder["server"]);
            using var stop = new CancellationTokenSource();
            var clients = Enumerable.Range(0, Clients).Select(_ => WorkAsync(server, random.Next(), stop.Token)).ToArray();
            await WaitForAnswersAsync(random.Next(0, 25), clients);
            await Task.Delay(TimeSpan.FromMilliseconds(random.Next(0, 60)), TimeProvider.System, TestContext.Current.CancellationToken);
            await process.KillAsync();
            await stop.CancelAsync();
            await Task.WhenAll(clients);
        }

        await using var last = await FileServerProcess.StartAsync(folder["server"], address);
        CheckDisk(folder["server"]);
        await CheckAllAsync(server);
        output.WriteLine($"{_kept.Count} chunks kept, {_deleted.Count} deleted");
        Assert.Empty(_faults);
        Assert.NotEmpty(_kept);
        Assert.NotEmpty(_deleted);
    }

    // So that what is interrupted is work, however slow the machine.
    private async Task WaitForAnswersAsync(int more, Task[] clients)
    {
        var target = Interlocked.Read(ref _answers) + more;
        while (Interlocked.Read(ref _answers) < target && !clients.All(client => client.IsCompleted))
        {
            await Task.Delay(TimeSpan.FromMilliseconds(2), TimeProvider.System, TestContext.Current.CancellationToken);
        }
    }

    private async Task WorkAsync(ServerAddress server, int seed, CancellationToken stop)
    {
        var random = new Random(seed);
        try
        {
            await using var client = await XftpClient.ConnectAsync(server, new XftpClientOptions(), stop);
            while (!stop.IsCancellationRequested)
            {
                if (random.Next(3) > 0)
                {
                    if (await Kept.UploadAsync(client, stop) is not { } chunk)
                    {
                        return;
                    }

                    _kept[chunk.Sender] = chunk;
                    Interlocked.Increment(ref _answers);
                    continue;
                }

                if (_kept.Values.Skip(random.Next(Math.Max(1, _kept.Count))).FirstOrDefault() is not { } any || !_kept.TryRemove(any.Sender, out var taken))
                {
                    continue;
                }

                // Whether it is deleted is not known until the answer is there.
                var result = await client.DeleteAsync(taken.Sender, taken.SenderKey, stop);
                if (result.IsOk)
                {
                    _deleted[taken.Sender] = taken;
                }
                else if (result.Error is XftpClientError.Server { Error: var error })
                {
                    _faults.Enqueue($"A chunk that was uploaded could not be deleted: {error}");
                }
            }
        }
        catch (Exception end) when (end is TransportException or OperationCanceledException)
        {
            // The server died, or the round is over.
        }
    }

    // The log as it is after the start, read by other code than the server's: what it lists is whole, and all there is.
    private void CheckDisk(string folder)
    {
        var log = FileServerProcess.StoreLogOf(folder);
        if (!File.Exists(log))
        {
            return;
        }

        Dictionary<string, long> sizes = [];
        HashSet<string> listed = [];
        foreach (var words in File.ReadAllLines(log).Select(line => line.Split(' ')))
        {
            if (words[0] == "FNEW")
            {
                sizes[words[1]] = long.Parse(words[3], CultureInfo.InvariantCulture);
            }
            else if (words[0] == "FPUT")
            {
                listed.Add(words[1]);
                var file = new FileInfo(Path.Combine(FileServerProcess.FilesOf(folder), words[1]));
                if (!file.Exists || file.Length != sizes[words[1]])
                {
                    _faults.Enqueue($"A listed chunk of {sizes[words[1]]} bytes is not whole: {(file.Exists ? file.Length : -1)}");
                }
            }
        }

        foreach (var file in Directory.EnumerateFiles(FileServerProcess.FilesOf(folder)))
        {
            if (!listed.Contains(Path.GetFileName(file)))
            {
                _faults.Enqueue($"Nobody owns the file {Path.GetFileName(file)}.");
            }
        }
    }

    private async Task CheckAllAsync(ServerAddress server)
    {
        await using var client = await XftpClient.ConnectAsync(server, new XftpClientOptions(), TestContext.Current.CancellationToken);
        foreach (var chunk in _kept.Values)
        {
            if (await chunk.DownloadAsync(client) is { } error)
            {
                _faults.Enqueue($"A chunk that was answered for is not there: {error}");
            }
        }

        foreach (var chunk in _deleted.Values)
        {
            if (await chunk.DownloadAsync(client) is not XftpClientError.Server { Error: XftpError.Auth })
            {
                _faults.Enqueue("A chunk that was deleted is there.");
            }
        }
    }

    private sealed record Kept(ChunkId Sender, Ed25519PrivateKey SenderKey, ChunkId Recipient, Ed25519PrivateKey RecipientKey, Bytes Digest)
    {
        public static async Task<Kept?> UploadAsync(XftpClient client, CancellationToken cancellationToken)
        {
            var content = new byte[ChunkSize];
            SystemRandom.Instance.Fill(content);
            var digest = Bytes.Wrap(SHA256.HashData(content));
            var sender = Ed25519PrivateKey.Generate(SystemRandom.Instance);
            var recipient = Ed25519PrivateKey.Generate(SystemRandom.Instance);
            var created = await client.CreateAsync(new ChunkInfo(sender.PublicKey, ChunkSize, digest), sender, [recipient.PublicKey], null, cancellationToken);
            return created.IsOk && (await client.UploadAsync(created.Value.Sender, sender, content, null, cancellationToken)).IsOk
                ? new Kept(created.Value.Sender, sender, created.Value.Recipients[0], recipient, digest)
                : null;
        }

        public async Task<XftpClientError?> DownloadAsync(XftpClient client) =>
            (await client.DownloadAsync(Recipient, RecipientKey, ChunkSize, Digest, Stream.Null, null, TestContext.Current.CancellationToken)).Error;
    }
}
