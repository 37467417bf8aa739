using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Pairwise.Server.Smp.Operation;

/// <summary>One operator's conversation: a line in, an answer out. It knows nothing of sockets.</summary>
internal interface IControlSession
{
    /// <summary>The answer to one line; null ends the session.</summary>
    ValueTask<string?> ExecuteAsync(string line);
}

/// <summary>Listens for operators on this machine; each session is a conversation in lines.</summary>
/// <remarks>
/// There are at most so many sessions: one more closes the one that has said nothing longest, so that an operator always
/// gets in. A line is short, and an answer has a minute to be read.
/// </remarks>
internal sealed class ControlPort : IAsyncDisposable
{
    internal const int MaxSessions = 16;
    private const int MaxLine = 1024;
    private static readonly TimeSpan SilenceTime = TimeSpan.FromHours(1);
    private static readonly TimeSpan AnswerTime = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan PauseAfterFailedAccept = TimeSpan.FromMilliseconds(100);
    private readonly TcpListener _listener;
    private readonly string _title;
    private readonly Func<IControlSession> _begin;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Lock _gate = new();

    // guarded by _gate
    private readonly List<Session> _sessions = [];

    private readonly Task _accepting;

    private ControlPort(TcpListener listener, string title, Func<IControlSession> begin, TimeProvider time)
    {
        _listener = listener;
        _title = title;
        _begin = begin;
        _time = time;
        _accepting = AcceptAsync();
    }

    /// <summary>Where it listens.</summary>
    public IPEndPoint Endpoint => (IPEndPoint)_listener.LocalEndpoint;

    /// <summary>Starts to listen.</summary>
    /// <param name="endpoint">Where.</param>
    /// <param name="title">The program, as the greeting names it.</param>
    /// <param name="begin">Makes the session of an operator who has come.</param>
    /// <param name="time">The clock.</param>
    /// <exception cref="SmpServerException">The port is taken.</exception>
    public static ControlPort Start(IPEndPoint endpoint, string title, Func<IControlSession> begin, TimeProvider time)
    {
        TcpListener listener = new(endpoint);
        try
        {
            listener.Start();
            return new ControlPort(listener, title, begin, time);
        }
        catch (SocketException cause)
        {
            listener.Dispose();
            throw new SmpServerException($"the control port {endpoint.Port} cannot be opened: {cause.Message}. Choose another one with control_port.", cause);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        _listener.Stop();
        await _accepting;
        _listener.Dispose();
        _stopping.Dispose();
    }

    private async Task AcceptAsync()
    {
        List<Task> running = [];
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                Session session = new(await _listener.AcceptTcpClientAsync(_stopping.Token), _time.GetTimestamp());
                running.RemoveAll(task => task.IsCompletedSuccessfully);
                Enter(session);
                running.Add(ServeAsync(session));
            }
            catch (Exception end) when (end is OperationCanceledException or ObjectDisposedException)
            {
                break; // the relay stops
            }
            catch (SocketException)
            {
                // The peer has gone, no descriptor is left, or the relay stops: the loop sees which.
                await Task.Delay(PauseAfterFailedAccept, _time).WaitAsync(_stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }

        await Task.WhenAll(running);
    }

    private void Enter(Session session)
    {
        Session? silent = null;
        lock (_gate)
        {
            if (_sessions.Count == MaxSessions)
            {
                silent = _sessions.MinBy(each => each.LastHeard)!;
                _sessions.Remove(silent);
            }

            _sessions.Add(session);
        }

        silent?.Client.Dispose();
    }

    private async Task ServeAsync(Session session)
    {
        try
        {
            using (session.Client)
            {
                await using NetworkStream stream = session.Client.GetStream();
                using StreamReader reader = new(stream, Encoding.UTF8, leaveOpen: true);
                await using StreamWriter writer = new(stream, new UTF8Encoding(false), leaveOpen: true) { NewLine = "\n", AutoFlush = true };
                IControlSession control = _begin();
                await WriteLineAsync(writer, $"{_title} control port\n'help' for supported commands");
                while (await ReadLineAsync(reader) is { } line)
                {
                    session.LastHeard = _time.GetTimestamp();
                    if (await control.ExecuteAsync(line) is not { } answer)
                    {
                        break;
                    }

                    if (answer.Length > 0)
                    {
                        await WriteLineAsync(writer, answer);
                    }
                }
            }
        }
        catch (Exception end) when (end is IOException or OperationCanceledException or ObjectDisposedException or InvalidOperationException)
        {
            // The operator went away, said nothing for long, made room for another one, or the relay stops.
        }
        finally
        {
            lock (_gate)
            {
                _sessions.Remove(session);
            }
        }
    }

    private async Task WriteLineAsync(StreamWriter writer, string answer)
    {
        using CancellationTokenSource limit = new(AnswerTime, _time);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, _stopping.Token);
        await writer.WriteLineAsync(answer.AsMemory(), either.Token);
    }

    // A line is short; who sends a longer one is no operator.
    private async Task<string?> ReadLineAsync(StreamReader reader)
    {
        using CancellationTokenSource limit = new(SilenceTime, _time);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, _stopping.Token);
        StringBuilder line = new();
        char[] one = new char[1];
        while (line.Length < MaxLine)
        {
            if (await reader.ReadAsync(one.AsMemory(), either.Token) == 0)
            {
                return null;
            }

            if (one[0] == '\n')
            {
                return line.ToString().TrimEnd('\r');
            }

            line.Append(one[0]);
        }

        return null;
    }

    private sealed class Session(TcpClient client, long began)
    {
        private long _lastHeard = began;

        public TcpClient Client { get; } = client;

        public long LastHeard
        {
            get => Volatile.Read(ref _lastHeard);
            set => Volatile.Write(ref _lastHeard, value);
        }
    }
}
