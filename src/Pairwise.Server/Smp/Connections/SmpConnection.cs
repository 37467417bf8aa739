using System.Buffers;
using System.Diagnostics;
using System.Security.Cryptography;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;
using Pairwise.Server.Smp.Forwarding;
using Pairwise.Server.Smp.Store;
using Pairwise.Server.Smp.Subscribing;
using Pairwise.Transport;
using Pairwise.Transport.Smp;

namespace Pairwise.Server.Smp.Connections;

/// <summary>
/// One client of the relay after its handshake: reads blocks, has their commands carried out, and writes what comes
/// back. <see cref="RunAsync"/> owns it from the first block to the release of its subscriptions.
/// </summary>
internal sealed class SmpConnection : ISmpClient, IDisposable
{
    private const int BlocksInRow = 16;

    // fixed after construction
    private readonly SmpRelay _relay;
    private readonly SmpServerSession _session;
    private readonly TransmissionFormat _format;
    private readonly SmpCommandHandler _handler;
    private readonly BlockWriter _writer;
    private readonly Outbox _outbox = new();
    private readonly WriteAccount _account = new();

    // owned by the reader
    private readonly SmpAuthorizer _authorizer;

    private readonly ProxyHandler _proxy;
    private List<Task>? _forwards;
    private CancellationTokenSource? _leaving;
    private CancellationToken _ending;
    private bool _isReading; // read by the sweep

    // owned by the sweep
    private long _unfinished;
    private long _unfinishedSince;

    // set by whichever forwarded command fails first
    private Exception? _forwardFault;

    private readonly long _began;
    private long _lastReceived;

    public SmpConnection(SmpRelay relay, SmpServerSession session, SmpCommandHandler handler, ProxyHandler proxy, long number)
    {
        _proxy = proxy;

        _relay = relay;
        _session = session;
        _handler = handler;
        Number = number;
        Version = session.Version;
        _format = new TransmissionFormat(session.Version, session.SessionId.Span);
        _authorizer = new SmpAuthorizer(session.SessionKey, relay.Options.Limits.CachedSenderSecrets, new KeyTables(relay.KeyTables, relay.Options.Time));
        session.Blocks.KeepsUnreadable = true; // its sender is told, as of a batch that cannot be read
        _writer = new BlockWriter(session.Blocks, _format, _outbox, relay.Messages, relay.Options.Time, relay.DurableWrites, _account);
        if (session.Service is { } service)
        {
            WireId id = service.Id.Value;
            ServiceId = StoredId.From(id.Span);
        }

        _began = relay.Options.Time.GetTimestamp();
        _lastReceived = _began;
    }

    /// <summary>The number of the connection since the start of the relay: what the operator sees of it.</summary>
    public long Number { get; }

    public SmpVersion Version { get; }

    public StoredId? ServiceId { get; }

    public SubscriptionList Subscriptions { get; } = new();

    /// <summary>Whether the connection holds subscriptions, which keep it open however silent it is.</summary>
    public bool IsSubscribed =>
        Subscriptions.MessageCount > 0 || Subscriptions.NotificationCount > 0
        || (ServiceId is { } service && ReferenceEquals(_relay.NotificationServices.Find(service), this));

    /// <summary>What went wrong in the relay itself beside reading; looked at when the connection has ended.</summary>
    public Exception? Fault => _writer.Fault ?? Volatile.Read(ref _forwardFault);

    /// <summary>How long ago the connection began.</summary>
    public TimeSpan Age => _relay.Options.Time.GetElapsedTime(_began);

    /// <summary>How long ago a block came.</summary>
    public TimeSpan ReceivedAgo => _relay.Options.Time.GetElapsedTime(Volatile.Read(ref _lastReceived));

    /// <summary>How long ago a block went.</summary>
    public TimeSpan SentAgo => _relay.Options.Time.GetElapsedTime(Math.Max(_began, _writer.LastSent));

    /// <summary>Whether so much waits for the client to read that it gets nothing new.</summary>
    public bool IsHeldBack => _outbox.Load >= _relay.Options.Limits.PendingAnswers;

    /// <summary>How long ago a block came or went.</summary>
    public TimeSpan Idle => _relay.Options.Time.GetElapsedTime(Math.Max(Volatile.Read(ref _lastReceived), _writer.LastSent));

    /// <summary>How many answers wait for the client to read.</summary>
    public int WaitingCount => _outbox.AnswerCount;

    /// <summary>How much of the relay it takes, to compare connections by: what waits for it, and what it is subscribed to.</summary>
    public long Weight => _outbox.Load + _outbox.DeliveryCount + Subscriptions.MessageCount + Subscriptions.NotificationCount;

