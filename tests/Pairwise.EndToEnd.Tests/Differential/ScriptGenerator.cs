using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Pairwise.Protocol.Smp;
using Pairwise.Transport.Smp;

namespace Pairwise.EndToEnd.Tests.Differential;

/// <summary>
/// Makes scripts: mostly what a client would say, with what it must not say in between. It remembers what a relay
/// should have done with a queue so that most commands find something to do; that it may be wrong does no harm.
/// </summary>
internal sealed partial class ScriptGenerator
{
    private const int Queues = 6;

    private readonly Random _random;
    private readonly int _seed;
    private readonly ScriptKeys _keys;
    private readonly string? _password;
    private readonly List<ScriptStep> _steps = [];
    private readonly Dictionary<int, (ushort Version, SmpServiceRole? Role)> _clients = [];
    private readonly QueueGuess[] _queues = [.. Enumerable.Range(0, Queues).Select(_ => new QueueGuess())];
    private bool _isNotifying;
    private ushort _version;

    private ScriptGenerator(int seed, string? password)
    {
        _seed = seed;
        _random = new Random(seed);
        _keys = new ScriptKeys(seed);
        _password = password;
    }

    // What the script believes of a queue.
    private sealed class QueueGuess
    {
        public bool Exists;
        public int RecipientKey;
        public int SenderKey;
        public bool IsSecured;
        public int NotifierKey = -1;
        public char Mode = 'M';
        public int Owner;
    }

    public static RelayScript Make(int seed, string? password, int steps)
    {
        var generator = new ScriptGenerator(seed, password);
        generator.Run(steps);
        return new RelayScript(seed, generator._steps);
    }

    private void Run(int steps)
    {
        var clients = 2 + _random.Next(3);
        for (var i = 0; i < clients; i++) Connect(i);
        for (var i = 0; i < 2; i++) Say(_random.Next(clients), [New(i)]);
        while (_steps.Count < steps)
        {
            var dice = _random.Next(100);
            var client = _random.Next(clients);
            if (dice < 3) Connect(client);
            else if (dice < 4) Close(client);
            else if (dice < 7) Operate();
            else if (dice < 8) Fill(client);
            else if (dice < 18) SayBatch(client);
            else if (dice < 20) SaySpoilt(client);
            else SayOne(client);
        }
    }

    private bool Chance(int percent) => _random.Next(100) < percent;

    private T Pick<T>(params ReadOnlySpan<T> choices) => choices[_random.Next(choices.Length)];

    private byte[] Bytes(int length)
    {
        var bytes = new byte[length];
        _random.NextBytes(bytes);
        return bytes;
    }

    private void Connect(int client)
    {
        Settle();
        var version = Chance(50) ? (ushort)18 : (ushort)_random.Next(6, 19);
        var hasProtocol = version != 6 || Chance(50);
        SmpServiceRole? role = version >= 16 && Chance(15) ? Pick(SmpServiceRole.Notifier, SmpServiceRole.Notifier, SmpServiceRole.Proxy) : null;
        _clients[client] = (version, role);
        _steps.Add(new ScriptStep.Connect(client, version, hasProtocol, role));
    }

    private void Close(int client)
    {
        Settle();
        if (_clients.Remove(client)) _steps.Add(new ScriptStep.Close(client));
    }

    // What a timer is about to send must not meet a change of who gets it.
    private void Settle()
    {
        if (_isNotifying) _steps.Add(new ScriptStep.Pause(TimeSpan.FromSeconds(2)));
        _isNotifying = false;
    }

    private void Operate()
    {
        // Ours finds a queue by any of its ids, tells its subscriber of a deletion, and words its errors for people.
        var id = Pick("S", "S", "S", "K") + Queue(anything: true);
        _steps.Add(new ScriptStep.Operate(_random.Next(8) switch
        {
            0 => $"block {{{id}}} reason=spam",
            1 => $"block {{{id}}} reason=content",
            2 => $"block {{{id}}} reason=content,notice={{\"ttl\":3600}}",
            3 => $"block {{{id}}} reason=spam,notice={{\"ttl\":null}}",
            4 or 5 => $"unblock {{{id}}}",
            _ => $"status {{{id}}}",
        }));
    }

    private void Fill(int client)
    {
        var version = VersionOf(client);
        _version = version;
        var queue = Queue();
        var send = Send(queue, "fill"u8.ToArray(), notify: false);
        if (!Chance(20)) return;
        Say(client, [send], repeat: 126 + _random.Next(6));
    }

    private void SayOne(int client)
    {
        _version = VersionOf(client);
        Say(client, [One(client, [])]);
    }

    private void SayBatch(int client)
    {
        _version = VersionOf(client);
        List<int> taken = [];
        var count = 2 + _random.Next(Queues - 1);
        var isAlike = Chance(50);
        var kind = _random.Next(1000);
        ScriptTransmission[] said = [.. Enumerable.Range(0, count).Select(_ => One(client, taken, isAlike ? kind : null))];

        // Two messages of one block are stored last to first by the original, and the other way round by ours.
        var first = Array.FindIndex(said, IsMessage);
        Say(client, [.. said.Where((each, i) => i == first || !IsMessage(each))]);

        static bool IsMessage(ScriptTransmission each) => each.Says.StartsWith("SEND", StringComparison.Ordinal);
    }

