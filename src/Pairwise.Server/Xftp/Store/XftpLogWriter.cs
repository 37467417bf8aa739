using Microsoft.Win32.SafeHandles;
using Pairwise.Server.Smp.Logs;

namespace Pairwise.Server.Xftp.Store;

/// <summary>
/// Appends records to the store log. A record is in the hands of the operating system when the call returns, so the
/// death of the process loses none. Used under the store's lock.
/// </summary>
internal sealed class XftpLogWriter : IDisposable
{
    private readonly LogLineWriter _line = new();
    private readonly SafeFileHandle _file;
    private long _length;

    /// <summary>Opens the file for appending; it is made when it is missing.</summary>
    public XftpLogWriter(string path)
    {
        _file = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read);
        _length = RandomAccess.GetLength(_file);
    }

    /// <summary>
    /// Appends records, all or none. False when the disk refused them; then the file ends where it ended before.
    /// </summary>
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
            return true;
        }
        catch (IOException)
        {
            RandomAccess.SetLength(_file, _length);
            return false;
        }
    }

    public void Dispose() => _file.Dispose();
}
