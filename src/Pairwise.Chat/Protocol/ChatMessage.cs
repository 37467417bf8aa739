using System.Text.Json.Nodes;
using Pairwise.Wire;

namespace Pairwise.Chat.Protocol;

/// <summary>
/// One chat message: what is inside an agent message or a confirmation. Its parameters have been checked against the
/// table of events and are in normal form; they belong to this message and are not changed.
/// </summary>
/// <param name="Versions">Chat versions that the sender speaks.</param>
/// <param name="Id">The id both sides know the message by; absent for events that are never referred to.</param>
/// <param name="Tag">Which event it is, for example <c>x.msg.new</c>.</param>
/// <param name="Parameters">The event's parameters.</param>
public sealed record ChatMessage(VersionRange Versions, SharedMessageId? Id, string Tag, JsonObject Parameters)
{
    /// <summary>Whether the event is one this version of the protocol knows.</summary>
    public bool IsKnown => ChatMessageShapes.Events.ContainsKey(Tag);

    public bool IsNotifying => ChatEventTags.IsNotifying(Tag);

    public bool HasReceipt => ChatEventTags.HasReceipt(Tag);

    /// <summary>Whether a group's host passes it on; a message with a file inside it is not.</summary>
    public bool IsForwarded => ChatEventTags.IsForwarded(Tag) && Parameters["file"]?["fileInline"] is null;

    /// <summary>The content of <c>x.msg.new</c>, <c>x.msg.update</c>, or a contact request; null for other events.</summary>
    public MessageContent? Content => IsKnown && Parameters["content"] is JsonObject content ? MessageContent.From(content) : null;

    /// <summary>The profile of <c>x.info</c> and <c>x.contact</c>; null for other events.</summary>
    public Profile? Profile => IsKnown && Parameters["profile"] is JsonObject profile ? Profile.From(profile) : null;

    /// <summary>The message that an update, deletion or reaction is about; null for other events.</summary>
    public SharedMessageId? Target =>
        IsKnown && Parameters["msgId"]?.GetValue<string>() is { } text && SharedMessageId.TryParse(text, out var id) ? id : null;

    /// <summary><c>x.msg.new</c> with text.</summary>
    public static ChatMessage NewText(SharedMessageId id, string text) => new(
        ChatVersions.Supported,
        id,
        ChatEventTags.MessageNew,
        new JsonObject { ["content"] = new JsonObject { ["text"] = text, ["type"] = "text" } });

    /// <summary><c>x.info</c>: who we are, in a confirmation or after a change of the profile.</summary>
    public static ChatMessage Info(Profile profile) => new(
        ChatVersions.Supported,
        null,
        ChatEventTags.Info,
        new JsonObject { ["profile"] = profile.ToJson() });

    /// <summary><c>x.direct.del</c>: we delete the contact.</summary>
    public static ChatMessage DirectDelete() => new(ChatVersions.Supported, null, ChatEventTags.DirectDelete, []);
}
