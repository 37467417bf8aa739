using Pairwise.Terminal.Interop;

namespace Pairwise.Terminal;

/// <summary>Holds the terminal in another mode and gives it back as it was, once, whatever happens.</summary>
internal sealed class RawMode : IDisposable
{
    private const int StandardInput = 0;

    private static RawMode? _current;

    private byte[]? _before;

    private RawMode(byte[] before)
    {
        _before = before;
        _current = this;
    }

    /// <summary>Gives the terminal back when the program ends without unwinding, on a signal.</summary>
    public static void GiveBack() => _current?.Dispose();

    /// <summary>Keys arrive one by one, unechoed, Ctrl-C among them. Null when standard input is no terminal.</summary>
    public static RawMode? TryEnter() => TryChange(Termios.ToRaw);

    /// <summary>Lines arrive whole but are not shown, for a passphrase. Null when standard input is no terminal.</summary>
    public static RawMode? TryHideInput() => TryChange(Termios.WithoutEcho);

    public void Dispose()
    {
        var before = Interlocked.Exchange(ref _before, null);
        if (before is not null) Termios.Set(StandardInput, before);
    }

    private static RawMode? TryChange(StateChange change)
    {
        var before = new byte[Termios.StateSize];
        if (!Termios.TryGet(StandardInput, before)) return null;
        var changed = before.AsSpan().ToArray();
        change(changed);
        Termios.Set(StandardInput, changed);
        return new RawMode(before);
    }

    private delegate void StateChange(Span<byte> state);
}
