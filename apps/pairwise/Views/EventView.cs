using Pairwise.Chat;
using Pairwise.Terminal;

namespace Pairwise.Terminal.Views;

/// <summary>What a person reads when something happens: a chat event as lines of text.</summary>
internal sealed class EventView(Style style, bool showsTime, TimeProvider time)
{
    private readonly FileMeter _meter = new(time);

    /// <summary>The lines for an event; none for those that only concern <c>/tail</c>.</summary>
    public IEnumerable<string> Lines(ChatEvent chatEvent)
    {
        switch (chatEvent)
        {
            case ChatEvent.ContactConnecting connecting:
                yield return style.Faint($"{Name(connecting.Contact)}: connecting…");
                break;
            case ChatEvent.ContactConnected connected:
                yield return style.Notice($"{Name(connected.Contact)}: contact is connected");
                break;
            case ChatEvent.MessageReceived received:
                foreach (var line in Received(received.Contact, received.Item)) yield return line;
                break;
            case ChatEvent.MessageUpdated updated:
                yield return $"{Time(updated.Item)}{style.Name(Name(updated.Contact))}> {Said(updated.Item)} {style.Faint(updated.Item.IsDeleted ? "[deleted]" : "[edited]")}";
                break;
            case ChatEvent.StatusChanged { Item.Status: ItemStatus.Delivered } changed:
                yield return style.Faint($"✓✓ @{Printable.Of(changed.Contact.QuotedName)} {Said(changed.Item)}");
                break;
            case ChatEvent.StatusChanged { Item.Status: ItemStatus.Failed } changed:
                yield return style.Error($"{Name(changed.Contact)}: this message could not be delivered: {Said(changed.Item)}");
                break;
            case ChatEvent.StatusChanged:
                break;
            case ChatEvent.FileStarted started:
                yield return style.Faint(started.Item.Direction == ItemDirection.Sent
                    ? $"started sending {FileText.Of(started.Item.File!)} to {Name(started.Contact)}"
                    : $"started receiving {FileText.Of(started.Item.File!)} from {Name(started.Contact)}");
                break;
            case ChatEvent.FileProgress progress:
                if (_meter.Next(progress.Item.File!) is { } step) yield return style.Faint(step);
                break;
            case ChatEvent.FileCompleted completed:
                _meter.Forget(completed.Item.File!);
                yield return style.Notice(Completed(completed));
                break;
            case ChatEvent.FileFailed failed:
                _meter.Forget(failed.Item.File!);
                yield return style.Error($"{Course("error", failed.Contact, failed.Item)}: {Printable.Of(failed.Item.File!.Error ?? "")}{Again(failed.Item.File)}");
                break;
            case ChatEvent.FileDelayed delayed:
                yield return style.Notice($"{Course("warning", delayed.Contact, delayed.Item)}: {Printable.Of(delayed.Item.File!.Error ?? "")} It is tried again.");
                break;
            case ChatEvent.FileCancelledByPeer cancelled:
                _meter.Forget(cancelled.Item.File!);
                yield return style.Notice($"{Name(cancelled.Contact)} cancelled sending {FileText.Of(cancelled.Item.File!)}");
                break;
            case ChatEvent.StandaloneProgress progress:
                if (_meter.Next(progress.File) is { } moved) yield return style.Faint(moved);
                break;
            case ChatEvent.StandaloneUploaded uploaded:
                yield return style.Faint($"{FileText.Of(uploaded.File)} uploaded, preparing its link");
                break;
            case ChatEvent.StandaloneCompleted completed:
                _meter.Forget(completed.File);
                if (completed.Link is not { } link)
                {
                    yield return style.Notice($"completed standalone receiving {FileText.Of(completed.File)}: {Printable.Of(completed.File.Path ?? "")}");
                    break;
                }

                yield return style.Notice($"{FileText.Of(completed.File)} upload complete. download with:");
                yield return Printable.Of(link);
                break;
            case ChatEvent.StandaloneFailed failed:
                _meter.Forget(failed.File);
                yield return style.Error($"error standalone {FileText.Verb(failed.File)} {FileText.Of(failed.File)}: {Printable.Of(failed.File.Error ?? "")}");
                break;
            case ChatEvent.StandaloneDelayed delayed:
                yield return style.Notice($"warning: standalone {FileText.Verb(delayed.File)} {FileText.Of(delayed.File)}: {Printable.Of(delayed.File.Error ?? "")} It is tried again.");
                break;
            case ChatEvent.ContactUpdated updated when updated.Before.Name != updated.After.Name:
                yield return style.Notice($"{Name(updated.Before)} is now called {Name(updated.After)}");
                break;
            case ChatEvent.ContactUpdated updated:
                if (updated.Before.Profile with { Preferences = null } != updated.After.Profile with { Preferences = null })
                    yield return style.Faint($"{Name(updated.After)} changed the profile");
                if (updated.After.FeaturesChangedSince(updated.Before) is { Count: > 0 } features)
                {
                    yield return style.Notice($"{Name(updated.After)} updated preferences for you:");
                    foreach (var feature in features) yield return FeatureText.Of(feature);
                }

                break;
            case ChatEvent.ContactDeletedByPeer deleted:
                yield return style.Notice($"{Name(deleted.Contact)} deleted the contact; messages to it will not arrive. /delete {deleted.Contact.QuotedName} removes it here.");
                break;
            case ChatEvent.ServerDown down:
                yield return style.Notice($"relay {Host(down.Address)} cannot be reached ({Contacts(down.Contacts)}); Pairwise goes on trying");
                break;
            case ChatEvent.ServerUp up:
                yield return style.Faint($"relay {Host(up.Address)} is connected ({Contacts(up.Contacts)})");
                break;
            case ChatEvent.Unsupported unsupported:
                yield return style.Faint($"{Name(unsupported.Contact)} sent something that this version cannot show ({Printable.Of(unsupported.Tag)})");
                break;
            case ChatEvent.Problem problem:
                yield return style.Error(Printable.Of(problem.Sentence));
                break;
            default:
                throw new System.Diagnostics.UnreachableException(chatEvent.GetType().Name);
        }
    }

