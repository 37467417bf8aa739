using Pairwise.Chat;
using Pairwise.Chat.Protocol;
using Pairwise.Terminal;

namespace Pairwise.Terminal.Views;

/// <summary>What a person reads after a command: a chat response as lines of text.</summary>
/// <param name="style">Colours.</param>
/// <param name="qrColumns">Columns a QR code may take; 0 for none.</param>
/// <param name="isRelayEmbedded">Whether the relay inside this program is the default for new connections.</param>
internal sealed class ResponseView(Style style, int qrColumns, bool isRelayEmbedded)
{
    /// <summary>The lines for a response.</summary>
    public IEnumerable<string> Lines(ChatResponse response) => response switch
    {
        ChatResponse.Help help => Help(help),
        ChatResponse.ContactList list => Contacts(list.Contacts),
        ChatResponse.InvitationCreated invitation => Invitation(invitation.Link),
        ChatResponse.JoinStarted => [style.Faint("connecting: the contact appears here when the other side is online")],
        ChatResponse.MessageAccepted { Item.File: { } file } accepted => Sent(accepted, file),
        ChatResponse.FileAccepted accepted => [$"saving file {accepted.Item.File!.Id} from {Name(accepted.Contact)} to {Printable.Of(accepted.Item.File.Path ?? "")}"],
        ChatResponse.FileCancelled { Item.Direction: ItemDirection.Sent } cancelled => [$"cancelled sending {FileText.Of(cancelled.Item.File!)} to {Name(cancelled.Contact)}"],
        ChatResponse.FileCancelled cancelled => [$"cancelled receiving {FileText.Of(cancelled.Item.File!)} from {Name(cancelled.Contact)}"],
        ChatResponse.FileShown shown => [FileText.Status(shown.Item.File!)],
        ChatResponse.FileExported exported => [$"{FileText.Of(exported.File)} is copied, readable, to {Printable.Of(exported.Path)}"],
        ChatResponse.StandaloneStarted started => [$"started standalone {FileText.Verb(started.File)} {FileText.Of(started.File)}"],
        ChatResponse.StandaloneCancelled cancelled => [$"cancelled standalone {FileText.Verb(cancelled.File)} {FileText.Of(cancelled.File)}"],
        ChatResponse.StandaloneShown { Link: { } link } shown => [FileText.Status(shown.File), Printable.Of(link)],
        ChatResponse.StandaloneShown shown => [FileText.Status(shown.File)],
        ChatResponse.FileLinkShown shown =>
        [
            Printable.Of(shown.ClientData ?? "no file information in URI"),
            style.Faint($"at most {FileText.Size(shown.Size)}, at {string.Join(", ", shown.Servers.Select(static server => Printable.Of(server)))}"),
        ],
        ChatResponse.FileServersCounted { Servers.Count: 0 } => ["no file relay was used yet"],
        ChatResponse.FileServersCounted counted => counted.Servers.SelectMany(FileText.Counters),
        ChatResponse.ServerTested { Step: { } step } tested => [$"{tested.Protocol} server test failed at {step}, error: {Printable.Of(tested.Sentence ?? "")}"],
        ChatResponse.ServerTested tested => [$"{tested.Protocol} server test passed"],
        ChatResponse.SettingChanged changed => [Printable.Of(changed.Sentence)],
        ChatResponse.FileServerList servers => FileServers(servers),
        ChatResponse.MessageAccepted accepted => [$"{style.Own("@" + Printable.Of(accepted.Contact.QuotedName))} {Printable.Of(accepted.Item.Text, keepLines: true)}"],
        ChatResponse.Tail tail => Tail(tail),
        ChatResponse.ContactDeleted deleted => [$"{Name(deleted.Contact)}: contact and its messages are deleted"],
        ChatResponse.ServerList servers => Servers(servers),
        ChatResponse.ProfileShown shown => [$"your profile: {Printable.Of(shown.Profile.Display)}"],
        ChatResponse.ProfileUpdated updated => [$"your profile is now {Printable.Of(updated.Profile.Display)}; told to {Count(updated.Contacts, "contact")}"],
        ChatResponse.FeatureSet set => ["updated preferences:", $"{FeatureState.NameOf(set.Feature)} allowed: {FeatureState.Word(set.Allowed)}"],
        ChatResponse.ContactFeaturesSet { Changed.Count: 0 } set => [$"your preferences for {Name(set.Contact)} did not change"],
        ChatResponse.ContactFeaturesSet set => [$"you updated preferences for {Name(set.Contact)}:", .. set.Changed.Select(FeatureText.Of)],
        ChatResponse.ContactShown shown => Contact(shown),
        ChatResponse.Quit => [],
        ChatResponse.Failed failed => [style.Error(Printable.Of(failed.Sentence))],
        _ => throw new System.Diagnostics.UnreachableException(response.GetType().Name),
    };

