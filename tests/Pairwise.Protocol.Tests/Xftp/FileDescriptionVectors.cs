using System.Text.Json;
using Pairwise.Crypto;
using Pairwise.Protocol.Xftp;
using Pairwise.TestKit;
using Pairwise.Wire;

namespace Pairwise.Protocol.Tests.Xftp;

/// <summary>The records about file descriptions and their links.</summary>
internal static class FileDescriptionVectors
{
    public static void Description(VectorRecord record)
    {
        var description = Read(record["description"]);
        Assert.Equal(record.String("yaml"), FileDescriptionCodec.Encode(description));
        Assert.True(FileDescriptionCodec.TryDecode(record.String("yaml"), out var decoded));
        Assert.Equal(description, decoded);
    }

    public static void Parse(VectorRecord record)
    {
        var parsed = FileDescriptionCodec.TryDecode(record.String("yaml"), out var description);
        Assert.Equal(record.String("parse") == "ok", parsed);
        if (parsed)
        {
            Assert.Equal(Read(record["description"]), description);
        }
    }

    public static void Link(VectorRecord record)
    {
        var yaml = record.String("yaml");
        Assert.True(FileDescriptionCodec.TryDecode(yaml, out var description));
        Assert.Equal(record.String("uri"), new FileLink(description).ToString());
        Assert.Equal(record.String("uriHttps"), new FileLink(description, FileLink.DefaultHost).ToString());
        Assert.True(FileLink.TryParse(record.String("uri"), out var link));
        Assert.Equal(new FileLink(description), link);
        Assert.True(FileLink.TryParse(record.String("uriHttps"), out link));
        Assert.Equal(new FileLink(description, FileLink.DefaultHost), link);
        Assert.True(FileLink.TryParse(record.String("uriWithClientData"), out link));
        Assert.NotNull(link.ClientData);
        Assert.Equal(record.String("uriWithClientData"), link.ToString());

        Assert.True(FileWebLink.TryDecodeFragment(record.String("webFragment"), out var fromWeb));
        Assert.Equal(description, fromWeb);
        Assert.True(FileWebLink.TryDecodeFragment(FileWebLink.EncodeFragment(description), out fromWeb));
        Assert.Equal(description, fromWeb);
        Assert.StartsWith($"https://{record.String("webHost")}/#", FileWebLink.Encode(description), StringComparison.Ordinal);
        Assert.True(FileWebLink.TryParse($"https://{record.String("webHost")}/#{record.String("webFragment")}", out fromWeb));

        // A browser does not find a port that it is not told.
        var chunk = description.Chunks[0];
        var elsewhere = description with { Chunks = [chunk with { Replicas = [chunk.Replicas[0] with { Server = chunk.Replicas[0].Server with { Port = "8443" } }] }] };
        Assert.StartsWith($"https://{record.String("webHost")}:8443/#", FileWebLink.Encode(elsewhere), StringComparison.Ordinal);
    }

    private static FileDescription Read(JsonElement json) => new(
        json.GetProperty("party").GetString() == "SFSender" ? FileParty.Sender : FileParty.Recipient,
        json.GetProperty("size").GetInt64(),
        Bytes.Wrap(json.Bytes("digest")),
        new FileKey(json.Bytes("key"), json.Bytes("nonce")),
        json.GetProperty("chunkSize").GetUInt32(),
        [.. json.GetProperty("chunks").EnumerateArray().Select(Chunk)],
        json.Has("redirect")
            ? new FileRedirect(json.GetProperty("redirect").GetProperty("size").GetInt64(), Bytes.Wrap(json.GetProperty("redirect").Bytes("digest")))
            : null);

    private static FileChunk Chunk(JsonElement json) => new(
        json.GetProperty("chunkNo").GetInt32(),
        json.GetProperty("size").GetUInt32(),
        Bytes.Wrap(json.Bytes("digest")),
        [.. json.GetProperty("replicas").EnumerateArray().Select(Replica)]);

    private static ChunkReplica Replica(JsonElement json)
    {
        Assert.True(ServerAddress.TryParse(json.GetProperty("server").GetString()!, out var server));
        Assert.True(PrivateKey.TryFromPkcs8(json.Bytes("replicaKeyPkcs8"), out var key));
        return new ChunkReplica(server, new ChunkId(json.Bytes("replicaId")), key);
    }
}
