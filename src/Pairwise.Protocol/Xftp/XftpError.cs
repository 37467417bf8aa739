using Pairwise.Protocol.Smp;

namespace Pairwise.Protocol.Xftp;

/// <summary>What a file server answers when it says no: exactly the list of the wire. A value, never an exception.</summary>
public abstract record XftpError
{
    private protected XftpError()
    {
    }

    /// <summary>BLOCK: the block or the transmission in it does not parse, or a signature has an impossible size.</summary>
    public sealed record Block : XftpError
    {
        public static readonly Block Instance = new();
    }

    /// <summary>SESSION: the session id is not this connection's, or a browser has not shaken hands.</summary>
    public sealed record Session : XftpError
    {
        public static readonly Session Instance = new();
    }

    /// <summary>HANDSHAKE: a hello that does not parse, a wrong key hash, or a version that is not spoken here.</summary>
    public sealed record Handshake : XftpError
    {
        public static readonly Handshake Instance = new();
    }

    /// <summary>CMD: the command is unknown, malformed, or lacks or has credentials.</summary>
    public sealed record Command(CommandError Reason) : XftpError
    {
        public static readonly Command Unknown = new(CommandError.Unknown);
        public static readonly Command Syntax = new(CommandError.Syntax);
        public static readonly Command Prohibited = new(CommandError.Prohibited);
        public static readonly Command NoAuth = new(CommandError.NoAuth);
        public static readonly Command HasAuth = new(CommandError.HasAuth);
        public static readonly Command NoEntity = new(CommandError.NoEntity);
    }

    /// <summary>AUTH: there is no such chunk (any more), or the credentials are not its own; nobody can tell which.</summary>
    public sealed record Auth : XftpError
    {
        public static readonly Auth Instance = new();
    }

    /// <summary>BLOCKED (since <see cref="XftpVersions.BlockedFiles"/>; AUTH before): the operator blocked the chunk.</summary>
    public sealed record Blocked(BlockingReason Reason, ClientNotice? Notice = null) : XftpError;

    /// <summary>SIZE: a chunk size that is not allowed, or a body of another size than announced.</summary>
    public sealed record Size : XftpError
    {
        public static readonly Size Instance = new();
    }

    /// <summary>QUOTA: the server's storage is full.</summary>
    public sealed record Quota : XftpError
    {
        public static readonly Quota Instance = new();
    }

    /// <summary>DIGEST: the body is not the one that was announced.</summary>
    public sealed record Digest : XftpError
    {
        public static readonly Digest Instance = new();
    }

    /// <summary>CRYPTO: the body does not decrypt.</summary>
    public sealed record Crypto : XftpError
    {
        public static readonly Crypto Instance = new();
    }

    /// <summary>NO_FILE: no body where there should be one, or nothing was uploaded yet.</summary>
    public sealed record NoFile : XftpError
    {
        public static readonly NoFile Instance = new();
    }

    /// <summary>HAS_FILE: a body where there should be none.</summary>
    public sealed record HasFile : XftpError
    {
        public static readonly HasFile Instance = new();
    }

    /// <summary>FILE_IO: the server's disk failed.</summary>
    public sealed record FileIO : XftpError
    {
        public static readonly FileIO Instance = new();
    }

    /// <summary>TIMEOUT: the body did not arrive in time.</summary>
    public sealed record Timeout : XftpError
    {
        public static readonly Timeout Instance = new();
    }

    /// <summary>INTERNAL: anything else that went wrong inside the server.</summary>
    public sealed record Internal : XftpError
    {
        public static readonly Internal Instance = new();
    }

    /// <summary>DUPLICATE_: never sent by a server, yet on the wire's list.</summary>
    public sealed record Duplicate : XftpError
    {
        public static readonly Duplicate Instance = new();
    }

    /// <summary>The wire's own text of the error.</summary>
    public sealed override string ToString() => System.Text.Encoding.UTF8.GetString(XftpErrorCodec.Encode(this));
}
