using System.Text;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;
using Pairwise.Wire;

namespace Pairwise.Fuzz;

/// <summary>SMP: blocks, commands, messages, errors, hellos, bodies, addresses.</summary>
internal static class SmpTargets
{
    private static readonly SmpVersion[] Versions = [.. Enumerable.Range(SmpVersions.ServerRange.Min, SmpVersions.ServerRange.Max - SmpVersions.ServerRange.Min + 1).Select(number => new SmpVersion((ushort)number))];

    public static IReadOnlyList<FuzzTarget> All { get; } =
    [
        new("smp command", [typeof(SmpCommandCodec)], () => Corpus.Bytes("smp_commands.json", "encoded", "input", "command"), Commands) { Cost = 4 },
        new("smp broker message", [typeof(BrokerMessageCodec)], () => Corpus.Bytes("smp_commands.json", "encoded", "input", "message"), Messages) { Cost = 4 },
        new("smp error", [typeof(SmpErrorCodec), typeof(TransportErrorCodec)], () => Corpus.Bytes("smp_commands.json", "errorBinary"), input =>
            TransportErrorCodec.TryDecode(input, out _)
            | FuzzTarget.Stable(SmpErrorCodec.TryDecode(input, out var error), error, SmpErrorCodec.Encode, bytes => SmpErrorCodec.TryDecode(bytes, out var again) ? again : null)),
        new("smp error text", [], () => Corpus.Texts("smp_commands.json", "errorText"), input =>
            FuzzTarget.Stable(SmpErrorCodec.TryParseText(Encoding.UTF8.GetString(input), out var error), error, value => Encoding.UTF8.GetBytes(SmpErrorCodec.ToText(value)), bytes => SmpErrorCodec.TryParseText(Encoding.UTF8.GetString(bytes), out var again) ? again : null)),
        new("smp block", [], () => Corpus.Bytes("smp_commands.json", "batchOfOne", "content"), Blocks) { Cost = 2 },
        new("smp hello", [typeof(SmpHandshakeCodec)], () => Corpus.Bytes("smp_handshake.json"), input =>
            SmpHandshakeCodec.TryRead(input, out SmpServerHello? _)
            | SmpHandshakeCodec.TryRead(input, out SmpClientHello? _)
            | SmpHandshakeCodec.TryRead(input, out SmpServiceAnswer? _)
            | Unpadded(input, content => SmpHandshakeCodec.TryRead(content, out SmpServerHello? _) | SmpHandshakeCodec.TryRead(content, out SmpClientHello? _)))
        { Cost = 2 },
        new("smp client message envelope", [typeof(ClientMessageEnvelope)], () => Corpus.Bytes("smp_message.json", "encoded", "input"), input =>
            FuzzTarget.Stable(ClientMessageEnvelope.TryDecode(input, out var envelope), envelope, value => value.Encode(), bytes => ClientMessageEnvelope.TryDecode(bytes, out var again) ? again : null)),
        new("smp client message", [typeof(ClientMessage)], () => Corpus.Bytes("smp_message.json", "clientMessage", "input"), input =>
            FuzzTarget.Stable(ClientMessage.TryDecode(input, out var message), message, value => value.Encode(), bytes => ClientMessage.TryDecode(bytes, out var again) ? again : null)),
        new("smp received message", [typeof(RelayMessage)], () => Corpus.Bytes("smp_message.json", "encodedBody", "input"), input =>
            FuzzTarget.Stable(RelayMessage.TryDecode(input, out var message), message, value => value.Encode(), bytes => RelayMessage.TryDecode(bytes, out var again) ? again : null)),
        new("smp stored message", [], () => Corpus.Texts("smp_message.json", "encodedText"), input =>
            RelayMessage.TryParseStoredText(input, out var id, out var message)
            && (RelayMessage.TryParseStoredText(Encoding.ASCII.GetBytes(message.ToStoredText(id)), out var sameId, out var same) && sameId == id && same == message
                ? true
                : throw new FuzzException("A stored message changes when it is written again."))),
        new("smp notification metadata", [typeof(NotificationMeta)], () => Corpus.Bytes("smp_message.json", "encodedMeta"), input =>
            FuzzTarget.Stable(NotificationMeta.TryDecode(input, out var meta), meta, value => value.Encode(), bytes => NotificationMeta.TryDecode(bytes, out var again) ? again : null)),
        new("smp forwarded transmission", [typeof(ForwardedTransmission), typeof(ForwardedResponse)], () => Corpus.Bytes("smp_message.json", "fwdTransmission", "fwdResponse"), input =>
            ForwardedResponse.TryDecode(input, out _)
            | FuzzTarget.Stable(ForwardedTransmission.TryDecode(input, out var forwarded), forwarded, value => value.Encode(), bytes => ForwardedTransmission.TryDecode(bytes, out var again) ? again : null)),
        new("server address", [typeof(ServerAddressWithPassword), typeof(BasicAuth)], () => Corpus.Texts("links.json", "input", "canonical"), input =>
            BasicAuth.TryParse(input, out _)
            | FuzzTarget.Stable(ServerAddressWithPassword.TryParse(input, out var address), address, value => Encoding.Latin1.GetBytes(value.ToConfigurationText()), bytes => ServerAddressWithPassword.TryParse(bytes, out var again) ? again : null)),
        new("server address, binary", [typeof(ServerAddress)], () => Corpus.Bytes("links.json", "smpEncodedServer", "legacyEncodedServer"), BinaryAddress),
        new("server host", [typeof(TransportHost)], () => Corpus.Texts("links.json", "input", "canonical"), input =>
            FuzzTarget.Stable(TransportHost.TryParse(input, out var host), host, value => Encoding.Latin1.GetBytes(value.Name), bytes => TransportHost.TryParse(bytes, out var again) ? again : null)),
    ];

