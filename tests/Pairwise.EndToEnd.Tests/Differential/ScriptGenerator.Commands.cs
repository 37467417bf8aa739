using System.Security.Cryptography;
using Pairwise.Transport.Smp;

namespace Pairwise.EndToEnd.Tests.Differential;

/// <summary>The commands of scripts.</summary>
internal sealed partial class ScriptGenerator
{
    private ScriptTransmission One(int client, List<int> taken, int? kind = null)
    {
        var dice = kind ?? _random.Next(1000);
        var isAlone = taken.Count == 0 && kind is null;
        if (dice < 130) return New(Queue(anything: true, taken), client);
        if (dice >= 955) return Odd(client);
        var queue = Queue(anything: Chance(8), taken);
        var guess = _queues[queue];
        switch (dice)
        {
            case < 230:
                return Make("SUB", "SUB"u8.ToArray(), 'r', queue, WithService(By(guess.RecipientKey), client));
            case < 270:
                return Make("GET", "GET"u8.ToArray(), 'r', queue, By(guess.RecipientKey));
            case < 400:
                return Ack(queue);
            case < 560:
                return Send(queue, Body(), notify: Chance(30));
            case < 600:
                return Secure("KEY", 'r', queue, guess.RecipientKey);
            case < 660:
                return Secure("SKEY", 's', queue, null);
            case < 690:
                return RecipientKeys(queue);
            case < 730:
                return SetLink(queue);
            case < 755:
                return Make("LGET", "LGET"u8.ToArray(), 'l', queue, Unsigned());
            case < 785:
                return Secure("LKEY", 'l', queue, null);
            case < 800:
                return Make("LDEL", "LDEL"u8.ToArray(), 'r', queue, By(guess.RecipientKey));
            case < 835 when isAlone:
                return AllowNotifier(queue);
            case < 845 when isAlone:
                Settle();
                return Make("NDEL", "NDEL"u8.ToArray(), 'r', queue, By(guess.RecipientKey));
            case < 880 when isAlone:
                Settle();
                return Make("NSUB", "NSUB"u8.ToArray(), 'n', queue, WithService(By(Math.Max(0, guess.NotifierKey)), client));
            case < 895 when isAlone:
                Settle();
                return Make("OFF", "OFF"u8.ToArray(), 'r', queue, By(guess.RecipientKey));
            case < 915 when isAlone:
                Settle();
                if (Chance(70)) guess.Exists = false;
                return Make("DEL", "DEL"u8.ToArray(), 'r', queue, By(guess.RecipientKey));
            default:
                return Make("QUE", "QUE"u8.ToArray(), 'r', queue, By(guess.RecipientKey));
        }
    }

    private ScriptTransmission New(int queue) => New(queue, 0);

    // "NEW" SP rcvAuthKey rcvDhKey ..., as the version of the client has it, or sometimes as another one has it
    private ScriptTransmission New(int queue, int client)
    {
        var version = Chance(97) ? _version : _random.Next(6, 19);
        var key = _random.Next(ScriptKeys.Count);
        var mode = Chance(60) ? 'M' : 'C';
        var corrId = CorrId();
        var hasLink = version >= 15 && Chance(35);
        var queueKeyBytes = Chance(97) ? _keys.SpkiOf(key) : Spoilt(_keys.SpkiOf(key));
        var agreement = _keys.Agreement.PublicKey.ToSpki();
        if (Chance(2)) agreement = Chance(50) ? _keys.SpkiOf(0) : Spoilt(agreement);
        byte[] password = Password(version);
        var subscribes = Chance(80) ? 'S' : Chance(90) ? 'C' : 'X';
        byte[] command = [.. "NEW "u8, .. Key(queueKeyBytes), .. Key(agreement), .. password, (byte)subscribes];
        Func<ScriptWorld, byte[]> request = _ => [];
        if (version >= 15) request = QueueRequest(mode, hasLink, corrId);
        else if (version >= 9) command = [.. command, (byte)(Chance(98) ? mode == 'M' ? 'T' : 'F' : 'X')];
        byte[] notifier = [];
        var notifierKey = -1;
        if (version >= 17)
        {
            if (Chance(25))
            {
                notifierKey = _random.Next(ScriptKeys.Count);
                notifier = [(byte)'1', .. Key(_keys.SpkiOf(notifierKey)), .. Key(_keys.Agreement.PublicKey.ToSpki())];
            }
            else
            {
                notifier = "0"u8.ToArray();
            }
        }

        var guess = _queues[queue];
        guess.Exists = true;
        guess.RecipientKey = key;
        guess.IsSecured = false;
        guess.NotifierKey = notifierKey;
        guess.Mode = mode;
        guess.Owner = client;
        var (says, entity) = Chance(98) ? ("none", (_, _) => []) : Entity('r', queue);
        return Perhaps(new ScriptTransmission(
            $"NEW q{queue} {mode}{subscribes}{(hasLink ? " link" : "")}{(notifierKey >= 0 ? " notifier" : "")}", (world, _) => [.. command, .. request(world), .. notifier], says, entity, WithService(By(key), client), corrId, queue));
    }

