using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Pairwise.Demo.Processes;
using Pairwise.TestKit;

namespace Pairwise.EndToEnd.Tests;

/// <summary>The chat program at a terminal of its own (a Linux pseudo-terminal), typed into and looked at.</summary>
internal sealed partial class PseudoTerminal : IAsyncDisposable
{
    private readonly Process _process;
    private readonly FileStream _master;
    private readonly TerminalScreen _screen;
    private readonly Lock _lock = new();
    private readonly Task _reading;

    private PseudoTerminal(Process process, FileStream master, int columns)
    {
        _process = process;
        _master = master;
        _screen = new TerminalScreen(columns);
        _reading = Task.Run(ReadAsync);
    }

    /// <summary>Starts <c>pairwise</c> with arguments and variables at a terminal of so many columns.</summary>
    public static unsafe PseudoTerminal Start(IEnumerable<string> arguments, IReadOnlyDictionary<string, string?> environment, int columns = 100)
    {
        int master, slave;
        var name = stackalloc byte[128];
        var size = stackalloc ushort[4];
        (size[0], size[1]) = (40, (ushort)columns);
        if (OpenPty(&master, &slave, name, null, size) != 0) throw new InvalidOperationException("openpty failed");
        var path = Marshal.PtrToStringUTF8((nint)name)!;

        // The shell opens the terminal's other end for the program; setsid makes it the controlling one.
        var start = new ProcessStartInfo("setsid") { UseShellExecute = false };
        foreach (var word in new[] { "-w", "sh", "-c", "exec \"$@\" <" + path + " >" + path + " 2>&1", "sh" }.Concat(ChildProcess.Own("pairwise")))
        {
            start.ArgumentList.Add(word);
        }

        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        foreach (var (key, value) in environment) start.Environment[key] = value;
        start.Environment["TERM"] = "xterm-256color";
        var process = Process.Start(start)!;
        var terminal = new PseudoTerminal(process, new FileStream(new SafeFileHandle(master, ownsHandle: true), FileAccess.ReadWrite, 1), columns);
        _ = Close(slave);
        return terminal;
    }

    /// <summary>All rows so far, without trailing spaces; the last one is where the cursor is or below it.</summary>
    public IReadOnlyList<string> Rows
    {
        get
        {
            lock (_lock) return _screen.Rows;
        }
    }

    /// <summary>Everything the program wrote, escape sequences and all.</summary>
    public string Raw
    {
        get
        {
            lock (_lock) return _screen.Raw;
        }
    }

    /// <summary>Types text and control characters.</summary>
    public async Task TypeAsync(string keys)
    {
        await _master.WriteAsync(Encoding.UTF8.GetBytes(keys));
        await _master.FlushAsync();
    }

    /// <summary>Waits until the rows fulfil a condition.</summary>
    public async Task WaitAsync(Func<IReadOnlyList<string>, bool> condition, string what)
    {
        var begin = TimeProvider.System.GetTimestamp();
        while (TimeProvider.System.GetElapsedTime(begin) < Eventually.Patience)
        {
            if (condition(Rows)) return;
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System);
        }

        throw new TimeoutException($"The terminal did not show {what}:\n{string.Join('\n', Rows)}");
    }

    /// <summary>Waits until some row holds a text.</summary>
    public Task WaitAsync(string text) => WaitAsync(rows => rows.Any(row => row.Contains(text, StringComparison.Ordinal)), $"“{text}”");

    /// <summary>Waits for the program's end and gives its exit code.</summary>
    public async Task<int> WaitForExitAsync()
    {
        await _process.WaitForExitAsync().EndsAsync(TestContext.Current.CancellationToken, "the program at the terminal ends");
        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited) _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        await _reading;
        await _master.DisposeAsync();
        _process.Dispose();
    }

    private async Task ReadAsync()
    {
        var decoder = Encoding.UTF8.GetDecoder();
        var bytes = new byte[4096];
        var characters = new char[4096];
        try
        {
            while (true)
            {
                var read = await _master.ReadAsync(bytes);
                if (read == 0) return;
                var count = decoder.GetChars(bytes, 0, read, characters, 0);
                lock (_lock) _screen.Write(characters.AsSpan(0, count));
            }
        }
        catch (IOException)
        {
            // Reading a terminal whose other end is closed answers with an error, not with an end.
        }
    }

    [LibraryImport("libutil.so.1", EntryPoint = "openpty")]
    private static unsafe partial int OpenPty(int* master, int* slave, byte* name, void* settings, ushort* size);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);
}
