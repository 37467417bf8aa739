using System.Security.Cryptography;
using Pairwise.Crypto;
using Pairwise.Protocol.Smp;

namespace Pairwise.Conformance;

/// <summary>A queue as its recipient knows it, and the key that a sender may secure it with.</summary>
public sealed class TestQueue(KeyAlgorithm keys, PrivateKey recipientKey, RecipientId recipient, SenderId sender, BoxKey bodyKey)
{
    public PrivateKey RecipientKey { get; } = recipientKey;

    public RecipientId Recipient { get; } = recipient;

    public SenderId Sender { get; } = sender;

    public PrivateKey SenderKey { get; } = NewKey(keys);

    public PublicKey SenderPublicKey => PublicOf(SenderKey);

    /// <summary>Opens the relay's encryption of a delivered body.</summary>
    public byte[] Open(BrokerMessage.Msg message) => Assert.IsType<RelayMessage.Content>(OpenAny(message)).Body.ToArray();

    public RelayMessage OpenAny(BrokerMessage.Msg message)
    {
        Assert.True(RelayMessage.TryOpen(bodyKey, message.Message, message.EncryptedBody.Span, out var opened), "the body does not open");
        return opened;
    }

    public static PrivateKey NewKey(KeyAlgorithm algorithm) => algorithm == KeyAlgorithm.X25519
        ? X25519PrivateKey.Generate(SystemRandom.Instance)
        : CertificateAuthority.GenerateKey(algorithm, SystemRandom.Instance);

    public static PublicKey PublicOf(PrivateKey key) => key switch
    {
        SigningKey signing => signing.PublicKey,
        X25519PrivateKey agreement => agreement.PublicKey,
        _ => throw new ArgumentException("This key authorizes nothing.", nameof(key)),
    };

    public static byte[] Body(int length) => RandomNumberGenerator.GetBytes(length);

    public static SmpCommand.Send Message(ReadOnlySpan<byte> body) => new(MessageFlags.None, body.ToArray());
}
