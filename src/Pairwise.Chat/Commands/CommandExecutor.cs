using System.Globalization;
using System.Numerics;
using Pairwise.Agent;
using Pairwise.Chat.Files;
using Pairwise.Chat.Protocol;
using Pairwise.Chat.Store;
using Pairwise.Protocol;
using Pairwise.Protocol.Agent;
using Pairwise.Storage;

namespace Pairwise.Chat.Commands;

/// <summary>Carries out commands. Failures are exceptions of the layer they come from; <see cref="ChatCore"/> turns them into answers. Thread-safe.</summary>
internal sealed class CommandExecutor(Database database, IAgentClient agent, MessageSender sender, FileExchange files, ChatOptions options)
{
    private readonly ContactFinder _contacts = new(database);
    private readonly FileCommands _fileCommands = new(database, agent, sender, files, new ContactFinder(database), options);

    private readonly FeatureCommands _featureCommands = new(database, sender, new ContactFinder(database));

    private sealed record Own(UserId User, Profile Profile);

    // Replaced as a whole; null before the profile is created.
    private volatile Own? _own;

    public Profile? Profile => _own?.Profile;

    /// <summary>Reads the profile and tells the agent the relays for new connections.</summary>
    public async Task LoadAsync(CancellationToken cancellationToken)
    {
        var (own, servers) = await ReadAsync(static store => (store.GetOwnProfile(), store.GetServers()), cancellationToken);
        if (own is not { } found)
            return;
        _own = new Own(found.User, found.Profile);
        agent.SetServers(found.User, Chosen(servers));
        await _fileCommands.LoadAsync(found.User, cancellationToken);
    }

    public async Task CreateProfileAsync(string displayName, string fullName, CancellationToken cancellationToken)
    {
        if (_own is not null)
            throw new InvalidOperationException("There is a profile already.");
        CheckName(displayName);
        var profile = new Profile(displayName, fullName);
        var servers = await ReadAsync(static store => store.GetServers(), cancellationToken);
        var user = await agent.CreateUserAsync(Chosen(servers), cancellationToken);
        await TransactAsync(
            store =>
            {
                store.SetOwnProfile(user, profile);
                return true;
            },
            cancellationToken);
        await _fileCommands.LoadAsync(user, cancellationToken);
        _own = new Own(user, profile);
    }

    public Task<ChatResponse> ExecuteAsync(ChatCommand command, CancellationToken cancellationToken) => command switch
    {
        ChatCommand.ShowHelp => Task.FromResult<ChatResponse>(new ChatResponse.Help(ChatCommandParser.Help)),
        ChatCommand.ShowFileHelp => Task.FromResult<ChatResponse>(new ChatResponse.Help(FileCommandParser.Help)),
        ChatCommand.Quit => Task.FromResult<ChatResponse>(ChatResponse.Quit.Instance),
        ChatCommand.ListContacts => ListContactsAsync(cancellationToken),
        ChatCommand.CreateInvitation => CreateInvitationAsync(cancellationToken),
        ChatCommand.Join join => JoinAsync(join.Link, cancellationToken),
        ChatCommand.SendText send => SendAsync(send, cancellationToken),
        ChatCommand.ShowTail tail => ShowTailAsync(tail, cancellationToken),
        ChatCommand.DeleteContact delete => DeleteAsync(delete.Name, cancellationToken),
        ChatCommand.ShowContact show => ShowContactAsync(show.Name, cancellationToken),
        ChatCommand.ShowServers => ShowServersAsync(cancellationToken),
        ChatCommand.SetServers set => SetServersAsync(set.Addresses, cancellationToken),
        ChatCommand.ShowProfile => Task.FromResult<ChatResponse>(new ChatResponse.ProfileShown(Me().Profile)),
        ChatCommand.SetProfile set => ChangeProfileAsync(CheckName(set.Name), profile => profile with { DisplayName = set.Name, FullName = set.FullName ?? "" }, cancellationToken),
        ChatCommand.SetImage set => ChangeProfileAsync(true, profile => profile with { Image = set.Image }, cancellationToken),
        ChatCommand.SetFeature set => SetFeatureAsync(set, cancellationToken),
        ChatCommand.SetContactFeature set => _featureCommands.SetAsync(Me().Profile, set, cancellationToken),
        _ => _fileCommands.Execute(command, Me().User, cancellationToken) ?? throw new System.Diagnostics.UnreachableException(),
    };

    private async Task<ChatResponse> ListContactsAsync(CancellationToken cancellationToken) =>
        new ChatResponse.ContactList(await ReadAsync(static store => store.GetContacts(), cancellationToken));

