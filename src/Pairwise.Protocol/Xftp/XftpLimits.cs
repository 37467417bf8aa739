namespace Pairwise.Protocol.Xftp;

/// <summary>Sizes of the file protocol, in bytes unless said otherwise. Source: xftp.md and the reference's behaviour.</summary>
public static class XftpLimits
{
    /// <summary>The block that every request and every answer begins with; a chunk's content follows it.</summary>
    public const int BlockSize = 16_384;

    /// <summary>What a block holds without the length of its content.</summary>
    public const int MaxBlockContent = BlockSize - 2;

    /// <summary>The ids that servers give to chunks and their recipients.</summary>
    public const int ChunkIdLength = 16;

    /// <summary>The tag behind encrypted content: of a whole file, and of each download.</summary>
    public const int TagLength = 16;

    /// <summary>The length that stands before a file's header and content.</summary>
    public const int FileLengthSize = 8;

    /// <summary>What a browser sends to have the server's identity proved.</summary>
    public const int ChallengeLength = 32;

    /// <summary>The longest file name in a header that readers look at, with everything else in the header.</summary>
    public const int MaxFileHeader = 1024;

    /// <summary>The largest file that a sender should send: 1 GB.</summary>
    public const long SoftMaxFileSize = 1L << 30;

    /// <summary>The largest file that a receiver accepts: 5 GB, after encryption.</summary>
    public const long HardMaxFileSize = 5L << 30;

    /// <summary>Recipients that a client registers with one command.</summary>
    public const int MaxRecipientsInCommand = 200;

    /// <summary>The longest text of a file description that is looked at.</summary>
    public const int MaxDescriptionLength = 8 * 1024 * 1024;

    /// <summary>The most chunks of a file description: 5 GB in chunks of 64 KB.</summary>
    public const int MaxChunks = 81_920;

    /// <summary>The most copies of chunks in a file description.</summary>
    public const int MaxReplicas = 4 * MaxChunks;
}
