using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Pairwise.Wire;
using static Pairwise.Chat.Protocol.JsonShape;

namespace Pairwise.Chat.Protocol;

/// <summary>
/// The parameters of each chat event, by its tag: the grammar of the chat protocol (versions 1 to 16) as a table.
/// A property named <c>name?</c> may be absent.
/// </summary>
internal static class ChatMessageShapes
{
    private static readonly JsonShape AnyText = new Text();
    private static readonly JsonShape Number = new Integer();
    private static readonly JsonShape Flag = new JsonShape.Boolean();
    private static readonly JsonShape Binary = new Text(static text => TextEncoding.TryFromBase64Url(text, out _));
    private static readonly JsonShape Link = new Text(static text =>
        text.StartsWith("simplex:/", StringComparison.Ordinal) || text.StartsWith("https://", StringComparison.Ordinal));
    private static readonly JsonShape Versions = new Text(static text => VersionRange.TryParse(System.Text.Encoding.UTF8.GetBytes(text), out _));
    private static readonly JsonShape Time = new Text(static text =>
        text.EndsWith('Z') && DateTimeOffset.TryParse(text.Length > 27 ? text[..27] + "Z" : text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out _));
    private static readonly JsonShape Role = OneOf("owner", "admin", "moderator", "member", "author", "observer");
    private static readonly JsonShape Acceptance = OneOf("accepted", "pending", "pending_review");
    private static readonly JsonShape Anything = new AnyObject();

    // preference = {"allow": "always" / "yes" / "no" [, "ttl": seconds]}
    private static readonly JsonShape Preference = Of(("allow", OneOf("always", "yes", "no")), ("ttl?", Number));

    private static readonly JsonShape Preferences = Of(
        ("timedMessages?", Preference), ("fullDelete?", Preference), ("reactions?", Preference), ("voice?", Preference),
        ("files?", Preference), ("calls?", Preference), ("sessions?", Preference), ("commands?", new JsonShape.Array(Anything)));

    // groupPreference = {"enable": "on" / "off" [, "role": role] [, "ttl": seconds]}
    private static readonly JsonShape GroupPreference = Of(("enable", OneOf("on", "off")), ("role?", Role), ("ttl?", Number));

    private static readonly JsonShape GroupPreferences = Of(
        ("timedMessages?", GroupPreference), ("directMessages?", GroupPreference), ("fullDelete?", GroupPreference),
        ("reactions?", GroupPreference), ("voice?", GroupPreference), ("files?", GroupPreference), ("simplexLinks?", GroupPreference),
        ("reports?", GroupPreference), ("history?", GroupPreference), ("sessions?", GroupPreference), ("commands?", new JsonShape.Array(Anything)));

    public static readonly JsonShape Profile = Of(
        ("displayName", AnyText), ("fullName", AnyText), ("shortDescr?", AnyText), ("image?", AnyText), ("contactLink?", Link),
        ("preferences?", Preferences), ("peerType?", AnyText));

    private static readonly JsonShape GroupProfile = Of(
        ("displayName", AnyText), ("fullName", AnyText), ("shortDescr?", AnyText), ("description?", AnyText), ("image?", AnyText),
        ("groupPreferences?", GroupPreferences), ("memberAdmission?", Of(("review?", OneOf("all")))));

    // scope = {"type": "member", "memberId": id}
    private static readonly JsonShape Scope = new Tagged(new Dictionary<string, JsonShape> { ["member"] = Of(("type", AnyText), ("memberId", Binary)) });

    private static readonly JsonShape MessageReference = Of(("msgId?", Binary), ("sentAt", Time), ("sent", Flag), ("memberId?", Binary));

    private static readonly JsonShape LinkContent = new Tagged(
        new Dictionary<string, JsonShape>
        {
            ["page"] = Of(("type", AnyText)),
            ["image"] = Of(("type", AnyText)),
            ["video"] = new Either(Of(("type", AnyText), ("duration?", Number)), Anything),
        },
        Anything);

    private static readonly JsonShape LinkPreview = Of(
        ("uri", AnyText), ("title", AnyText), ("description", AnyText), ("image", AnyText), ("content?", LinkContent));

    private static readonly JsonShape ChatLink = new Tagged(new Dictionary<string, JsonShape>
    {
        ["contact"] = Of(("type", AnyText), ("connLink", Link), ("profile", Profile), ("business", Flag)),
        ["invitation"] = Of(("type", AnyText), ("invLink", Link), ("profile", Profile)),
        ["group"] = Of(("type", AnyText), ("connLink", Link), ("groupProfile", GroupProfile)),
    });

