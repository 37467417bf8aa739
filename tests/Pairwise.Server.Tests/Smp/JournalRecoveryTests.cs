using System.Text;
using Pairwise.Crypto;
using Pairwise.Server.Smp.Journal;
using Pairwise.Server.Smp.Logs;
using Pairwise.Server.Smp.Store;
using Pairwise.TestKit;

namespace Pairwise.Server.Tests.Smp;

/// <summary>
/// A journal of messages against a plain list, over restarts at any moment, and with files that a dying machine left
/// torn, short or behind.
/// </summary>
public sealed class JournalRecoveryTests : IDisposable
{
    private const int Quota = 8;
    private readonly TestFolder _folder = new();
    private readonly SeededRandom _random = new(1905);
    private readonly StoredKey _key;

    public JournalRecoveryTests()
    {
        using Ed25519PrivateKey key = Ed25519PrivateKey.Generate(_random);
        Assert.True(StoredKey.TryFrom(key.PublicKey, out _key));
    }

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_journal_and_a_list_agree_over_restarts(int seed)
    {
        SeededRandom random = new(seed);
        StoredId id = NewId();
        SmpQueue queue = NewQueue(id);
        JournalMessageStore store = NewStore();
        List<StoredId> expected = [];
        bool isClosed = false;
        for (int step = 0; step < 1_500; step++)
        {
            int choice = random.Next(100);
            if (choice < 48)
            {
                StoredMessage message = NewMessage(random.Next(300));
                Pairwise.Protocol.Smp.SmpError? error = store.Write(queue, message, out _);
                bool takes = !isClosed || expected.Count == 0;
                bool fits = takes && expected.Count < Quota;
                Assert.Equal(fits, error is null);
                if (takes)
                {
                    expected.Add(message.Id); // over the quota its marker, once
                    isClosed = !fits;
                }
            }
            else if (choice < 96)
            {
                StoredMessage? first = store.Peek(queue);
                Assert.Equal(expected.Count == 0, first is null);
                if (first is not null)
                {
                    Assert.Equal(expected[0], first.Id);
                    store.Acknowledge(queue, first.Id, out _);
                    expected.RemoveAt(0);
                }
            }
            else
            {
                // The process ends without a word.
                (store, queue) = (NewStore(), NewQueue(id));
            }

            Assert.True(expected.Count == store.CountOf(queue), $"seed {seed}, step {step}");
        }

        Assert.Equal(expected, store.All(queue).Select(message => message.Id));
    }

    [Fact]
    public void A_torn_last_line_of_the_state_is_left_out_and_not_continued()
    {
        StoredId id = NewId();
        StoredMessage[] sent = Fill(id, 3);
        string state = File(id, "queue_state.*.log");
        foreach (int kept in new[] { 1, 20, 60 })
        {
            string[] lines = System.IO.File.ReadAllLines(state);
            System.IO.File.AppendAllText(state, lines[^1][..kept]);
            AssertHolds(id, sent);
            StoredMessage added = NewMessage(10);
            Assert.Null(NewStore().Write(NewQueue(id), added, out _));
            sent = [.. sent, added];
            AssertHolds(id, sent);
        }
    }

    [Fact]
    public void A_message_without_its_state_was_never_answered_and_is_written_over()
    {
        StoredId id = NewId();
        StoredMessage[] sent = Fill(id, 2);
        System.IO.File.AppendAllText(File(id, "messages.*.log"), "torn message that is rather long, longer than the next one will be ...............");
        AssertHolds(id, sent);
        StoredMessage added = NewMessage(1);
        Assert.Null(NewStore().Write(NewQueue(id), added, out _));
        AssertHolds(id, [.. sent, added]);
    }

    [Fact]
    public void A_journal_that_lost_its_end_holds_what_is_whole()
    {
        StoredId id = NewId();
        StoredMessage[] sent = Fill(id, 4);
        string journal = File(id, "messages.*.log");
        byte[] whole = System.IO.File.ReadAllBytes(journal);
        System.IO.File.WriteAllBytes(journal, whole[..^5]);
        AssertHolds(id, sent[..3]);
        StoredMessage added = NewMessage(1);
        Assert.Null(NewStore().Write(NewQueue(id), added, out _));
        AssertHolds(id, [.. sent[..3], added]);
    }

