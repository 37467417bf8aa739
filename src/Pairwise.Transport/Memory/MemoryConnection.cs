namespace Pairwise.Transport.Memory;

/// <summary>
/// A secure connection without TLS: for tests of what stands above, in one process. The session id and the certificates
/// are what the test says they are.
/// </summary>
public sealed class MemoryConnection : ISecureConnection
{
    private readonly Stream _stream;
    private readonly Lock _gate = new();
    private TransportException? _cause;

    /// <param name="stream">One end of a <see cref="MemoryDuplex"/>, or a wrapper around it that makes faults.</param>
    /// <param name="sessionId">The same on both sides.</param>
    public MemoryConnection(Stream stream, ReadOnlyMemory<byte> sessionId)
    {
        _stream = stream;
        SessionId = sessionId;
    }

    public ReadOnlyMemory<byte> SessionId { get; }

    public string? ApplicationProtocol { get; init; } = "smp/1";

    public IReadOnlyList<ReadOnlyMemory<byte>> PeerCertificates { get; init; } = [];

    public bool IsCertificateSent { get; init; }

    public bool IsServerNameUsed { get; init; }

    /// <summary>There are no records here.</summary>
    public bool HoldsPart => false;

    public async ValueTask WaitForBytesAsync(CancellationToken cancellationToken)
    {
        ThrowIfBroken();
        try
        {
#pragma warning disable CA2022 // a read of length zero waits and reads nothing: that is its use
            await _stream.ReadAsync(Memory<byte>.Empty, cancellationToken);
#pragma warning restore CA2022
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            throw Fail(e);
        }
    }

    public async ValueTask<int> ReadAsync(Memory<byte> destination, CancellationToken cancellationToken)
    {
        ThrowIfBroken();
        try
        {
            return await _stream.ReadAsync(destination, cancellationToken);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            throw Fail(e);
        }
    }

    public async ValueTask WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken)
    {
        ThrowIfBroken();
        try
        {
            await _stream.WriteAsync(source, cancellationToken);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            throw Fail(e);
        }
    }

    public void Break(TransportException cause)
    {
        lock (_gate)
            _cause ??= cause;
        _stream.Dispose();
    }

    public async ValueTask DisposeAsync()
    {
        Break(new TransportException(TransportFailure.Closed, "The connection was closed."));
        await _stream.DisposeAsync();
    }

    private TransportException Fail(Exception e)
    {
        lock (_gate)
            return _cause ??= new TransportException(TransportFailure.Closed, "The connection was lost.", e);
    }

    private void ThrowIfBroken()
    {
        lock (_gate)
        {
            if (_cause is not null)
                throw _cause;
        }
    }
}