    private IEnumerable<string> Help(ChatResponse.Help help)
    {
        var width = help.Commands.Max(entry => entry.Syntax.Length);
        return help.Commands.Select(entry => $"{style.Strong(entry.Syntax.PadRight(width))}  {entry.Meaning}");
    }

    private IEnumerable<string> Contacts(IReadOnlyList<Contact> contacts)
    {
        if (contacts.Count == 0) return ["no contacts yet: /connect makes a link for somebody, /connect LINK takes one from somebody"];
        return contacts.Select(contact => $"{style.Name(Name(contact))}{Detail(contact)}");
    }

    private string Detail(Contact contact)
    {
        var notes = new List<string>();
        if (contact.Profile.FullName.Length > 0) notes.Add(Printable.Of(contact.Profile.FullName));
        if (contact.State == ContactState.Connecting) notes.Add("connecting");
        if (contact.State == ContactState.DeletedByPeer) notes.Add("deleted by the contact");
        return notes.Count == 0 ? "" : style.Faint($" ({string.Join(", ", notes)})");
    }

    // The link comes last: below its code, where it can be seen and copied.
    private IEnumerable<string> Invitation(string link)
    {
        if (qrColumns > 0)
        {
            foreach (var row in QrCode.TryDraw(link, qrColumns) ?? [style.Faint("(the window is too narrow for the link's QR code)")]) yield return row;
        }

        yield return "One-time invitation link. Give it to one person, who types /connect and the link:";
        yield return "";
        yield return link;
        yield return "";
    }

    private IEnumerable<string> Tail(ChatResponse.Tail tail)
    {
        if (tail.Lines.Count == 0) return ["no messages yet"];
        return tail.Lines.Select(line =>
        {
            var (contact, item) = (line.Contact, line.Item);
            var text = item.IsDeleted ? style.Faint("[deleted]") : Printable.Of(item.Text, keepLines: true) + (item.IsEdited ? style.Faint(" [edited]") : "");
            if (item.File is { } file && !item.IsDeleted) text = (FileText.IsBare(item) ? "" : text + " ") + style.Faint(FileText.InTail(file));
            var who = item.Direction == ItemDirection.Received
                ? $"{style.Name(Name(contact))}> {text}"
                : $"{style.Own("@" + Name(contact))} {text} {style.Faint(ItemTime.Mark(item.Status))}";
            var notice = item.Notice is { } problem ? style.Error($" [{Printable.Of(problem)}]") : "";
            return $"{style.Faint(ItemTime.WithDate(item))} {who}{notice}";
        });
    }

    private IEnumerable<string> Servers(ChatResponse.ServerList servers) =>
    [
        (servers.AreDefault, isRelayEmbedded) switch
        {
            (true, true) => "new connections use the relay that runs inside this program:",
            (true, false) => "new connections use the relays given at the start:",
            _ => "new connections use these relays (/smp default goes back):",
        },
        .. servers.Addresses,
    ];

    private IEnumerable<string> Sent(ChatResponse.MessageAccepted accepted, ChatFile file)
    {
        yield return $"/f {style.Own("@" + Printable.Of(accepted.Contact.QuotedName))} {Printable.Of(file.Path ?? file.Name)}";
        yield return style.Faint($"use /fc {file.Id} to cancel sending");
    }

    private static IEnumerable<string> FileServers(ChatResponse.FileServerList servers)
    {
        if (servers.Addresses.Count == 0)
            return ["there is no file relay: files of up to 8 MB go over the relays of messages; /xftp xftp://FINGERPRINT@HOST sets one"];
        return
        [
            servers.AreDefault ? "new files use the file relays given at the start, or the one inside this program:" : "new files use these relays (/xftp default goes back):",
            .. servers.Addresses,
        ];
    }

    private IEnumerable<string> Contact(ChatResponse.ContactShown shown)
    {
        yield return $"{style.Name(Name(shown.Contact))}{Detail(shown.Contact)}";
        yield return $"contact ID: {shown.Contact.Id.Value}";
        yield return $"post-quantum: {(shown.Contact.IsPostQuantum ? "yes" : "no")}";
        if (shown.ReceivingOn.Count > 0) yield return $"receiving on: {string.Join(", ", shown.ReceivingOn)}";
        if (shown.SendingTo.Count > 0) yield return $"sending to: {string.Join(", ", shown.SendingTo)}";
        if (shown.SecurityCode is { } code)
        {
            yield return "security code (equal on both sides unless somebody sits between you):";
            yield return style.Strong(code);
        }
    }

    private static string Name(Contact contact) => Printable.Of(contact.Name);

    private static string Count(int count, string what) => count == 1 ? $"1 {what}" : $"{count} {what}s";
}
