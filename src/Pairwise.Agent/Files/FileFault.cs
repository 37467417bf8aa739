namespace Pairwise.Agent.Files;

/// <summary>Kinds of <see cref="AgentError.File"/>.</summary>
public enum FileFault
{
    /// <summary>Servers that are not the user's own would see the IP address; the user has to approve of them.</summary>
    NotApproved,

    /// <summary>Larger than 5 GB, or a description too large to be sent as a file.</summary>
    TooLarge,

    /// <summary>A description that leads to another one leads to something else than it promises.</summary>
    Redirect,

    /// <summary>A file on this device cannot be read or written; the detail says why.</summary>
    LocalFile,

    /// <summary>What was received is not the file that the description promises: its size, digest or tag differs.</summary>
    Tampered,

    /// <summary>The user has no file server to send to.</summary>
    NoServer,

    /// <summary>The transfer did not come to its end in the time that servers keep files.</summary>
    Expired,

    /// <summary>The description has no chunks, or is one for another use.</summary>
    Description,
}
