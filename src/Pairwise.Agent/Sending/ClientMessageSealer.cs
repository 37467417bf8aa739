using Pairwise.Agent.Connections;
using Pairwise.Agent.Relays;
using Pairwise.Agent.Store;
using Pairwise.Crypto;
using Pairwise.Protocol.Agent;
using Pairwise.Protocol.Smp;
using Pairwise.Ratchet;
using Pairwise.Storage;

namespace Pairwise.Agent.Sending;

/// <summary>From a pending message to its SEND command: ratchet encryption where that is still to do, then the encryption of the queue.</summary>
internal static class ClientMessageSealer
{
    /// <exception cref="AgentException">The message does not fit, which enqueueing should have found.</exception>
    public static RelayCommand Seal(SendQueue queue, PendingMessage message, AgentOptions options, IRandomSource random)
    {
        var isConfirmation = message.Kind is MessageKind.ConnectionInfo or MessageKind.ConnectionInfoReply;
        // A sender that cannot secure the queue has its key in the confirmation, and does not sign that.
        var isSigned = !isConfirmation || queue.SenderCanSecure;
        var clientMessage = new ClientMessage(isSigned ? null : queue.SenderKey.PublicKey, GetEnvelope(message, options));
        using var secret = queue.E2ePrivate.DeriveSharedSecret(queue.PeerE2ePublic);
        using var key = BoxKey.From(secret);
        var body = ClientMessageEnvelope.Seal(queue.ClientVersion, isConfirmation ? queue.E2ePrivate.PublicKey : null, key, BoxNonce.Random(random), clientMessage)
            ?? throw new AgentException(new AgentError.Command(CommandFault.TooLarge, "the message does not fit the queue's envelope"));
        return new RelayCommand(
            new SmpCommand.Send(new MessageFlags(message.IsNotificationWanted), body.Encode()),
            queue.Sender.ToEntityId(),
            isSigned ? queue.SenderKey : null);
    }

    private static byte[] GetEnvelope(PendingMessage message, AgentOptions options)
    {
        if (message.Encryption is not var (stored, paddedLength)) return message.Body;
        if (!MessageEncryptKey.TryDeserialize(stored, out var key)) throw new StorageException(StorageError.Broken, "A stored message key of the agent cannot be read.");
        using (key)
        {
            if (!key.TryEncrypt(message.Body, paddedLength, out var encrypted))
                throw new AgentException(new AgentError.Command(CommandFault.TooLarge, "the message does not fit its padded length"));
            return new AgentEnvelope.Message(new AgentVersion(options.AgentVersions.Max), encrypted).Encode();
        }
    }
}
