namespace Pairwise.Agent.Files;

/// <summary>The files of chunks, one behind the other, as one sequence of bytes. Not thread-safe.</summary>
internal sealed class ChunkReader(IEnumerable<string> paths) : IAsyncDisposable
{
    private readonly IEnumerator<string> _paths = paths.GetEnumerator();
    private FileStream? _file;

    /// <summary>Fills the buffer.</summary>
    /// <exception cref="EndOfStreamException">The files are shorter together.</exception>
    public async Task ReadExactlyAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        while (!buffer.IsEmpty)
        {
            if (_file is null)
            {
                if (!_paths.MoveNext()) throw new EndOfStreamException("the chunks are shorter than the file.");
                _file = new FileStream(_paths.Current, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0, FileOptions.Asynchronous | FileOptions.SequentialScan);
            }

            var read = await _file.ReadAsync(buffer, cancellationToken);
            buffer = buffer[read..];
            if (read > 0) continue;
            await _file.DisposeAsync();
            _file = null;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_file is not null) await _file.DisposeAsync();
        _paths.Dispose();
    }
}