    // content of an unknown type is kept whole: its "text", if any, is shown in its place
    public static readonly JsonShape Content = new Tagged(
        new Dictionary<string, JsonShape>
        {
            ["text"] = Of(("type", AnyText), ("text", AnyText)),
            ["link"] = Of(("type", AnyText), ("text", AnyText), ("preview", LinkPreview)),
            ["image"] = Of(("type", AnyText), ("text", AnyText), ("image", AnyText)),
            ["video"] = Of(("type", AnyText), ("text", AnyText), ("image", AnyText), ("duration", Number)),
            ["voice"] = Of(("type", AnyText), ("text", AnyText), ("duration", Number)),
            ["file"] = Of(("type", AnyText), ("text", AnyText)),
            ["report"] = Of(("type", AnyText), ("text", AnyText), ("reason", AnyText)),
            ["chat"] = Of(("type", AnyText), ("text", AnyText), ("chatLink", ChatLink)),
        },
        Anything);

    private static readonly JsonShape FileDescription = Of(("fileDescrText", AnyText), ("fileDescrPartNo", Number), ("fileDescrComplete", Flag));

    private static readonly JsonShape File = Of(
        ("fileName", AnyText), ("fileSize", Number), ("fileDigest?", Binary), ("fileConnReq?", Link), ("fileInline?", OneOf("offer", "sent")),
        ("fileDescr?", FileDescription));

    private static readonly JsonShape Mentions = new Map(Of(("memberId", Binary)));

    private static readonly (string, JsonShape)[] MessageParts =
        [("content", Content), ("file?", File), ("ttl?", Number), ("live?", Flag), ("mentions?", Mentions), ("scope?", Scope)];

    // A message quotes another, comments on one, is forwarded, or is none of these: the first that fits.
    private static readonly JsonShape Message = new Either(
        Of([("quote", Of(("msgRef", MessageReference), ("content", Content))), .. MessageParts]),
        Of([("parent", MessageReference), .. MessageParts]),
        Of([("forward?", new ForwardMark()), .. MessageParts]));

    private static readonly JsonShape Reaction = new Tagged(
        new Dictionary<string, JsonShape>
        {
            ["emoji"] = new Either(Of(("type", AnyText), ("emoji", OneOf("👍", "👎", "😀", "😂", "😢", "❤", "🚀", "✅"))), Anything),
        },
        Anything);

    private static readonly JsonShape MemberRole = Of(("memberId", Binary), ("memberRole", Role));
    private static readonly JsonShape Member = Of(("memberId", Binary), ("memberRole", Role), ("v?", Versions), ("profile", Profile));
    private static readonly JsonShape Restrictions = Of(("restriction", AnyText));
    private static readonly JsonShape Introduction = Of(("groupConnReq", Link), ("directConnReq?", Link));
    private static readonly JsonShape CallKind = Of(("media", OneOf("audio", "video")), ("capabilities", Of(("encryption", Flag))));
    private static readonly JsonShape CallSession = Of(("rtcSession", AnyText), ("rtcIceCandidates", AnyText));
    private static readonly JsonShape Nothing = Of();