    private async Task<ChatResponse> CreateInvitationAsync(CancellationToken cancellationToken)
    {
        var created = await agent.CreateConnectionAsync(Me().User, ConnectionMode.Invitation, options.IsPostQuantum ? PostQuantumMode.On : PostQuantumMode.Off, cancellationToken);
        var link = created.Link.ToText();
        await TransactAsync(
            store =>
            {
                store.AddConnection(created.Connection, link, isOurs: true, options.Time.GetUtcNow());
                return true;
            },
            cancellationToken);
        return new ChatResponse.InvitationCreated(link);
    }

    private async Task<ChatResponse> JoinAsync(string text, CancellationToken cancellationToken)
    {
        var me = Me();
        var link = InvitationLink.Parse(text);
        var canonical = link.ToText();
        var (isOwn, joined) = await ReadAsync(store => (store.IsOwnLink(canonical), store.FindJoin(canonical)), cancellationToken);
        if (isOwn)
            throw new ChatException(ChatError.OwnLink, "This is your own link: give it to the person you want to talk with.");
        if (joined is (_, { } contact))
            throw new ChatException(ChatError.LinkUsed, $"You have used this link already: {contact.QuotedName} is the contact.");

        // The connection is noted before the relay hears of it, and kept when a relay could not be reached or refused: saying the
        // same command again goes on with the keys that the other side may have seen already.
        var info = AgentEventHandler.EncodeInfo(me.Profile, options.IsPostQuantum);
        var connection = joined?.Connection ?? await PrepareAsync(me.User, link, canonical, cancellationToken);
        try
        {
            await agent.JoinConnectionAsync(connection, link, info, options.IsPostQuantum, cancellationToken);
            return ChatResponse.JoinStarted.Instance;
        }
        catch (AgentException e) when (!e.IsTransient && e.Error is not (AgentError.Relay or AgentError.Broker))
        {
            await agent.DeleteConnectionAsync(connection, waitForDelivery: false, cancellationToken);
            await TransactAsync(
                store =>
                {
                    store.RemoveConnection(connection);
                    return true;
                },
                cancellationToken);
            throw;
        }
    }

    private async Task<ConnectionId> PrepareAsync(UserId user, ConnectionRequest link, string canonical, CancellationToken cancellationToken)
    {
        var connection = await agent.PrepareToJoinAsync(user, link, options.IsPostQuantum, cancellationToken);
        await TransactAsync(
            store =>
            {
                store.AddConnection(connection, canonical, isOurs: false, options.Time.GetUtcNow());
                return true;
            },
            cancellationToken);
        return connection;
    }

    private async Task<ChatResponse> SendAsync(ChatCommand.SendText send, CancellationToken cancellationToken)
    {
        var (contact, connection) = await _contacts.FindReadyAsync(send.Name, cancellationToken);
        var content = new MessageContent(MessageContent.TextType, send.Text);
        return new ChatResponse.MessageAccepted(contact, await sender.SendAsync(contact, connection, content, null, cancellationToken));
    }

    private async Task<ChatResponse> ShowTailAsync(ChatCommand.ShowTail tail, CancellationToken cancellationToken) =>
        new ChatResponse.Tail(await ReadAsync(
            store => store.GetTail(tail.Name is { } name ? ContactFinder.Find(store, name).Id : null, tail.Count),
            cancellationToken));

    private async Task<ChatResponse> DeleteAsync(string name, CancellationToken cancellationToken)
    {
        var (contact, connection) = await ReadAsync(
            store =>
            {
                var found = ContactFinder.Find(store, name);
                return (found, store.GetConnection(found.Id));
            },
            cancellationToken);
        if (connection is { } open)
        {
            // A contact that cannot be told any more is deleted all the same.
            try
            {
                if (contact.State == ContactState.Connected)
                    await sender.SendEventAsync(contact, open, ChatMessage.DirectDelete(), cancellationToken);
            }
            catch (AgentException e) when (e.Error is AgentError.Connection or AgentError.Command)
            {
                // Out of step, never confirmed, or an earlier attempt got further.
            }

            try
            {
                await agent.DeleteConnectionAsync(open, waitForDelivery: contact.State == ContactState.Connected, cancellationToken);
            }
            catch (AgentException e) when (e.Error is AgentError.Connection { Fault: ConnectionFault.NotFound })
            {
                // An earlier attempt got that far.
            }
        }

        await files.AbandonAsync(contact.Id, cancellationToken);
        await TransactAsync(
            store =>
            {
                store.RemoveContact(contact.Id);
                return true;
            },
            cancellationToken);
        return new ChatResponse.ContactDeleted(contact);
    }

