using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;
using Pairwise.Transport;
using Pairwise.Transport.Smp;
using Pairwise.Wire;

namespace Pairwise.Client;

/// <summary>
/// One session with a relay: sends commands, many to a block, finds the answers, and hands out what the relay sends by
/// itself. Thread-safe. It does not reconnect: when the connection ends, every request fails, <see cref="Events"/> completes
/// and <see cref="Completion"/> tells why.
/// </summary>
/// <remarks>
/// One loop writes and one reads. Events are bounded by <see cref="SmpClientLimits.MaxWaitingEvents"/>; whoever reads them
/// must not wait for an answer of the same client while they are not taken.
/// </remarks>
public sealed partial class SmpClient : IAsyncDisposable
{
    // A ping that would come this much too early is put off instead.
    private static readonly TimeSpan PingTolerance = TimeSpan.FromSeconds(1);

    // The connection is not dropped for missed answers before this much silence.
    private static readonly TimeSpan RecoveryWindow = TimeSpan.FromMinutes(15);

    // fixed after construction
    private readonly SmpClientSession _session;
    private readonly SmpClientOptions _options;
    private readonly TransmissionFormat _format;
    private readonly TransmissionAuthorizer _authorizer;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task<TransportException> _run;

    // thread-safe
    private readonly PendingRequests _pending = new();
    private readonly Channel<PendingRequest> _outgoing = Channel.CreateBounded<PendingRequest>(
        new BoundedChannelOptions(SmpClientLimits.MaxWaitingCommands) { SingleReader = true });

    private readonly Channel<SmpEvent> _events = Channel.CreateBounded<SmpEvent>(
        new BoundedChannelOptions(SmpClientLimits.MaxWaitingEvents) { SingleWriter = true });

    // owned by the writer loop
    private readonly HashSet<EntityId> _entitiesInBlock = [];

    // written by the reader loop, read by the ping loop
    private long _lastReceived;
    private int _missedAnswers;
    private volatile bool _hasSubscribed;
    private int _isDisposed;

    private SmpClient(SmpClientSession session, SmpClientOptions options)
    {
        _session = session;
        _options = options;
        _format = new TransmissionFormat(session.Version, session.SessionId.Span);
        var service = session.Service is { } own ? new SmpClientService(own.CertificateHash, own.SessionKey) : null;
        _authorizer = new TransmissionAuthorizer(_format, session.ServerKey, service);
        _lastReceived = options.Time.GetTimestamp();
        _run = RunAsync();
    }

    /// <summary>The agreed version.</summary>
    public SmpVersion Version => _session.Version;

    /// <summary>What both sides know the session by.</summary>
    public Bytes SessionId => _session.SessionId;

    /// <summary>What the handshake agreed on. The client owns it.</summary>
    public SmpClientSession Session => _session;

    /// <summary>The service this client is to the relay, if it is one.</summary>
    public SmpOwnService? Service => _session.Service;

    /// <summary>What the relay sends by itself, in order. Completes when the connection has ended.</summary>
    public ChannelReader<SmpEvent> Events => _events.Reader;

    /// <summary>Completes, never with a failure, when the connection has ended, with the cause.</summary>
    public Task<TransportException> Completion => _run;

    /// <summary>Connects to a relay.</summary>
    /// <param name="server">Its address.</param>
    /// <param name="options">How to.</param>
    /// <param name="isInteractive">Whether somebody waits for it: the time is shorter then.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <exception cref="TransportException">The relay cannot be reached, is another one, or speaks no common version.</exception>
    public static async Task<SmpClient> ConnectAsync(ServerAddress server, SmpClientOptions options, bool isInteractive, CancellationToken cancellationToken) =>
        Start(await SmpConnector.ConnectAsync(server, options, isInteractive, cancellationToken), options);

    /// <summary>Takes over a session whose handshake is done.</summary>
    public static SmpClient Start(SmpClientSession session, SmpClientOptions options) => new(session, options);

