using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using Pairwise.Transport;

namespace Pairwise.Server.Xftp.Http;

/// <summary>One of our TLS connections as Kestrel sees it. It names no address of the peer.</summary>
internal sealed class SecureConnectionContext : ConnectionContext, IDuplexPipe, IMemoryPoolFeature
{
    // The system's socket buffers stand behind these; a larger piece makes fewer TLS records and calls.
    private const int ReadBuffer = 64 * 1024;
    private const int LeastRead = 16 * 1024; // a whole record, which is then opened in place
    private const int WriteBuffer = 64 * 1024;

    private readonly CancellationTokenSource _closed = new();
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ISecureConnection _connection;

    public SecureConnectionContext(ISecureConnection connection, long number, XftpSession session)
    {
        _connection = connection;
        ConnectionId = number.ToString(System.Globalization.CultureInfo.InvariantCulture);
        var stream = new SecureStream(connection);
        Input = PipeReader.Create(stream, new StreamPipeReaderOptions(bufferSize: ReadBuffer, minimumReadSize: LeastRead, leaveOpen: true, useZeroByteReads: true));
        Output = PipeWriter.Create(stream, new StreamPipeWriterOptions(minimumBufferSize: WriteBuffer, leaveOpen: true));
        Transport = this;
        ConnectionClosed = _closed.Token;
        Features.Set(session);
        Features.Set<IMemoryPoolFeature>(this);
    }

    public PipeReader Input { get; }

    public PipeWriter Output { get; }

    public MemoryPool<byte> MemoryPool => BulkMemory.Instance;

    public override IDuplexPipe Transport { get; set; }

    public override string ConnectionId { get; set; }

    public override IFeatureCollection Features { get; } = new FeatureCollection();

    public override IDictionary<object, object?> Items { get; set; } = new ConnectionItems();

    public override CancellationToken ConnectionClosed { get; set; }

    public override EndPoint? RemoteEndPoint { get; set; }

    public override EndPoint? LocalEndPoint { get; set; }

    /// <summary>Completes when Kestrel has done with the connection.</summary>
    public Task Done => _done.Task;

    public override void Abort(ConnectionAbortedException abortReason)
    {
        _connection.Break(new TransportException(TransportFailure.Closed, "The connection was given up."));
        Close();
    }

    public override async ValueTask DisposeAsync()
    {
        try
        {
            await Input.CompleteAsync();
            await Output.CompleteAsync();
        }
        catch (IOException)
        {
            // The peer went first: HTTP's farewell has nobody to go to.
            _connection.Break(new TransportException(TransportFailure.Closed, "The peer has gone."));
        }
        finally
        {
            Close();
            _done.TrySetResult();
            await base.DisposeAsync();
        }
    }

    private void Close()
    {
        if (!_closed.IsCancellationRequested)
        {
            _closed.Cancel();
        }
    }
}
