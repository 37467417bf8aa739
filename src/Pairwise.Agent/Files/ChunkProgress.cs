namespace Pairwise.Agent.Files;

/// <summary>Bytes of one chunk as they move; they count for nothing again if the attempt fails. Not thread-safe.</summary>
internal sealed class ChunkProgress(ActiveTransfer transfer, Action<long> tell, long stored, long total) : IProgress<int>
{
    private long _moved;

    public void Report(int value)
    {
        _moved += value;
        if (transfer.Move(value, stored, total) is { } done) tell(done);
    }

    public void TakeBack()
    {
        transfer.Move(-_moved, stored, total);
        _moved = 0;
    }
}