    /// <summary>Known events. Others that begin with 'x' are kept as they are.</summary>
    public static readonly IReadOnlyDictionary<string, JsonShape> Events = new Dictionary<string, JsonShape>(StringComparer.Ordinal)
    {
        [ChatEventTags.MessageNew] = Message,
        [ChatEventTags.MessageFileDescription] = Of(("msgId", Binary), ("fileDescr", FileDescription)),
        [ChatEventTags.MessageUpdate] = Of(("msgId", Binary), ("content", Content), ("mentions?", Mentions), ("ttl?", Number), ("live?", Flag), ("scope?", Scope)),
        [ChatEventTags.MessageDelete] = Of(("msgId", Binary), ("memberId?", Binary), ("scope?", Scope)),
        ["x.msg.deleted"] = Nothing,
        [ChatEventTags.MessageReaction] = Of(("msgId", Binary), ("memberId?", Binary), ("scope?", Scope), ("reaction", Reaction), ("add", Flag)),
        [ChatEventTags.File] = Of(("file", File)),
        [ChatEventTags.FileAccept] = Of(("fileName", AnyText)),
        [ChatEventTags.FileAcceptInvitation] = Of(("msgId", Binary), ("fileConnReq?", Link), ("fileName", AnyText)),
        [ChatEventTags.FileCancel] = Of(("msgId", Binary)),
        [ChatEventTags.Info] = Of(("profile", Profile)),
        [ChatEventTags.Contact] = Of(
            ("profile", Profile), ("contactReqId?", Binary), ("welcomeMsgId?", Binary), ("msgId?", Binary), ("content?", Content)),
        [ChatEventTags.DirectDelete] = Nothing,
        [ChatEventTags.GroupInvitation] = Of(("groupInvitation", Of(
            ("fromMember", MemberRole), ("invitedMember", MemberRole), ("connRequest", Link), ("groupProfile", GroupProfile),
            ("business?", Anything), ("groupLinkId?", Binary), ("groupSize?", Number)))),
        ["x.grp.acpt"] = Of(("memberId", Binary)),
        ["x.grp.link.inv"] = Of(("groupLinkInvitation", Of(
            ("fromMember", MemberRole), ("fromMemberName", AnyText), ("invitedMember", MemberRole), ("groupProfile", GroupProfile),
            ("accepted?", Acceptance), ("business?", Anything), ("groupSize?", Number)))),
        ["x.grp.link.reject"] = Of(("groupLinkRejection", Of(
            ("fromMember", MemberRole), ("invitedMember", MemberRole), ("groupProfile", GroupProfile), ("rejectionReason", AnyText)))),
        ["x.grp.link.mem"] = Of(("profile", Profile)),
        ["x.grp.link.acpt"] = Of(("acceptance", Acceptance), ("role", Role), ("memberId", Binary)),
        [ChatEventTags.GroupMemberNew] = Of(("memberInfo", Member), ("scope?", Scope)),
        ["x.grp.mem.intro"] = Of(("memberInfo", Member), ("memberRestrictions?", Restrictions)),
        ["x.grp.mem.inv"] = Of(("memberId", Binary), ("memberIntro", Introduction)),
        [ChatEventTags.GroupMemberForward] = Of(("memberInfo", Member), ("memberIntro", Introduction)),
        ["x.grp.mem.info"] = Of(("memberId", Binary), ("profile", Profile)),
        [ChatEventTags.GroupMemberRole] = Of(("memberId", Binary), ("role", Role)),
        [ChatEventTags.GroupMemberRestrict] = Of(("memberId", Binary), ("memberRestrictions", Restrictions)),
        ["x.grp.mem.con"] = Of(("memberId", Binary)),
        ["x.grp.mem.con.all"] = Of(("memberId", Binary)),
        [ChatEventTags.GroupMemberDelete] = Of(("memberId", Binary), ("messages?", new TrueOnly())),
        [ChatEventTags.GroupLeave] = Nothing,
        [ChatEventTags.GroupDelete] = Nothing,
        [ChatEventTags.GroupInfo] = Of(("groupProfile", GroupProfile)),
        [ChatEventTags.GroupPreferences] = Of(("groupPreferences", GroupPreferences)),
        ["x.grp.direct.inv"] = Of(("connReq", Link), ("content?", Content), ("scope?", Scope)),
        ["x.grp.msg.forward"] = Of(("memberId", Binary), ("memberName?", AnyText), ("msg", new Recursive(static () => InnerMessage!)), ("msgTs", Time)),
        ["x.info.probe"] = Of(("probe", Binary)),
        ["x.info.probe.check"] = Of(("probeHash", Binary)),
        ["x.info.probe.ok"] = Of(("probe", Binary)),
        [ChatEventTags.CallInvitation] = Of(("callId", Binary), ("invitation", Of(("callType", CallKind), ("callDhPubKey?", Binary)))),
        ["x.call.offer"] = Of(("callId", Binary), ("offer", Of(("callType", CallKind), ("rtcSession", CallSession), ("callDhPubKey?", Binary)))),
        ["x.call.answer"] = Of(("callId", Binary), ("answer", Of(("rtcSession", CallSession)))),
        ["x.call.extra"] = Of(("callId", Binary), ("extra", Of(("rtcExtraInfo", Of(("rtcIceCandidates", AnyText)))))),
        ["x.call.end"] = Of(("callId", Binary)),
        ["x.ok"] = Nothing,
    };

    // A forwarded message is a chat message again, inside a parameter.
    private static readonly JsonShape InnerMessage = new WholeMessage();

    private static JsonShape.Object Of(params (string Name, JsonShape Shape)[] fields) => new(
        [.. fields.Select(static field => new Field(field.Name.TrimEnd('?'), field.Shape, field.Name.EndsWith('?')))]);

    private static Text OneOf(params string[] words) => new(words.Contains);

    /// <summary>True, or an object of a later version that says more about the origin: both mean "forwarded". Anything else counts as absent.</summary>
    private sealed class ForwardMark : JsonShape
    {
        public override bool TryNormalize(JsonElement value, out JsonNode? normal)
        {
            normal = value.ValueKind is JsonValueKind.True or JsonValueKind.Object ? JsonValue.Create(true) : null;
            return true;
        }
    }

    /// <summary>A mark that is either true or absent.</summary>
    private sealed class TrueOnly : JsonShape
    {
        public override bool TryNormalize(JsonElement value, out JsonNode? normal)
        {
            normal = value.ValueKind == JsonValueKind.True ? JsonValue.Create(true) : null;
            return true;
        }
    }

    private sealed class WholeMessage : JsonShape
    {
        public override bool TryNormalize(JsonElement value, out JsonNode? normal)
        {
            normal = ChatMessageCodec.TryRead(value, out var message)
                ? new JsonObject(ChatMessageCodec.ToJson(message).OrderBy(static property => property.Key, StringComparer.Ordinal)
                    .Select(static property => KeyValuePair.Create(property.Key, property.Value?.DeepClone())))
                : null;
            return normal is not null;
        }
    }
}
