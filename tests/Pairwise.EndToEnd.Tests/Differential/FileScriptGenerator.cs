using System.Net;
using System.Security.Cryptography;
using System.Text;
using Pairwise.Crypto;
using Pairwise.Protocol.Xftp;
using Pairwise.TestKit;
using Pairwise.Wire;

namespace Pairwise.EndToEnd.Tests.Differential;

/// <summary>Makes random conversations with a file server: mostly what a client would say.</summary>
internal sealed class FileScriptGenerator
{
    private const int ChunkSize = 64 * 1024;

    private readonly Random _random;
    private readonly SigningKey[] _keys;
    private readonly X25519PrivateKey _agreement;
    private readonly int[] _senderKeys = new int[FileConversation.Chunks];
    private readonly List<int>[] _recipientKeys = [.. Enumerable.Range(0, FileConversation.Chunks).Select(_ => new List<int>())];
    private readonly string? _password;

    private FileScriptGenerator(int seed, string? password)
    {
        _random = new Random(seed);
        _password = password;
        var random = new SeededRandom(seed);
        _keys = [.. Enumerable.Range(0, 6).Select(i => i % 2 == 0 ? (SigningKey)Ed25519PrivateKey.Generate(random) : Ed448PrivateKey.Generate(random))];
        _agreement = X25519PrivateKey.Generate(random);
    }

    /// <summary>The application protocol of the connection, and what is asked over it.</summary>
    public static (string? Protocol, IReadOnlyList<FileRequest> Requests) Make(int seed, string? password, int count)
    {
        var generator = new FileScriptGenerator(seed, password);
        var protocol = generator.Chance(85) ? XftpVersions.ApplicationProtocol : null;
        List<FileRequest> requests = [];
        if (protocol is not null && generator.Chance(96)) requests.Add(generator.Post("hello?", _ => []));
        if (protocol is not null) requests.Add(generator.Hello(generator.Chance(90)));
        requests.Add(generator.New(0));
        while (requests.Count < count) requests.Add(generator.Next());
        return (protocol, requests);
    }

    private bool Chance(int percent) => _random.Next(100) < percent;

    private T Pick<T>(params ReadOnlySpan<T> choices) => choices[_random.Next(choices.Length)];

    private byte[] Bytes(int length)
    {
        var bytes = new byte[length];
        _random.NextBytes(bytes);
        return bytes;
    }

    private FileRequest Next()
    {
        var chunk = _random.Next(FileConversation.Chunks);
        return _random.Next(100) switch
        {
            < 18 => New(chunk),
            < 26 => Add(chunk),
            < 46 => Put(chunk),
            < 66 => Get(chunk),
            < 74 => Command("FACK", "FACK"u8.ToArray(), Recipient(chunk, out var key), key, chunk),
            < 80 => Command("FDEL", "FDEL"u8.ToArray(), Sender(chunk), _senderKeys[chunk], chunk),
            < 84 => Command("PING", "PING"u8.ToArray(), "", -1, chunk),
            < 90 => Odd(chunk),
            < 93 => Hello(Chance(50)),
            < 95 => Post("nothing", _ => []),
            < 97 => Block(Bytes(_random.Next(0, 200))),
            _ => Web(),
        };
    }

    private FileRequest Hello(bool isRight)
    {
        var version = isRight ? (ushort)_random.Next(1, 4) : (ushort)Pick(0, 4, 5, 1000);
        var hasOtherHash = !isRight && Chance(50);
        var length = Chance(95) ? XftpLimits.BlockSize : Pick(0, 100, XftpLimits.BlockSize - 1, XftpLimits.BlockSize + 1);
        return Post($"hello v{version}{(hasOtherHash ? " to another" : "")} {length}", conversation =>
        {
            var hash = hasOtherHash ? Pairwise.Wire.Bytes.Wrap(new byte[32]) : conversation.Server.KeyHash;
            var block = Padding.Pad(new XftpClientHandshake(new XftpVersion(version), hash).Encode(), XftpLimits.BlockSize);
            return length <= block.Length ? block[..length] : [.. block, 0];
        });
    }

