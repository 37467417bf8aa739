using System.Text;
using System.Text.Json;
using Pairwise.Crypto;
using Pairwise.Protocol.Xftp;
using Pairwise.TestKit;
using Pairwise.Wire;

namespace Pairwise.Protocol.Tests.Xftp;

/// <summary>Commands and responses as the fields of the records describe them.</summary>
internal static class XftpVectors
{
    public static XftpCommand Command(string name, JsonElement fields) => name.Split(' ')[0] switch
    {
        "FNEW" => New(fields),
        "FADD" => new XftpCommand.Add(Keys(fields)),
        "FPUT" => XftpCommand.Put.Instance,
        "FDEL" => XftpCommand.Delete.Instance,
        "FGET" => new XftpCommand.Get(Dh(fields, "dhKeySpki")),
        "FACK" => XftpCommand.Ack.Instance,
        "PING" => XftpCommand.Ping.Instance,
        var other => throw new VectorException($"no command {other}"),
    };

    public static XftpResponse Response(string name, JsonElement fields) => name.Split(' ')[0] switch
    {
        "SIDS" => new XftpResponse.SenderIds(new ChunkId(fields.Bytes("senderId")), Ids(fields)),
        "RIDS" => new XftpResponse.RecipientIds(Ids(fields)),
        "FILE" => new XftpResponse.File(Dh(fields, "serverDhKeySpki"), Bytes.Wrap(fields.Bytes("nonce"))),
        "OK" => XftpResponse.Ok.Instance,
        "PONG" => XftpResponse.Pong.Instance,
        "ERR" => XftpErrorCodec.TryDecode(Encoding.UTF8.GetBytes(fields.GetProperty("error").GetString()!), out var error)
            ? new XftpResponse.Err(error)
            : throw new VectorException("no error"),
        var other => throw new VectorException($"no response {other}"),
    };

    private static XftpCommand.New New(JsonElement fields)
    {
        var chunk = fields.GetProperty("fileInfo");
        BasicAuth? password = null;
        if (fields.Has("basicAuth"))
        {
            Assert.True(BasicAuth.TryParse(fields.GetProperty("basicAuth").GetString()!, out password));
        }

        return new XftpCommand.New(
            new ChunkInfo(Key(chunk.GetProperty("sndKeySpki")), chunk.GetProperty("size").GetUInt32(), Bytes.Wrap(chunk.Bytes("digest"))),
            Keys(fields),
            password);
    }

    private static ValueList<PublicKey> Keys(JsonElement fields) => [.. fields.GetProperty("recipientKeysSpki").EnumerateArray().Select(Key)];

    private static ValueList<ChunkId> Ids(JsonElement fields) =>
        [.. fields.GetProperty("recipientIds").EnumerateArray().Select(id => new ChunkId(id.Bytes()))];

    private static PublicKey Key(JsonElement spki) =>
        PublicKey.TryFromSpki(spki.Bytes(), out var key) ? key : throw new VectorException("no key");

    private static X25519PublicKey Dh(JsonElement fields, string name) =>
        X25519PublicKey.TryFromSpki(fields.Bytes(name), out var key) ? key : throw new VectorException("no key");
}
