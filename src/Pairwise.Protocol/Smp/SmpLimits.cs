namespace Pairwise.Protocol.Smp;

/// <summary>Sizes and limits of SMP, in bytes unless said. The origin of each is the reference, release 6.5.5.</summary>
public static class SmpLimits
{
    /// <summary>Every block of a connection, in both directions.</summary>
    public const int BlockSize = 16384;

    /// <summary>The two-byte length that stands before the content of a padded block.</summary>
    public const int PaddingLength = 2;

    /// <summary>The authentication tag of the block encryption; kept free at every version.</summary>
    public const int BlockTagLength = 16;

    /// <summary>The most bytes that the content of a block has: its count byte and the transmissions.</summary>
    public const int MaxBlockContent = BlockSize - PaddingLength - BlockTagLength;

    /// <summary>Transmissions in one block: what one byte can count.</summary>
    public const int MaxBatchCount = 255;

    /// <summary>Queue, link, notifier, message and correlation ids that are made by the protocol.</summary>
    public const int IdLength = 24;

    /// <summary>A forwarded transmission before its encryption for the destination relay.</summary>
    public const int PaddedProxiedTransmissionLength = 16226;

    /// <summary>The padded body of a confirmation, before the encryption between the clients.</summary>
    public const int EndToEndConfirmationLength = 15904;

    /// <summary>The padded body of any other message, before the encryption between the clients.</summary>
    public const int EndToEndMessageLength = 16000;

    /// <summary>The largest message body over all versions; what the padding towards the recipient is made for.</summary>
    public const int MaxMessageLengthOfAllVersions = 16088;

    /// <summary>Time, flags and a separator before the body, inside the encryption for the recipient.</summary>
    public const int ReceivedMessageHeaderLength = 16;

    /// <summary>The padded body towards the recipient: two bytes of length are added to the longest body and its header.</summary>
    public const int PaddedReceivedMessageLength = MaxMessageLengthOfAllVersions + ReceivedMessageHeaderLength + PaddingLength;

    /// <summary>The padded metadata of a notification.</summary>
    public const int PaddedNotificationMetaLength = 128;

    /// <summary>The encrypted fixed part of the data behind a short link: tag, nonce and padded content.</summary>
    public const int PaddedFixedLinkDataLength = 2008;

    /// <summary>The encrypted user part of the data behind a short link.</summary>
    public const int PaddedUserLinkDataLength = 13784;

    /// <summary>Messages that wait in one queue, before the marker that says that it is full.</summary>
    public const int DefaultQueueQuota = 128;

    /// <summary>The largest body of a SEND.</summary>
    public static int MaxMessageLength(SmpVersion version) =>
        version >= SmpVersions.EncryptedBlock ? 16048
        : version >= SmpVersions.SendingProxy ? 16064
        : MaxMessageLengthOfAllVersions;
}
