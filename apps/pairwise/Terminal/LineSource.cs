using System.Text;
using System.Threading.Channels;

namespace Pairwise.Terminal;

/// <summary>
/// Lines typed by a person or piped by a program, in order. A read of standard input cannot be cancelled, so it has
/// a thread of its own that the end of the process ends.
/// </summary>
internal sealed class LineSource
{
    private const int ReadSize = 4096;

    /// <summary>A line longer than this is refused: no command or message is that long.</summary>
    private const int LongestLine = 262_144;

    private readonly Channel<ReadOnlyMemory<byte>> _input = Channel.CreateBounded<ReadOnlyMemory<byte>>(16);

    /// <summary>Begins to read standard input.</summary>
    public LineSource()
    {
        var reading = new Thread(ReadInput) { IsBackground = true, Name = "standard input" };
        reading.Start();
    }

    /// <summary>Whole lines of piped input, until it ends.</summary>
    public async IAsyncEnumerable<string> ReadPipedAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var line = new List<byte>();
        await foreach (var piece in _input.Reader.ReadAllAsync(cancellationToken))
        {
            for (var i = 0; i < piece.Length; i++)
            {
                var value = piece.Span[i];
                if (value != (byte)'\n')
                {
                    if (line.Count < LongestLine) line.Add(value);
                    continue;
                }

                yield return Encoding.UTF8.GetString([.. line]).TrimEnd('\r');
                line.Clear();
            }
        }

        if (line.Count > 0) yield return Encoding.UTF8.GetString([.. line]);
    }

    /// <summary>
    /// Lines typed at a terminal in raw mode, shown on the screen while they grow. Ends with Ctrl-D on an empty line,
    /// with Ctrl-C (the first one clears what is typed), or with the terminal.
    /// </summary>
    /// <param name="screen">Where the line is shown.</param>
    /// <param name="complete">Completes a line on Tab; null when nothing fits.</param>
    /// <param name="cancellationToken">Ends the typing.</param>
    public async IAsyncEnumerable<string> ReadTypedAsync(Screen screen, Func<string, CancellationToken, Task<string?>> complete, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var editor = new LineEditor();
        var decoder = new KeyDecoder();
        screen.ShowInput("", 0);
        await foreach (var piece in _input.Reader.ReadAllAsync(cancellationToken))
        {
            foreach (var key in decoder.Feed(piece.Span))
            {
                switch (key.Kind)
                {
                    case KeyKind.Enter:
                        yield return editor.Submit();
                        break;
                    case KeyKind.Interrupt when editor.Text.Length > 0:
                        editor.Clear();
                        break;
                    case KeyKind.Interrupt:
                    case KeyKind.EndOfInput when editor.Text.Length == 0:
                        yield break;
                    case KeyKind.EndOfInput:
                        editor.Apply(new Key(KeyKind.Delete));
                        break;
                    case KeyKind.Tab:
                        if (editor.Cursor == editor.Text.Length && await complete(editor.Text, cancellationToken) is { } completed) editor.Replace(completed);
                        break;
                    case KeyKind.Redraw:
                        screen.Clear();
                        break;
                    default:
                        editor.Apply(key);
                        break;
                }
            }

            screen.ShowInput(editor.Text, editor.Cursor);
        }
    }

    private void ReadInput()
    {
        using var input = StandardStreams.OpenInput();
        var buffer = new byte[ReadSize];
        try
        {
            while (true)
            {
                var read = input.Read(buffer, 0, buffer.Length);
                if (read == 0) break;
                var piece = buffer.AsSpan(0, read).ToArray();
                if (!_input.Writer.TryWrite(piece)) _input.Writer.WriteAsync(piece).AsTask().GetAwaiter().GetResult();
            }
        }
        catch (IOException)
        {
            // The terminal is gone, which ends the input like any other end.
        }

        _input.Writer.Complete();
    }
}