    [Fact]
    public void A_queue_whose_journal_is_gone_is_empty_and_takes_messages()
    {
        StoredId id = NewId();
        Fill(id, 3);
        System.IO.File.Delete(File(id, "messages.*.log"));
        AssertHolds(id, []);
        StoredMessage added = NewMessage(1);
        Assert.Null(NewStore().Write(NewQueue(id), added, out _));
        AssertHolds(id, [added]);
    }

    [Fact]
    public void A_queue_with_two_journals_survives_the_loss_of_either()
    {
        foreach (bool losesRead in new[] { true, false })
        {
            // 256 messages fill the first journal, as one always waits; the next ones begin a second while the first is still read.
            StoredId id = NewId();
            SmpQueue queue = NewQueue(id);
            JournalMessageStore store = NewStore();
            StoredMessage last = NewMessage(1);
            store.Write(queue, last, out _);
            for (int i = 0; i < 252; i++)
            {
                last = NewMessage(1);
                store.Write(queue, last, out _);
                store.Acknowledge(queue, store.Peek(queue)!.Id, out _);
            }

            StoredMessage[] waiting = [last, .. Enumerable.Range(0, 6).Select(_ => NewMessage(5))];
            Assert.All(waiting[1..], message => Assert.Null(store.Write(queue, message, out _)));
            AssertHolds(id, waiting);
            string[] journals = Directory.GetFiles(_folder.Path, "messages.*.log", SearchOption.AllDirectories)
                .Where(path => Path.GetDirectoryName(path) == Path.GetDirectoryName(File(id, "queue_state.*.log")))
                .OrderByDescending(path => new FileInfo(path).Length).ToArray();
            Assert.Equal(2, journals.Length);
            System.IO.File.Delete(journals[losesRead ? 0 : 1]);
            AssertHolds(id, losesRead ? waiting[4..] : waiting[..4]);
        }
    }

    [Fact]
    public void A_state_without_one_readable_line_is_refused_and_nothing_is_overwritten()
    {
        StoredId id = NewId();
        Fill(id, 3);
        string state = File(id, "queue_state.*.log");
        string journal = File(id, "messages.*.log");
        byte[] messages = System.IO.File.ReadAllBytes(journal);
        System.IO.File.WriteAllText(state, "damaged\nagain\n");
        JournalMessageStore store = NewStore();
        Assert.Throws<IOException>(() => store.Write(NewQueue(id), NewMessage(1), out _));
        Assert.Throws<IOException>(() => store.Peek(NewQueue(id)));
        Assert.Equal("damaged\nagain\n", System.IO.File.ReadAllText(state));
        Assert.Equal(messages, System.IO.File.ReadAllBytes(journal));

        // It can be deleted all the same.
        Assert.Equal(0, store.Drop(NewQueue(id)));
        Assert.False(System.IO.File.Exists(journal));
    }

    [Theory]
    [InlineData("")]
    [InlineData("write=AAAA,1,1,8")]
    public void A_state_that_never_came_to_the_disk_is_made_again_from_the_journal(string left)
    {
        StoredId id = NewId();
        StoredMessage[] sent = Fill(id, 3);
        System.IO.File.WriteAllText(File(id, "queue_state.*.log"), left);
        AssertHolds(id, sent);
        StoredMessage added = NewMessage(1);
        Assert.Null(NewStore().Write(NewQueue(id), added, out _));
        AssertHolds(id, [.. sent, added]);
    }

