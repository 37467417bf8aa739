namespace Pairwise.Server.Xftp.Operation;

/// <summary>What a file server counts, by the reference's names.</summary>
public enum XftpCounter
{
    FilesCreated,
    FileRecipients,
    FilesUploaded,
    FilesExpired,
    FilesDeleted,
    FilesBlocked,
    FilesCount,
    FilesSize,
    FileDownloads,
    FileDownloadAcks,
}

/// <summary>Counters of one server. Thread-safe. They say how much happened, never to whom.</summary>
public sealed class XftpStatistics
{
    private readonly long[] _counters = new long[Enum.GetValues<XftpCounter>().Length];
    private long _from;

    /// <summary>When counting began: at the first start, or when the last daily line was written.</summary>
    public DateTimeOffset From
    {
        get => new(Interlocked.Read(ref _from), TimeSpan.Zero);
        set => Interlocked.Exchange(ref _from, value.UtcTicks);
    }

    /// <summary>The value since the start, or since it was taken.</summary>
    public long this[XftpCounter counter]
    {
        get => Interlocked.Read(ref _counters[(int)counter]);
        set => Interlocked.Exchange(ref _counters[(int)counter], value);
    }

    /// <summary>Sets a counter back to zero and gives what it was.</summary>
    public long Take(XftpCounter counter) => Interlocked.Exchange(ref _counters[(int)counter], 0);

    internal void Add(XftpCounter counter, long count = 1) => Interlocked.Add(ref _counters[(int)counter], count);
}
