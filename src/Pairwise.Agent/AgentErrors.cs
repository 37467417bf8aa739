using Pairwise.Ratchet;

namespace Pairwise.Agent;

/// <summary>Maps the errors of lower layers to the agent's: one function for each pair.</summary>
internal static class AgentErrors
{
    public static AgentError From(RatchetError error) => error.Kind switch
    {
        RatchetErrorKind.HeaderEncoding => new AgentError.Peer(PeerFault.Message, "the ratchet header does not parse"),
        RatchetErrorKind.Header => new AgentError.Crypto(CryptoFault.RatchetHeader),
        RatchetErrorKind.DuplicateMessage => new AgentError.Duplicate(),
        RatchetErrorKind.EarlierMessage => new AgentError.Crypto(CryptoFault.RatchetEarlier, error.Count),
        RatchetErrorKind.TooManySkipped => new AgentError.Crypto(CryptoFault.RatchetSkipped, error.Count),
        RatchetErrorKind.Decryption => new AgentError.Crypto(CryptoFault.DecryptAes),
        RatchetErrorKind.MessageTooLarge => new AgentError.Command(CommandFault.TooLarge, "the message does not fit its padded length"),
        RatchetErrorKind.State => new AgentError.Command(CommandFault.Prohibited, "the ratchet cannot send yet"),
        RatchetErrorKind.KemState or RatchetErrorKind.Padding => new AgentError.Internal($"ratchet: {error.Kind}"),
        _ => new AgentError.Internal($"ratchet: {error.Kind}"),
    };
}