    private IEnumerable<string> Received(Contact contact, ChatItem item)
    {
        if (item.Notice is { } notice) yield return style.Error($"{Name(contact)}: {Printable.Of(notice)}");
        var who = $"{Time(item)}{style.Name(Name(contact))}> ";
        // A file without a caption says no more than its offer.
        if (!FileText.IsBare(item)) yield return who + Printable.Of(item.Text, keepLines: true);
        if (item.File is not { } file) yield break;
        var isFirst = true;
        foreach (var text in FileText.Offer(file))
        {
            yield return isFirst ? who + text : text;
            isFirst = false;
        }
    }

    private static string Said(ChatItem item) => item.File is not { } file ? Printable.Of(item.Text, keepLines: true)
        : FileText.IsBare(item) || item.Text.Length == 0 ? FileText.Of(file)
        : Printable.Of(item.Text, keepLines: true) + " " + FileText.Of(file);

    private static string Completed(ChatEvent.FileCompleted completed)
    {
        var file = completed.Item.File!;
        if (completed.Item.Direction == ItemDirection.Received) return $"completed receiving {FileText.Of(file)} from {Name(completed.Contact)}{FileText.Encrypted(file)}";
        return file.IsInline ? $"completed sending {FileText.Of(file)} to {Name(completed.Contact)}" : $"completed uploading {FileText.Of(file)} for {Name(completed.Contact)}";
    }

    // What failed at its relays can be had when they, or this machine's disk, have recovered.
    private static string Again(ChatFile file) => file is { State: FileState.ReceiveError, IsInline: false } ? $" /fr {file.Id} tries again." : "";

    private static string Course(string status, Contact contact, ChatItem item) => item.Direction == ItemDirection.Sent
        ? $"{status} sending {FileText.Of(item.File!)} to {Name(contact)}"
        : $"{status} receiving {FileText.Of(item.File!)} from {Name(contact)}";

    private string Time(ChatItem item) => showsTime ? style.Faint(ItemTime.Of(item)) + " " : "";

    private static string Name(Contact contact) => Printable.Of(contact.Name);

    private static string Contacts(int count) => count == 1 ? "1 contact" : $"{count} contacts";

    // The part of smp://FINGERPRINT@HOST:PORT that means something to a person.
    private static string Host(string address) => address[(address.LastIndexOf('@') + 1)..];
}
