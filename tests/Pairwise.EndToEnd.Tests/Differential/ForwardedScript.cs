using System.Text;
using Pairwise.Client;
using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;
using Pairwise.TestKit;
using Pairwise.Wire;

namespace Pairwise.EndToEnd.Tests.Differential;

/// <summary>
/// Random commands of one sender to one destination through one proxy, and what came back. Two of the same seed say the
/// same, whichever relays they speak to.
/// </summary>
internal sealed class ForwardedScript(int seed)
{
    private const int Commands = 25;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Random _random = new(seed);
    private readonly SeededRandom _keys = new(seed);

    /// <summary>Each line is a command and its answer.</summary>
    public List<string> Lines { get; } = [];

    public async Task PlayAsync(ServerAddress proxy, ServerAddress destination)
    {
        using var limit = new CancellationTokenSource(Patience, TimeProvider.System);
        await using var recipient = await SmpClient.ConnectAsync(destination, new SmpClientOptions(), isInteractive: true, limit.Token);
        await using var sender = await SmpClient.ConnectAsync(proxy, new SmpClientOptions(), isInteractive: true, limit.Token);
        var (open, contact) = (await NewAsync(recipient, QueueMode.Messaging, limit.Token), await NewAsync(recipient, QueueMode.Contact, limit.Token));
        var opened = await sender.SendAsync(new SmpRequest(new SmpCommand.Prxy(destination, null), EntityId.None, null), isInteractive: false, limit.Token);
        var session = Assert.IsType<BrokerMessage.PKey>(opened.Message);
        Lines.Add($"PKEY {session.Versions.Min}-{session.Versions.Max}, {session.RelayKey.Certificates.Count} certificates");
        Assert.True(CertificateChain.TryParse([.. session.RelayKey.Certificates.Select(each => each.Memory)], out var chain));
        Assert.True(SignedKey.TryVerify(session.RelayKey.SignedKey.Span, Assert.IsAssignableFrom<VerificationKey>(chain.Leaf.PublicKey), out var relayKey));
        for (var i = 0; i < Commands; i++) await SayAsync(sender, session, Assert.IsType<X25519PublicKey>(relayKey), open, contact, limit.Token);
    }

    private bool Chance(int percent) => _random.Next(100) < percent;

    private T Pick<T>(params ReadOnlySpan<T> choices) => choices[_random.Next(choices.Length)];

    private byte[] Bytes(int length)
    {
        var bytes = new byte[length];
        _random.NextBytes(bytes);
        return bytes;
    }

    private async Task<BrokerMessage.Ids> NewAsync(SmpClient recipient, QueueMode mode, CancellationToken cancellationToken)
    {
        var key = Ed25519PrivateKey.Generate(_keys);
        using var agreement = X25519PrivateKey.Generate(_keys);
        var corrId = new CorrId(SystemRandom.Instance.Bytes(SmpLimits.IdLength));
        var hash = new byte[Digests.Sha3_384Length];
        Digests.Sha3_384(corrId.Value.Span, hash);
        var content = new QueueLinkData(new byte[10], new byte[20]);
        var sender = new SenderId(hash.AsSpan(0, SmpLimits.IdLength));
        QueueRequest request = mode == QueueMode.Messaging
            ? new QueueRequest.Messaging(new MessagingLink(sender, content))
            : new QueueRequest.Contact(new ContactLink(new LinkId(SystemRandom.Instance.Bytes(SmpLimits.IdLength)), sender, content));
        var result = await recipient.SendAsync(
            new SmpRequest(new SmpCommand.New(key.PublicKey, agreement.PublicKey, null, SubscriptionMode.OnlyCreate, request, null), EntityId.None, key, corrId), isInteractive: true, cancellationToken);
        return Assert.IsType<BrokerMessage.Ids>(result.Message);
    }

