namespace Pairwise.Ratchet;

/// <summary>Why a ratchet or key agreement operation gave no result. The reference's name stands behind each kind.</summary>
public enum RatchetErrorKind
{
    /// <summary>The message or its decrypted header does not parse (CryptoHeaderError).</summary>
    HeaderEncoding = 1,

    /// <summary>No header key opens the header: a foreign, forged or too old message (CERatchetHeader).</summary>
    Header,

    /// <summary>The ratchet cannot do this yet: it has no sending or receiving chain (CERatchetState).</summary>
    State,

    /// <summary>A KEM secret is announced or accepted that was never proposed (CERatchetKEMState).</summary>
    KemState,

    /// <summary>This message number was used by the message before (CERatchetDuplicateMessage).</summary>
    DuplicateMessage,

    /// <summary>The message is older than what was read, by <see cref="RatchetError.Count"/> (CERatchetEarlierMessage).</summary>
    EarlierMessage,

    /// <summary>More than 512 messages would be skipped, namely <see cref="RatchetError.Count"/> (CERatchetTooManySkipped).</summary>
    TooManySkipped,

    /// <summary>The body does not authenticate under its message key (AESDecryptError).</summary>
    Decryption,

    /// <summary>The body authenticates, but its padding is wrong (CryptoInvalidMsgError).</summary>
    Padding,

    /// <summary>The message does not fit into its padded length (CryptoLargeMsgError).</summary>
    MessageTooLarge,
}

/// <param name="Kind">What went wrong.</param>
/// <param name="Count">Number of messages, for the two kinds that say so; otherwise 0.</param>
public readonly record struct RatchetError(RatchetErrorKind Kind, uint Count = 0);