    private void SaySpoilt(int client)
    {
        _version = VersionOf(client);
        List<int> taken = [];
        var spoil = _random.Next(7) switch
        {
            0 => new Spoiling("count+1", content => [(byte)((content[0] + 1) & 0xFF), .. content[1..]]),
            1 => new Spoiling("count-1", content => [(byte)((content[0] - 1) & 0xFF), .. content[1..]]),
            2 => new Spoiling("longer", content => [.. content, 0]),
            3 => new Spoiling("shorter", content => content[..^1]),
            4 => new Spoiling("empty", _ => []),
            5 => new Spoiling("half", content => content[..(content.Length / 2)]),
            _ => Junk(),
        };
        Say(client, [.. Enumerable.Range(0, 1 + _random.Next(3)).Select(_ => One(client, taken))], spoil);
    }

    private Spoiling Junk()
    {
        var junk = Bytes(_random.Next(1, 300));
        return new Spoiling($"junk {junk.Length}", _ => junk);
    }

    private void Say(int client, ScriptTransmission[] said, Spoiling? spoil = null, int repeat = 1)
    {
        if (!_clients.ContainsKey(client)) Connect(client);
        _steps.Add(new ScriptStep.Say(client, said, spoil, repeat));
    }

    private ushort VersionOf(int client)
    {
        if (!_clients.ContainsKey(client)) Connect(client);
        return _clients[client].Version;
    }

    private int Queue(bool anything = false, List<int>? taken = null)
    {
        for (var attempt = 0; ; attempt++)
        {
            var queue = _random.Next(Queues);
            if (taken?.Contains(queue) == true && attempt < 40) continue;
            if (!anything && !_queues[queue].Exists && attempt < 20) continue;
            taken?.Add(queue);
            return queue;
        }
    }

    private byte[] CorrId() => Chance(95) ? Bytes(24) : Bytes(Pick(0, 1, 8, 23, 25, 32, 64, 255));

    // Sometimes what is not what it should be, byte by byte.
    private ScriptTransmission Perhaps(ScriptTransmission said)
    {
        if (!Chance(4)) return said;
        return said with
        {
            Spoil = _random.Next(5) switch
            {
                0 => new Spoiling("byte more", bytes => [.. bytes, (byte)'x']),
                1 => new Spoiling("space more", bytes => [.. bytes, (byte)' ']),
                2 => new Spoiling("byte less", bytes => bytes[..^1]),
                3 => Cut(_random.Next(100)),
                _ => Flip(_random.Next(1 << 16)),
            },
        };
    }

    private static Spoiling Cut(int percent) => new($"{percent}%", bytes => bytes[..(bytes.Length * percent / 100)]);

    private static Spoiling Flip(int where) => new($"flip {where}", bytes =>
    {
        if (bytes.Length == 0) return bytes;
        var changed = bytes.ToArray();
        changed[where % bytes.Length] ^= (byte)(1 << (where >> 13));
        return changed;
    });

    private ScriptAuthorization By(int key) => _random.Next(100) switch
    {
        < 90 => new ScriptAuthorization(key),
        < 93 => new ScriptAuthorization(_random.Next(ScriptKeys.Count)),
        < 95 => new ScriptAuthorization(key, IsFlipped: true),
        < 97 => ScriptAuthorization.None,
        < 99 => new ScriptAuthorization(null, Bytes(Pick(1, 63, 64, 65, 79, 80, 81, 113, 114, 115, 255))),
        _ => new ScriptAuthorization(key, ServiceJunk: Bytes(Pick(64, 64, 0, 63, 114))),
    };

    private ScriptAuthorization Unsigned() => Chance(95) ? ScriptAuthorization.None : new ScriptAuthorization(_random.Next(ScriptKeys.Count));

    private ScriptAuthorization WithService(ScriptAuthorization authorization, int client) =>
        _clients.TryGetValue(client, out var known) && known.Role is not null && authorization.Key is not null && Chance(90)
            ? authorization with { Service = true }
            : authorization;

    private (string Says, Func<ScriptWorld, ScriptClient, byte[]> Bytes) Entity(char kind, int queue)
    {
        if (Chance(94)) return Named(kind, queue);
        switch (_random.Next(5))
        {
            case 0:
                return ("none", (_, _) => []);
            case 1:
                var odd = Bytes(Pick(1, 8, 16, 23, 25, 32, 255));
                return ($"odd{odd.Length}", (_, _) => odd);
            case 2:
                var stranger = Bytes(24);
                return ("nobody", (_, _) => stranger);
            default:
                return Named(Pick('r', 's', 'n', 'l'), queue);
        }
    }

    private static (string Says, Func<ScriptWorld, ScriptClient, byte[]> Bytes) Named(char kind, int queue)
    {
        var says = string.Create(CultureInfo.InvariantCulture, $"q{queue}.{kind}");
        return kind switch
        {
            'r' => (says, (world, _) => world.Recipient(queue)),
            's' => (says, (world, _) => world.Sender(queue)),
            'n' => (says, (world, _) => world.Notifier(queue)),
            _ => (says, (world, _) => world.Link(queue)),
        };
    }

    private ScriptTransmission Make(string says, byte[] command, char kind, int queue, ScriptAuthorization authorization) =>
        Make(says, (_, _) => command, kind, queue, authorization);

    private ScriptTransmission Make(string says, Func<ScriptWorld, ScriptClient, byte[]> command, char kind, int queue, ScriptAuthorization authorization)
    {
        var (entitySays, entity) = Entity(kind, queue);
        return Perhaps(new ScriptTransmission(says, command, entitySays, entity, authorization, CorrId(), queue));
    }

    private static byte[] SenderIdFor(byte[] corrId) => SHA3_384.HashData(corrId)[..24];

    private static byte[] Key(byte[] spki) => [(byte)spki.Length, .. spki];

    private static byte[] Large(byte[] bytes) => [(byte)(bytes.Length >> 8), (byte)(bytes.Length & 0xFF), .. bytes];

    private static byte[] Text(string text) => Encoding.Latin1.GetBytes(text);
}