    private async Task SayAsync(
        SmpClient sender, BrokerMessage.PKey session, X25519PublicKey relayKey, BrokerMessage.Ids open, BrokerMessage.Ids contact, CancellationToken cancellationToken)
    {
        var version = new SmpVersion(Chance(60) ? (ushort)17 : Pick<ushort>(0, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 18, 19, 1000));
        var format = TransmissionFormat.OfForwarded(version, session.Session.Span);
        var (says, command, entity, key) = Command(version, open, contact);
        var corrId = Bytes(Chance(95) ? 24 : Pick(0, 1, 23, 64));
        byte[] signed = [(byte)session.Session.Length, .. session.Session.Span, (byte)corrId.Length, .. corrId, (byte)entity.Length, .. entity, .. command];
        byte[] authorization = key?.Sign(signed) ?? [];
        byte[] service = format.HasServiceSignature && authorization.Length > 0 ? "0"u8.ToArray() : [];
        byte[] encoded = [(byte)authorization.Length, .. authorization, .. service, .. format.ImpliesSessionId ? signed.AsSpan(1 + session.Session.Length) : signed];
        byte[] batch = [1, (byte)(encoded.Length >> 8), (byte)(encoded.Length & 0xFF), .. encoded];
        var spoil = Chance(85) ? 0 : _random.Next(1, 9);
        batch = spoil switch
        {
            1 => [2, .. batch[1..], .. batch[1..]],
            2 => [.. batch, 0],
            3 => batch[..^1],
            4 => [0],
            5 => [],
            _ => batch,
        };
        using var commandKey = X25519PrivateKey.Generate(_keys);
        using var secret = commandKey.DeriveSharedSecret(relayKey);
        using var box = BoxKey.From(secret);
        var outerId = new CorrId(Bytes(24));
        if (ProxyForwarding.SealTransmission(box, outerId, batch) is not { } forwarded) return;
        forwarded = spoil switch
        {
            6 => forwarded[..^1],
            7 => [],
            8 => [.. forwarded[..20], (byte)(forwarded[20] ^ 1), .. forwarded[21..]],
            _ => forwarded,
        };
        var entityOfSession = Chance(97) ? new EntityId(session.Session.Span) : new EntityId(Bytes(32));
        var result = await sender.SendAsync(new SmpRequest(new SmpCommand.PFwd(version, commandKey.PublicKey, forwarded), entityOfSession, null, outerId), isInteractive: false, cancellationToken);
        var answer = result.Message is BrokerMessage.PRes given ? Open(box, outerId, given, format, open, contact)
            : result.Error is SmpClientError.Relay { Error: var error } ? "proxy: ERR " + Encoding.Latin1.GetString(SmpErrorCodec.Encode(error))
            : $"{result.Message} {result.Error}";
        Lines.Add($"v{version} {says}{(spoil > 0 ? $" spoilt{spoil}" : "")}{(corrId.Length == 24 ? "" : $" corr{corrId.Length}")}: {answer}");
    }

    private (string Says, byte[] Command, byte[] Entity, SigningKey? Key) Command(SmpVersion version, BrokerMessage.Ids open, BrokerMessage.Ids contact)
    {
        var queue = Chance(50) ? open : contact;
        var sender = queue.Sender.Value.ToArray();
        var link = queue.Link!.Value.Value.ToArray();
        var name = queue == open ? "messaging" : "contact";
        if (Chance(5)) (name, sender, link) = ("nobody", Bytes(24), Bytes(24));
        var key = Ed25519PrivateKey.Generate(_keys);
        byte[] spki = key.PublicKey.ToSpki();
        switch (_random.Next(14))
        {
            case 0 or 1 or 2 or 3:
                var length = Chance(70) ? _random.Next(0, 60) : Pick(16048, 16064, 16088) + _random.Next(-1, 2);
                return ($"SEND {length} to {name}", [.. "SEND "u8, .. Pick("T "u8.ToArray(), "F "u8.ToArray()), .. new byte[length]], sender, Chance(90) ? null : key);
            case 4 or 5:
                return ($"SKEY of {name}", [.. "SKEY "u8, (byte)spki.Length, .. spki], sender, Chance(90) ? key : null);
            case 6 or 7:
                return ($"LGET of {name}", "LGET"u8.ToArray(), link, Chance(95) ? null : key);
            case 8 or 9:
                return ($"LKEY of {name}", [.. "LKEY "u8, (byte)spki.Length, .. spki], link, key);
            case 10:
                return ("PING", "PING"u8.ToArray(), [], null);
            case 11:
                var word = Pick("SUB", "DEL", "GET", "QUE", "NSUB", "OFF");
                return ($"{word} {name}", Encoding.ASCII.GetBytes(word), sender, key);
            case 12:
                var odd = Pick("", "WHAT", "SEND", "SEND ", "LGET x", "RFWD x", "PRXY", "NEW ", "SKEY ");
                return ($"'{odd}' {name}", Encoding.ASCII.GetBytes(odd), Chance(50) ? sender : [], Chance(50) ? key : null);
            default:
                return ($"SEND without entity {version}", "SEND T x"u8.ToArray(), [], null);
        }
    }

    private static string Open(BoxKey box, CorrId outerId, BrokerMessage.PRes answer, TransmissionFormat format, BrokerMessage.Ids open, BrokerMessage.Ids contact)
    {
        if (!ProxyForwarding.TryOpenResponse(box, outerId, answer.Response.Span, out var content)) return "the answer does not open";
        if (!BatchReader.TryOpen(content, format, out var batch) || !batch.TryReadNext(out var transmission) || batch.Remaining > 0) return "no batch of one";
        var id = transmission.Entity.Value;
        var about = id.IsEmpty ? "" : id == open.Sender.Value || id == open.Link!.Value.Value ? "messaging" : id == contact.Sender.Value || id == contact.Link!.Value.Value ? "contact" : "another";
        var text = Encoding.Latin1.GetString(transmission.Command.Span);
        return $"[{Convert.ToHexString(transmission.CorrId.Value.Span)}] @{about} {(text.StartsWith("LNK ", StringComparison.Ordinal) ? $"LNK, {text.Length} bytes" : text)}";
    }
}
