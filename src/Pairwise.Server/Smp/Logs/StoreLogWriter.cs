using Microsoft.Win32.SafeHandles;
using Pairwise.Server.Smp.Store;

namespace Pairwise.Server.Smp.Logs;

/// <summary>
/// Appends records to the store log. A record is in the hands of the operating system when the call returns, so the
/// death of the process loses none. Thread-safe.
/// </summary>
public sealed class StoreLogWriter : IQueueLog, IDisposable
{
    private readonly Lock _gate = new();
    private readonly LogLineWriter _line = new();
    private readonly SafeFileHandle _file;
    private long _length;

    /// <summary>Opens the file for appending; it is made when it is missing.</summary>
    public StoreLogWriter(string path)
    {
        _file = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read);
        _length = RandomAccess.GetLength(_file);
    }

    /// <summary>Who wants to know how long writing takes.</summary>
    public DiskWatch Disk { get; set; } = new(TimeProvider.System);

    /// <summary>
    /// Appends one record. False when the disk refused it; then the file ends where it ended before, so that the
    /// next record does not continue a torn line.
    /// </summary>
    public bool TryWrite(StoreLogRecord record)
    {
        using DiskWatch.Work work = Disk.Begin();
        lock (_gate)
        {
            _line.Clear();
            StoreLogCodec.Write(_line, record);
            _line.Text("\n"u8);
            try
            {
                RandomAccess.Write(_file, _line.Written, _length);
                _length += _line.Length;
                return true;
            }
            catch (IOException)
            {
                RandomAccess.SetLength(_file, _length);
                return false;
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();
}
