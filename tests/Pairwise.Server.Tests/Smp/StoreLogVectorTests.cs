using System.Text;
using System.Text.Json;
using Pairwise.Protocol.Smp;
using Pairwise.Server.Smp.Logs;
using Pairwise.Server.Smp.Notifying;
using Pairwise.Server.Smp.Store;
using Pairwise.TestKit;

namespace Pairwise.Server.Tests.Smp;

/// <summary>Every line that the reference's relay writes into its logs is read, understood, and written again as it was.</summary>
public sealed class StoreLogVectorTests
{
    [Fact]
    public void Every_record_of_the_store_log_file_is_used() =>
        VectorFile.Load("store_log.json").Check(new Dictionary<string, Action<VectorRecord>>
        {
            ["smpStoreLog"] = CheckStoreLog,
            ["smpStoreLogParse"] = CheckParsing,
            ["smpMessageLog"] = CheckMessage,
            ["smpNotificationLog"] = CheckNotification,
            ["xftpStoreLog"] = VectorRecord.Elsewhere("the tests of the XFTP server's file log"),
        });

    [Theory]
    [InlineData("")]
    [InlineData("CREATE")]
    [InlineData("CREATE rid=")]
    [InlineData("DELETE ")]
    [InlineData("DELETE AAAA")]
    [InlineData("TIME Jo-G6i1NNxIQl1aH7ntgcd51YNqATsI- -1")]
    [InlineData("TIME Jo-G6i1NNxIQl1aH7ntgcd51YNqATsI- 99999999999999999999")]
    [InlineData("BLOCK Jo-G6i1NNxIQl1aH7ntgcd51YNqATsI- reason=spam,notice={\"ttl\":")]
    [InlineData("LINK Jo-G6i1NNxIQl1aH7ntgcd51YNqATsI- AAAA AAAA")]
    [InlineData("SECURE Jo-G6i1NNxIQl1aH7ntgcd51YNqATsI- MCowBQYDK2VuAyEA")]
    [InlineData("DELETE Jo-G6i1NNxIQl1aH7ntgcd51YNqATsI- more")]
    public void A_broken_line_is_no_record(string line) => Assert.False(StoreLogCodec.TryRead(Encoding.UTF8.GetBytes(line), out _));