    private byte[] Password(int version)
    {
        byte[]? text = _password is null
            ? Chance(90) ? null : "something"u8.ToArray()
            : Chance(90) ? Text(_password) : Chance(50) ? null : Bytes(Pick(0, 5, 30));
        if (Chance(1)) text = Text(Pick("with space", "at@sign", "colon:", "slash/", "\u00e9"));
        byte[] encoded = text is null ? [] : [(byte)text.Length, .. text];
        return version >= 9 ? [(byte)(text is null ? '0' : '1'), .. encoded] : text is null ? [] : [(byte)'A', .. encoded];
    }

    private Func<ScriptWorld, byte[]> QueueRequest(char mode, bool hasLink, byte[] corrId)
    {
        if (Chance(5)) return _ => "0"u8.ToArray();
        var letter = Chance(98) ? mode : 'Q';
        if (!hasLink) return _ => [(byte)'1', (byte)letter, (byte)'0'];
        var other = Chance(90) ? null : Bytes(Pick(24, 24, 0, 23, 25));
        var chosen = Chance(92) ? Bytes(24) : Bytes(Pick(0, 1, 23, 25, 32, 255));
        var data = LinkData();
        return world =>
        {
            var sender = other ?? SenderIdFor(world.Salted(corrId));
            var link = world.Salted(chosen);
            byte[] ids = mode == 'C' ? [(byte)link.Length, .. link, (byte)sender.Length, .. sender] : [(byte)sender.Length, .. sender];
            return [(byte)'1', (byte)mode, (byte)'1', .. ids, .. data];
        };
    }

    private byte[] LinkData()
    {
        var fixedPart = new byte[Pick(0, 5, 5, 5, 2008)];
        fixedPart.AsSpan().Fill((byte)(_seed & 0xFF));
        return [.. Large(fixedPart), .. Large(Bytes(Pick(0, 7, 7, 100, 13784 - (fixedPart.Length > 100 ? 1000 : 0))))];
    }

    private byte[] Spoilt(byte[] key) => _random.Next(5) switch
    {
        0 => key[..^1],
        1 => [.. key, 0],
        2 => [],
        3 => Bytes(key.Length),
        _ => [.. key[..8], (byte)(key[8] ^ 1), .. key[9..]],
    };

    private byte[] Body() => _random.Next(20) switch
    {
        0 => [],
        1 => Bytes(1),
        2 => Text("with spaces and \n lines"),
        3 => Bytes(16048 + _random.Next(-1, 2)),
        4 => Bytes(16064 + _random.Next(-1, 2)),
        5 => Bytes(16088 + _random.Next(-1, 2)),
        _ => Bytes(_random.Next(2, 40)),
    };

    private ScriptTransmission Send(int queue, byte[] body, bool notify)
    {
        var guess = _queues[queue];
        if (notify) _isNotifying = true;
        var flags = Chance(96) ? notify ? "T" : "F" : Pick("", "X", "T1", "Fabc", "TT", "1", "T ", " T");
        if (flags.Contains('T', StringComparison.Ordinal)) _isNotifying = true;
        byte[] command = [.. "SEND "u8, .. Text(flags), (byte)' ', .. body];
        var authorization = guess.IsSecured
            ? Chance(92) ? By(guess.SenderKey) : ScriptAuthorization.None
            : Chance(92) ? ScriptAuthorization.None : By(_random.Next(ScriptKeys.Count));
        return Make($"SEND {flags} {body.Length}", command, 's', queue, authorization);
    }

    private ScriptTransmission Ack(int queue)
    {
        var key = _queues[queue].RecipientKey;
        switch (_random.Next(20))
        {
            case 0:
                return Make("ACK empty", [.. "ACK "u8, 0], 'r', queue, By(key));
            case 1:
                var wrong = Bytes(Pick(24, 24, 1, 23, 25, 255));
                return Make($"ACK wrong{wrong.Length}", [.. "ACK "u8, (byte)wrong.Length, .. wrong], 'r', queue, By(key));
            case 2:
                var other = _random.Next(Queues);
                return Make($"ACK m of q{other}", (world, _) => [.. "ACK "u8, 24, .. world.Delivered(other)], 'r', queue, By(key));
            default:
                return Make("ACK", (world, _) => [.. "ACK "u8, 24, .. world.Delivered(queue)], 'r', queue, By(key));
        }
    }

    // "KEY" SP key by the recipient; "SKEY" SP key and "LKEY" SP key by the key itself
    private ScriptTransmission Secure(string word, char kind, int queue, int? recipientKey)
    {
        var guess = _queues[queue];
        var key = guess.IsSecured && Chance(70) ? guess.SenderKey : _random.Next(ScriptKeys.Count);
        if (!guess.IsSecured)
        {
            guess.IsSecured = true;
            guess.SenderKey = key;
        }

        var spki = Chance(97) ? _keys.SpkiOf(key) : Spoilt(_keys.SpkiOf(key));
        return Make($"{word} key{key}", [.. Text(word), (byte)' ', .. Key(spki)], kind, queue, By(recipientKey ?? key));
    }

