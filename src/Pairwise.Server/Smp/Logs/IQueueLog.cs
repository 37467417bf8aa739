namespace Pairwise.Server.Smp.Logs;

/// <summary>Where every change of a queue's record goes, in the order of the changes of one queue. Thread-safe.</summary>
public interface IQueueLog
{
    /// <summary>
    /// Takes one record. False when it cannot be kept; the command then answers STORE. What the record says is read during
    /// the call, while the queue is locked.
    /// </summary>
    bool TryWrite(StoreLogRecord record);
}
