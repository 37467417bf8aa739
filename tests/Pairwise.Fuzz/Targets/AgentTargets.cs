using System.Text;
using Pairwise.Crypto;
using Pairwise.Protocol.Agent;
using Pairwise.Protocol.Smp;
using Pairwise.Wire;

namespace Pairwise.Fuzz;

/// <summary>Agent messages and everything that a user can be given as a link.</summary>
internal static class AgentTargets
{
    private static readonly BoxKey Key = BoxKey.FromSymmetric(new byte[BoxKey.KeyLength]);

    public static IReadOnlyList<FuzzTarget> All { get; } =
    [
        new("agent envelope", [typeof(AgentEnvelope)], () => Corpus.Of(Corpus.Bytes("agent_messages.json", "encoded", "input"), Corpus.Bytes("agent_trace_switch.json", "agentEnvelope")), input =>
            FuzzTarget.Stable(AgentEnvelope.TryDecode(input, out var envelope), envelope, value => value.Encode(), bytes => AgentEnvelope.TryDecode(bytes, out var again) ? again : null)),
        new("agent message", [typeof(AgentMessage)], () => Corpus.Of(Corpus.Bytes("agent_messages.json", "encoded", "input"), Corpus.Bytes("agent_trace_switch.json", "agentMessage")), input =>
            FuzzTarget.Stable(AgentMessage.TryDecode(input, out var message), message, value => value.Encode(), bytes => AgentMessage.TryDecode(bytes, out var again) ? again : null)),
        new("agent queue", [typeof(SmpQueueInfo), typeof(SmpQueueUri)], () => Corpus.Bytes("agent_messages.json", "encoded"), input =>
            FuzzTarget.Stable(SmpQueueInfo.TryDecode(input, out var queue), queue, value => value.Encode(), bytes => SmpQueueInfo.TryDecode(bytes, out var again) ? again : null)
            | FuzzTarget.Stable(SmpQueueUri.TryDecode(input, out var uri), uri, value => value.Encode(), bytes => SmpQueueUri.TryDecode(bytes, out var again) ? again : null)),
        new("agent queue as text", [], () => Corpus.Texts("links.json", "encoded", "input"), input =>
            FuzzTarget.Stable(SmpQueueUri.TryParse(input, out var queue), queue, value => Encoding.Latin1.GetBytes(value.ToText()), bytes => SmpQueueUri.TryParse(bytes, out var again) ? again : null)),
        new("full link", [typeof(ConnectionRequest), typeof(ConnectionLink)], () => Corpus.Texts("links.json", "encoded", "input", "connReq"), FullLink),
        new("full link, binary", [], () => Corpus.Bytes("links.json", "smpEncoded", "connReqSmpEncoded"), input =>
            FuzzTarget.Stable(ConnectionRequest.TryDecode(input, out var request), request, value => value.Encode(), bytes => ConnectionRequest.TryDecode(bytes, out var again) ? again : null)),
        new("short link", [typeof(ShortLink)], () => Corpus.Texts("links.json", "encoded", "input", "link"), input =>
            FuzzTarget.Stable(ShortLink.TryParse(input, out var link), link, value => Encoding.UTF8.GetBytes(value.ToText()), bytes => ShortLink.TryParse(bytes, out var again) ? again : null)),
        new("short link, binary", [], () => Corpus.Bytes("links.json", "smpEncoded"), input =>
            FuzzTarget.Stable(ShortLink.TryDecode(input, out var link), link, value => value.Encode(), bytes => ShortLink.TryDecode(bytes, out var again) ? again : null)),
        new("link content, fixed", [typeof(FixedLinkContent)], () => Corpus.Bytes("links.json", "fixedData"), input =>
            FuzzTarget.Stable(FixedLinkContent.TryDecode(input, out var content), content, value => value.Encode(), bytes => FixedLinkContent.TryDecode(bytes, out var again) ? again : null)),
        new("link content, user", [typeof(UserLinkContent)], () => Corpus.Bytes("links.json", "userData"), input =>
            FuzzTarget.Stable(UserLinkContent.TryDecode(input, out var content), content, value => value.Encode(), bytes => UserLinkContent.TryDecode(bytes, out var again) ? again : null)),
        new("link content, sealed", [], () => Corpus.Bytes("links.json", "signedFixedData", "signedUserData"), SealedContent) { MayRefuseEverySeed = true, Cost = 4 },
        new("name", [typeof(SimplexName)], () => Corpus.Texts("links.json", "input", "canonical"), input =>
            FuzzTarget.Stable(SimplexName.TryParse(Encoding.UTF8.GetString(input), out var name), name, value => Encoding.UTF8.GetBytes(value.ToText()), bytes => SimplexName.TryParse(Encoding.UTF8.GetString(bytes), out var again) ? again : null)),
    ];

    private static bool FullLink(byte[] input)
    {
        _ = ConnectionLink.TryParse(Encoding.UTF8.GetString(input), out _);
        if (!ConnectionRequest.TryParse(input, out var request))
        {
            return false;
        }

        // The binary form exists for whatever the text form can say.
        request.Encode();
        return FuzzTarget.Stable(true, request, value => Encoding.UTF8.GetBytes(value.ToText()), bytes => ConnectionRequest.TryParse(bytes, out var again) ? again : null);
    }

    private static bool SealedContent(byte[] input)
    {
        var nonce = new byte[BoxNonce.Length];
        var content = LinkSealing.SealUser(Key, nonce, input) ?? input;
        return LinkSealing.TryOpen(Bytes.Empty, Key, ConnectionMode.Contact, new QueueLinkData(content, content), out _, out _);
    }
}
