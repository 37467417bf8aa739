using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;
using Pairwise.Wire;

namespace Pairwise.Transport.Smp;

/// <summary>The handshake's messages as blocks.</summary>
internal static class HandshakeBlocks
{
    public static ValueTask SendAsync(BlockConnection blocks, SmpServerHello hello, CancellationToken cancellationToken)
    {
        var block = new Block();
        var writer = new WireWriter(block.Room);
        SmpHandshakeCodec.Write(hello, ref writer);
        return SendAsync(blocks, block, writer.Written, cancellationToken);
    }

    public static ValueTask SendAsync(BlockConnection blocks, SmpClientHello hello, CancellationToken cancellationToken)
    {
        var block = new Block();
        var writer = new WireWriter(block.Room);
        SmpHandshakeCodec.Write(hello, ref writer);
        return SendAsync(blocks, block, writer.Written, cancellationToken);
    }

    public static ValueTask SendAsync(BlockConnection blocks, SmpServiceAnswer answer, CancellationToken cancellationToken)
    {
        var block = new Block();
        var writer = new WireWriter(block.Room);
        SmpHandshakeCodec.Write(answer, ref writer);
        return SendAsync(blocks, block, writer.Written, cancellationToken);
    }

    public static async ValueTask<Block> ReceiveAsync(BlockConnection blocks, CancellationToken cancellationToken) =>
        await blocks.ReadAsync(cancellationToken)
        ?? throw new TransportException(TransportFailure.Closed, "The peer closed the connection during the handshake.");

    private static ValueTask SendAsync(BlockConnection blocks, Block block, int length, CancellationToken cancellationToken)
    {
        block.SetContentLength(length);
        return blocks.WriteAsync(block, cancellationToken);
    }
}

/// <summary>When blocks are encrypted once more inside TLS.</summary>
internal static class BlockEncryption
{
    public static bool IsUsed(SmpVersion version, bool isProxy, SharedSecret? secret) =>
        secret is not null && !isProxy && version >= SmpVersions.EncryptedBlock;
}

/// <summary>A chain's certificates in the form hellos carry them.</summary>
internal sealed class ValueListOfCertificates(CertificateChain chain)
{
    public ValueList<Bytes> Certificates { get; } = [.. chain.Certificates.Select(certificate => Bytes.CopyOf(certificate.Der.Span))];
}