    private static FileRequest Web(string method, string path, bool hasBody) => new($"{method} {path}", _ => new HttpRequestMessage(new HttpMethod(method), "http://relay" + path)
    {
        Version = HttpVersion.Version20,
        VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        Content = hasBody ? new ByteArrayContent(new byte[10]) : null,
    });

    private FileRequest Web() => Web(Pick("GET", "PUT", "OPTIONS", "DELETE", "POST"), Pick("/", "/index.html", "/file/", "/../x", "/nothing?x=y"), Chance(30));

    private byte[] KeyOf(int key) => [(byte)_keys[key].PublicKey.ToSpki().Length, .. _keys[key].PublicKey.ToSpki()];

    private byte[] Keys(List<int> keys, int count)
    {
        for (var i = 0; i < count; i++) keys.Add(_random.Next(_keys.Length));
        byte[] list = [.. keys.TakeLast(count).SelectMany(KeyOf)];
        return [(byte)(Chance(96) ? count : count + 1), .. list];
    }

    private static byte[] ContentOf(int chunk)
    {
        var content = new byte[ChunkSize];
        content.AsSpan().Fill((byte)(chunk + 1));
        return content;
    }

    private FileRequest New(int chunk)
    {
        var key = _random.Next(_keys.Length);
        _senderKeys[chunk] = key;
        _recipientKeys[chunk].Clear();
        var size = Chance(90) ? ChunkSize : Pick(0, 1, 1000, 65535, 65537, 256 * 1024, 128 * 1024, 4 * 1024 * 1024, 5 * 1024 * 1024, int.MaxValue);
        var digest = Chance(95) ? SHA256.HashData(ContentOf(chunk)) : Bytes(Pick(0, 31, 32, 33));
        var password = _password is null ? Chance(90) ? null : "any" : Chance(85) ? _password : Chance(50) ? null : "wrong";
        byte[] auth = password is null ? "0"u8.ToArray() : [(byte)'1', (byte)password.Length, .. Encoding.ASCII.GetBytes(password)];
        byte[] command = [.. "FNEW "u8, .. KeyOf(key), (byte)(size >> 24), (byte)((size >> 16) & 0xFF), (byte)((size >> 8) & 0xFF), (byte)(size & 0xFF),
            (byte)digest.Length, .. digest, .. Keys(_recipientKeys[chunk], Chance(90) ? 1 + _random.Next(3) : Pick(0, 10)), .. auth];
        return Command($"FNEW {size}", command, Chance(97) ? "" : Sender(chunk), key, chunk);
    }

    private FileRequest Add(int chunk)
    {
        _recipientKeys[chunk].Clear();
        return Command("FADD", [.. "FADD "u8, .. Keys(_recipientKeys[chunk], Chance(90) ? 1 + _random.Next(3) : Pick(0, 20))], Sender(chunk), _senderKeys[chunk], chunk);
    }

    private FileRequest Put(int chunk)
    {
        var content = ContentOf(chunk);
        var (says, body) = _random.Next(10) switch
        {
            0 => ("less", content[..^1]),
            1 => ("more", [.. content, 7]),
            2 => ("nothing", []),
            3 => ("other", Bytes(ChunkSize)),
            _ => ("right", content),
        };
        return Command($"FPUT {says}", "FPUT"u8.ToArray(), Sender(chunk), _senderKeys[chunk], chunk, body);
    }

    private FileRequest Get(int chunk)
    {
        byte[] spki = Chance(95) ? _agreement.PublicKey.ToSpki() : Pick(_keys[0].PublicKey.ToSpki(), Bytes(44), []);
        return Command("FGET", [.. "FGET "u8, (byte)spki.Length, .. spki], Recipient(chunk, out var key), key, chunk, Chance(95) ? [] : Bytes(100));
    }

