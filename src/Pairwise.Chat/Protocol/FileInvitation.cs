using System.Text.Json.Nodes;
using Pairwise.Wire;

namespace Pairwise.Chat.Protocol;

/// <summary>Whether the bytes of a file travel inside the conversation.</summary>
public enum InlineMode
{
    /// <summary>They do not.</summary>
    None = 0,

    /// <summary>They follow once the recipient has accepted.</summary>
    Offer = 1,

    /// <summary>They follow at once, unasked.</summary>
    Sent = 2,

    /// <summary>They travel over a connection of their own, as before there were file relays. Not a word of the protocol: nothing is said then.</summary>
    Connection = 3,
}

/// <summary>A piece of a file description; the pieces joined in order are its text.</summary>
/// <param name="Text">The piece.</param>
/// <param name="Number">From 1; 0 in the empty piece of an invitation, which says that the description follows.</param>
/// <param name="IsComplete">Whether it is the last one.</param>
public sealed record FileDescriptionPart(string Text, int Number, bool IsComplete)
{
    /// <summary>Says that the file will be on file relays, and its description follows.</summary>
    public static FileDescriptionPart Following { get; } = new("", 0, false);

    /// <summary>Cuts a description into pieces that fit into a message each.</summary>
    public static IReadOnlyList<FileDescriptionPart> Split(string description)
    {
        var parts = new List<FileDescriptionPart>();
        for (var start = 0; ;)
        {
            var length = Math.Min(ChatMessageLimits.MaxDescriptionPartLength, description.Length - start);
            var isLast = start + length == description.Length;
            parts.Add(new FileDescriptionPart(description.Substring(start, length), parts.Count + 1, isLast));
            if (isLast)
                return parts;
            start += length;
        }
    }

    internal static FileDescriptionPart? From(JsonObject json) =>
        json["fileDescrPartNo"]!.AsValue().TryGetValue(out long number) && number is >= 0 and <= int.MaxValue
            ? new FileDescriptionPart(json["fileDescrText"]!.GetValue<string>(), (int)number, json["fileDescrComplete"]!.GetValue<bool>())
            : null;

    internal JsonObject ToJson() => new()
    {
        ["fileDescrComplete"] = IsComplete,
        ["fileDescrPartNo"] = Number,
        ["fileDescrText"] = Text,
    };
}

/// <summary>A file as a message offers it.</summary>
/// <param name="Name">As its sender calls it: not to be trusted as a path.</param>
/// <param name="Size">Bytes, as its sender says.</param>
/// <param name="Digest">Of the content, if the sender said one.</param>
/// <param name="Inline">Whether the bytes travel inside the conversation.</param>
/// <param name="Description">Present when the file is, or will be, on file relays.</param>
/// <param name="Link">The link of a connection for the file alone, as older programs offer it; null for none.</param>
public sealed record FileInvitation(string Name, long Size, Bytes? Digest, InlineMode Inline, FileDescriptionPart? Description, string? Link = null)
{
    // file = {"fileName", "fileSize" [, "fileDigest"] [, "fileConnReq"] [, "fileInline": "offer" / "sent"] [, "fileDescr"]}
    internal static FileInvitation? From(JsonObject json)
    {
        if (!json["fileSize"]!.AsValue().TryGetValue(out long size) || size < 0)
            return null;
        Bytes? digest = json["fileDigest"]?.GetValue<string>() is { } text && TextEncoding.TryFromBase64Url(text, out var bytes) ? Bytes.Wrap(bytes) : null;
        var inline = json["fileInline"]?.GetValue<string>() switch
        {
            "offer" => InlineMode.Offer,
            "sent" => InlineMode.Sent,
            _ => InlineMode.None,
        };
        var description = json["fileDescr"] is JsonObject part ? FileDescriptionPart.From(part) : null;
        if (json.ContainsKey("fileDescr") && description is null)
            return null;
        return new FileInvitation(json["fileName"]!.GetValue<string>(), size, digest, inline, description, json["fileConnReq"]?.GetValue<string>());
    }

    internal JsonObject ToJson()
    {
        var json = new JsonObject();
        if (Description is { } description)
            json["fileDescr"] = description.ToJson();
        if (Digest is { } digest)
            json["fileDigest"] = digest.ToBase64Url();
        if (Link is not null)
            json["fileConnReq"] = Link;
        if (Inline is InlineMode.Offer or InlineMode.Sent)
            json["fileInline"] = Inline == InlineMode.Offer ? "offer" : "sent";
        json["fileName"] = Name;
        json["fileSize"] = Size;
        return json;
    }
}
