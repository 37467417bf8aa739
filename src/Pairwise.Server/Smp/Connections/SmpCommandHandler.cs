using Pairwise.Protocol;
using Pairwise.Protocol.Smp;
using Pairwise.Server.Smp.Dispatch;
using Pairwise.Server.Smp.Forwarding;
using Pairwise.Server.Smp.Store;
using Pairwise.Transport.Smp;

namespace Pairwise.Server.Smp.Connections;

/// <summary>
/// From a decoded command to its answer: finds the queue, has the authorization verified with equal work on every
/// failing path, and lets the dispatcher carry it out. Stateless beside the relay's stores.
/// </summary>
internal sealed class SmpCommandHandler(SmpRelay relay, SmpDispatcher dispatcher)
{
    // Takes the place of a queue that is not there, so that looking for its keys takes the same time. It has none.
    private static readonly SmpQueue Nobody = new(default, default, default, default, QueueUse.Unknown);

    /// <summary>Handles one command of a connection and puts its answer into the outbox.</summary>
    public void Handle(
        SmpConnection client,
        SmpAuthorizer authorizer,
        SmpServerSession session,
        TransmissionFormat format,
        in Transmission transmission,
        SmpCommand command,
        Span<byte> scratch,
        Outbox outbox)
    {
        EntityId entity = command is SmpCommand.Ping or SmpCommand.RFwd ? EntityId.None : transmission.Entity;
        SmpAnswer answer;
        ReadOnlySpan<byte> signed = transmission.GetSigned(format, scratch);
        try
        {
            switch (command)
            {
                case SmpCommand.Prxy or SmpCommand.PFwd or SmpCommand.RFwd when CheckService(session.Service, command, transmission, signed) is { } refused:
                    answer = SmpAnswer.Of(refused);
                    break;
                case SmpCommand.Prxy or SmpCommand.PFwd:
                    client.Forward(transmission.CorrId, entity, command);
                    return;
                case SmpCommand.RFwd forward:
                    answer = new DestinationHandler(relay, this).Handle(session, authorizer, transmission.CorrId, forward);
                    break;
                default:
                    answer = Answer(client, authorizer, session.Service, transmission, command, signed);
                    break;
            }
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            // The disk refused: the command has not happened, and the client is told so.
            relay.DiskTrouble.Report(fault);
            answer = SmpAnswer.Of(new SmpError.Store("disk"));
        }

        outbox.AddAnswer(transmission.CorrId, entity, answer);
    }

    /// <summary>Authorizes and carries out one command.</summary>
    public SmpAnswer Answer(
        ISmpClient client,
        SmpAuthorizer authorizer,
        SmpPeerService? service,
        in Transmission transmission,
        SmpCommand command,
        ReadOnlySpan<byte> signed)
    {
        SmpQueue? queue = Find(command, transmission.Entity);
        bool isMissing = queue is null && IsAboutQueue(command);
        if (!isMissing && CheckService(service, command, transmission, signed) is { } refused)
        {
            return SmpAnswer.Of(refused);
        }

        if (command is SmpCommand.Ping)
        {
            return dispatcher.Handle(client, transmission.CorrId, command, null);
        }

        if (command is SmpCommand.NSubs or SmpCommand.Subs)
        {
            return service is not null
                && StoredId.TryFrom(transmission.Entity.Value.Span, out StoredId entity) && entity == client.ServiceId
                && transmission.Authorization.ServiceSignature.IsEmpty
                && service.SessionKey.Verify(signed, transmission.Authorization.Content.Span)
                    ? dispatcher.Handle(client, transmission.CorrId, command, null)
                    : SmpAnswer.Of(SmpError.Service.Instance);
        }

        // With a service signature the queue's key covers the service's certificate too.
        ReadOnlySpan<byte> authorized = isMissing || transmission.Authorization.ServiceSignature.IsEmpty
            ? signed
            : [.. service!.CertificateHash.Span, .. signed]; // CheckService has refused a signature without a service
        if (!IsAuthorized(authorizer, command, queue, transmission, authorized))
        {
            relay.Statistics.CommandRefused(command);
            return SmpAnswer.Of(SmpError.Auth.Instance);
        }

        return dispatcher.Handle(client, transmission.CorrId, command, queue);
    }

    /// <summary>
    /// The key that has to authorize a command about a queue; of kind None when there is no such queue or key. False for
    /// commands that are authorized otherwise.
    /// </summary>
    public bool TryFindKey(SmpCommand command, EntityId entity, out StoredKey key)
    {
        switch (command)
        {
            case SmpCommand.New create:
                return StoredKey.TryFrom(create.RecipientAuthKey, out key);
            case SmpCommand.SKey secure:
                return StoredKey.TryFrom(secure.SenderAuthKey, out key);
            case SmpCommand.LKey secure:
                return StoredKey.TryFrom(secure.SenderAuthKey, out key);
            case SmpCommand.RecipientCommand or SmpCommand.SenderCommand or SmpCommand.NotifierCommand:
                key = KeyFor(command, Find(command, entity));
                return true;
            default:
                key = default;
                return false;
        }
    }