    private FileRequest Odd(int chunk)
    {
        var word = Pick("WHAT", "", "FNEW", "FNEW ", "FADD ", "FGET", "FGET ", "FPUT x", "FDEL ", "PING ", "PING x", "fput", "FACK x", "SUB", "OK");
        return Command($"'{word}'", Encoding.ASCII.GetBytes(word), Chance(50) ? "" : Sender(chunk), Chance(50) ? -1 : _senderKeys[chunk], chunk);
    }

    private string Sender(int chunk) => Chance(95) ? $"s{chunk}" : Pick("", "nobody", $"r{chunk}.0", "long");

    private string Recipient(int chunk, out int key)
    {
        var keys = _recipientKeys[chunk];
        var at = keys.Count == 0 ? 0 : _random.Next(keys.Count);
        key = keys.Count == 0 ? 0 : keys[at];
        return Chance(95) ? $"r{chunk}.{at}" : Pick("", "nobody", $"s{chunk}", "long");
    }

    private FileRequest Command(string says, byte[] command, string entity, int key, int chunk, byte[]? body = null)
    {
        var corrId = Bytes(Chance(95) ? 24 : Pick(0, 1, 23, 255));
        var authorized = _random.Next(100) switch { < 92 => key, < 95 => _random.Next(_keys.Length), _ => -1 };
        var junk = Chance(97) ? null : Bytes(Pick(1, 63, 64, 80, 114, 200));
        var isOtherSession = Chance(2);
        var spoil = Chance(95) ? 0 : _random.Next(1, 6);
        var text = $"{says} @{entity} {(junk is not null ? $"junk{junk.Length}" : authorized < 0 ? "-" : $"key{authorized}")}"
            + $"{(isOtherSession ? " other session" : "")}{(spoil > 0 ? $" spoilt{spoil}" : "")}{(corrId.Length == 24 ? "" : $" corr{corrId.Length}")}";
        return Post(text, conversation =>
        {
            var id = entity switch { "" => [], "long" => new byte[200], _ => conversation.Id(entity) };
            var encoded = conversation.Transmission(corrId, id, command, authorized < 0 ? null : _keys[authorized], junk, isOtherSession);
            byte[] batch = [1, (byte)(encoded.Length >> 8), (byte)(encoded.Length & 0xFF), .. encoded];
            batch = spoil switch
            {
                1 => [2, .. batch[1..], .. batch[1..]],
                2 => [.. batch, 0],
                3 => batch[..^1],
                4 => [0],
                5 => [2, .. batch[1..]],
                _ => batch,
            };
            return [.. Padding.Pad(batch, XftpLimits.BlockSize), .. body ?? []];
        }, chunk);
    }

    private FileRequest Block(byte[] junk) => Post($"junk {junk.Length}", _ => Padding.Pad(junk, XftpLimits.BlockSize));

    private FileRequest Post(string says, Func<FileConversation, byte[]> make, int? chunk = null)
    {
        var path = Chance(97) ? "/" : Pick("/other", "/file/", "/?x=y");
        var isStreamed = Chance(10);
        return new FileRequest($"{says}{(path == "/" ? "" : " " + path)}{(isStreamed ? " streamed" : "")}", conversation =>
        {
            var bytes = make(conversation);
            return new HttpRequestMessage(HttpMethod.Post, "http://relay" + path)
            {
                Version = HttpVersion.Version20,
                VersionPolicy = HttpVersionPolicy.RequestVersionExact,
                Content = bytes.Length == 0 ? null : isStreamed ? new StreamContent(new UnknownLength(bytes)) : new ByteArrayContent(bytes),
            };
        }, chunk);
    }

    // Bytes whose number the request does not tell before.
    private sealed class UnknownLength(byte[] bytes) : MemoryStream(bytes, writable: false)
    {
        public override bool CanSeek => false;
    }
}
