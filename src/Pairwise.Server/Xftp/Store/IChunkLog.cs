namespace Pairwise.Server.Xftp.Store;

/// <summary>Where every change of the chunks goes before it is made: a log file, or a database.</summary>
internal interface IChunkLog : IAsyncDisposable
{
    /// <summary>Takes records, all or none, in the order of the calls. False when they cannot be kept. Called under the store's lock.</summary>
    bool TryWrite(params ReadOnlySpan<XftpLogRecord> records);

    /// <summary>Completes when everything taken before the call survives a failure of the power. Answers wait for it. Thread-safe.</summary>
    /// <exception cref="IOException">It cannot be stored now.</exception>
    ValueTask WhenWrittenAsync();
}
