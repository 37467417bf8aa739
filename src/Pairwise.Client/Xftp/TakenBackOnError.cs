namespace Pairwise.Client.Xftp;

/// <summary>The progress of one attempt, which counts for nothing when it fails. For one caller at a time.</summary>
internal sealed class TakenBackOnError(IProgress<int>? progress) : IProgress<int>
{
    private int _reported;

    /// <inheritdoc/>
    public void Report(int value)
    {
        _reported += value;
        progress?.Report(value);
    }

    /// <summary>The attempt failed: what was reported is subtracted again.</summary>
    public void TakeBack() => progress?.Report(-_reported);
}
