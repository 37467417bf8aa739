namespace Pairwise.Client.Xftp;

/// <summary>A time limit for silence: it begins anew whenever something moves.</summary>
internal sealed class MovingLimit : IDisposable
{
    private readonly TimeSpan _time;
    private readonly CancellationTokenSource _source;

    public MovingLimit(TimeSpan time, TimeProvider provider)
    {
        _time = time;
        _source = new CancellationTokenSource(time, provider);
    }

    public CancellationToken Token => _source.Token;

    public void Restart() => _source.CancelAfter(_time);

    public void Dispose() => _source.Dispose();
}
