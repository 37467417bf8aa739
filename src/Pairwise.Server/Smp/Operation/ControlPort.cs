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
internal sealed class ControlPort : IAsyncDisposable
{
    private const int MaxLine = 1024;
    private const int MaxSessions = 16;
    private readonly TcpListener _listener;
    private readonly string _title;
    private readonly Func<IControlSession> _begin;
    private readonly CancellationTokenSource _stopping = new();
    private readonly SemaphoreSlim _sessions = new(MaxSessions, MaxSessions);
    private readonly Task _accepting;

    private ControlPort(TcpListener listener, string title, Func<IControlSession> begin)
    {
        _listener = listener;
        _title = title;
        _begin = begin;
        _accepting = AcceptAsync();
    }

    /// <summary>Where it listens.</summary>
    public IPEndPoint Endpoint => (IPEndPoint)_listener.LocalEndpoint;

    /// <summary>Starts to listen.</summary>
    /// <param name="endpoint">Where.</param>
    /// <param name="title">The program, as the greeting names it.</param>
    /// <param name="begin">Makes the session of an operator who has come.</param>
    /// <exception cref="SmpServerException">The port is taken.</exception>
    public static ControlPort Start(IPEndPoint endpoint, string title, Func<IControlSession> begin)
    {
        TcpListener listener = new(endpoint);
        try
        {
            listener.Start();
            return new ControlPort(listener, title, begin);
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
        _sessions.Dispose();
    }

    private async Task AcceptAsync()
    {
        List<Task> running = [];
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                await _sessions.WaitAsync(_stopping.Token);
                TcpClient client = await _listener.AcceptTcpClientAsync(_stopping.Token);
                running.RemoveAll(task => task.IsCompletedSuccessfully);
                running.Add(ServeAsync(client));
            }
            catch (Exception end) when (end is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                break; // the relay stops
            }
        }

        await Task.WhenAll(running);
    }

    private async Task ServeAsync(TcpClient client)
    {
        try
        {
            using (client)
            {
                await using NetworkStream stream = client.GetStream();
                using StreamReader reader = new(stream, Encoding.UTF8, leaveOpen: true);
                await using StreamWriter writer = new(stream, new UTF8Encoding(false), leaveOpen: true) { NewLine = "\n", AutoFlush = true };
                IControlSession control = _begin();
                await writer.WriteLineAsync($"{_title} control port\n'help' for supported commands".AsMemory(), _stopping.Token);
                while (await ReadLineAsync(reader) is { } line && await control.ExecuteAsync(line) is { } answer)
                {
                    await writer.WriteLineAsync(answer.AsMemory(), _stopping.Token);
                }
            }
        }
        catch (Exception end) when (end is IOException or OperationCanceledException)
        {
            // The operator went away, or the relay stops.
        }
        finally
        {
            _sessions.Release();
        }
    }

    // A line is short; who sends a longer one is no operator.
    private async Task<string?> ReadLineAsync(StreamReader reader)
    {
        StringBuilder line = new();
        char[] one = new char[1];
        while (line.Length < MaxLine)
        {
            if (await reader.ReadAsync(one.AsMemory(), _stopping.Token) == 0)
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
}
