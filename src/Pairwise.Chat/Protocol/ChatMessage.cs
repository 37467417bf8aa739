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

    /// <summary>The file of <c>x.msg.new</c> and <c>x.file</c>; null for other events, and when there is none.</summary>
    public FileInvitation? File => IsKnown && Parameters["file"] is JsonObject file ? FileInvitation.From(file) : null;

    /// <summary>The piece of <c>x.msg.file.descr</c>; null for other events.</summary>
    public FileDescriptionPart? DescriptionPart =>
        Tag == ChatEventTags.MessageFileDescription && Parameters["fileDescr"] is JsonObject part ? FileDescriptionPart.From(part) : null;

    /// <summary>The file name of <c>x.file.acpt.inv</c>; null for other events.</summary>
    public string? FileName => IsKnown ? Parameters["fileName"]?.GetValue<string>() : null;

    /// <summary>The link of <c>x.file.acpt.inv</c> by which the file is to come; null for other events, and when it may come inside the conversation.</summary>
    public string? FileLink => Tag == ChatEventTags.FileAcceptInvitation ? Parameters["fileConnReq"]?.GetValue<string>() : null;

    /// <summary><c>x.msg.new</c> with text.</summary>
    public static ChatMessage NewText(SharedMessageId id, string text) => New(id, new MessageContent(MessageContent.TextType, text), null);

    /// <summary><c>x.msg.new</c> with any content that this program sends, and a file or none.</summary>
    public static ChatMessage New(SharedMessageId id, MessageContent content, FileInvitation? file)
    {
        var parameters = new JsonObject { ["content"] = content.ToJson() };
        if (file is not null)
            parameters["file"] = file.ToJson();
        return new ChatMessage(ChatVersions.Supported, id, ChatEventTags.MessageNew, parameters);
    }

    /// <summary><c>x.msg.file.descr</c>: a piece of the description of the file in message <paramref name="target"/>.</summary>
    public static ChatMessage FileDescription(SharedMessageId id, SharedMessageId target, FileDescriptionPart part) => new(
        ChatVersions.Supported,
        id,
        ChatEventTags.MessageFileDescription,
        new JsonObject { ["fileDescr"] = part.ToJson(), ["msgId"] = target.ToString() });

    /// <summary><c>x.file.cancel</c>: the sender takes a file back.</summary>
    public static ChatMessage FileCancel(SharedMessageId id, SharedMessageId target) => new(
        ChatVersions.Supported, id, ChatEventTags.FileCancel, new JsonObject { ["msgId"] = target.ToString() });

    /// <summary><c>x.file.acpt.inv</c>: the file may come, by a link, or without one inside the conversation.</summary>
    public static ChatMessage FileAccept(SharedMessageId id, SharedMessageId target, string name, string? link = null)
    {
        var parameters = new JsonObject { ["fileName"] = name, ["msgId"] = target.ToString() };
        if (link is not null)
            parameters["fileConnReq"] = link;
        return new ChatMessage(ChatVersions.Supported, id, ChatEventTags.FileAcceptInvitation, parameters);
    }

    /// <summary><c>x.file.acpt</c>: said in the confirmation of the connection by which the file is to come.</summary>
    public static ChatMessage FileAcceptOnConnection(string name) => new(
        ChatVersions.Supported, null, ChatEventTags.FileAccept, new JsonObject { ["fileName"] = name });

    /// <summary><c>x.ok</c>: nothing more to say.</summary>
    public static ChatMessage Ok() => new(ChatVersions.Supported, null, ChatEventTags.Ok, []);

    /// <summary><c>x.info</c>: who we are, in a confirmation or after a change of the profile.</summary>
    public static ChatMessage Info(Profile profile) => new(
        ChatVersions.Supported,
        null,
        ChatEventTags.Info,
        new JsonObject { ["profile"] = profile.ToJson() });

    /// <summary><c>x.direct.del</c>: we delete the contact.</summary>
    public static ChatMessage DirectDelete() => new(ChatVersions.Supported, null, ChatEventTags.DirectDelete, []);
}
