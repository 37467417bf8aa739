using System.Security.Cryptography;
using System.Text.Json;
using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;
using Pairwise.Server.Smp;
using Pairwise.TestKit;
using static Pairwise.Server.Tests.Smp.TestRelay;

namespace Pairwise.Server.Tests.Smp;

/// <summary>A relay started over the folder of an original one has every queue, message, link and answer that it had.</summary>
public sealed class ReferenceFolderTests
{
    [Theory]
    [InlineData("memory")]
    [InlineData("journal")]
    public async Task A_folder_of_the_reference_is_served_as_it_is(string variant)
    {
        using TestFolder folder = new();
        Copy(VectorFile.PathOf($"server_files/{variant}_2"), folder.Path);
        using JsonDocument expected = JsonDocument.Parse(File.ReadAllBytes(VectorFile.PathOf($"server_files/{variant}.expected.json")));
        JsonElement root = expected.RootElement;
        long kept;
        await using (SmpServer relay = await StartAsync(folder, options => options with { MessageExpiration = null, MessageStorage = variant == "journal" ? MessageStorage.Journal : MessageStorage.Memory }))
        {
            Assert.Equal(0, relay.Report.Queues.BrokenLines);
            Assert.Equal(0, relay.Report.Queues.RefusedRecords);
            Assert.Equal(root.Bytes("keyHash"), relay.Identity.KeyHash.ToArray());
            await using RelayClient client = await RelayClient.ConnectAsync(relay);
            await CheckLinksAsync(client, root);
            long left = relay.Report.Messages.Restored;
            foreach (JsonElement queue in root.GetProperty("queues").EnumerateArray())
                left -= await CheckMessagesAsync(client, queue);
            kept = left + await CheckSendingAsync(client, root);
        }

        // And once more after our own compaction: what was sent above is there.
        await using SmpServer restarted = await StartAsync(folder, options => options with { MessageExpiration = null, MessageStorage = variant == "journal" ? MessageStorage.Journal : MessageStorage.Memory });
        Assert.Equal(0, restarted.Report.Queues.BrokenLines + restarted.Report.Queues.RefusedRecords);
        Assert.Equal(variant == "memory" ? kept : 0, restarted.Report.Messages.Restored);
    }

    private static async Task<int> CheckMessagesAsync(RelayClient client, JsonElement queue)
    {
        RecipientId id = new(queue.Bytes("recipientId"));
        PrivateKey key = KeyOf(queue.GetProperty("recipientKey"));
        string name = queue.GetProperty("name").GetString()!;
        using BoxKey box = BoxKey.FromSymmetric(queue.Bytes("recipientDhSecret"));
        JsonElement messages = queue.GetProperty("messagesAfterPhase2");
        string info = queue.GetProperty("queueInfo").GetString()!;
        if (!info.StartsWith('{'))
        {
            BrokerMessage refused = await client.AskAsync(id.ToEntityId(), SmpCommand.Get.Instance, key);
            Assert.True(refused is BrokerMessage.Err { Error: SmpError.Auth or SmpError.Blocked }, $"{name}: {refused}");
            return 0;
        }

        int read = 0;
        foreach (JsonElement message in messages.EnumerateArray())
        {
            BrokerMessage.Msg received = Assert.IsType<BrokerMessage.Msg>(await client.AskAsync(id.ToEntityId(), SmpCommand.Get.Instance, key));
            WireId messageId = received.Message.Value;
            Assert.Equal(message.Bytes("msgId"), messageId.ToArray());
            Assert.True(RelayMessage.TryOpen(box, received.Message, received.EncryptedBody.Span, out RelayMessage? opened));
            Assert.Equal(message.GetProperty("timestamp").GetInt64(), opened.Time.UnixSeconds);
            CheckBody(message, opened);
            read += opened is RelayMessage.Content ? 1 : 0;
            AssertOk(await client.AskAsync(id.ToEntityId(), new SmpCommand.Ack(received.Message), key));
        }

        AssertOk(await client.AskAsync(id.ToEntityId(), SmpCommand.Get.Instance, key));
        return read;
    }

