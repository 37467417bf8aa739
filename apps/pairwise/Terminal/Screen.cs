using System.Globalization;
using System.Text;
using Pairwise.Terminal.Interop;

namespace Pairwise.Terminal;

/// <summary>
/// Standard output shared by what arrives and what is being typed: a new line pushes the typed one down and never
/// into its middle. Safe to call from any thread; all state is guarded by the one lock.
/// </summary>
internal sealed class Screen : IDisposable
{
    private const int StandardOutput = 1;
    private const string Prompt = "> ";

    private readonly Lock _lock = new();
    private readonly Stream _output;
    private readonly bool _isInteractive;
    private string _text = "";
    private int _cursor;
    private bool _hasPrompt;

    private Screen(Stream output, bool isInteractive)
    {
        _output = output;
        _isInteractive = isInteractive;
        IsTerminal = Termios.IsTerminal(StandardOutput);
        Style = Style.For(IsTerminal);
    }

    /// <summary>Whether standard output is a terminal rather than a pipe or a file.</summary>
    public bool IsTerminal { get; }

    /// <summary>Colours for this output.</summary>
    public Style Style { get; }

    /// <summary>Columns of the terminal at this moment.</summary>
    public static int Columns => Termios.Columns(StandardOutput);

    /// <summary>Opens standard output.</summary>
    /// <param name="isInteractive">Whether a line editor will show its line here.</param>
    public static Screen Open(bool isInteractive) => new(StandardStreams.OpenOutput(), isInteractive);

    /// <summary>Prints whole lines above the line being typed.</summary>
    public void Print(params IEnumerable<string> lines)
    {
        lock (_lock)
        {
            var text = new StringBuilder();
            if (_hasPrompt) text.Append("\r\e[K");
            foreach (var line in lines) text.Append(line.ReplaceLineEndings(NewLine)).Append(NewLine);
            if (_hasPrompt) AppendPrompt(text);
            Write(text);
        }
    }

    /// <summary>Shows the line being typed as it is now.</summary>
    public void ShowInput(string text, int cursor)
    {
        lock (_lock)
        {
            (_text, _cursor) = (text, cursor);
            var drawing = new StringBuilder();
            if (!_hasPrompt) drawing.Append("\e[?2004h");
            _hasPrompt = true;
            drawing.Append('\r');
            AppendPrompt(drawing);
            Write(drawing);
        }
    }

    /// <summary>Clears the window and shows the line being typed on its first row.</summary>
    public void Clear()
    {
        lock (_lock)
        {
            var drawing = new StringBuilder("\e[H\e[2J");
            if (_hasPrompt) AppendPrompt(drawing);
            Write(drawing);
        }
    }

    /// <summary>Takes the typed line off the screen, before a line is handled or the program ends.</summary>
    public void HideInput()
    {
        lock (_lock)
        {
            if (!_hasPrompt) return;
            _hasPrompt = false;
            Write(new StringBuilder("\r\e[K\e[?2004l"));
        }
    }

    public void Dispose()
    {
        HideInput();
        _output.Dispose();
    }

    private string NewLine => _isInteractive ? "\r\n" : "\n";

    private void AppendPrompt(StringBuilder drawing)
    {
        var room = Math.Max(Columns - Prompt.Length - 1, 8);
        var (shown, column) = Window(_text.Replace('\n', '\u21b5'), _cursor, room);
        drawing.Append(Prompt).Append(shown).Append("\e[K\r");
        var offset = Prompt.Length + column;
        drawing.Append(CultureInfo.InvariantCulture, $"\e[{offset}C");
    }

    // The part of the text around the cursor that fits into the room, and the cursor's column inside of it.
    private static (string Shown, int Column) Window(string text, int cursor, int room)
    {
        var start = 0;
        while (CellWidth.Of(text.AsSpan(start, cursor - start)) >= room)
        {
            start += StringInfo.GetNextTextElementLength(text.AsSpan(start));
        }

        var end = start;
        var width = 0;
        while (end < text.Length)
        {
            var length = StringInfo.GetNextTextElementLength(text.AsSpan(end));
            width += CellWidth.OfElement(text.AsSpan(end, length));
            if (width > room) break;
            end += length;
        }

        return (text[start..end], CellWidth.Of(text.AsSpan(start, cursor - start)));
    }

    private void Write(StringBuilder text)
    {
        _output.Write(Encoding.UTF8.GetBytes(text.ToString()));
        _output.Flush();
    }
}
