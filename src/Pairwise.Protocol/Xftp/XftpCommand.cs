using Pairwise.Crypto;
using Pairwise.Wire;

namespace Pairwise.Protocol.Xftp;

/// <summary>What a sender announces about a chunk before uploading it.</summary>
/// <param name="SenderKey">Authorizes the sender's commands: Ed25519, Ed448 or X25519.</param>
/// <param name="Size">Bytes of the chunk; servers take those of <see cref="ChunkPlan.Sizes"/>.</param>
/// <param name="Digest">SHA-256 of the chunk's bytes; any length parses.</param>
public sealed record ChunkInfo(PublicKey SenderKey, uint Size, Bytes Digest);

/// <summary>What a client asks a file server. The hierarchy is closed and grouped by who may ask.</summary>
public abstract record XftpCommand
{
    private protected XftpCommand()
    {
    }

    /// <summary>Commands of the one who uploads.</summary>
    public abstract record SenderCommand : XftpCommand
    {
        private protected SenderCommand()
        {
        }
    }

    /// <summary>Commands of one of those who download, and the ping that anybody may send.</summary>
    public abstract record RecipientCommand : XftpCommand
    {
        private protected RecipientCommand()
        {
        }
    }

    /// <summary>FNEW: register a chunk with its recipients; answered by SIDS. Signed with the key inside it.</summary>
    /// <param name="Chunk">What will be uploaded.</param>
    /// <param name="RecipientKeys">1 to 255 keys, one for each recipient.</param>
    /// <param name="Password">The server's password, if it asks for one.</param>
    public sealed record New(ChunkInfo Chunk, ValueList<PublicKey> RecipientKeys, BasicAuth? Password) : SenderCommand;

    /// <summary>FADD: register more recipients; answered by RIDS.</summary>
    public sealed record Add(ValueList<PublicKey> RecipientKeys) : SenderCommand;

    /// <summary>FPUT: upload the body that follows the block; answered by OK.</summary>
    public sealed record Put : SenderCommand
    {
        public static readonly Put Instance = new();
    }

    /// <summary>FDEL: delete the chunk for everybody; answered by OK.</summary>
    public sealed record Delete : SenderCommand
    {
        public static readonly Delete Instance = new();
    }

    /// <summary>FGET: download; answered by FILE and the encrypted body.</summary>
    /// <param name="Key">The recipient's fresh key for this download's encryption.</param>
    public sealed record Get(X25519PublicKey Key) : RecipientCommand;

    /// <summary>FACK: this recipient has it and will not ask again; answered by OK.</summary>
    public sealed record Ack : RecipientCommand
    {
        public static readonly Ack Instance = new();
    }

    /// <summary>PING: answered by PONG.</summary>
    public sealed record Ping : RecipientCommand
    {
        public static readonly Ping Instance = new();
    }
}

/// <summary>What a file server answers.</summary>
public abstract record XftpResponse
{
    private protected XftpResponse()
    {
    }

    /// <summary>SIDS: the chunk is registered.</summary>
    /// <param name="Sender">The sender's id of it.</param>
    /// <param name="Recipients">The recipients' ids, in the order of their keys.</param>
    public sealed record SenderIds(ChunkId Sender, ValueList<ChunkId> Recipients) : XftpResponse;

    /// <summary>RIDS: the recipients are registered, in the order of their keys.</summary>
    public sealed record RecipientIds(ValueList<ChunkId> Recipients) : XftpResponse;

    /// <summary>FILE: the body follows the block, encrypted for this download alone, its tag behind it.</summary>
    /// <param name="Key">The server's fresh key.</param>
    /// <param name="Nonce">24 bytes.</param>
    public sealed record File(X25519PublicKey Key, Bytes Nonce) : XftpResponse;

    /// <summary>OK: it is done.</summary>
    public sealed record Ok : XftpResponse
    {
        public static readonly Ok Instance = new();
    }

    /// <summary>ERR: no.</summary>
    public sealed record Err(XftpError Error) : XftpResponse;

    /// <summary>PONG: alive.</summary>
    public sealed record Pong : XftpResponse
    {
        public static readonly Pong Instance = new();
    }
}
