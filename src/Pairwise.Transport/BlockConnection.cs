using System.Buffers.Binary;
using Pairwise.Crypto;
using Pairwise.Protocol.Smp;
using Pairwise.Wire;

namespace Pairwise.Transport;

/// <summary>
/// Blocks of 16,384 bytes over a secure connection, with the additional encryption inside TLS once both sides agreed on it.
/// One task reads, one task writes. While it waits for a block it holds no buffer. It owns the connection.
/// </summary>
/// <remarks>
/// The content of a sent block is at most 16,366 bytes in both forms: the encrypted form's limit is kept for the plain one
/// too, where the wire would allow 16 bytes more, so that a block has one room.
/// </remarks>
public sealed class BlockConnection(ISecureConnection connection) : IAsyncDisposable
{
    /// <summary>Content of one block that can always be sent, in bytes.</summary>
    public const int MaxContent = Block.Size - Block.TagLength - Block.PrefixLength;

    // A block is one record, or a few. Of many small ones the reader gives its thread back in between: others may wait for it.
    private const int PiecesInRow = 32;

    // owned by the writer
    private SecretBoxChain? _sendChain;

    // owned by the reader
    private SecretBoxChain? _receiveChain;
    private long _begun;
    private long _received;

    /// <summary>Blocks of which the peer has sent something.</summary>
    public long Begun => Volatile.Read(ref _begun);

    /// <summary>Blocks that came whole. When it stays one behind <see cref="Begun"/>, the peer does not finish one.</summary>
    public long Received => Volatile.Read(ref _received);

    /// <summary>The connection below.</summary>
    public ISecureConnection Connection { get; } = connection;

    /// <summary>
    /// For a relay: a block that does not open is given as one without content, which no batch is, instead of ending the
    /// connection. To be set before the first read.
    /// </summary>
    public bool KeepsUnreadable { get; set; }

    /// <summary>Whether blocks are encrypted inside TLS.</summary>
    public bool IsEncrypted => _sendChain is not null;

    /// <summary>
    /// Turns the additional encryption on for all blocks that follow, in both directions. To be called once, when no read
    /// and no write is going on.
    /// </summary>
    public void Encrypt(SecretBoxChain send, SecretBoxChain receive)
    {
        _sendChain = send;
        _receiveChain = receive;
    }

    /// <summary>The next block, which the caller disposes; null when the peer closed the connection between blocks.</summary>
    /// <exception cref="TransportException">
    /// The connection is lost, or the block does not open and is not to be kept; it is broken then.
    /// </exception>
    public async ValueTask<Block?> ReadAsync(CancellationToken cancellationToken)
    {
        await Connection.WaitForBytesAsync(cancellationToken);
        var block = new Block();
        try
        {
            for (var (read, pieces) = (0, 1); read < Block.Size; pieces++)
            {
                var count = await Connection.ReadAsync(block.Array.AsMemory(read, Block.Size - read), cancellationToken);
                if (count == 0)
                {
                    if (read > 0)
                        throw Break(new TransportException(TransportFailure.Closed, "The peer closed the connection within a block."));
                    block.Dispose();
                    return null;
                }

                if (read == 0)
                    Volatile.Write(ref _begun, _begun + 1);
                read += count;
                if (pieces % PiecesInRow == 0)
                    await Task.Yield();
            }

            Volatile.Write(ref _received, _begun);
            if (!TryOpen(block))
            {
                if (!KeepsUnreadable)
                    throw Break(new TransportException(TransportError.Block, "A block of the peer does not open."));
                block.SetUnreadable();
            }

            return block;
        }
        catch
        {
            block.Dispose();
            throw;
        }
    }

    /// <summary>Sends a block, which it takes over and disposes.</summary>
    /// <exception cref="TransportException">The connection is lost.</exception>
    public async ValueTask WriteAsync(Block block, CancellationToken cancellationToken)
    {
        try
        {
            Seal(block);
            await Connection.WriteAsync(block.Array.AsMemory(0, Block.Size), cancellationToken);
        }
        finally
        {
            block.Dispose();
        }
    }

    /// <summary>Sends a block with a copy of <paramref name="content"/>, which has to fit.</summary>
    public ValueTask WriteAsync(ReadOnlySpan<byte> content, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(content.Length, MaxContent);
        var block = new Block();
        content.CopyTo(block.Room);
        block.SetContentLength(content.Length);
        return WriteAsync(block, cancellationToken);
    }

    /// <summary>Ends the connection at once and gives the cause back, to be thrown.</summary>
    public TransportException Break(TransportException cause)
    {
        Connection.Break(cause);
        return cause;
    }

    public async ValueTask DisposeAsync()
    {
        await Connection.DisposeAsync();
        _sendChain?.Dispose();
        _receiveChain?.Dispose();
    }

    // block = plainBlock / encryptedBlock ; 16384 bytes
    // plainBlock = contentLength(2) content *"#"
    // encryptedBlock = tag(16) encrypted(contentLength(2) content *"#") ; since version 11
    private void Seal(Block block)
    {
        const byte Filler = (byte)'#';
        var array = block.Array.AsSpan(0, Block.Size);
        var length = block.Content.Length;
        if (_sendChain is null)
        {
            block.Content.Span.CopyTo(array[Block.PrefixLength..]);
            BinaryPrimitives.WriteUInt16BigEndian(array, (ushort)length);
            array[(Block.PrefixLength + length)..].Fill(Filler);
            block.SetContent(Block.PrefixLength, length);
            return;
        }

        var plain = array[Block.TagLength..];
        BinaryPrimitives.WriteUInt16BigEndian(plain, (ushort)length);
        plain[(Block.PrefixLength + length)..].Fill(Filler);
        _sendChain.Seal(plain, array);
        block.SetSealed();
    }

    private bool TryOpen(Block block)
    {
        var array = block.Array.AsSpan(0, Block.Size);
        var start = 0;
        if (_receiveChain is not null)
        {
            start = Block.TagLength;
            if (!_receiveChain.TryOpen(array, array[start..]))
                return false;
        }

        if (!Padding.TryUnpad(array[start..], out var content))
            return false;
        block.SetContent(start + Block.PrefixLength, content.Length);
        return true;
    }
}