    // What is not there is AUTH before anything else is looked at, as the reference has it.
    private static bool IsAboutQueue(SmpCommand command) =>
        command.Party is SmpParty.Recipient or SmpParty.Sender or SmpParty.Notifier or SmpParty.LinkClient;

    private SmpQueue? Find(SmpCommand command, EntityId entity)
    {
        SmpQueue? queue = null;
        if (command.Party == SmpParty.LinkClient)
        {
            relay.Queues.TryFindByLink((LinkId)entity, out queue);
        }
        else if (StoredId.TryFrom(entity.Value.Span, out StoredId id))
        {
            _ = command.Party switch
            {
                SmpParty.Recipient => relay.Queues.TryFindByRecipient(id, out queue),
                SmpParty.Sender => relay.Queues.TryFindBySender(id, out queue),
                SmpParty.Notifier => relay.Queues.TryFindByNotifier(id, out queue),
                _ => false,
            };
        }

        return queue;
    }

    private static bool IsAuthorized(SmpAuthorizer authorizer, SmpCommand command, SmpQueue? queue, in Transmission transmission, ReadOnlySpan<byte> authorized)
    {
        switch (command)
        {
            case SmpCommand.New create:
                return StoredKey.TryFrom(create.RecipientAuthKey, out StoredKey creatorKey)
                    && authorizer.Verify(creatorKey, transmission.Authorization, transmission.CorrId, authorized);
            case SmpCommand.LGet:
                return queue?.IsContact == true;
            case SmpCommand.Send when !transmission.Authorization.IsPresent:
                return queue?.IsSecured == false;
            case SmpCommand.SKey secure:
                return IsAuthorizedBy(secure.SenderAuthKey, authorizer, queue, transmission, authorized);
            case SmpCommand.LKey secure:
                return IsAuthorizedBy(secure.SenderAuthKey, authorizer, queue, transmission, authorized);
        }

        if (authorizer.Verify(KeyFor(command, queue), transmission.Authorization, transmission.CorrId, authorized))
        {
            return true;
        }

        return command is SmpCommand.RecipientCommand && IsAuthorizedByOtherKey(authorizer, queue ?? Nobody, transmission, authorized);
    }

    // Whoever secures a queue proves that the key is its own. It is verified whether the queue could take it or not: a key
    // that this session has used is quick to verify, and the time would tell which queues are there and open.
    private static bool IsAuthorizedBy(Crypto.PublicKey presented, SmpAuthorizer authorizer, SmpQueue? queue, in Transmission transmission, ReadOnlySpan<byte> authorized) =>
        StoredKey.TryFrom(presented, out StoredKey key)
        && authorizer.Verify(key, transmission.Authorization, transmission.CorrId, authorized)
        && CanTake(queue ?? Nobody, key);

    private static StoredKey KeyFor(SmpCommand command, SmpQueue? queue)
    {
        queue ??= Nobody;
        lock (queue)
        {
            return command switch
            {
                _ when queue.IsDeleted => default,
                SmpCommand.SenderCommand => queue.SenderKey,
                SmpCommand.NotifierCommand => queue.Notifier is { } notifier ? notifier.Key : default,
                _ => queue.RecipientKey,
            };
        }
    }

    private static bool IsAuthorizedByOtherKey(SmpAuthorizer authorizer, SmpQueue queue, in Transmission transmission, ReadOnlySpan<byte> authorized)
    {
        StoredKey[] others;
        lock (queue)
        {
            others = queue.MoreRecipientKeys.ToArray();
        }

        foreach (ref readonly StoredKey other in others.AsSpan())
        {
            if (authorizer.Verify(other, transmission.Authorization, transmission.CorrId, authorized))
            {
                return true;
            }
        }

        return false;
    }

    // Another key than the present one is as good as none.
    private static bool CanTake(SmpQueue queue, in StoredKey key)
    {
        lock (queue)
        {
            return !queue.IsDeleted && queue.Use == QueueUse.Messaging && (!queue.IsSecured || queue.SenderKey.SameAs(key));
        }
    }

    // The role of the session's service must be the command's, and its second signature stands where it belongs.
    private static SmpError? CheckService(SmpPeerService? service, SmpCommand command, in Transmission transmission, ReadOnlySpan<byte> signed)
    {
        if (service is not null && RoleOf(command.Party) is { } role && role != service.Role)
        {
            return SmpError.Command.Prohibited;
        }

        BlockSlice signature = transmission.Authorization.ServiceSignature;
        if (!SmpCredentials.UsesServiceSignature(command) || service is null)
        {
            return signature.IsEmpty ? null : SmpError.Service.Instance;
        }

        return !signature.IsEmpty && service.SessionKey.Verify(signed, signature.Span) ? null : SmpError.Service.Instance;
    }

    private static SmpServiceRole? RoleOf(SmpParty party) => party switch
    {
        SmpParty.Idle => null,
        SmpParty.Notifier or SmpParty.NotifierService => SmpServiceRole.Notifier,
        SmpParty.ProxyService => SmpServiceRole.Proxy,
        _ => SmpServiceRole.Messaging,
    };
}
