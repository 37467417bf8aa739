using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Pairwise.Protocol;
using Pairwise.Transport;

namespace Pairwise.Client;

/// <summary>What happened to the connection that a <see cref="ReconnectingSmpClient"/> keeps.</summary>
public abstract record SmpConnectionEvent
{
    private SmpConnectionEvent()
    {
    }

    /// <summary>There is a new session; nothing is subscribed in it yet.</summary>
    public sealed record Connected(SmpClient Client) : SmpConnectionEvent;

    /// <summary>The session ended; a new one is tried for.</summary>
    public sealed record Lost(TransportException Cause) : SmpConnectionEvent;

    /// <summary>An attempt failed; the next one follows after <paramref name="NextIn"/>.</summary>
    public sealed record AttemptFailed(TransportException Cause, TimeSpan NextIn) : SmpConnectionEvent;

    /// <summary>The relay sent something by itself.</summary>
    public sealed record Received(SmpClient Client, SmpEvent Event) : SmpConnectionEvent;
}

/// <summary>
/// Keeps a session with one relay: connects, and connects again with growing waits when the session is lost. Everything
/// comes out of <see cref="Events"/> in order: the reader subscribes anew after each
/// <see cref="SmpConnectionEvent.Connected"/>. Thread-safe.
/// </summary>
public sealed partial class ReconnectingSmpClient : IAsyncDisposable
{
    private readonly Func<CancellationToken, Task<SmpClient>> _connect;
    private readonly SmpClientOptions _options;
    private readonly BackOff _backOff;
    private readonly CancellationTokenSource _stop = new();
    private readonly Channel<SmpConnectionEvent> _events = Channel.CreateBounded<SmpConnectionEvent>(
        new BoundedChannelOptions(SmpClientLimits.MaxWaitingEvents) { SingleWriter = true });

    private readonly Task _run;
    private SmpClient? _current;
    private int _isDisposed;

    /// <param name="server">The relay.</param>
    /// <param name="options">How to connect.</param>
    /// <param name="backOff">How long to wait between attempts.</param>
    public ReconnectingSmpClient(ServerAddress server, SmpClientOptions options, BackOff backOff)
        : this(cancellationToken => SmpClient.ConnectAsync(server, options, isInteractive: false, cancellationToken), options, backOff)
    {
    }

    /// <param name="connect">Makes a session.</param>
    /// <param name="options">Time, randomness and log.</param>
    /// <param name="backOff">How long to wait between attempts.</param>
    public ReconnectingSmpClient(Func<CancellationToken, Task<SmpClient>> connect, SmpClientOptions options, BackOff backOff)
    {
        _connect = connect;
        _options = options;
        _backOff = backOff;
        _run = RunAsync(_stop.Token);
    }

    /// <summary>What happens, in order. Completes when this is disposed.</summary>
    public ChannelReader<SmpConnectionEvent> Events => _events.Reader;

    /// <summary>The session of the moment; null while there is none. It may end at any time.</summary>
    public SmpClient? Current => Volatile.Read(ref _current);

    /// <summary>Closes the session and stops trying.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) == 0)
            await _stop.CancelAsync();
        await _run;
        _stop.Dispose();
    }

    private async Task RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            while (true)
                await RunSessionAsync(await ConnectAsync(cancellationToken), cancellationToken);
        }
        catch (OperationCanceledException)
        {
            Log.Stopped(_options.Logger);
        }
        finally
        {
            _events.Writer.Complete();
        }
    }

    private async Task<SmpClient> ConnectAsync(CancellationToken cancellationToken)
    {
        var delay = TimeSpan.Zero;
        var waited = TimeSpan.Zero;
        while (true)
        {
            try
            {
                return await _connect(cancellationToken);
            }
            catch (TransportException e)
            {
                delay = _backOff.Next(delay, waited);
                var wait = BackOff.WithJitter(delay, _options.Random);
                await _events.Writer.WriteAsync(new SmpConnectionEvent.AttemptFailed(e, wait), cancellationToken);
                await Task.Delay(wait, _options.Time, cancellationToken);
                waited += delay;
            }
        }
    }

    private async Task RunSessionAsync(SmpClient client, CancellationToken cancellationToken)
    {
        await using (client)
        {
            try
            {
                Volatile.Write(ref _current, client);
                await _events.Writer.WriteAsync(new SmpConnectionEvent.Connected(client), cancellationToken);
                await foreach (var received in client.Events.ReadAllAsync(cancellationToken))
                    await _events.Writer.WriteAsync(new SmpConnectionEvent.Received(client, received), cancellationToken);
                await _events.Writer.WriteAsync(new SmpConnectionEvent.Lost(await client.Completion), cancellationToken);
            }
            finally
            {
                Volatile.Write(ref _current, null);
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 4011, Level = LogLevel.Debug, Message = "The connection to a relay is not kept any more.")]
        public static partial void Stopped(ILogger logger);
    }
}
