using System.Runtime.InteropServices;

namespace Pairwise.Terminal.Startup;

/// <summary>
/// Ctrl-C, a closed terminal and a service manager's stop: the first one asks the chat to store what it has and leave;
/// a second one, or one while a question is being asked, ends the program at once.
/// </summary>
internal sealed class Signals : IDisposable
{
    private const int EndedBySignal = 130;

    private readonly CancellationTokenSource _stopping = new();
    private readonly List<PosixSignalRegistration> _registrations = [];
    private int _count;

    public Signals()
    {
        foreach (var signal in new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP })
        {
            _registrations.Add(PosixSignalRegistration.Create(signal, Handle));
        }
    }

    /// <summary>Cancelled when the chat should leave.</summary>
    public CancellationToken Stopping => _stopping.Token;

    public void Dispose()
    {
        foreach (var registration in _registrations) registration.Dispose();
        _stopping.Dispose();
    }

    private void Handle(PosixSignalContext context)
    {
        context.Cancel = true;
        if (Interlocked.Increment(ref _count) > 1 || Prompt.IsAsking)
        {
            RawMode.GiveBack();
            Environment.Exit(EndedBySignal);
        }

        _stopping.Cancel();
    }
}
