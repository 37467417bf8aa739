using System.Globalization;
using System.Security.Cryptography;
using Pairwise.Crypto;
using Pairwise.Protocol.Smp;
using Pairwise.TestKit;

namespace Pairwise.EndToEnd.Tests.Differential;

/// <summary>The keys of a script: the same for either relay.</summary>
internal sealed class ScriptKeys
{
    public const int Count = 12;

    private readonly List<PrivateKey> _keys = [];

    public ScriptKeys(int seed)
    {
        var random = new SeededRandom(seed);
        for (var i = 0; i < Count; i++)
        {
            _keys.Add((i % 3) switch
            {
                0 => Ed25519PrivateKey.Generate(random),
                1 => X25519PrivateKey.Generate(random),
                _ => Ed448PrivateKey.Generate(random),
            });
        }

        Agreement = X25519PrivateKey.Generate(random);
    }

    /// <summary>The key of all encryptions between relay and recipient.</summary>
    public X25519PrivateKey Agreement { get; }

    public PrivateKey this[int index] => _keys[index];

    public byte[] SpkiOf(int index) => _keys[index].PublicKey.ToSpki();
}

/// <summary>What a script knows of one relay: the ids that it gave, and the names that stand for them in transcripts.</summary>
internal sealed class ScriptWorld(ScriptKeys keys, byte[] salt)
{
    private readonly Dictionary<string, string> _names = [];
    private readonly Dictionary<string, BoxKey> _boxes = [];
    private readonly Dictionary<int, byte[]> _recipients = [];
    private readonly Dictionary<int, byte[]> _senders = [];
    private readonly Dictionary<int, byte[]> _notifiers = [];
    private readonly Dictionary<int, byte[]> _links = [];
    private readonly Dictionary<int, byte[]> _delivered = [];
    private readonly Dictionary<string, int> _queueOf = [];
    private int _messages;

    public ScriptKeys Keys { get; } = keys;

    /// <summary>Bytes of the script made this play's own, so that a script can be played to the same relay again.</summary>
    public byte[] Salted(byte[] given)
    {
        if (given.Length == 0) return given;
        var own = new byte[given.Length];
        for (var at = 0; at < own.Length; at += SHA256.HashSizeInBytes)
            SHA256.HashData([.. salt, .. given, (byte)at]).AsSpan(0, Math.Min(SHA256.HashSizeInBytes, own.Length - at)).CopyTo(own.AsSpan(at));
        if (given.Length >= 8) _names[Convert.ToHexString(own)] = Convert.ToHexString(given.AsSpan(0, 6));
        return own;
    }

    public byte[] Recipient(int queue) => Find(_recipients, queue, 'r');

    public byte[] Sender(int queue) => Find(_senders, queue, 's');

    public byte[] Notifier(int queue) => Find(_notifiers, queue, 'n');

    public byte[] Link(int queue) => Find(_links, queue, 'l');

    public byte[] Delivered(int queue) => Find(_delivered, queue, 'm');

    public void Created(int queue, BrokerMessage.Ids ids)
    {
        Know(_recipients, queue, ids.Recipient.Value.ToArray(), "r");
        Know(_senders, queue, ids.Sender.Value.ToArray(), "s");
        _links.Remove(queue); // the original lets a second queue take a link id over, ours does not
        if (ids.Link is { } link) Know(_links, queue, link.Value.ToArray(), "l");
        if (ids.Notifier is { } notifier) Know(_notifiers, queue, notifier.Notifier.Value.ToArray(), "n");
        using var secret = Keys.Agreement.DeriveSharedSecret(ids.ServerDhKey);
        _boxes[Convert.ToHexString(ids.Recipient.Value.Span)] = BoxKey.From(secret);
        _queueOf[Convert.ToHexString(ids.Recipient.Value.Span)] = queue;
    }

    public void Allowed(int queue, NotifierId notifier) => Know(_notifiers, queue, notifier.Value.ToArray(), "n");

    public void Named(byte[] id, string name) => _names[Convert.ToHexString(id)] = name;

    /// <summary>The name of an id; what is none that was made has none either, since a spoilt id is another at each relay.</summary>
    public string Name(ReadOnlySpan<byte> id)
    {
        var hex = Convert.ToHexString(id);
        return _names.TryGetValue(hex, out var name) ? name : id.Length == 24 ? "unknown" : hex;
    }

    /// <summary>The name of a message: their numbers in the order in which they were first seen.</summary>
    public string NameOfMessage(ReadOnlySpan<byte> id)
    {
        var hex = Convert.ToHexString(id);
        if (!_names.TryGetValue(hex, out var name))
            _names[hex] = name = string.Create(CultureInfo.InvariantCulture, $"m{_messages++}");
        return name;
    }

    /// <summary>What a message says after its time, which no two relays have alike.</summary>
    public string Open(byte[] recipient, byte[] message, byte[] body)
    {
        var hex = Convert.ToHexString(recipient);
        if (_queueOf.TryGetValue(hex, out var queue)) _delivered[queue] = message;
        if (!_boxes.TryGetValue(hex, out var box)) return "?";
        var nonce = new byte[24];
        message.AsSpan(0, Math.Min(24, message.Length)).CopyTo(nonce);
        if (!box.TryOpenPadded(nonce, body, out var opened)) return "does not open";
        if (opened.AsSpan().StartsWith("QUOTA "u8)) return "quota";
        return opened.Length < 8 ? Convert.ToHexString(opened) : Short(opened.AsSpan(8));
    }

    public static string Short(ReadOnlySpan<byte> bytes) => bytes.Length <= 48
        ? Convert.ToHexString(bytes)
        : string.Create(CultureInfo.InvariantCulture, $"{bytes.Length} bytes {Convert.ToHexString(SHA256.HashData(bytes).AsSpan(0, 6))}");

    private byte[] Find(Dictionary<int, byte[]> ids, int queue, char kind) =>
        ids.TryGetValue(queue, out var id) ? id : SHA256.HashData([.. salt, (byte)queue, (byte)kind])[..24];

    private void Know(Dictionary<int, byte[]> ids, int queue, byte[] id, string kind)
    {
        ids[queue] = id;
        _names[Convert.ToHexString(id)] = string.Create(CultureInfo.InvariantCulture, $"q{queue}.{kind}");
    }
}