    /// <summary>Sends a command and waits for its answer.</summary>
    /// <param name="request">The command.</param>
    /// <param name="isInteractive">Whether somebody waits for it: the time is shorter then.</param>
    /// <param name="cancellationToken">Stops waiting; the relay may do what it was told all the same.</param>
    public Task<SmpResult> SendAsync(SmpRequest request, bool isInteractive, CancellationToken cancellationToken) =>
        SendWithinAsync(request, _options.Network.CommandTime.For(isInteractive), cancellationToken);

    /// <summary>As the other overload, with the background's time limits.</summary>
    public Task<SmpResult> SendAsync(SmpRequest request, CancellationToken cancellationToken) =>
        SendAsync(request, isInteractive: false, cancellationToken);

    /// <summary>
    /// Sends commands in as few blocks as possible and waits for all answers: one for each command, in their order. The time
    /// is for all of them together.
    /// </summary>
    public async Task<IReadOnlyList<SmpResult>> SendBatchAsync(IReadOnlyList<SmpRequest> requests, bool isInteractive, CancellationToken cancellationToken)
    {
        var results = new SmpResult[requests.Count];
        var pending = new PendingRequest?[requests.Count];
        var bytes = 0;
        for (var i = 0; i < requests.Count; i++)
        {
            if (TryPrepare(requests[i], out var prepared, out var error))
            {
                pending[i] = prepared;
                bytes += prepared.Encoded!.Length;
            }
            else
            {
                results[i] = SmpResult.Of(error);
            }
        }

        var sent = pending.OfType<PendingRequest>().ToArray();
        try
        {
            foreach (var request in sent)
                await EnqueueAsync(request, cancellationToken);
            await Task.WhenAll(sent.Select(request => request.Result)).WaitAsync(TimeFor(bytes, _options.Network.CommandTime.For(isInteractive)), _options.Time, cancellationToken);
        }
        catch (TimeoutException)
        {
            foreach (var request in sent.Where(request => request.IsWaiting))
                GiveUp(request);
        }
        catch (OperationCanceledException)
        {
            foreach (var request in sent)
                _pending.GiveUp(request, SmpClientError.TimedOut.Instance);
            throw;
        }

        for (var i = 0; i < results.Length; i++)
        {
            if (pending[i] is { } request)
                results[i] = await request.Result;
        }

        return results;
    }

    /// <summary>As the other overload, with the background's time limits.</summary>
    public Task<IReadOnlyList<SmpResult>> SendBatchAsync(IReadOnlyList<SmpRequest> requests, CancellationToken cancellationToken) =>
        SendBatchAsync(requests, isInteractive: false, cancellationToken);

