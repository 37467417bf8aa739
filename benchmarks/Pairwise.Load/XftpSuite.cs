using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using Pairwise.Client.Xftp;
using Pairwise.Crypto;
using Pairwise.Protocol.Xftp;
using Pairwise.Wire;

namespace Pairwise.Load;

/// <summary>"xftp": a file up and down again through a server on the loopback, beside the floor of its cryptography.</summary>
internal static class XftpSuite
{
    internal const string Summary = "a file up and down through a file server               [--size 1gb] [--server ADDRESS [--pid ID]] [--small 2000] [--rtt MILLISECONDS]";

    private const double Megabyte = 1_000_000;
    private const double Gigabyte = 1_073_741_824;

    internal static async Task<int> RunAsync(SuiteOptions options, CancellationToken cancellationToken)
    {
        options.AllowOnly("size", "server", "pid", "small", "rtt");
        if (!FileSize.TryParse(options.Text("size") ?? "1gb", out var size) || size is < 1 or > XftpLimits.SoftMaxFileSize)
            throw new SuiteException("--size is a size up to 1gb, such as 200mb");
        var processId = options.Number("pid", 0);
        await using var server = options.Text("server") is { Length: > 0 } address
            ? FileServerProcess.Foreign(address, processId > 0 ? (int)processId : null)
            : await FileServerProcess.StartAsync(cancellationToken);
        var folder = Directory.CreateTempSubdirectory("pairwise-bench-").FullName;
        try
        {
            if (options.Number("rtt", 0) is var milliseconds and > 0)
                return await RunFarAsync(server, folder, size, TimeSpan.FromMilliseconds(milliseconds), cancellationToken);
            return await RunAsync(server, folder, size, (int)options.Number("small", 2000), cancellationToken);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<int> RunAsync(FileServerProcess server, string folder, long size, int small, CancellationToken cancellationToken)
    {
        var floor = MeasureFloor(Salsa20Path.Libsodium);
        var ownFloor = MeasureFloor(Salsa20.FastestPath);
        var source = Path.Combine(folder, "source");
        await WriteRandomAsync(source, size, cancellationToken);
        await using var clients = new XftpClientPool(new XftpClientOptions());
        await WarmUpAsync(server, clients, folder, cancellationToken);

        SentFile? sent = null;
        var upload = await TimeAsync(server, size, async () => sent = await SendAsync(server, clients, source, size, cancellationToken));
        var target = Path.Combine(folder, "target");
        var download = await TimeAsync(server, size, () => ReceiveAsync(sent!.Recipients[0], clients, folder, target, cancellationToken));
        if (new FileInfo(target).Length != size)
            throw new SuiteException("the file that came back has another length");
        var requests = await CountRequestsAsync(server, clients, small, cancellationToken);
        await DeleteAsync(sent!.Sender, clients, cancellationToken);

        var gigabytes = size / Gigabyte;
        var cpu = upload.ClientCpu + upload.ServerCpu + download.ClientCpu + download.ServerCpu;
        var ratio = cpu / ((floor.Upload + floor.Download) * size);
        var ownRatio = cpu / ((ownFloor.Upload + ownFloor.Download) * size);
        var ownPeak = PeakBytes(Environment.ProcessId) / Megabyte;
        var serverPeak = server.ProcessId is { } id ? PeakBytes(id) / Megabyte : 0;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"A file of {FileSize.ToText(size)}, up and down"));
        Console.WriteLine(Measure.Row("upload", size / upload.Seconds / Megabyte, "MB/s", "encrypting and hashing included"));
        Console.WriteLine(Measure.Row("download", size / download.Seconds / Megabyte, "MB/s", "decrypting and hashing included"));
        Console.WriteLine(Measure.Row("CPU of the client, up", upload.ClientCpu / gigabytes, "s", "a GB"));
        Console.WriteLine(Measure.Row("CPU of the client, down", download.ClientCpu / gigabytes, "s", "a GB"));
        Console.WriteLine(Measure.Row("CPU of the server, receiving", upload.ServerCpu / gigabytes, "s", "a GB"));
        Console.WriteLine(Measure.Row("CPU of the server, sending", download.ServerCpu / gigabytes, "s", "a GB"));
        Console.WriteLine(Measure.Row("floor of cryptography and hashing, both ends", (floor.Upload + floor.Download) * Gigabyte, "s", "a GB up and down"));
        Console.WriteLine(Measure.Row("the same with our own Salsa20", (ownFloor.Upload + ownFloor.Download) * Gigabyte, "s", "a GB up and down"));
        Console.WriteLine(Measure.Row("CPU of both ends, times the floor", ratio, "", string.Create(CultureInfo.InvariantCulture, $"{ownRatio:N2} times the one with our own Salsa20")));
        Console.WriteLine(Measure.Row("requests for chunks of 64 KB", requests, "", "a second"));
        Console.WriteLine(Measure.Row("memory peak of the client", ownPeak, "MB"));
        Console.WriteLine(Measure.Row("memory peak of the server", serverPeak, "MB"));
        Console.WriteLine(JsonSerializer.Serialize(new SortedDictionary<string, object>(StringComparer.Ordinal)
        {
            ["suite"] = "xftp",
            ["size_bytes"] = size,
            ["upload_mb_s"] = Math.Round(size / upload.Seconds / Megabyte, 1),
            ["download_mb_s"] = Math.Round(size / download.Seconds / Megabyte, 1),
            ["client_cpu_s_per_gb"] = Math.Round((upload.ClientCpu + download.ClientCpu) / gigabytes, 2),
            ["server_cpu_s_per_gb"] = Math.Round((upload.ServerCpu + download.ServerCpu) / gigabytes, 2),
            ["server_cpu_s_per_gb_received"] = Math.Round(upload.ServerCpu / gigabytes, 2),
            ["server_cpu_s_per_gb_sent"] = Math.Round(download.ServerCpu / gigabytes, 2),
            ["floor_s_per_gb"] = Math.Round((floor.Upload + floor.Download) * Gigabyte, 2),
            ["floor_ratio"] = Math.Round(ratio, 2),
            ["own_floor_s_per_gb"] = Math.Round((ownFloor.Upload + ownFloor.Download) * Gigabyte, 2),
            ["own_floor_ratio"] = Math.Round(ownRatio, 2),
            ["small_requests_s"] = Math.Round(requests),
            ["client_peak_rss_mb"] = Math.Round(ownPeak),
            ["peak_rss_mb"] = Math.Round(serverPeak),
        }));
        return 0;
    }

