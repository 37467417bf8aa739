using Pairwise.Protocol.Smp;

namespace Pairwise.Client;

/// <summary>A command whose answer is awaited, or was.</summary>
internal sealed class PendingRequest(CorrId corrId, in SmpRequest request, byte[] encoded)
{
    private readonly TaskCompletionSource<SmpResult> _result = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public CorrId CorrId { get; } = corrId;

    public EntityId Entity { get; } = request.Entity;

    public SmpCommand Command { get; } = request.Command;

    /// <summary>The encoded transmission, until it is written.</summary>
    public byte[]? Encoded { get; set; } = encoded;

    public Task<SmpResult> Result => _result.Task;

    /// <summary>Whether somebody still waits; else the answer is late.</summary>
    public bool IsWaiting => !_result.Task.IsCompleted;

    /// <summary>True for the first caller.</summary>
    public bool TryFinish(SmpResult result) => _result.TrySetResult(result);
}

/// <summary>The commands without an answer, by corr id. Thread-safe.</summary>
internal sealed class PendingRequests
{
    private readonly Lock _gate = new();

    // all guarded by _gate
    private readonly Dictionary<CorrId, PendingRequest> _requests = [];
    private readonly Queue<CorrId> _givenUp = new();
    private SmpClientError? _end;

    /// <summary>False, with the reason, after the connection has ended.</summary>
    public bool TryAdd(PendingRequest request, out SmpClientError? reason)
    {
        lock (_gate)
        {
            reason = _end;
            if (reason is not null)
                return false;
            if (!_requests.TryAdd(request.CorrId, request))
                throw new InvalidOperationException("A command with this correlation id is still without its answer.");
            return true;
        }
    }

    /// <summary>Takes out the request that an answer belongs to.</summary>
    public PendingRequest? Take(CorrId corrId)
    {
        lock (_gate)
            return _requests.Remove(corrId, out var request) ? request : null;
    }

    /// <summary>The caller does not wait any more; the answer may still come, and is then told as late.</summary>
    public void GiveUp(PendingRequest request, SmpClientError reason)
    {
        if (!request.TryFinish(SmpResult.Of(reason)))
            return;
        lock (_gate)
        {
            _givenUp.Enqueue(request.CorrId);
            while (_givenUp.Count > SmpClientLimits.MaxLateAnswers)
                _requests.Remove(_givenUp.Dequeue());
        }
    }

    /// <summary>Ends all requests, and those that come later.</summary>
    public void End(SmpClientError reason)
    {
        PendingRequest[] waiting;
        lock (_gate)
        {
            _end ??= reason;
            waiting = [.. _requests.Values];
            _requests.Clear();
            _givenUp.Clear();
        }

        foreach (var request in waiting)
            request.TryFinish(SmpResult.Of(reason));
    }
}