    private ScriptTransmission RecipientKeys(int queue)
    {
        var guess = _queues[queue];
        var authorization = By(guess.RecipientKey);
        var keys = Enumerable.Range(0, Chance(90) ? 1 + _random.Next(3) : Pick(0, 5, 8)).Select(_ => _random.Next(ScriptKeys.Count)).ToArray();
        if (guess.Mode == 'C' && keys.Length > 0) guess.RecipientKey = keys[^1];
        byte[] list = [.. keys.SelectMany(key => Key(_keys.SpkiOf(key)))];
        var count = (byte)(Chance(96) ? keys.Length : Math.Max(0, keys.Length + Pick(-1, 1)));
        return Make($"RKEY {string.Join(',', keys)}", [.. "RKEY "u8, count, .. list], 'r', queue, authorization);
    }

    private ScriptTransmission SetLink(int queue)
    {
        var isPresent = Chance(50);
        var fresh = SHA256.HashData([(byte)queue, (byte)(_seed & 0xFF), (byte)_random.Next(3)])[..24];
        if (Chance(5)) fresh = Bytes(Pick(0, 1, 25));
        var data = LinkData();
        return Make($"LSET {(isPresent ? "same" : "other")} {data.Length}", (world, _) =>
        {
            var link = isPresent ? world.Link(queue) : world.Salted(fresh);
            return [.. "LSET "u8, (byte)link.Length, .. link, .. data];
        }, 'r', queue, By(_queues[queue].RecipientKey));
    }

    private ScriptTransmission AllowNotifier(int queue)
    {
        Settle();
        var key = _random.Next(ScriptKeys.Count);
        _queues[queue].NotifierKey = key;
        return Make($"NKEY key{key}", [.. "NKEY "u8, .. Key(_keys.SpkiOf(key)), .. Key(_keys.Agreement.PublicKey.ToSpki())], 'r', queue, By(_queues[queue].RecipientKey));
    }

    // What no client says, or says elsewhere.
    private ScriptTransmission Odd(int client)
    {
        var isService = _clients.TryGetValue(client, out var known) && known.Role is not null;
        switch (_random.Next(isService ? 16 : 12))
        {
            case 0:
                return Plain("PING", "PING"u8.ToArray());
            case 1:
                return Plain("PING x", "PING x"u8.ToArray());
            case 2:
                var word = Pick("WHAT", "", " ", "sub", "SUBX", "SU", "SUB ", "SUB x", "DEL ", "PONG", "OK", "ERR AUTH", "MSG", "NEW", "SEND", "SEND ", "ACK", "KEY", "KEY ", "LSET ", "\0", "QUE ", "GET x");
                return Plain($"'{word}'", Text(word));
            case 3:
                var queue = Queue(anything: true);
                var text = Pick("SUB ", "SUB x", "GET ", "QUE x", "ACK", "ACK ", "KEY ", "KEY", "OFF ", "NDEL x", "LDEL ", "RKEY ", "NKEY ", "LSET ");
                return Make($"'{text}'", Text(text), 'r', queue, By(_queues[queue].RecipientKey));
            case 4:
                return Plain("RFWD", [.. "RFWD "u8, .. Bytes(_random.Next(0, 300))]);
            case 5:
                return Plain("RFWD bare", "RFWD"u8.ToArray());
            case 6:
                var session = Bytes(32);
                byte[] forward = [.. "PFWD "u8, 0, (byte)_random.Next(6, 20), .. Key(_keys.Agreement.PublicKey.ToSpki()), .. Bytes(100)];
                return new ScriptTransmission("PFWD", (_, _) => forward, "session", (_, _) => session, Unsigned(), CorrId());
            case 7:
                return Plain("PFWD", [.. "PFWD "u8, 0, 17, .. Key(_keys.Agreement.PublicKey.ToSpki()), .. Bytes(100)]);
            case 8:
                return Plain("PRXY junk", [.. "PRXY "u8, .. Bytes(_random.Next(0, 60))]);
            case 9:
                var key = _random.Next(ScriptKeys.Count);
                var id = Bytes(24);
                return new ScriptTransmission("SUBS", (_, _) => "SUBS"u8.ToArray(), "nobody", (_, _) => id, By(key), CorrId());
            case 10:
                var notifierKey = _random.Next(ScriptKeys.Count);
                return new ScriptTransmission("NSUBS", (_, _) => "NSUBS"u8.ToArray(), "none", (_, _) => [], By(notifierKey), CorrId());
            case 11:
                return Plain("junk", Bytes(_random.Next(0, 60)));
            default:
                return Service(Pick("NSUBS", "NSUBS", "SUBS", "NSUBS x"));
        }
    }

    private ScriptTransmission Service(string word) => Perhaps(new ScriptTransmission(
        word, (_, _) => Text(word), "service", (_, speaker) => speaker.Service is { } own ? own.Id.Value.ToArray() : [1],
        new ScriptAuthorization(null, Service: Chance(90)), CorrId()));

    private ScriptTransmission Plain(string says, byte[] command) =>
        Perhaps(new ScriptTransmission(says, (_, _) => command, "none", (_, _) => [], Unsigned(), CorrId()));
}