    [Fact]
    public void A_block_with_a_notice_does_not_stand_before_a_service()
    {
        // The reference takes the notice to reach to the end of the line, and drops a queue with more behind it.
        string text = VectorFile.Load("store_log.json").OfKind("smpStoreLog").Select(record => record.String("line"))
            .First(line => line.StartsWith("CREATE ", StringComparison.Ordinal) && !line.Contains(" status=", StringComparison.Ordinal) && !line.Contains(" rsrv=", StringComparison.Ordinal));
        string folder = Directory.CreateTempSubdirectory("pairwise-store-log-").FullName;
        try
        {
            string log = Path.Combine(folder, "log");
            File.WriteAllText(log, text + " status=blocked,reason=spam,notice={\"ttl\":60} rsrv=Jo-G6i1NNxIQl1aH7ntgcd51YNqATsI-\n");
            QueueStore read = new();
            Assert.Equal(0, StoreLog.Read(log, read).BrokenLines);
            StoreLog.WriteAll(log, read);
            string[] written = File.ReadAllLines(log);
            Assert.Equal(2, written.Length);
            Assert.EndsWith(" rsrv=Jo-G6i1NNxIQl1aH7ntgcd51YNqATsI-", written[0], StringComparison.Ordinal);
            Assert.DoesNotContain("status=", written[0], StringComparison.Ordinal);
            Assert.EndsWith(" reason=spam,notice={\"ttl\":60}", written[1], StringComparison.Ordinal);
            QueueStore again = new();
            Assert.Equal(0, StoreLog.Read(log, again).RefusedRecords);
            Assert.Equal(read.All().Single().Block, again.All().Single().Block);
            Assert.NotNull(again.All().Single().ServiceId);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_line_without_an_end_costs_no_memory_and_only_itself(bool isLast)
    {
        const long length = 40L << 20;
        string folder = Directory.CreateTempSubdirectory("pairwise-store-log-").FullName;
        try
        {
            string log = Path.Combine(folder, "log");
            using (FileStream file = File.Create(log))
            {
                file.Write("first\n"u8);
                file.Seek(length, SeekOrigin.Current); // zeros, as a failure of the power leaves them
                file.Write(isLast ? "x"u8 : "x\nlast\n"u8);
            }

            List<(int Length, bool IsTorn)> lines = [];
            long before = GC.GetTotalAllocatedBytes(precise: true);
            Assert.Equal(isLast ? 2 : 3, LogFileReader.ReadLines(log, (line, isTorn) => lines.Add((line.Length, isTorn))));
            Assert.InRange(GC.GetTotalAllocatedBytes(precise: true) - before, 0, length / 2);
            Assert.Equal(isLast ? [(5, false), (0, true)] : [(5, false), (0, false), (4, false)], lines);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void A_message_longer_than_any_that_is_taken_is_no_message()
    {
        static string Line(int length) => $"Jo-G6i1NNxIQl1aH7ntgcd51YNqATsI- 1700000000 flags=F {System.Buffers.Text.Base64Url.EncodeToString(new byte[length])}{new string('=', (3 - (length % 3)) % 3)}";
        Assert.True(MessageLogCodec.TryReadMessage(Encoding.UTF8.GetBytes(Line(SmpLimits.MaxMessageLengthOfAllVersions)), out _));
        Assert.False(MessageLogCodec.TryReadMessage(Encoding.UTF8.GetBytes(Line(SmpLimits.MaxMessageLengthOfAllVersions + 1)), out _));
    }

    [Fact]
    public void No_piece_of_a_line_is_mistaken_for_another_record_of_the_same_text()
    {
        foreach (VectorRecord record in VectorFile.Load("store_log.json").OfKind("smpStoreLog"))
        {
            byte[] line = Encoding.UTF8.GetBytes(record.String("line"));
            for (int length = 0; length < line.Length; length++)
            {
                // A number without its last digits is a number still: the day of last use may be an earlier one.
                bool endsInNumber = char.IsAsciiDigit((char)line[Math.Max(0, length - 1)]) && (record.Name == "TIME" || record.Name.StartsWith("CREATE", StringComparison.Ordinal) || record.Name.StartsWith("NEW_SERVICE", StringComparison.Ordinal));
                if (!endsInNumber && StoreLogCodec.TryRead(line.AsSpan(0, length), out StoreLogRecord? read))
                    Assert.Equal(Encoding.UTF8.GetString(line, 0, length), Write(read!));
            }
        }
    }

    private static void CheckStoreLog(VectorRecord record)
    {
        string line = record.String("line");
        Assert.True(StoreLogCodec.TryRead(Encoding.UTF8.GetBytes(line), out StoreLogRecord? read), "the line is not read");
        Assert.Equal(line, Write(read!));
        JsonElement fields = record["fields"];
        if (read is not StoreLogRecord.NewService)
            Assert.Equal(fields.Bytes("recipientId"), RecipientIdOf(read!).ToArray());
        switch (read)
        {
            case StoreLogRecord.CreateQueue { Queue: var queue }:
                CheckQueue(fields, queue);
                break;
            case StoreLogRecord.CreateLink { Link: var link }:
                Assert.Equal(fields.GetProperty("linkData").Bytes("encFixedData"), link.FixedPart.ToArray());
                Assert.Equal(fields.GetProperty("linkData").Bytes("encUserData"), link.UserPart.ToArray());
                break;
            case StoreLogRecord.SecureQueue secure:
                Assert.Equal(fields.Bytes("senderKeySpki"), Spki(secure.SenderKey));
                break;
            case StoreLogRecord.UpdateKeys update:
                Assert.Equal(fields.GetProperty("recipientKeysSpki").EnumerateArray().Select(key => key.Bytes()), update.Keys.Select(key => Spki(key)));
                break;
            case StoreLogRecord.AddNotifier { Notifier: var notifier }:
                CheckNotifier(fields.GetProperty("notifier"), notifier);
                break;
            case StoreLogRecord.BlockQueue { Block: var block }:
                Assert.Equal(fields.GetProperty("reason").GetString(), block.Reason == BlockingReason.Spam ? "spam" : "content");
                break;
            case StoreLogRecord.UpdateTime time:
                Assert.Equal(fields.GetProperty("updatedAt").GetInt64(), time.Day * 86400L);
                break;
            case StoreLogRecord.NewService { Service: var service }:
                Assert.Equal(fields.Bytes("serviceId"), service.Id.ToArray());
                Assert.Equal(fields.GetProperty("certChain").EnumerateArray().Select(certificate => certificate.Bytes()), service.Certificates.Select(certificate => certificate.ToArray()));
                break;
            case StoreLogRecord.QueueService service:
                Assert.Equal(fields.Has("serviceId") ? fields.Bytes("serviceId") : null, service.ServiceId?.ToArray());
                break;
        }
    }

    private static void CheckQueue(JsonElement fields, SmpQueue queue)
    {
        Assert.Equal(fields.Bytes("senderId"), queue.SenderId.ToArray());
        Assert.Equal(fields.Bytes("dhSecret"), ((ReadOnlySpan<byte>)queue.DhSecret).ToArray());
        byte[][] keys = [Spki(queue.RecipientKey), .. queue.MoreRecipientKeys.ToArray().Select(key => Spki(key))];
        Assert.Equal(fields.GetProperty("recipientKeysSpki").EnumerateArray().Select(key => key.Bytes()), keys);
        Assert.Equal(fields.Has("senderKeySpki") ? fields.Bytes("senderKeySpki") : null, queue.IsSecured ? Spki(queue.SenderKey) : null);
        Assert.Equal(fields.GetProperty("queueMode").GetString(), queue.Use switch { QueueUse.Messaging => "messaging", QueueUse.Contact => "contact", _ => null });
        Assert.Equal(fields.Has("serviceId") ? fields.Bytes("serviceId") : null, queue.ServiceId?.ToArray());
        Assert.Equal(fields.Has("updatedAt") ? fields.GetProperty("updatedAt").GetInt64() : -1, queue.UsedDay < 0 ? -1 : queue.UsedDay * 86400L);
        Assert.Equal(fields.Has("linkId"), queue.Link is not null);
        Assert.Equal(fields.Has("notifier"), queue.Notifier is not null);
        if (queue.Notifier is { } notifier)
            CheckNotifier(fields.GetProperty("notifier"), notifier);
    }

    private static void CheckNotifier(JsonElement fields, QueueNotifier notifier)
    {
        Assert.Equal(fields.Bytes("notifierId"), notifier.Id.ToArray());
        Assert.Equal(fields.Bytes("notifierKeySpki"), Spki(notifier.Key));
        Assert.Equal(fields.Bytes("dhSecret"), ((ReadOnlySpan<byte>)notifier.DhSecret).ToArray());
        Assert.Equal(fields.Has("serviceId") ? fields.Bytes("serviceId") : null, notifier.ServiceId?.ToArray());
    }

    private static void CheckParsing(VectorRecord record)
    {
        bool isRead = StoreLogCodec.TryRead(Encoding.UTF8.GetBytes(record.String("line")), out StoreLogRecord? read);
        Assert.Equal(record.String("parse") == "ok", isRead);
        if (isRead)
            Assert.Equal(record.String("canonical"), Write(read!));
    }

    private static void CheckMessage(VectorRecord record)
    {
        string line = record.String("line");
        Assert.True(MessageLogCodec.TryRead(Encoding.UTF8.GetBytes(line), out StoredId recipientId, out StoredMessage? message), "the line is not read");
        LogLineWriter writer = new();
        MessageLogCodec.Write(writer, recipientId, message!);
        Assert.Equal(line, Encoding.UTF8.GetString(writer.Written));
    }

    private static void CheckNotification(VectorRecord record)
    {
        string line = record.String("line");
        Assert.True(NotificationLog.TryRead(Encoding.UTF8.GetBytes(line), out StoredId notifierId, out StoredNotification? notification), "the line is not read");
        Assert.Equal(record.Bytes("notifierId"), notifierId.ToArray());
        Assert.Equal(record.Bytes("msgId"), notification!.MessageId.ToArray());
        Assert.Equal(record.Bytes("nonce"), notification.Nonce.ToArray());
        Assert.Equal(record.Bytes("encMeta"), notification.EncryptedMeta.ToArray());
        LogLineWriter writer = new();
        NotificationLog.Write(writer, notifierId, notification);
        Assert.Equal(line, Encoding.UTF8.GetString(writer.Written));
    }

    private static StoredId RecipientIdOf(StoreLogRecord record) => record switch
    {
        StoreLogRecord.CreateQueue create => create.Queue.RecipientId,
        StoreLogRecord.CreateLink link => link.RecipientId,
        StoreLogRecord.DeleteLink link => link.RecipientId,
        StoreLogRecord.SecureQueue secure => secure.RecipientId,
        StoreLogRecord.UpdateKeys update => update.RecipientId,
        StoreLogRecord.AddNotifier add => add.RecipientId,
        StoreLogRecord.SuspendQueue suspend => suspend.RecipientId,
        StoreLogRecord.BlockQueue block => block.RecipientId,
        StoreLogRecord.UnblockQueue unblock => unblock.RecipientId,
        StoreLogRecord.DeleteQueue delete => delete.RecipientId,
        StoreLogRecord.DeleteNotifier delete => delete.RecipientId,
        StoreLogRecord.UpdateTime update => update.RecipientId,
        StoreLogRecord.QueueService service => service.RecipientId,
        _ => throw new VectorException("the record has no queue"),
    };

    private static string Write(StoreLogRecord record)
    {
        LogLineWriter line = new();
        StoreLogCodec.Write(line, record);
        return Encoding.UTF8.GetString(line.Written);
    }

    private static byte[] Spki(in StoredKey key)
    {
        byte[] spki = new byte[key.SpkiLength];
        key.CopySpkiTo(spki);
        return spki;
    }
}
