using Microsoft.Win32.SafeHandles;
using Pairwise.Server.Smp.Logs;

namespace Pairwise.Server.Xftp.Store;

/// <summary>
/// Appends records to the store log. A record is in the hands of the operating system when <see cref="TryWrite"/> returns,
/// so the death of the process loses none; <see cref="WhenWrittenAsync"/> waits for the disk.
/// </summary>
internal sealed class XftpLogWriter : IChunkLog
{
    private readonly LogLineWriter _line = new();
    private readonly SafeFileHandle _file;
    private readonly GroupedFlush _flush;
    private long _length;

    /// <summary>Opens the file for appending; it is made when it is missing.</summary>
    public XftpLogWriter(string path)
    {
        _file = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read);
        _length = RandomAccess.GetLength(_file);
        _flush = new GroupedFlush(() => RandomAccess.FlushToDisk(_file));
    }

    /// <inheritdoc/>
    /// <remarks>When the disk refuses, the file ends where it ended before, so that no record continues a torn line.</remarks>
    public bool TryWrite(params ReadOnlySpan<XftpLogRecord> records)
    {
        _line.Clear();
        foreach (var record in records)
        {
            XftpLogCodec.Write(_line, record);
            _line.Text("\n"u8);
        }

        try
        {
            RandomAccess.Write(_file, _line.Written, _length);
            _length += _line.Length;
            _flush.Add();
            return true;
        }
        catch (IOException)
        {
            RandomAccess.SetLength(_file, _length);
            return false;
        }
    }

    public ValueTask WhenWrittenAsync() => _flush.WhenFlushedAsync();

    public async ValueTask DisposeAsync()
    {
        await _flush.DisposeAsync();
        _file.Dispose();
    }
}