    [Fact]
    public void Received_messages_do_not_stay_on_the_disk()
    {
        StoredId id = NewId();
        SmpQueue queue = NewQueue(id);
        JournalMessageStore store = NewStore();
        for (int i = 0; i < 3; i++)
        {
            StoredMessage message = NewMessage(40);
            Assert.Null(store.Write(queue, message, out _));
            store.Acknowledge(queue, message.Id, out _);
        }

        // The place of those before was used again; the last one goes with the next sweep.
        string journal = File(id, "messages.*.log");
        Assert.Single(System.IO.File.ReadAllLines(journal));
        store.EraseReceived();
        Assert.False(System.IO.File.Exists(journal));
        AssertHolds(id, []);

        StoredMessage waiting = NewMessage(40);
        Assert.Null(store.Write(queue, waiting, out _));
        store.EraseReceived();
        AssertHolds(id, [waiting]);
        store.Acknowledge(queue, waiting.Id, out _);

        // The process ends without a word: who opens the journal next removes what was received.
        Assert.Null(NewStore().Peek(NewQueue(id)));
        Assert.False(System.IO.File.Exists(journal));
    }

    [Fact]
    public void A_journal_that_could_not_be_removed_is_tried_again_and_holds_up_no_other()
    {
        JournalMessageStore store = NewStore();
        List<string> journals = [];
        for (int i = 0; i < 3; i++)
        {
            StoredId id = NewId();
            SmpQueue queue = NewQueue(id);
            StoredMessage message = NewMessage(40);
            Assert.Null(store.Write(queue, message, out _));
            store.Acknowledge(queue, message.Id, out _);
            journals.Add(File(id, "messages.*.log"));
        }

        // A folder in its place cannot be removed as a file.
        System.IO.File.Delete(journals[0]);
        Directory.CreateDirectory(journals[0]);
        Assert.Throws<UnauthorizedAccessException>(store.EraseReceived);
        Assert.All(journals[1..], journal => Assert.False(System.IO.File.Exists(journal)));
        Directory.Delete(journals[0]);
        System.IO.File.WriteAllText(journals[0], "received");
        store.EraseReceived();
        Assert.False(System.IO.File.Exists(journals[0]));
    }

    // A message takes the place of those that were received; when the machine dies then, the state may be an earlier one.
    [Theory]
    [InlineData(1, 0, 10)]
    [InlineData(1, 0, 40)]
    [InlineData(1, 0, 4000)]
    [InlineData(3, 1, 50)]
    [InlineData(3, 2, 4000)]
    public void A_state_from_before_its_journal_was_written_over_finds_what_is_there(int written, int received, int length)
    {
        StoredId id = NewId();
        StoredMessage[] former = Fill(id, written);
        JournalMessageStore store = NewStore();
        SmpQueue queue = NewQueue(id);
        Assert.All(former[..received], message => store.Acknowledge(queue, message.Id, out _));
        string state = File(id, "queue_state.*.log");
        byte[] earlier = System.IO.File.ReadAllBytes(state);
        Assert.All(former[received..], message => store.Acknowledge(queue, message.Id, out _));
        StoredMessage waiting = NewMessage(length);
        Assert.Null(store.Write(queue, waiting, out _));
        System.IO.File.WriteAllBytes(state, earlier);

        AssertHolds(id, [waiting]);
        StoredMessage added = NewMessage(1);
        Assert.Null(NewStore().Write(NewQueue(id), added, out _));
        AssertHolds(id, [waiting, added]);
    }

    [Fact]
    public void What_another_program_left_of_received_messages_is_removed()
    {
        StoredId id = NewId();
        Fill(id, 2);
        string journal = File(id, "messages.*.log");
        string name = Path.GetFileName(journal)["messages.".Length..^".log".Length];
        long length = new FileInfo(journal).Length;
        System.IO.File.WriteAllText(File(id, "queue_state.*.log"), $"write={name},2,2,{length},{length} read={name},2,2,{length},{length} canWrite=T size=0\n");
        AssertHolds(id, []);
        Assert.False(System.IO.File.Exists(journal));
        StoredMessage added = NewMessage(1);
        Assert.Null(NewStore().Write(NewQueue(id), added, out _));
        AssertHolds(id, [added]);
    }