    /// <summary>The same file over a long way: what windows allow. CPU says nothing here, since the way is in this process.</summary>
    private static async Task<int> RunFarAsync(FileServerProcess server, string folder, long size, TimeSpan roundTrip, CancellationToken cancellationToken)
    {
        var near = server.Address.Server;
        if (!near.TryGetPort(out var port) || !IPAddress.TryParse(near.Hosts[0].Name, out var host))
            throw new SuiteException("--rtt needs a server that is named by its IP address");
        await using var link = SlowLink.Start(new IPEndPoint(host, port), roundTrip);
        var far = server.At($"127.0.0.1:{link.Port}");
        var source = Path.Combine(folder, "source");
        await WriteRandomAsync(source, size, cancellationToken);
        await using var clients = new XftpClientPool(new XftpClientOptions());
        await WarmUpAsync(far, clients, folder, cancellationToken);
        SentFile? sent = null;
        var upload = await TimeAsync(far, size, async () => sent = await SendAsync(far, clients, source, size, cancellationToken));
        var download = await TimeAsync(far, size, () => ReceiveAsync(sent!.Recipients[0], clients, folder, Path.Combine(folder, "target"), cancellationToken));
        await DeleteAsync(sent!.Sender, clients, cancellationToken);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"A file of {FileSize.ToText(size)}, up and down, {roundTrip.TotalMilliseconds} ms away"));
        Console.WriteLine(Measure.Row("upload", size / upload.Seconds / Megabyte, "MB/s"));
        Console.WriteLine(Measure.Row("download", size / download.Seconds / Megabyte, "MB/s"));
        Console.WriteLine(JsonSerializer.Serialize(new SortedDictionary<string, object>(StringComparer.Ordinal)
        {
            ["suite"] = "xftp",
            ["size_bytes"] = size,
            ["rtt_ms"] = roundTrip.TotalMilliseconds,
            ["upload_mb_s"] = Math.Round(size / upload.Seconds / Megabyte, 1),
            ["download_mb_s"] = Math.Round(size / download.Seconds / Megabyte, 1),
        }));
        return 0;
    }

    private static async Task<SentFile> SendAsync(FileServerProcess server, XftpClientPool clients, string source, long size, CancellationToken cancellationToken)
    {
        await using var content = new FileStream(source, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0, FileOptions.SequentialScan);
        var options = new FileUploadOptions { Servers = [server.Address] };
        return await FileUpload.SendAsync(content, size, new FileHeader("bench"), FileKey.Generate(SystemRandom.Instance), clients, options, null, cancellationToken);
    }

    private static async Task ReceiveAsync(FileDescription description, XftpClientPool clients, string folder, string target, CancellationToken cancellationToken)
    {
        var chunks = Path.Combine(folder, "chunks");
        File.Delete(target);
        await FileDownload.ReceiveAsync(
            description,
            clients,
            new FileDownloadOptions { ChunkFolder = chunks },
            _ => new FileStream(target, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0),
            cancellationToken);
        Directory.Delete(chunks, recursive: true);
    }

    private static async Task DeleteAsync(FileDescription description, XftpClientPool clients, CancellationToken cancellationToken)
    {
        foreach (var replica in description.Chunks.SelectMany(chunk => chunk.Replicas))
            await clients.RunAsync(replica.Server, 1, client => client.DeleteAsync(replica.Id, replica.Key, cancellationToken), null, cancellationToken);
    }

    // Once through everything, so that nothing is compiled while it is measured.
    private static async Task WarmUpAsync(FileServerProcess server, XftpClientPool clients, string folder, CancellationToken cancellationToken)
    {
        const long size = 32 * 1024 * 1024;
        var path = Path.Combine(folder, "warm");
        await WriteRandomAsync(path, size, cancellationToken);
        for (var round = 0; round < 6; round++)
        {
            var sent = await SendAsync(server, clients, path, size, cancellationToken);
            await ReceiveAsync(sent.Recipients[0], clients, folder, path + ".back", cancellationToken);
            await DeleteAsync(sent.Sender, clients, cancellationToken);
        }
    }

    /// <summary>Small chunks registered, uploaded, downloaded and deleted by several clients at once: requests a second.</summary>
    private static async Task<double> CountRequestsAsync(FileServerProcess server, XftpClientPool clients, int chunks, CancellationToken cancellationToken)
    {
        const int workers = 4;
        const int requestsPerChunk = 4;
        var content = SystemRandom.Instance.Bytes(ChunkPlan.Sizes[0]);
        var digest = Bytes.Wrap(SHA256.HashData(content));
        var start = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, workers).Select(async _ =>
        {
            using var sender = Ed25519PrivateKey.Generate(SystemRandom.Instance);
            using var recipient = Ed25519PrivateKey.Generate(SystemRandom.Instance);
            for (var i = 0; i < chunks / workers; i++)
            {
                var info = new ChunkInfo(sender.PublicKey, (uint)content.Length, digest);
                var created = await Run(client => client.CreateAsync(info, sender, [recipient.PublicKey], server.Address.Password, cancellationToken));
                await Run(client => client.UploadAsync(created.Sender, sender, content, null, cancellationToken));
                await Run(client => client.DownloadAsync(created.Recipients[0], recipient, info.Size, digest, Stream.Null, null, cancellationToken));
                await Run(client => client.DeleteAsync(created.Sender, sender, cancellationToken));
            }
        }));
        return chunks / workers * workers * requestsPerChunk / Stopwatch.GetElapsedTime(start).TotalSeconds;

        async Task<T> Run<T>(Func<XftpClient, Task<XftpResult<T>>> run)
        {
            var result = await clients.RunAsync(server.Address.Server, 1, run, null, cancellationToken);
            return result.IsOk ? result.Value : throw new SuiteException($"a request failed: {result.Error}");
        }
    }

    private static async Task<Transfer> TimeAsync(FileServerProcess server, long size, Func<Task> transfer)
    {
        var serverBefore = server.ProcessId is { } id ? CpuSeconds(id) : 0;
        var clientBefore = CpuSeconds(Environment.ProcessId);
        var start = Stopwatch.GetTimestamp();
        await transfer();
        return new Transfer(
            Stopwatch.GetElapsedTime(start).TotalSeconds,
            CpuSeconds(Environment.ProcessId) - clientBefore,
            server.ProcessId is { } same ? CpuSeconds(same) - serverBefore : 0);
    }

    /// <summary>
    /// CPU seconds a byte that no pair of ends can do without, with the libraries' primitives or our own Salsa20. Up: the file's box and SHA-512, the chunk's SHA-256 twice, TLS
    /// twice. Down: the download's box twice, the file's box, SHA-256, SHA-512, TLS twice.
    /// </summary>
    private static (double Upload, double Download) MeasureFloor(Salsa20Path path)
    {
        const int length = 64 * 1024;
        const int record = 16 * 1024;
        const double seconds = 0.1;
        var random = SystemRandom.Instance;
        var piece = random.Bytes(length);
        var output = new byte[length + BoxKey.TagLength];
        using var box = BoxKey.FromSymmetric(random.Bytes(BoxKey.KeyLength));
        var nonce = BoxNonce.Random(random);
        using var tls = new ChaCha20Poly1305(random.Bytes(32));
        var tlsNonce = new byte[12];
        var tag = new byte[16];
        var digest = new byte[64];
        var boxing = Measure.Microseconds(() => box.Seal(nonce, piece, output, path), seconds) / length;
        var sha256 = Measure.Microseconds(() => SHA256.HashData(piece, digest), seconds) / length;
        var sha512 = Measure.Microseconds(() => SHA512.HashData(piece, digest), seconds) / length;
        var sealing = Measure.Microseconds(() => tls.Encrypt(tlsNonce, piece.AsSpan(0, record), output.AsSpan(0, record), tag), seconds) / record;
        const double second = 1e-6;
        return (second * (boxing + sha512 + (2 * sha256) + (2 * sealing)), second * ((3 * boxing) + sha256 + sha512 + (2 * sealing)));
    }

    private static async Task WriteRandomAsync(string path, long size, CancellationToken cancellationToken)
    {
        var piece = SystemRandom.Instance.Bytes(1024 * 1024);
        await using var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        for (var left = size; left > 0; left -= piece.Length)
            await file.WriteAsync(piece.AsMemory(0, (int)Math.Min(piece.Length, left)), cancellationToken);
    }

    private static double CpuSeconds(int processId)
    {
        const int userField = 11; // counted from the field after the command's name
        const double ticksPerSecond = 100;
        var text = File.ReadAllText($"/proc/{processId}/stat");
        var fields = text[(text.LastIndexOf(')') + 2)..].Split(' ');
        return (long.Parse(fields[userField], CultureInfo.InvariantCulture) + long.Parse(fields[userField + 1], CultureInfo.InvariantCulture)) / ticksPerSecond;
    }

    private static long PeakBytes(int processId)
    {
        var line = File.ReadLines($"/proc/{processId}/status").First(each => each.StartsWith("VmHWM:", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024;
    }

    /// <summary>What a transfer took: time, and CPU of both ends.</summary>
    private sealed record Transfer(double Seconds, double ClientCpu, double ServerCpu);
}
