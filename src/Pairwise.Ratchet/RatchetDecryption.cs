namespace Pairwise.Ratchet;

/// <summary>
/// The outcome of a decryption: a plaintext or an error, and what must be stored in one transaction with it.
/// </summary>
/// <remarks>Owns the new state and the diff: dispose it once they are stored.</remarks>
public sealed class RatchetDecryption : IDisposable
{
    private RatchetDecryption(byte[]? message, RatchetError? error, RatchetState? nextState, SkippedKeyDiff diff)
    {
        Message = message;
        Error = error;
        NextState = nextState;
        SkippedKeys = diff;
    }

    /// <summary>The plaintext without its padding; null when there is an <see cref="Error"/>.</summary>
    public byte[]? Message { get; }

    /// <summary>Why there is no plaintext; null when there is one.</summary>
    public RatchetError? Error { get; }

    /// <summary>
    /// The state to store, or null when the state stays as it was and nothing is to be stored for it. A message whose
    /// header was authentic but whose body was not still advances the ratchet: then there is an error and a state.
    /// </summary>
    public RatchetState? NextState { get; }

    /// <summary>The change of the stored skipped message keys; may be there without a new state.</summary>
    public SkippedKeyDiff SkippedKeys { get; }

    /// <summary>Whether anything has to be stored.</summary>
    public bool HasChanges => NextState is not null || SkippedKeys is not SkippedKeyDiff.None;

    public void Dispose()
    {
        NextState?.Dispose();
        SkippedKeys.Dispose();
    }

    /// <summary>Nothing came of it and nothing changes: the message leaves no trace.</summary>
    internal static RatchetDecryption Refused(RatchetErrorKind kind) =>
        new(null, new RatchetError(kind), null, SkippedKeyDiff.None.Instance);

    internal static RatchetDecryption Failed(RatchetError error, RatchetState? nextState, SkippedKeyDiff diff) =>
        new(null, error, nextState, diff);

    internal static RatchetDecryption Of(byte[]? message, RatchetErrorKind failure, RatchetState? nextState, SkippedKeyDiff diff) =>
        message is null ? Failed(new RatchetError(failure), nextState, diff) : new(message, null, nextState, diff);
}
