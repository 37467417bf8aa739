using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Pairwise.Client.Xftp;
using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;
using Pairwise.Protocol.Xftp;
using Pairwise.TestKit;
using Pairwise.Wire;

namespace Pairwise.EndToEnd.Tests.Files;

/// <summary>
/// The original file server and ours take turns over the same folders, and no client notices: uploaded, registered,
/// acknowledged, blocked and deleted chunks are what they were whoever runs.
/// <c>./test reference --xftp-server PATH</c> runs these; without the original they are skipped.
/// </summary>
[Trait("Needs", "originals")]
public sealed class ReferenceFileServerTests(ITestOutputHelper output)
{
    private const string Password = "operator";
    private const int Size = 64 * 1024;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static string? Original => Environment.GetEnvironmentVariable("PAIRWISE_REFERENCE_XFTP_SERVER");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true, false)]
    [InlineData(true, true)]
    [InlineData(false, false)]
    public async Task The_original_file_server_and_ours_take_turns(bool areOursFirst, bool isKilled)
    {
        Assert.SkipWhen(Original is null, "the original file server is not here: ./test reference --xftp-server PATH");
        using var folder = new TestFolder();
        var controlPort = LoopbackPorts.Take();
        var address = await FileServerProcess.InitAsync(
            folder["server"],
            areOursFirst ? null : Original,
            ("control_port", controlPort.ToString(CultureInfo.InvariantCulture)),
            ("control_port_user_password", Password),
            ("log_stats", "on"));
        await TakeTurnsAsync(folder, address, controlPort, areOursFirst, isKilled);
    }

    [Theory]
    [InlineData(true, false, false)]
    [InlineData(true, true, true)]
    [InlineData(false, false, true)]
    [InlineData(false, true, false)]
    public async Task They_take_turns_over_one_database(bool areOursFirst, bool isKilled, bool hasLog)
    {
        Assert.SkipWhen(Original is null, "the original file server is not here: ./test reference --xftp-server PATH");
        Assert.SkipUnless(PostgresCluster.IsInstalled, "PostgreSQL is not installed (apt-get install postgresql)");
        using var folder = new TestFolder();
        await using var database = await PostgresCluster.StartAsync(Token);
        var controlPort = LoopbackPorts.Take();
        var address = await FileServerProcess.InitAsync(
            folder["server"],
            areOursFirst ? null : Original,
            ("store_files", "database"),
            ("db_connection", database.Address),
            ("db_store_log", hasLog ? "on" : "off"),
            ("control_port", controlPort.ToString(CultureInfo.InvariantCulture)),
            ("control_port_user_password", Password));
        await SkipWithoutDatabaseAsync(folder["other"], database);
        if (!areOursFirst)
        {
            await database.ExecuteAsync("CREATE SCHEMA xftp_server", Token); // the original makes tables, but no schema
        }

        await TakeTurnsAsync(folder, address, controlPort, areOursFirst, isKilled, "--confirm-migrations", "up");
    }

    private static async Task SkipWithoutDatabaseAsync(string folder, PostgresCluster database)
    {
        await database.ExecuteAsync("CREATE SCHEMA other", Token);
        var address = await FileServerProcess.InitAsync(folder, Original, ("store_files", "database"), ("db_connection", database.Address), ("db_schema", "other"));
        try
        {
            await using var server = await FileServerProcess.StartAsync(folder, address, Original, "--confirm-migrations", "up");
            await server.InterruptAsync(Patience);
        }
        catch (InvalidOperationException fault) when (fault.Message.Contains("without support for PostgreSQL", StringComparison.Ordinal))
        {
            Assert.Skip("the original file server was built without PostgreSQL");
        }
    }

    private async Task TakeTurnsAsync(TestFolder folder, string address, int controlPort, bool areOursFirst, bool isKilled, params string[] options)
    {
        Assert.True(ServerAddress.TryParse(address, out var server));
        List<Held> held = [];
        for (var turn = 0; turn < 5; turn++)
        {
            var isOurs = areOursFirst == (turn % 2 == 0);
            output.WriteLine($"turn {turn}: {(isOurs ? "ours" : "the original")}");
            await using var process = await FileServerProcess.StartAsync(folder["server"], address, isOurs ? null : Original, options);
            try
            {
                await using var client = await XftpClient.ConnectAsync(server, new XftpClientOptions(), Token);
                foreach (var each in held)
                {
                    await each.CheckAsync(client);
                }

                // What the turn before registered is uploaded in this one, and acknowledged in the next.
                foreach (var each in held.Where(each => each.Status == HeldStatus.Registered))
                {
                    await each.UploadAsync(client);
                }

                foreach (var each in held.Where(each => each.Status == HeldStatus.Uploaded && each.Age++ == 1))
                {
                    await each.AcknowledgeAsync(client);
                }

                held.Add(await Held.CreateAsync(client));
                foreach (var status in (HeldStatus[])[HeldStatus.Uploaded, HeldStatus.Blocked, HeldStatus.Deleted])
                {
                    var chunk = await Held.CreateAsync(client);
                    held.Add(chunk);
                    await chunk.UploadAsync(client);
                    if (status == HeldStatus.Blocked)
                    {
                        await BlockAsync(controlPort, chunk);
                    }
                    else if (status == HeldStatus.Deleted)
                    {
                        await chunk.DeleteAsync(client);
                    }
                }

                foreach (var each in held)
                {
                    await each.CheckAsync(client);
                }
            }
            catch (Exception fault) when (fault is not OperationCanceledException)
            {
                output.WriteLine(string.Join('\n', process.Lines));
                throw;
            }

            if (isOurs && isKilled)
            {
                await process.KillAsync();
            }
            else
            {
                var code = await process.InterruptAsync(Patience);
                Assert.True(code == 0 || !isOurs, string.Join('\n', process.Lines));
            }

            Assert.DoesNotContain(process.Lines, line => line.Contains("Log parsing error", StringComparison.Ordinal) || line.Contains("WARNING", StringComparison.Ordinal));
            if (isOurs)
            {
                Assert.DoesNotContain(process.Lines, line => line.StartsWith("Store log: ", StringComparison.Ordinal) && line.Contains("lines read", StringComparison.Ordinal)
                    && !line.Contains(" 0 could not be read, 0 were", StringComparison.Ordinal));
            }
        }
    }

    private static async Task BlockAsync(int port, Held chunk)
    {
        using var operatorClient = new TcpClient();
        await operatorClient.ConnectAsync(IPAddress.Loopback, port, Token);
        using var reader = new StreamReader(operatorClient.GetStream());
        await using var writer = new StreamWriter(operatorClient.GetStream()) { NewLine = "\n", AutoFlush = true };
        await writer.WriteLineAsync("auth " + Password);
        await writer.WriteLineAsync($"block {TextEncoding.ToBase64Url(chunk.Recipients[0].Id.Value.ToArray())} reason=spam");
        while (await reader.ReadLineAsync(Token) is { } line)
        {
            if (line == "ok")
            {
                chunk.Status = HeldStatus.Blocked;
                return;
            }

            Assert.DoesNotContain("error", line, StringComparison.OrdinalIgnoreCase);
        }

        Assert.Fail("The control port closed.");
    }

    private enum HeldStatus
    {
        Registered,
        Uploaded,
        Blocked,
        Deleted,
    }

    private sealed class Held
    {
        private readonly byte[] _content = new byte[Size];
        private readonly Ed25519PrivateKey _senderKey = Ed25519PrivateKey.Generate(SystemRandom.Instance);
        private ChunkId _sender;

        public List<(ChunkId Id, PrivateKey Key, bool IsDone)> Recipients { get; } = [];

        public HeldStatus Status { get; set; }

        public int Age { get; set; }

        public static async Task<Held> CreateAsync(XftpClient client)
        {
            var held = new Held();
            SystemRandom.Instance.Fill(held._content);
            PrivateKey[] keys =
            [
                Ed25519PrivateKey.Generate(SystemRandom.Instance), Ed448PrivateKey.Generate(SystemRandom.Instance), X25519PrivateKey.Generate(SystemRandom.Instance),
            ];
            var created = await client.CreateAsync(
                new ChunkInfo(held._senderKey.PublicKey, Size, Bytes.Wrap(SHA256.HashData(held._content))), held._senderKey, [.. keys.Take(2).Select(key => key.PublicKey)], null, Token);
            Assert.True(created.IsOk, created.Error?.ToString());
            held._sender = created.Value.Sender;
            var added = await client.AddRecipientsAsync(held._sender, held._senderKey, [keys[2].PublicKey], Token);
            Assert.True(added.IsOk, added.Error?.ToString());
            held.Recipients.AddRange(created.Value.Recipients.Concat(added.Value.Recipients).Zip(keys, (id, key) => (id, key, false)));
            return held;
        }

        public async Task UploadAsync(XftpClient client)
        {
            var uploaded = await client.UploadAsync(_sender, _senderKey, _content, null, Token);
            Assert.True(uploaded.IsOk, uploaded.Error?.ToString());
            Status = HeldStatus.Uploaded;
        }

        public async Task AcknowledgeAsync(XftpClient client)
        {
            Assert.True((await client.AcknowledgeAsync(Recipients[0].Id, Recipients[0].Key, Token)).IsOk);
            Recipients[0] = Recipients[0] with { IsDone = true };
        }

        public async Task DeleteAsync(XftpClient client)
        {
            Assert.True((await client.DeleteAsync(_sender, _senderKey, Token)).IsOk);
            Status = HeldStatus.Deleted;
        }

        public async Task CheckAsync(XftpClient client)
        {
            foreach (var (id, key, isDone) in Recipients)
            {
                using var received = new MemoryStream();
                var result = await client.DownloadAsync(id, key, Size, Bytes.Wrap(SHA256.HashData(_content)), received, null, Token);
                XftpError? expected = Status switch
                {
                    HeldStatus.Deleted => XftpError.Auth.Instance,
                    HeldStatus.Blocked => new XftpError.Blocked(BlockingReason.Spam),
                    HeldStatus.Registered => XftpError.NoFile.Instance,
                    _ => isDone ? XftpError.Auth.Instance : null,
                };
                Assert.Equal(expected is null ? null : new XftpClientError.Server(expected), result.Error);
                if (expected is null)
                {
                    Assert.Equal(_content, received.ToArray());
                }
            }
        }
    }
}
