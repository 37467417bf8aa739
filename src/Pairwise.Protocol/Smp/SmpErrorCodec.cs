using System.Buffers;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;
using Pairwise.Wire;

namespace Pairwise.Protocol.Smp;

/// <summary>The wire and text forms of <see cref="SmpError"/>. Decoding never throws.</summary>
public static class SmpErrorCodec
{
    // Errors may contain errors (PROXY PROTOCOL …); nobody has a reason to go deeper than two levels.
    private const int MaxDepth = 16;

    /// <summary>
    /// The error as a peer of this version can know it: BLOCKED becomes AUTH before
    /// <see cref="SmpVersions.BlockedEntity"/> and loses its notice before <see cref="SmpVersions.ClientNotices"/>.
    /// </summary>
    public static SmpError Downgrade(SmpVersion version, SmpError error) => error switch
    {
        SmpError.Blocked when version < SmpVersions.BlockedEntity => SmpError.Auth.Instance,
        SmpError.Blocked { Notice: not null } blocked when version < SmpVersions.ClientNotices => blocked with { Notice = null },
        _ => error,
    };

    // error = "BLOCK" / "SESSION" / "CMD" SP commandError / "PROXY" SP proxyError / "AUTH" / "BLOCKED" SP blockingInfo
    //       / "SERVICE" / "CRYPTO" / "QUOTA" / "STORE" SP *OCTET / "EXPIRED" / "NO_MSG" / "LARGE_MSG" / "INTERNAL" / "DUPLICATE_"
    /// <summary>Encodes an error, without the version's downgrade.</summary>
    public static byte[] Encode(SmpError error)
    {
        var buffer = new ArrayBufferWriter<byte>();
        Write(error, buffer, isText: false);
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>Decodes the bytes of one error; all of them must be used.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out SmpError? error)
    {
        var reader = new WireReader(bytes);
        return TryReadError(ref reader, isText: false, MaxDepth, out error) && reader.IsAtEnd;
    }