    /// <summary>Closes the connection and waits for the loops; requests that wait fail as disconnected.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) == 0)
            await _stop.CancelAsync();
        await _run;
        _stop.Dispose();
    }

    /// <summary>Sends a command whose answer may take another time than usual.</summary>
    internal async Task<SmpResult> SendWithinAsync(SmpRequest request, TimeSpan baseTime, CancellationToken cancellationToken)
    {
        if (!TryPrepare(request, out var pending, out var error))
            return SmpResult.Of(error);
        var time = TimeFor(pending.Encoded!.Length, baseTime);
        try
        {
            await EnqueueAsync(pending, cancellationToken);
            return await pending.Result.WaitAsync(time, _options.Time, cancellationToken);
        }
        catch (TimeoutException)
        {
            GiveUp(pending);

            // The answer may have come in this very moment; then it counts.
            return await pending.Result;
        }
        catch (OperationCanceledException)
        {
            _pending.GiveUp(pending, SmpClientError.TimedOut.Instance);
            throw;
        }
    }

    private bool TryPrepare(in SmpRequest request, out PendingRequest pending, out SmpClientError error)
    {
        pending = null!;
        error = null!;
        var corrId = request.CorrId ?? new CorrId(_options.Random.Bytes(SmpLimits.IdLength));
        if (!_authorizer.TryEncode(corrId, request.Entity, request.Command, request.Key, out var encoded))
        {
            error = new SmpClientError.CannotSend(TransportError.NoServerAuth);
            return false;
        }

        if (encoded.Length > BatchPlan.MaxTransmissionLength)
        {
            error = new SmpClientError.CannotSend(TransportError.LargeMessage);
            return false;
        }

        if (request.Command is SmpCommand.Sub or SmpCommand.NSub or SmpCommand.Subs or SmpCommand.NSubs
            || request.Command is SmpCommand.New { Mode: SubscriptionMode.Subscribe })
        {
            _hasSubscribed = true;
        }

        pending = new PendingRequest(corrId, request, encoded);
        if (_pending.TryAdd(pending, out var end))
            return true;
        error = end!;
        return false;
    }

    private async ValueTask EnqueueAsync(PendingRequest request, CancellationToken cancellationToken)
    {
        try
        {
            await _outgoing.Writer.WriteAsync(request, cancellationToken);
        }
        catch (ChannelClosedException)
        {
            // The connection has ended; whoever ended it has finished, or will finish, this request with the cause.
            await request.Result.WaitAsync(cancellationToken);
        }
    }

    private void GiveUp(PendingRequest request)
    {
        Interlocked.Increment(ref _missedAnswers);
        _pending.GiveUp(request, SmpClientError.TimedOut.Instance);
    }

    private TimeSpan TimeFor(int bytes, TimeSpan baseTime) => baseTime + (_options.Network.CommandTimePerKilobyte * (bytes / 1024.0));

    /// <summary>Owns the connection and the loops: the first that ends, for whatever cause, ends the others.</summary>
    private async Task<TransportException> RunAsync()
    {
        var loops = new[] { ReadAsync(_stop.Token), WriteAsync(_stop.Token), PingAsync(_stop.Token) };
        var first = await Task.WhenAny(loops);
        var cause = CauseOf(first);
        _outgoing.Writer.Complete();
        if (!_stop.IsCancellationRequested)
            _session.Blocks.Break(cause);
        await _stop.CancelAsync();
        foreach (var loop in loops)
            await loop.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _pending.End(new SmpClientError.Disconnected(cause.Failure));
        _events.Writer.Complete();
        await _session.DisposeAsync();
        Log.Ended(_options.Logger, cause.Failure);
        return cause;
    }

    private TransportException CauseOf(Task loop) => loop.Exception?.InnerException switch
    {
        TransportException transport => transport,
        null => new TransportException(TransportFailure.Closed, "The client was closed."),
        var other => Unforeseen(other),
    };

    private TransportException Unforeseen(Exception fault)
    {
        Log.LoopFailed(_options.Logger, fault);
        return new TransportException(TransportFailure.Closed, "The client failed.", fault);
    }

    private async Task WriteAsync(CancellationToken cancellationToken)
    {
        while (await _outgoing.Reader.WaitToReadAsync(cancellationToken))
        {
            var block = new Block();
            var length = Fill(block);
            if (length == 0)
            {
                block.Dispose();
                continue;
            }

            block.SetContentLength(length);
            await _session.Blocks.WriteAsync(block, cancellationToken);
        }
    }

    /// <summary>
    /// Puts as many of the waiting commands into a block as it holds; 0 when nobody waits for their answers any more. Two
    /// commands about one entity never share a block: the reference carries out those of a block from the last to the
    /// first, so their order would be lost.
    /// </summary>
    private int Fill(Block block)
    {
        var batch = new BatchWriter(block.Room, _format);
        _entitiesInBlock.Clear();
        while (_outgoing.Reader.TryPeek(out var request))
        {
            if (request.IsWaiting && request.Encoded is { } encoded)
            {
                if (!request.Entity.IsEmpty && _entitiesInBlock.Contains(request.Entity))
                    break;
                if (!batch.TryAppend(encoded))
                    break;
                _entitiesInBlock.Add(request.Entity);
            }

            request.Encoded = null;
            _outgoing.Reader.TryRead(out _);
        }

        return batch.Count == 0 ? 0 : batch.WrittenSpan.Length;
    }

    private async Task ReadAsync(CancellationToken cancellationToken)
    {
        var events = new List<SmpEvent>();
        while (true)
        {
            byte[] content;
            using (var block = await _session.Blocks.ReadAsync(cancellationToken))
            {
                if (block is null)
                    throw new TransportException(TransportFailure.Closed, "The relay closed the connection.");

                // What is decoded below borrows from this copy, so that callers may keep it.
                content = block.Content.ToArray();
            }

            Volatile.Write(ref _lastReceived, _options.Time.GetTimestamp());
            Volatile.Write(ref _missedAnswers, 0);
            Handle(content, events);
            foreach (var received in events)
                await _events.Writer.WriteAsync(received, cancellationToken);
            events.Clear();
        }
    }

    private void Handle(byte[] content, List<SmpEvent> events)
    {
        if (!BatchReader.TryOpen(content, _format, out var batch))
            throw new TransportException(TransportError.Block, "The relay sent a block that is no batch.");
        while (batch.TryReadNext(out var transmission))
        {
            var isRead = transmission.TryDecodeMessage(Version, out var message, out var error);
            var request = transmission.CorrId.IsEmpty ? null : _pending.Take(transmission.CorrId);
            if (!isRead)
            {
                if (request is null || !request.TryFinish(SmpResult.Of(new SmpClientError.BadAnswer(error!))))
                    Log.BadMessage(_options.Logger);
                continue;
            }

            if (request is null)
            {
                if (transmission.CorrId.IsEmpty)
                    events.Add(new SmpEvent(transmission.Entity, message!));
                else
                    Log.UnknownAnswer(_options.Logger);
                continue;
            }

            var result = request.Entity == transmission.Entity || (message is BrokerMessage.Err && transmission.Entity.IsEmpty)
                ? SmpResult.Of(message!)
                : SmpResult.Of(SmpClientError.Unexpected.Instance);
            if (!request.TryFinish(result))
                events.Add(new SmpEvent(transmission.Entity, message!, request.Command));
        }
    }

    /// <summary>Pings a relay that is silent while something is subscribed, and drops it when it does not answer.</summary>
    private async Task PingAsync(CancellationToken cancellationToken)
    {
        var interval = _options.Network.PingInterval;
        if (interval <= TimeSpan.Zero)
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, _options.Time, cancellationToken);
            return;
        }

        for (var delay = interval; ;)
        {
            await Task.Delay(delay, _options.Time, cancellationToken);
            var remaining = interval - Silence;
            if (remaining > PingTolerance)
            {
                delay = remaining;
                continue;
            }

            if (_hasSubscribed)
                await SendAsync(new SmpRequest(SmpCommand.Ping.Instance), cancellationToken);
            var max = _options.Network.MaxMissedAnswers;
            if (max > 0 && Volatile.Read(ref _missedAnswers) >= max && Silence >= RecoveryWindow)
                throw new TransportException(TransportFailure.TimedOut, "The relay does not answer.");
            delay = interval;
        }
    }

    private TimeSpan Silence => _options.Time.GetElapsedTime(Volatile.Read(ref _lastReceived));

    private static partial class Log
    {
        [LoggerMessage(EventId = 4001, Level = LogLevel.Debug, Message = "The session with a relay ended: {Failure}.")]
        public static partial void Ended(ILogger logger, TransportFailure failure);

        [LoggerMessage(EventId = 4002, Level = LogLevel.Error, Message = "A loop of an SMP client failed.")]
        public static partial void LoopFailed(ILogger logger, Exception exception);

        [LoggerMessage(EventId = 4003, Level = LogLevel.Warning, Message = "A relay sent a message that does not parse; it was left out.")]
        public static partial void BadMessage(ILogger logger);

        [LoggerMessage(EventId = 4004, Level = LogLevel.Debug, Message = "A relay sent an answer that nobody waits for.")]
        public static partial void UnknownAnswer(ILogger logger);
    }
}