    private static void CheckBody(JsonElement message, RelayMessage opened)
    {
        if (opened is RelayMessage.QuotaMarker)
        {
            Assert.True(message.Has("quota") || !message.Has("body"));
            return;
        }

        RelayMessage.Content content = Assert.IsType<RelayMessage.Content>(opened);
        Assert.Equal(message.GetProperty("notification").GetBoolean(), content.Flags.Notification);
        if (message.Has("body"))
            Assert.Equal(message.Bytes("body"), content.Body.ToArray());
        else
            Assert.Equal(message.Bytes("bodySha256"), SHA256.HashData(content.Body.Span));
    }

    private static async Task CheckLinksAsync(RelayClient client, JsonElement root)
    {
        JsonElement read = root.GetProperty("linkReadAfterPhase2");
        JsonElement q3 = read.GetProperty("q3");
        JsonElement queue = root.GetProperty("queues").EnumerateArray().First(each => each.GetProperty("name").GetString() == "q3");
        LinkId link = new(queue.Bytes("linkId"));
        BrokerMessage.Lnk answer = Assert.IsType<BrokerMessage.Lnk>(await client.AskAsync(link.ToEntityId(), SmpCommand.LGet.Instance, null));
        Assert.Equal(q3.Bytes("encFixedData"), answer.Content.Fixed.ToArray());
        Assert.Equal(q3.Bytes("encUserData"), answer.Content.User.ToArray());
        JsonElement blocked = root.GetProperty("queues").EnumerateArray().First(each => each.GetProperty("name").GetString() == "q12");
        LinkId blockedLink = new(blocked.Bytes("linkId"));
        AssertError(new SmpError.Blocked(BlockingReason.Content), await client.AskAsync(blockedLink.ToEntityId(), SmpCommand.LGet.Instance, null));
    }

    private static async Task<int> CheckSendingAsync(RelayClient client, JsonElement root)
    {
        int tried = 0;
        int taken = 0;
        foreach (JsonElement send in root.GetProperty("sendResultsAfterPhase2").EnumerateArray())
        {
            string[] name = send.GetProperty("name").GetString()!.Split(' ');
            JsonElement queue = root.GetProperty("queues").EnumerateArray().First(each => each.GetProperty("name").GetString() == name[0]);
            PrivateKey? key = name[1] == "signed" ? KeyOf(root.GetProperty("senderKeys").GetProperty(name[0])) : null;
            SenderId sender = new(queue.Bytes("senderId"));
            BrokerMessage answer = await client.AskAsync(sender.ToEntityId(), Text("sent after"), key);
            string result = send.GetProperty("result").GetString()!;
            string said = answer switch
            {
                BrokerMessage.Ok => "OK",
                BrokerMessage.Err { Error: SmpError.Auth } => "PCEProtocolError AUTH",
                BrokerMessage.Err { Error: SmpError.Blocked { Reason: BlockingReason.Spam } } => "PCEProtocolError (BLOCKED {blockInfo = BlockingInfo {reason = BRSpam, notice = Nothing}})",
                BrokerMessage.Err { Error: SmpError.Blocked } => "PCEProtocolError (BLOCKED {blockInfo = BlockingInfo {reason = BRContent, notice = Nothing}})",
                _ => answer.ToString(),
            };
            Assert.Equal(result, said);
            tried++;
            taken += answer is BrokerMessage.Ok ? 1 : 0;
        }

        Assert.Equal(9, tried);
        return taken;
    }

    private static PrivateKey KeyOf(JsonElement key) =>
        PrivateKey.TryFromPkcs8(key.Bytes("privatePkcs8"), out PrivateKey? read) ? read : throw new VectorException("not a private key");

    private static void Copy(string from, string to)
    {
        foreach (string file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            string target = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }
    }
}