    /// <summary>
    /// How long the client has owed the rest of a block, as far as it was looked at: the first look at a block gives
    /// zero. It owes nothing while it is not read from, because it does not take its answers: that is <see cref="Stalled"/>.
    /// Called by the sweep only.
    /// </summary>
    public TimeSpan CheckUnfinished()
    {
        long begun = _session.Blocks.Begun;
        bool isPart = begun != _session.Blocks.Received || _session.Blocks.Connection.HoldsPart;
        if (!isPart || !Volatile.Read(ref _isReading) || begun != _unfinished)
        {
            _unfinished = begun;
            _unfinishedSince = _relay.Options.Time.GetTimestamp();
            return TimeSpan.Zero;
        }

        return _relay.Options.Time.GetElapsedTime(_unfinishedSince);
    }

    /// <summary>Forgets what makes verifications quicker and was not used for a while. Called by the sweep only.</summary>
    public void ForgetUnusedTables() => _authorizer.ForgetUnusedTables();

    /// <summary>How long the block that is being written has waited for the client to read.</summary>
    public TimeSpan Stalled => _writer.Stalled;

    /// <summary>Serves the client until it goes, breaks the protocol, or the relay stops.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        _ending = cancellationToken;
        try
        {
            for (int inRow = 0; ; inRow++)
            {
                Volatile.Write(ref _isReading, true);
                ValueTask<Block?> reading = _session.Blocks.ReadAsync(cancellationToken);
                if (!reading.IsCompleted)
                {
                    inRow = 0;
                }
                else if (inRow >= BlocksInRow)
                {
                    // This may be the thread on which all sockets report: whoever always has input gives it back in between.
                    inRow = 0;
                    await Task.Yield();
                }

                if (await reading is not { } block)
                {
                    break;
                }

                Volatile.Write(ref _isReading, false);
                using (block)
                {
                    Volatile.Write(ref _lastReceived, _relay.Options.Time.GetTimestamp());
                    if (_relay.Disk.IsSlow && NeedsDisk(block.Content))
                    {
                        await HandleOnDiskThreadAsync(block, cancellationToken);
                    }
                    else
                    {
                        HandleBlock(block.Content);
                    }
                }

                await _writer.FlushAsync();
                if (_forwards is not null)
                {
                    await HoldBackForwardsAsync();
                }

                if (IsHeldBack)
                {
                    await _writer.WaitUntilWrittenAsync(cancellationToken);
                }
            }
        }
        catch (TransportException)
        {
            // The client is gone or broke the protocol of blocks: its connection ends, and nobody is told why.
        }
        finally
        {
            Subscribing.Subscriptions.Release(this);
            if (ServiceId is { } service)
            {
                _relay.NotificationServices.Release(this, service);
            }

            await _writer.CloseAsync();
            if (_forwards is not null)
            {
                // Nobody is there to hear the answers: another relay that never gives them does not keep the connection.
                await _leaving!.CancelAsync();
                await Task.WhenAll(_forwards);
            }
        }
    }

    public void Dispose()
    {
        _authorizer.Dispose();
        _leaving?.Dispose();
    }

    /// <summary>Has a command for another relay carried out; its answer follows by itself. Called by the reader.</summary>
    public void Forward(CorrId corrId, EntityId entity, SmpCommand command)
    {
        if (_proxy.RefuseAtOnce(command, entity) is { } refusal)
        {
            _outbox.AddAnswer(corrId, entity, SmpAnswer.Of(refusal));
            return;
        }

        // The command's bytes are the block's, which goes back before the other relay answers.
        SmpCommand kept = command is SmpCommand.PFwd forward ? forward with { Transmission = forward.Transmission.ToArray() } : command;
        _leaving ??= CancellationTokenSource.CreateLinkedTokenSource(_ending);
        (_forwards ??= []).Add(ForwardAsync(corrId, entity, kept, _leaving.Token));
    }

    /// <summary>Ends the connection from outside.</summary>
    public void Break(string reason) => _session.Blocks.Break(new TransportException(TransportFailure.Closed, reason));

    public void OnEnded(Subscription subscription) => SendEvent(subscription, BrokerMessage.End.Instance);

    public void OnDeleted(Subscription subscription) => SendEvent(subscription, BrokerMessage.Deld.Instance);

    public void OnMessage(Subscription subscription, StoredMessage message, bool isOwn)
    {
        subscription.DeliveredAt = (uint)_relay.NowSeconds();
        EntityId entity = new(subscription.EntityId.ToWireId());
        if (isOwn)
        {
            _outbox.AddOwnDelivery(entity, subscription, message);
        }
        else
        {
            _outbox.AddDelivery(entity, subscription, message);
        }

        _writer.Schedule();
    }

    public void OnEvent(StoredId entity, BrokerMessage message)
    {
        _relay.Statistics.Add(Operation.SmpCounter.QSubEnd);
        SendEvent(entity, message);
    }

    /// <summary>Sends an event about an id: a notification, or the end of a hold.</summary>
    public void SendEvent(StoredId id, BrokerMessage message)
    {
        _outbox.AddEvent(new EntityId(id.ToWireId()), message);
        _writer.Schedule();
    }

    /// <summary>Sends an answer that took its time.</summary>
    public void SendAnswer(CorrId corrId, EntityId entity, SmpAnswer answer)
    {
        _outbox.AddAnswer(corrId, entity, answer);
        _writer.Schedule();
    }

    private async Task ForwardAsync(CorrId corrId, EntityId entity, SmpCommand command, CancellationToken cancellationToken)
    {
        await Task.Yield(); // the reader goes on
        try
        {
            BrokerMessage answer = command switch
            {
                SmpCommand.Prxy open => await _proxy.OpenAsync(open, cancellationToken),
                SmpCommand.PFwd forward => await _proxy.ForwardAsync(corrId, entity, forward, cancellationToken),
                _ => throw new UnreachableException(),
            };
            SendAnswer(corrId, entity, SmpAnswer.Of(answer));
        }
        catch (OperationCanceledException)
        {
            // The relay stops or the client has gone: there is nobody to answer.
        }
        catch (Exception fault)
        {
            // The boundary of a forwarded command: a fault of ours costs its answer, and the connection's owner tells of it.
            Interlocked.CompareExchange(ref _forwardFault, fault, null);
            SendAnswer(corrId, entity, SmpAnswer.Of(SmpError.Internal.Instance));
        }
    }

    // A client may have so many commands with other relays; it is not read from before one of them is done.
    private async Task HoldBackForwardsAsync()
    {
        while (true)
        {
            _forwards!.RemoveAll(task => task.IsCompleted);
            if (_forwards.Count < _relay.Options.Limits.ForwardedCommands)
            {
                return;
            }

            await await Task.WhenAny(_forwards);
        }
    }

    private void SendEvent(Subscription subscription, BrokerMessage message)
    {
        _relay.Statistics.Add(Operation.SmpCounter.QSubEnd);
        _relay.Statistics.Add(Operation.SmpCounter.QSubEndB); // each leaves at once, in a batch of its own or in another's
        SendEvent(subscription.EntityId, message);
    }

    private Task HandleOnDiskThreadAsync(Block block, CancellationToken cancellationToken) =>
        _relay.Disk.RunAsync(() => HandleBlock(block.Content), cancellationToken);

    // Whether a block has more than pings and commands for other relays.
    private bool NeedsDisk(ReadOnlyMemory<byte> content)
    {
        if (BatchReader.TryOpen(content, _format, out BatchReader batch))
        {
            while (batch.TryReadNext(out Transmission transmission))
            {
                ReadOnlySpan<byte> command = transmission.Command.Span;
                if (!command.StartsWith("PING"u8) && !command.StartsWith("PRXY"u8) && !command.StartsWith("PFWD"u8))
                {
                    return true;
                }
            }
        }

        return false;
    }

    private void HandleBlock(ReadOnlyMemory<byte> content)
    {
        if (!BatchReader.TryOpen(content, _format, out BatchReader batch))
        {
            _outbox.AddAnswer(CorrId.None, EntityId.None, SmpAnswer.Of(SmpError.Block.Instance));
            return;
        }

        byte[] scratch = ArrayPool<byte>.Shared.Rent(Block.Size + byte.MaxValue + 1);
        int used = 0;
        BlockWriter.BeginDeferring();
        _account.Begin();
        try
        {
            SmpCommand? first = null;
            int commands = 0;
            bool isMixed = false;
            SignaturesAhead? ahead = SignaturesAhead.Start(batch, _format, _handler);
            for (int i = 0; batch.TryReadNext(out Transmission transmission); i++)
            {
                _authorizer.Ahead = ahead?.Reach(i) ?? default;
                if (transmission.TryDecodeCommand(Version, out SmpCommand? command, out SmpError? error))
                {
                    first ??= command;
                    commands++;
                    isMixed |= !(first is SmpCommand.RecipientCommand ? command is SmpCommand.RecipientCommand : command is SmpCommand.NotifierCommand);
                    used = Math.Max(used, transmission.GetSignedLength(_format));
                    _handler.Handle(this, _authorizer, _session, _format, transmission, command, scratch, _outbox);
                }
                else
                {
                    EntityId entity = transmission.Error is null ? transmission.Entity : EntityId.None;
                    _outbox.AddAnswer(transmission.CorrId, entity, SmpAnswer.Of(error));
                }
            }

            if (commands > 1 && !isMixed)
            {
                _relay.Statistics.BatchCame(first!);
            }
        }
        finally
        {
            WriteAccount.End();
            _authorizer.Ahead = default;
            CryptographicOperations.ZeroMemory(scratch.AsSpan(0, used)); // commands, put together to be verified
            ArrayPool<byte>.Shared.Return(scratch);
            BlockWriter.WriteDeferred();
        }
    }
}