    /// <summary>The text form, as the reference prints errors in logs and files.</summary>
    public static string ToText(SmpError error)
    {
        var buffer = new ArrayBufferWriter<byte>();
        Write(error, buffer, isText: true);
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    /// <summary>Reads the text form.</summary>
    public static bool TryParseText(string text, [NotNullWhen(true)] out SmpError? error)
    {
        var reader = new WireReader(Encoding.UTF8.GetBytes(text));
        return TryReadError(ref reader, isText: true, MaxDepth, out error) && reader.IsAtEnd;
    }

    private static void Write(SmpError error, ArrayBufferWriter<byte> output, bool isText)
    {
        switch (error)
        {
            case SmpError.Block:
                output.Write("BLOCK"u8);
                break;
            case SmpError.Session:
                output.Write("SESSION"u8);
                break;
            case SmpError.Command command:
                output.Write("CMD "u8);
                output.Write(TagOf(command.Reason));
                break;
            case SmpError.Proxy proxy:
                output.Write("PROXY "u8);
                Write(proxy.Reason, output, isText);
                break;
            case SmpError.Auth:
                output.Write("AUTH"u8);
                break;
            case SmpError.Blocked blocked:
                output.Write("BLOCKED "u8);
                WriteBlockingInfo(blocked.Reason, blocked.Notice, output);
                break;
            case SmpError.Service:
                output.Write("SERVICE"u8);
                break;
            case SmpError.Crypto:
                output.Write("CRYPTO"u8);
                break;
            case SmpError.Quota:
                output.Write("QUOTA"u8);
                break;
            case SmpError.Store store:
                output.Write("STORE "u8);
                output.Write(Encoding.UTF8.GetBytes(store.Reason));
                break;
            case SmpError.NoMessage:
                output.Write("NO_MSG"u8);
                break;
            case SmpError.LargeMessage:
                output.Write("LARGE_MSG"u8);
                break;
            case SmpError.Expired:
                output.Write("EXPIRED"u8);
                break;
            case SmpError.Internal:
                output.Write("INTERNAL"u8);
                break;
            case SmpError.Duplicate:
                output.Write("DUPLICATE_"u8);
                break;
            default:
                throw new UnreachableException();
        }
    }

    private static bool TryReadError(ref WireReader reader, bool isText, int depth, [NotNullWhen(true)] out SmpError? error)
    {
        error = null;
        if (depth == 0 || !reader.TryReadWord(out var tag))
        {
            return false;
        }

        if (TryFindPlain(tag, out error))
        {
            return true;
        }

        if (!reader.TryReadSpace())
        {
            return false;
        }

        if (tag.SequenceEqual("CMD"u8))
        {
            return TryReadCommandError(ref reader, out error);
        }

        if (tag.SequenceEqual("PROXY"u8))
        {
            if (!TryReadProxyError(ref reader, isText, depth - 1, out var proxy))
            {
                return false;
            }

            error = new SmpError.Proxy(proxy);
            return true;
        }

        if (tag.SequenceEqual("BLOCKED"u8))
        {
            return TryReadBlockingInfo(ref reader, out error);
        }

        if (tag.SequenceEqual("STORE"u8))
        {
            error = new SmpError.Store(Encoding.UTF8.GetString(reader.ReadTail()));
            return true;
        }

        return false;
    }

    private static bool TryFindPlain(ReadOnlySpan<byte> tag, [NotNullWhen(true)] out SmpError? error)
    {
        error = tag switch
        {
            _ when tag.SequenceEqual("AUTH"u8) => SmpError.Auth.Instance,
            _ when tag.SequenceEqual("QUOTA"u8) => SmpError.Quota.Instance,
            _ when tag.SequenceEqual("NO_MSG"u8) => SmpError.NoMessage.Instance,
            _ when tag.SequenceEqual("LARGE_MSG"u8) => SmpError.LargeMessage.Instance,
            _ when tag.SequenceEqual("BLOCK"u8) => SmpError.Block.Instance,
            _ when tag.SequenceEqual("SESSION"u8) => SmpError.Session.Instance,
            _ when tag.SequenceEqual("SERVICE"u8) => SmpError.Service.Instance,
            _ when tag.SequenceEqual("CRYPTO"u8) => SmpError.Crypto.Instance,
            _ when tag.SequenceEqual("EXPIRED"u8) => SmpError.Expired.Instance,
            _ when tag.SequenceEqual("INTERNAL"u8) => SmpError.Internal.Instance,
            _ when tag.SequenceEqual("DUPLICATE_"u8) => SmpError.Duplicate.Instance,
            _ => null,
        };
        return error is not null;
    }

    // commandError = "UNKNOWN" / "SYNTAX" / "PROHIBITED" / "NO_AUTH" / "HAS_AUTH" / "NO_ENTITY" / "NO_QUEUE" (old, read only)
    internal static bool TryReadCommandError(ref WireReader reader, [NotNullWhen(true)] out SmpError? error)
    {
        reader.TryReadWord(out var tag);
        error = tag switch
        {
            _ when tag.SequenceEqual("UNKNOWN"u8) => SmpError.Command.Unknown,
            _ when tag.SequenceEqual("SYNTAX"u8) => SmpError.Command.Syntax,
            _ when tag.SequenceEqual("PROHIBITED"u8) => SmpError.Command.Prohibited,
            _ when tag.SequenceEqual("NO_AUTH"u8) => SmpError.Command.NoAuth,
            _ when tag.SequenceEqual("HAS_AUTH"u8) => SmpError.Command.HasAuth,
            _ when tag.SequenceEqual("NO_ENTITY"u8) || tag.SequenceEqual("NO_QUEUE"u8) => SmpError.Command.NoEntity,
            _ => null,
        };
        return error is not null;
    }

    internal static ReadOnlySpan<byte> TagOf(CommandError error) => error switch
    {
        CommandError.Unknown => "UNKNOWN"u8,
        CommandError.Syntax => "SYNTAX"u8,
        CommandError.Prohibited => "PROHIBITED"u8,
        CommandError.NoAuth => "NO_AUTH"u8,
        CommandError.HasAuth => "HAS_AUTH"u8,
        CommandError.NoEntity => "NO_ENTITY"u8,
        _ => throw new UnreachableException(),
    };

    // proxyError = "PROTOCOL" SP error / "BROKER" SP brokerError / "BASIC_AUTH" / "NO_SESSION"
    private static void Write(ProxyError error, ArrayBufferWriter<byte> output, bool isText)
    {
        switch (error)
        {
            case ProxyError.Protocol protocol:
                output.Write("PROTOCOL "u8);
                Write(protocol.Error, output, isText);
                break;
            case ProxyError.Broker broker:
                output.Write("BROKER "u8);
                Write(broker.Error, output, isText);
                break;
            case ProxyError.BasicAuth:
                output.Write("BASIC_AUTH"u8);
                break;
            case ProxyError.NoSession:
                output.Write("NO_SESSION"u8);
                break;
            default:
                throw new UnreachableException();
        }
    }

    private static bool TryReadProxyError(ref WireReader reader, bool isText, int depth, [NotNullWhen(true)] out ProxyError? error)
    {
        error = null;
        reader.TryReadWord(out var tag);
        if (tag.SequenceEqual("PROTOCOL"u8))
        {
            if (reader.TryReadSpace() && TryReadError(ref reader, isText, depth, out var inner))
            {
                error = new ProxyError.Protocol(inner);
            }
        }
        else if (tag.SequenceEqual("BROKER"u8))
        {
            if (reader.TryReadSpace() && TryReadBrokerError(ref reader, isText, out var broker))
            {
                error = new ProxyError.Broker(broker);
            }
        }
        else if (tag.SequenceEqual("BASIC_AUTH"u8))
        {
            error = ProxyError.BasicAuth.Instance;
        }
        else if (tag.SequenceEqual("NO_SESSION"u8))
        {
            error = ProxyError.NoSession.Instance;
        }

        return error is not null;
    }

    // brokerError = "RESPONSE" SP reason / "UNEXPECTED" SP reason / "NETWORK" [SP networkError] / "TIMEOUT" / "HOST"
    //             / "NO_SERVICE" / "TRANSPORT" SP transportError ; reason = shortString, and the rest of the text in texts
    // No version sends the network error; all read it.
    private static void Write(BrokerError error, ArrayBufferWriter<byte> output, bool isText)
    {
        switch (error)
        {
            case BrokerError.Response response:
                output.Write("RESPONSE "u8);
                WriteReason(response.Reason, output, isText);
                break;
            case BrokerError.Unexpected unexpected:
                output.Write("UNEXPECTED "u8);
                WriteReason(unexpected.Reason, output, isText);
                break;
            case BrokerError.Network:
                output.Write("NETWORK"u8);
                break;
            case BrokerError.Host:
                output.Write("HOST"u8);
                break;
            case BrokerError.NoService:
                output.Write("NO_SERVICE"u8);
                break;
            case BrokerError.Transport transport:
                output.Write("TRANSPORT "u8);
                output.Write(TransportErrorCodec.ToWire(transport.Reason));
                break;
            case BrokerError.Timeout:
                output.Write("TIMEOUT"u8);
                break;
            default:
                throw new UnreachableException();
        }
    }

    private static bool TryReadBrokerError(ref WireReader reader, bool isText, [NotNullWhen(true)] out BrokerError? error)
    {
        error = null;
        reader.TryReadWord(out var tag);
        if (tag.SequenceEqual("RESPONSE"u8))
        {
            if (TryReadReason(ref reader, isText, out var reason))
            {
                error = new BrokerError.Response(reason);
            }
        }
        else if (tag.SequenceEqual("UNEXPECTED"u8))
        {
            if (TryReadReason(ref reader, isText, out var reason))
            {
                error = new BrokerError.Unexpected(reason);
            }
        }
        else if (tag.SequenceEqual("NETWORK"u8))
        {
            error = new BrokerError.Network(ReadNetworkError(ref reader, isText));
        }
        else if (tag.SequenceEqual("HOST"u8))
        {
            error = BrokerError.Host.Instance;
        }
        else if (tag.SequenceEqual("NO_SERVICE"u8))
        {
            error = BrokerError.NoService.Instance;
        }
        else if (tag.SequenceEqual("TRANSPORT"u8))
        {
            if (reader.TryReadSpace() && TransportErrorCodec.TryDecode(reader.ReadTail(), out var transport))
            {
                error = new BrokerError.Transport(transport);
            }
        }
        else if (tag.SequenceEqual("TIMEOUT"u8))
        {
            error = BrokerError.Timeout.Instance;
        }

        return error is not null;
    }

    // networkError = "CONNECT" SP reason / "TLS" SP reason / "UNKNOWNCA" / "FAILED" / "TIMEOUT" / "SUBSCRIBE" SP reason
    // What does not parse stays unread and counts as FAILED.
    private static NetworkError ReadNetworkError(ref WireReader reader, bool isText)
    {
        var attempt = reader;
        if (attempt.TryReadSpace() && attempt.TryReadWord(out var tag))
        {
            string? reason = null;
            NetworkError? error = tag switch
            {
                _ when tag.SequenceEqual("CONNECT"u8) && TryReadReason(ref attempt, isText, out reason) => new NetworkError.Connect(reason),
                _ when tag.SequenceEqual("TLS"u8) && TryReadReason(ref attempt, isText, out reason) => new NetworkError.Tls(reason),
                _ when tag.SequenceEqual("UNKNOWNCA"u8) => NetworkError.UnknownCertificateAuthority.Instance,
                _ when tag.SequenceEqual("FAILED"u8) => NetworkError.Failed.Instance,
                _ when tag.SequenceEqual("TIMEOUT"u8) => NetworkError.Timeout.Instance,
                _ when tag.SequenceEqual("SUBSCRIBE"u8) && TryReadReason(ref attempt, isText, out reason) => new NetworkError.Subscribe(reason),
                _ => null,
            };
            if (error is not null)
            {
                reader = attempt;
                return error;
            }
        }

        return NetworkError.Failed.Instance;
    }

    private static void WriteReason(string reason, ArrayBufferWriter<byte> output, bool isText)
    {
        if (isText)
        {
            output.Write(Encoding.UTF8.GetBytes(reason));
            return;
        }

        var bytes = Latin1.GetTruncatedBytes(reason.Length <= byte.MaxValue ? reason : reason[..byte.MaxValue]);
        output.Write([(byte)bytes.Length]);
        output.Write(bytes);
    }

    private static bool TryReadReason(ref WireReader reader, bool isText, [NotNullWhen(true)] out string? reason)
    {
        reason = null;
        if (!reader.TryReadSpace())
        {
            return false;
        }

        if (isText)
        {
            reason = Encoding.UTF8.GetString(reader.ReadTail());
            return true;
        }

        if (!reader.TryReadShort(out var bytes))
        {
            return false;
        }

        reason = Encoding.Latin1.GetString(bytes);
        return true;
    }

    // blockingInfo = "reason=" ("spam" / "content") [",notice=" json] ; json = {"ttl":seconds} / {}
    internal static void WriteBlockingInfo(BlockingReason reason, ClientNotice? notice, ArrayBufferWriter<byte> output)
    {
        output.Write(reason switch
        {
            BlockingReason.Spam => "reason=spam"u8,
            BlockingReason.Content => "reason=content"u8,
            _ => throw new UnreachableException(),
        });
        if (notice is null)
        {
            return;
        }

        output.Write(",notice="u8);
        using var json = new Utf8JsonWriter(output);
        json.WriteStartObject();
        if (notice.TimeToLive is { } seconds)
        {
            json.WriteNumber("ttl"u8, seconds);
        }

        json.WriteEndObject();
    }

    internal static bool TryReadBlockingInfo(ref WireReader reader, [NotNullWhen(true)] out SmpError? error)
    {
        error = null;
        BlockingReason reason;
        if (reader.TryReadTag("reason=spam"u8))
        {
            reason = BlockingReason.Spam;
        }
        else if (reader.TryReadTag("reason=content"u8))
        {
            reason = BlockingReason.Content;
        }
        else
        {
            return false;
        }

        ClientNotice? notice = null;
        if (reader.TryReadTag(",notice="u8) && !TryReadNotice(reader.ReadTail(), out notice))
        {
            return false;
        }

        error = new SmpError.Blocked(reason, notice);
        return true;
    }

    private static bool TryReadNotice(ReadOnlySpan<byte> json, [NotNullWhen(true)] out ClientNotice? notice)
    {
        notice = null;
        if (!JsonText.TryParse(json, out var document))
        {
            return false;
        }

        using (document)
        {
            if (document.RootElement.ValueKind != JsonValueKind.Object
                || !JsonText.TryGetOptionalInt64(document.RootElement, "ttl"u8, out var timeToLive))
            {
                return false;
            }

            notice = new ClientNotice(timeToLive);
            return true;
        }
    }
}