    [Fact]
    public void Numbers_beyond_any_journal_are_refused_like_other_damage()
    {
        StoredId id = NewId();
        Fill(id, 1);
        const long huge = long.MaxValue;
        System.IO.File.WriteAllText(File(id, "queue_state.*.log"), $"write=A,{huge},{huge},{huge},{huge} read=B,0,{huge},0,{huge} canWrite=T size=-2\n");
        Assert.Throws<IOException>(() => NewStore().Peek(NewQueue(id)));
    }

    [Fact]
    public async Task A_pipe_in_the_place_of_a_journal_is_a_failure_of_the_disk_like_others()
    {
        StoredId id = NewId();
        Fill(id, 2);
        JournalMessageStore store = NewStore();
        SmpQueue queue = NewQueue(id);
        Assert.Equal(2, store.CountOf(queue));
        string journal = File(id, "messages.*.log");
        System.IO.File.Delete(journal);
        using System.Diagnostics.Process made = System.Diagnostics.Process.Start("mkfifo", [journal]);
        await made.WaitForExitAsync(TestContext.Current.CancellationToken);
        await using FileStream otherEnd = new(journal, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        Assert.Throws<IOException>(() => store.Peek(queue));
        Assert.Throws<IOException>(() => store.Write(queue, NewMessage(1), out _));
    }

    [Fact]
    public void No_bytes_in_a_state_file_make_its_reader_throw()
    {
        byte[] good = Encoding.ASCII.GetBytes("write=aqXGKL3hY59-tOkh,2,2,146,146 read=aqXGKL3hY59-tOkh,0,2,0,146 canWrite=T size=2");
        Assert.True(JournalState.TryRead(good, out JournalState? state) && state!.IsValid);
        for (int round = 0; round < 5_000; round++)
        {
            byte[] hostile = good.ToArray();
            for (int i = _random.Next(3); i >= 0; i--)
                hostile[_random.Next(hostile.Length)] = (byte)_random.Next(256);
            ReadOnlySpan<byte> line = hostile.AsSpan(0, _random.Next(hostile.Length + 1));
            if (JournalState.TryRead(line, out JournalState? read))
                Assert.DoesNotContain('/', read!.Write.Id);
        }
    }

    private StoredMessage[] Fill(StoredId id, int count)
    {
        SmpQueue queue = NewQueue(id);
        JournalMessageStore store = NewStore();
        StoredMessage[] messages = [.. Enumerable.Range(0, count).Select(_ => NewMessage(40))];
        Assert.All(messages, message => Assert.Null(store.Write(queue, message, out _)));
        return messages;
    }

    private void AssertHolds(StoredId id, StoredMessage[] expected)
    {
        JournalMessageStore store = NewStore();
        SmpQueue queue = NewQueue(id);
        Assert.Equal(expected.Length, store.CountOf(queue));
        Assert.Equal(expected.Select(message => message.Id), store.All(queue).Select(message => message.Id));
        Assert.Equal(expected.FirstOrDefault()?.Body.ToArray(), store.Peek(queue)?.Body.ToArray());
    }

    private JournalMessageStore NewStore() => new(_folder.State, Quota, _random, TimeProvider.System);

    private SmpQueue NewQueue(StoredId id) => new(id, NewId(), _key, Bytes32.From(_random.NextBytes(32)), QueueUse.Messaging);

    private StoredId NewId() => StoredId.From(_random.NextBytes(StoredId.Length));

    private StoredMessage NewMessage(int length) => StoredMessage.Message(NewId(), 1_795_249_163, notify: false, _random.NextBytes(1 + length));

    // The file of one queue, by a pattern.
    private string File(StoredId id, string pattern)
    {
        string name = $"queue_state.{System.Buffers.Text.Base64Url.EncodeToString(id.ToArray())}.log";
        string state = Directory.GetFiles(_folder.Path, name, SearchOption.AllDirectories).Single();
        return Directory.GetFiles(Path.GetDirectoryName(state)!, pattern).Single();
    }
}