    private static bool Commands(byte[] input)
    {
        var isAccepted = false;
        foreach (var version in Versions)
        {
            isAccepted |= FuzzTarget.Stable(SmpCommandCodec.TryDecode(version, input, out var command, out _), command, value => SmpCommandCodec.Encode(version, value), bytes => SmpCommandCodec.TryDecode(version, bytes, out var again, out _) ? again : null);
        }

        return isAccepted;
    }

    private static bool Messages(byte[] input)
    {
        var isAccepted = false;
        foreach (var version in Versions)
        {
            isAccepted |= FuzzTarget.Stable(BrokerMessageCodec.TryDecode(version, input, out var message, out _), message, value => BrokerMessageCodec.Encode(version, value), bytes => BrokerMessageCodec.TryDecode(version, bytes, out var again, out _) ? again : null);
        }

        return isAccepted;
    }

    private static bool Blocks(byte[] input)
    {
        var isAccepted = false;
        foreach (var version in Versions)
        {
            var format = new TransmissionFormat(version, new byte[32]);
            if (!BatchReader.TryOpen(input, format, out var reader))
            {
                continue;
            }

            var scratch = new byte[input.Length + 64];
            while (reader.TryReadNext(out var transmission))
            {
                isAccepted = true;
                if (transmission.Error is null)
                {
                    transmission.GetSigned(format, scratch);
                }

                transmission.TryDecodeCommand(version, out _, out _);
                transmission.TryDecodeMessage(version, out _, out _);
            }
        }

        return isAccepted;
    }

    private static bool BinaryAddress(byte[] input)
    {
        var legacy = new WireReader(input);
        var isLegacy = ServerAddress.TryReadLegacy(ref legacy, ServerProtocol.Xftp, out _);
        return isLegacy | FuzzTarget.Stable(TryRead(input, out var address), address, Encode, bytes => TryRead(bytes, out var again) ? again : null);

        static bool TryRead(byte[] bytes, out ServerAddress? address)
        {
            var reader = new WireReader(bytes);
            return ServerAddress.TryRead(ref reader, ServerProtocol.Smp, out address);
        }

        static byte[] Encode(ServerAddress address)
        {
            var writer = new WireWriter(new byte[address.GetEncodedLength()]);
            address.Write(ref writer);
            return writer.WrittenSpan.ToArray();
        }
    }

    private static bool Unpadded(byte[] block, Func<byte[], bool> parse) => Padding.TryUnpad(block, out var content) && parse(content.ToArray());
}
