using Pairwise.Crypto;
using Pairwise.Protocol.Smp;
using Pairwise.Server.Smp;
using Pairwise.Server.Smp.Journal;
using Pairwise.Server.Smp.Logs;
using Pairwise.Server.Smp.Operation;
using Pairwise.Server.Smp.Store;
using Pairwise.TestKit;
using Pairwise.Wire;

namespace Pairwise.Server.Tests.Smp;

/// <summary>The audit tells what is on disk, all of it, and notices what does not belong there.</summary>
public sealed class SmpAuditTests : IDisposable
{
    private readonly TestFolder _folder = new();
    private readonly SeededRandom _random = new(11);
    private readonly QueueStore _queues = new();
    private readonly MemoryMessageStore _messages = new(128);

    public SmpAuditTests()
    {
        Directory.CreateDirectory(_folder.State);
        SmpServerFiles.Create(_folder.Configuration, KeyAlgorithm.Ed25519, "localhost", _random, TimeProvider.System);
    }

    public void Dispose()
    {
        _messages.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task Every_file_and_line_that_a_relay_writes_is_known()
    {
        var queue = AddQueue();
        _messages.Write(queue, StoredMessage.Message(NewId(), 1_700_000_000, notify: true, [1, 2, 3]), out _);
        Save();
        File.WriteAllText(Path.Combine(_folder.State, "smp-server-metrics.txt"), "metric 1\n");
        File.WriteAllText(Path.Combine(_folder.State, SmpServerFiles.Lock), "");
        var audit = await RunAsync();
        Assert.Equal(1, audit.Queues.Count);
        Assert.Equal(1, audit.Messages.Count);
        Assert.All(audit.Files, file => Assert.True(file.Kind != AuditedKind.Unknown && file.UnknownLines == 0, file.Name));
        Assert.Equal(
            Directory.EnumerateFiles(_folder.Path, "*", SearchOption.AllDirectories).Sum(file => new FileInfo(file).Length),
            audit.Files.Sum(file => file.Length));
    }

    [Fact]
    public async Task Copies_that_the_official_unit_made_at_a_stop_are_what_they_are_copies_of()
    {
        AddQueue();
        Save();
        foreach (var (kind, log) in new[] { ("queues", SmpServerFiles.StoreLog), ("messages", SmpServerFiles.MessageLog), ("stats", "smp-server-stats.log") })
        {
            var folder = Directory.CreateDirectory(Path.Combine(_folder.State, "backups", kind)).FullName;
            var source = Path.Combine(_folder.State, log);
            File.WriteAllText(Path.Combine(folder, log + ".2026-11-21T18:25:36"), File.Exists(source) ? File.ReadAllText(source) : "");
        }

        var audit = await RunAsync();
        Assert.Equal(1, audit.Queues.Count);
        Assert.Equal(
            [AuditedKind.Queues, AuditedKind.Messages, AuditedKind.Statistics],
            audit.Files.Where(file => file.Name.StartsWith("backups", StringComparison.Ordinal) && file is { IsFormer: true, UnknownLines: 0 }).Select(file => file.Kind).Order());
    }

    [Theory]
    [InlineData("memory_1", 11)]
    [InlineData("memory_2", 11)]
    [InlineData("journal_1", 11)]
    [InlineData("journal_2", 11)]
    public async Task The_folders_of_the_reference_are_accounted_for(string name, int queues)
    {
        var folder = VectorFile.PathOf(Path.Combine("server_files", name));
        var audit = await SmpAudit.RunAsync(Path.Combine(folder, "etc"), Path.Combine(folder, "log"), null, TestContext.Current.CancellationToken);
        Assert.Equal(queues, audit.Queues.Count);
        Assert.All(audit.Files, file => Assert.True(file.Kind != AuditedKind.Unknown && file.UnknownLines == 0, file.Name));
    }

    [Fact]
    public async Task What_a_relay_does_not_write_is_noticed()
    {
        AddQueue();
        Save();
        File.AppendAllText(Path.Combine(_folder.State, SmpServerFiles.StoreLog), "CONNECTED 192.0.2.1\n");
        File.WriteAllText(Path.Combine(_folder.State, "addresses.txt"), "192.0.2.1");
        File.WriteAllText(Path.Combine(_folder.State, SmpServerFiles.Lock), "192.0.2.1");
        File.WriteAllText(Path.Combine(_folder.Configuration, "notes"), "x");
        var audit = await RunAsync();
        Assert.Equal(1, audit.Files.Single(file => file.Name == SmpServerFiles.StoreLog).UnknownLines);
        Assert.Equal(
            ["addresses.txt", "notes", SmpServerFiles.Lock],
            audit.Files.Where(file => file.Kind == AuditedKind.Unknown).Select(file => file.Name).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_queue_is_found_by_each_of_its_ids_and_by_links_to_it()
    {
        var queue = AddQueue();
        AddQueue();
        var linkKey = _random.NextBytes(32);
        var linkId = new LinkId(HkdfSha512.Derive([], linkKey, "SimpleXContactLink"u8, 56).AsSpan(0, 24));
        Assert.Null(_queues.SetLink(queue, new QueueLink(linkId, [1], [2])));
        Save();
        var audit = await RunAsync();
        var sender = TextEncoding.ToBase64Url(queue.SenderId.ToArray());
        var address = $"smp://{TextEncoding.ToBase64Url(_random.NextBytes(32))}@localhost/{sender}#/?v=1-4&dh=MCowBQYDK2VuAyEA";
        string[] texts =
        [
            TextEncoding.ToBase64Url(queue.RecipientId.ToArray()),
            sender,
            address,
            $"simplex:/invitation#/?v=2-7&smp={Uri.EscapeDataString(address)}&e2e=v%3D2",
            $"https://localhost/i#{TextEncoding.ToBase64Url(linkId.Value.Span)}/abc",
            $"https://localhost/a#{TextEncoding.ToBase64UrlUnpadded(linkKey)}",
        ];
        foreach (var text in texts)
            Assert.Equal(queue.RecipientId, Assert.Single(audit.Find(text)).RecipientId);
        Assert.Empty(audit.Find("nothing"));
        Assert.Empty(audit.Find(TextEncoding.ToBase64Url(_random.NextBytes(24))));
    }

    [Fact]
    public async Task What_waits_in_journals_is_told_and_their_files_stay_as_they_are()
    {
        var queue = AddQueue();
        Save();
        using (var journals = new JournalMessageStore(Path.Combine(_folder.State, SmpServerFiles.MessageFolder), 128, _random, TimeProvider.System))
        {
            for (var i = 0; i < 3; i++)
                journals.Write(queue, StoredMessage.Message(NewId(), 1_700_000_000 + i, notify: false, [1, 2, 3]), out _);
        }

        // A torn line is repaired by a relay; an audit must not.
        var state = Directory.EnumerateFiles(_folder.State, "queue_state.*", SearchOption.AllDirectories).Single();
        await File.AppendAllTextAsync(state, "write=abc", TestContext.Current.CancellationToken);
        var before = Contents();
        var audit = await RunAsync();
        var held = Assert.Single(audit.Find(TextEncoding.ToBase64Url(queue.SenderId.ToArray())));
        Assert.Equal([1_700_000_000L, 1_700_000_001L, 1_700_000_002L], audit.Messages.Of(held).Select(message => message.Seconds));
        Assert.Equal(3, audit.Messages.Count);
        Assert.Equal(before, Contents());

        List<(string, string)> Contents() =>
            [.. Directory.EnumerateFiles(_folder.Path, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal).Select(file => (file, Convert.ToHexString(File.ReadAllBytes(file))))];
    }

    [Fact]
    public async Task What_is_left_of_deleted_queues_and_received_messages_is_told()
    {
        var queue = AddQueue();
        AddQueue();
        Assert.Null(_queues.SetNotifier(queue, new QueueNotifier(NewId(), queue.RecipientKey, Bytes32.From(_random.NextBytes(32)), null), out _));
        _messages.Write(queue, StoredMessage.Message(NewId(), 1_700_000_000, notify: true, [1, 2, 3]), out _);
        Save();
        var log = Path.Combine(_folder.State, SmpServerFiles.StoreLog);
        File.Move(Path.Combine(_folder.State, SmpServerFiles.MessageLog), Path.Combine(_folder.State, SmpServerFiles.MessageLog + ".bak"));
        File.Copy(log, log + ".2026-11-20T10:00:00Z");
        await File.AppendAllTextAsync(log, $"DELETE {TextEncoding.ToBase64Url(queue.RecipientId.ToArray())}\n", TestContext.Current.CancellationToken);
        using (var journals = new JournalMessageStore(Path.Combine(_folder.State, SmpServerFiles.MessageFolder), 128, _random, TimeProvider.System))
        {
            var taken = StoredMessage.Message(NewId(), 1_700_000_000, notify: false, [1, 2, 3]);
            var received = new SmpQueue(queue.RecipientId, queue.SenderId, queue.RecipientKey, queue.DhSecret, QueueUse.Messaging);
            journals.Write(received, taken, out _);
            journals.Acknowledge(received, taken.Id, out _);
        }

        var audit = await RunAsync();
        var sender = TextEncoding.ToBase64Url(queue.SenderId.ToArray());
        Assert.Empty(audit.Find(sender));
        Assert.Equal((1L, 1L), (audit.DeletedQueues, audit.TakenMessages));
        var traces = audit.FindTraces(sender).ToDictionary(trace => trace.File.Name, trace => trace.Lines);
        Assert.Equal(2, traces[SmpServerFiles.StoreLog]); // what made it and what deleted it
        Assert.Equal(1, traces[SmpServerFiles.StoreLog + ".2026-11-20T10:00:00Z"]);
        Assert.Equal(1, traces[SmpServerFiles.MessageLog + ".bak"]);
        Assert.Equal(2, traces.Keys.Count(name => name.StartsWith(SmpServerFiles.MessageFolder + "/", StringComparison.Ordinal)));
        Assert.Empty(audit.FindTraces(TextEncoding.ToBase64Url(_random.NextBytes(24))));

        // The bytes themselves agree: no other file has any of its ids.
        string[] ids = [sender, TextEncoding.ToBase64Url(queue.RecipientId.ToArray()), TextEncoding.ToBase64Url(queue.Notifier!.Id.ToArray())];
        var with = Directory.EnumerateFiles(_folder.State, "*", SearchOption.AllDirectories).Where(file => ids.Any(id => File.ReadAllText(file).Contains(id, StringComparison.Ordinal)));
        Assert.All(with, file => Assert.Contains(Path.GetRelativePath(_folder.State, file), traces.Keys));
    }

    [Fact]
    public async Task An_empty_folder_holds_nothing()
    {
        var audit = await SmpAudit.RunAsync(Path.Combine(_folder.Path, "none"), Path.Combine(_folder.Path, "none"), null, TestContext.Current.CancellationToken);
        Assert.Equal(0, audit.Queues.Count);
        Assert.Empty(audit.Files);
    }

    private Task<SmpAudit> RunAsync() => SmpAudit.RunAsync(_folder.Configuration, _folder.State, null, TestContext.Current.CancellationToken);

    private void Save()
    {
        StoreLog.WriteAll(Path.Combine(_folder.State, SmpServerFiles.StoreLog), _queues);
        MessageLog.Save(Path.Combine(_folder.State, SmpServerFiles.MessageLog), _queues, _messages);
    }

    private SmpQueue AddQueue()
    {
        using var key = Ed25519PrivateKey.Generate(_random);
        Assert.True(StoredKey.TryFrom(key.PublicKey, out var stored));
        var queue = new SmpQueue(NewId(), NewId(), stored, Bytes32.From(_random.NextBytes(32)), QueueUse.Messaging);
        Assert.Null(_queues.Add(queue));
        return queue;
    }

    private StoredId NewId() => StoredId.From(_random.NextBytes(StoredId.Length));
}