    private async Task<ChatResponse> ShowContactAsync(string name, CancellationToken cancellationToken)
    {
        var (contact, connection) = await ReadAsync(
            store =>
            {
                var found = ContactFinder.Find(store, name);
                return (found, store.GetConnection(found.Id));
            },
            cancellationToken);
        if (connection is not { } open || contact.State == ContactState.DeletedByPeer)
            return new ChatResponse.ContactShown(contact, [], [], null);
        var servers = await agent.GetConnectionServersAsync(open, cancellationToken);
        var code = contact.State == ContactState.Connected ? FormatCode(await agent.GetSecurityCodeAsync(open, cancellationToken)) : null;
        return new ChatResponse.ContactShown(
            contact,
            [.. servers.Receiving.Select(static server => server.ToString())],
            [.. servers.Sending.Select(static server => server.ToString())],
            code);
    }

    private async Task<ChatResponse> ShowServersAsync(CancellationToken cancellationToken)
    {
        var servers = await ReadAsync(static store => store.GetServers(), cancellationToken);
        return new ChatResponse.ServerList([.. Chosen(servers).Select(static server => server.Server.ToString())], servers.Count == 0);
    }

    private async Task<ChatResponse> SetServersAsync(IReadOnlyList<string> addresses, CancellationToken cancellationToken)
    {
        var me = Me();
        foreach (var address in addresses)
        {
            if (!ServerAddressWithPassword.TryParse(address, out var server) || server.Server.Protocol != ServerProtocol.Smp)
                throw new ChatException(ChatError.InvalidServer, $"This is not the address of a relay: {address}. One looks like smp://FINGERPRINT@HOST or smp://FINGERPRINT@HOST:PORT.");
        }

        await TransactAsync(
            store =>
            {
                store.SetServers(addresses);
                return true;
            },
            cancellationToken);
        agent.SetServers(me.User, Chosen(addresses));
        return await ShowServersAsync(cancellationToken);
    }

    private async Task<ChatResponse> SetFeatureAsync(ChatCommand.SetFeature set, CancellationToken cancellationToken)
    {
        await ChangeProfileAsync(true, profile => profile with { Preferences = ProfilePreferences.With(profile.Preferences, set.Feature, set.Allowed) }, cancellationToken);
        return new ChatResponse.FeatureSet(set.Feature, set.Allowed);
    }

    private async Task<ChatResponse> ChangeProfileAsync(bool isValid, Func<Profile, Profile> change, CancellationToken cancellationToken)
    {
        System.Diagnostics.Debug.Assert(isValid);
        var me = Me();
        var profile = change(me.Profile);
        // It must fit into the confirmation of every kind of connection.
        AgentEventHandler.EncodeInfo(profile, isPostQuantum: true);
        var told = await TransactAsync(
            store =>
            {
                store.SetOwnProfile(me.User, profile);
                return store.GetContacts().Where(static contact => contact.State == ContactState.Connected)
                    .Select(contact => (Contact: contact, Connection: store.GetConnection(contact.Id))).ToList();
            },
            cancellationToken);
        _own = me with { Profile = profile };
        var count = 0;
        foreach (var (contact, connection) in told)
        {
            if (connection is not { } open)
                continue;
            try
            {
                await sender.SendEventAsync(contact, open, ChatMessage.Info(contact.SeesOf(profile)), cancellationToken);
                count++;
            }
            catch (AgentException e) when (e.Error is AgentError.Connection or AgentError.Command)
            {
                // Out of step or gone: the others are told all the same.
            }
        }

        return new ChatResponse.ProfileUpdated(profile, count);
    }

    private Own Me() => _own ?? throw new ChatException(ChatError.NoProfile, "There is no profile yet: choose a display name first.");

    private IReadOnlyList<ServerAddressWithPassword> Chosen(IReadOnlyList<string> addresses) => addresses.Count == 0
        ? options.Servers
        : [.. addresses.Select(static address => ServerAddressWithPassword.TryParse(address, out var server)
            ? server
            : throw new ChatException(ChatError.Storage, $"A stored relay address does not parse: {address}."))];

    private static bool CheckName(string name)
    {
        var valid = DisplayName.ToValid(name);
        if (valid == name && name.Length > 0)
            return true;
        throw new ChatException(
            ChatError.InvalidName,
            valid.Length == 0 ? "A display name needs a letter or a digit." : $"This display name is not allowed; this one is: {valid}");
    }

    // The reference's form: the code as one decimal number, in groups of five digits.
    private static string FormatCode(byte[] code)
    {
        var digits = new BigInteger(code, isUnsigned: true, isBigEndian: true).ToString(CultureInfo.InvariantCulture);
        return string.Join(' ', digits.Chunk(5).Select(static group => new string(group)));
    }

    private Task<T> ReadAsync<T>(Func<ChatStore, T> read, CancellationToken cancellationToken) =>
        database.ReadAsync(session => read(new ChatStore(session)), cancellationToken);

    private Task<T> TransactAsync<T>(Func<ChatStore, T> step, CancellationToken cancellationToken) =>
        database.TransactAsync(session => step(new ChatStore(session)), cancellationToken);
}
