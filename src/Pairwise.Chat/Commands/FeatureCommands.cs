using Pairwise.Agent;
using Pairwise.Chat.Protocol;
using Pairwise.Chat.Store;
using Pairwise.Storage;

namespace Pairwise.Chat.Commands;

/// <summary>Carries out <c>/set voice</c> and <c>/set files</c> for one contact, and says what a contact does not take. Thread-safe.</summary>
internal sealed class FeatureCommands(Database database, MessageSender sender, ContactFinder contacts)
{
    /// <summary>Sets what one contact may do; null for what everybody may.</summary>
    public async Task<ChatResponse> SetAsync(Profile profile, ChatCommand.SetContactFeature set, CancellationToken cancellationToken)
    {
        var (before, connection) = await contacts.FindReadyAsync(set.Name, cancellationToken);
        var after = await database.TransactAsync(
            session =>
            {
                var store = new ChatStore(session);
                var present = store.GetContact(before.Id)!;
                store.SetPreferences(before.Id, ProfilePreferences.With(present.PreferencesForContact, set.Feature, set.Allowed));
                return store.GetContact(before.Id)!;
            },
            cancellationToken);
        if (before.SeesOf(profile) != after.SeesOf(profile))
        {
            try
            {
                await sender.SendEventAsync(after, connection, ChatMessage.Info(after.SeesOf(profile)), cancellationToken);
            }
            catch (AgentException e) when (!e.IsTransient)
            {
                throw ChatErrors.FromSending(e);
            }
        }

        return new ChatResponse.ContactFeaturesSet(after, after.FeaturesChangedSince(before));
    }

    /// <exception cref="ChatException">The two sides have not agreed on what this content is.</exception>
    public static void Check(Contact contact, string contentType, bool hasFile)
    {
        ChatFeature? feature = contentType == MessageContent.VoiceType ? ChatFeature.Voice : hasFile ? ChatFeature.Files : null;
        if (feature is not { } used || contact.Feature(used) is not { IsForUs: false } state)
            return;
        var what = used == ChatFeature.Voice ? "voice messages" : "files";
        throw new ChatException(
            ChatError.NotAllowed,
            state.Theirs == FeatureAllowed.No
                ? $"{contact.Name} does not allow {what}: it was not sent."
                : $"You do not allow {what} with {contact.Name}: /set {(used == ChatFeature.Voice ? "voice" : "files")} @{contact.QuotedName} yes allows them.");
    }
}
