using System.Diagnostics;
using System.Security.Cryptography;
using Pairwise.Crypto;
using Pairwise.Protocol.Smp;
using Pairwise.Server.Smp.Store;
using Pairwise.Server.Smp.Subscribing;

namespace Pairwise.Server.Smp.Dispatch;

/// <summary>Creating, securing and deleting queues.</summary>
internal sealed partial class SmpDispatcher
{
    // Random ids collide with nothing; the reference tries this often too.
    private const int IdAttempts = 3;

    private SmpAnswer New(ISmpClient client, CorrId corrId, SmpCommand.New create)
    {
        if (!Options.AllowNewQueues || !relay.IsPassword(create.Password))
        {
            return SmpAnswer.Of(SmpError.Auth.Instance);
        }

        if (client.ServiceId is not null && create.Mode == SubscriptionMode.OnlyCreate)
        {
            return SmpAnswer.Of(SmpError.Command.Prohibited);
        }

        if (!TryChooseIds(corrId, create.Queue, out StoredId? chosenSenderId, out QueueLink? link))
        {
            return SmpAnswer.Of(SmpError.Command.Prohibited);
        }

        using X25519PrivateKey dhKey = X25519PrivateKey.Generate(Options.Random);
        using SharedSecret secret = dhKey.DeriveSharedSecret(create.RecipientDhKey);
        Bytes32 storedSecret = Bytes32.From(secret.Bytes);
        (QueueNotifier Notifier, ServerNotifierCredentials Credentials)? notifier =
            create.Notifier is { } request ? MakeNotifier(request) : null;
        for (int attempt = 0; attempt < IdAttempts; attempt++)
        {
            SmpQueue queue = new(relay.NewId(), chosenSenderId ?? relay.NewId(), Stored(create.RecipientAuthKey), storedSecret, UseOf(create.Queue));
            queue.UsedDay = (int)(relay.NowSeconds() / SecondsPerDay);
            queue.SetLink(link);
            queue.SetNotifier(notifier?.Notifier);
            queue.SetService(client.ServiceId);
            SmpError? error = Queues.Add(queue);
            if (error is SmpError.Duplicate)
            {
                if (chosenSenderId is not null)
                {
                    return SmpAnswer.Of(SmpError.Auth.Instance); // another try would have the same id
                }

                continue;
            }

            if (error is not null)
            {
                return SmpAnswer.Of(error);
            }

            relay.Statistics.QueueCreated(hasNotifier: notifier is not null);
            if (create.Mode == SubscriptionMode.Subscribe)
            {
                Subscriptions.Subscribe(client, queue, Messages, out _);
            }

            return SmpAnswer.Of(new BrokerMessage.Ids(
                new RecipientId(queue.RecipientId.ToWireId()),
                new SenderId(queue.SenderId.ToWireId()),
                dhKey.PublicKey,
                create.Queue?.Mode,
                link?.Id,
                WireIdOf(client.ServiceId),
                notifier?.Credentials));
        }

        return SmpAnswer.Of(SmpError.Internal.Instance);
    }

    private static QueueUse UseOf(QueueRequest? request) => request switch
    {
        null => QueueUse.Unknown,
        { Mode: QueueMode.Messaging } => QueueUse.Messaging,
        _ => QueueUse.Contact,
    };

    // A client that brings link data chooses the sender id, and it must be the hash of its correlation id: otherwise
    // NEW would tell whether any given id is in use.
    private bool TryChooseIds(CorrId corrId, QueueRequest? request, out StoredId? senderId, out QueueLink? link)
    {
        senderId = null;
        link = null;
        (LinkId? Link, SenderId Sender, QueueLinkData Content)? chosen = request switch
        {
            QueueRequest.Messaging { Link: { } messaging } => (null, messaging.Sender, messaging.Content),
            QueueRequest.Contact { Link: { } contact } => (contact.Link, contact.Sender, contact.Content),
            _ => null,
        };
        if (chosen is not { } ids)
        {
            return true;
        }

        Span<byte> hash = stackalloc byte[Digests.Sha3_384Length];
        Digests.Sha3_384(corrId.Value.Span, hash);
        ReadOnlySpan<byte> expected = hash[..StoredId.Length];
        if (!CryptographicOperations.FixedTimeEquals(ids.Sender.Value.Span, expected))
        {
            return false;
        }

        senderId = StoredId.From(expected);
        link = new QueueLink(ids.Link ?? new LinkId(relay.NewId().ToWireId()), ids.Content.Fixed.ToArray(), ids.Content.User.ToArray());
        return true;
    }

    private SmpAnswer Secure(SmpQueue queue, PublicKey senderKey)
    {
        SmpError? error = Queues.Secure(queue, Stored(senderKey));
        if (error is null)
        {
            relay.Statistics.QueueSecured();
        }

        return SmpAnswer.OkOr(error);
    }

    private SmpAnswer SecureBySender(SmpQueue queue, PublicKey senderKey) =>
        queue.Use == QueueUse.Messaging ? Secure(queue, senderKey) : SmpAnswer.Of(SmpError.Auth.Instance);

    private SmpAnswer ReplaceRecipientKeys(SmpQueue queue, SmpCommand.RKey keys) =>
        queue.Use == QueueUse.Contact
            ? SmpAnswer.OkOr(Queues.SetRecipientKeys(queue, [.. keys.RecipientAuthKeys.Select(Stored)]))
            : SmpAnswer.Of(SmpError.Auth.Instance);

    private SmpAnswer Delete(ISmpClient client, SmpQueue queue)
    {
        if (Queues.Delete(queue) is { } error)
        {
            return SmpAnswer.Of(error);
        }

        relay.EndDeleted(queue, client);
        return SmpAnswer.Ok;
    }
}
