using System.Text.Json;
using Pairwise.Crypto;
using Pairwise.Protocol.Agent;
using Pairwise.Protocol.Smp;
using Pairwise.TestKit;
using Pairwise.Wire;

namespace Pairwise.Protocol.Tests;

/// <summary>Makes addresses from the fields that the vectors describe them by.</summary>
internal static class AddressVectors
{
    public static ServerAddress Server(JsonElement fields, ServerProtocol protocol) => new(
        protocol,
        [.. fields.GetProperty("hosts").EnumerateArray().Select(host => Host(host.GetString()!))],
        fields.GetProperty("port").GetString()!,
        Bytes.CopyOf(fields.Bytes("keyHash")));

    public static TransportHost Host(string text) =>
        TransportHost.TryParse(text, out var host) ? host : throw new VectorException($"not a host: {text}");

    public static QueueMode Mode(JsonElement mode) => mode.GetString() switch
    {
        "messaging" => QueueMode.Messaging,
        "contact" => QueueMode.Contact,
        _ => throw new VectorException("no such queue mode"),
    };

    public static SmpQueueAddress Queue(JsonElement address) => new(
        Server(address.GetProperty("server"), ServerProtocol.Smp),
        new SenderId(address.Bytes("senderId")),
        X25519PublicKey.TryFromSpki(address.Bytes("dhPublicKeySpki"), out var key) ? key : throw new VectorException("not a key"),
        address.Has("queueMode") ? Mode(address.GetProperty("queueMode")) : null);

    public static SmpQueueUri QueueUri(JsonElement queue) =>
        new(Range(queue.GetProperty("clientVersionRange")), Queue(queue.GetProperty("address")));

    public static SmpQueueInfo QueueInfo(JsonElement queue) =>
        new(queue.GetProperty("clientVersion").GetUInt16(), Queue(queue.GetProperty("address")));

    public static SendQueueAddress SendQueue(JsonElement address) =>
        new(Server(address.GetProperty("server"), ServerProtocol.Smp), new SenderId(address.Bytes("senderId")));

    public static VersionRange Range(JsonElement range) => new(range.GetProperty("min").GetUInt16(), range.GetProperty("max").GetUInt16());
}
