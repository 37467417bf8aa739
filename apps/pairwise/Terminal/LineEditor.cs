using System.Globalization;

namespace Pairwise.Terminal;

/// <summary>
/// The line being typed: text, cursor and history. Pure state: it neither reads keys nor draws.
/// Owned by the loop that reads the terminal.
/// </summary>
internal sealed class LineEditor
{
    private const int LongestHistory = 500;

    private readonly List<string> _history = [];
    private int _historyPosition;
    private string _draft = "";
    private string _killed = "";

    /// <summary>What has been typed.</summary>
    public string Text { get; private set; } = "";

    /// <summary>Where the next character goes: a UTF-16 index into <see cref="Text"/>, always on a character's border.</summary>
    public int Cursor { get; private set; }

    /// <summary>Applies an editing key. Keys that are not about editing change nothing.</summary>
    public void Apply(Key key)
    {
        switch (key.Kind)
        {
            case KeyKind.Text: Insert(key.Text); break;
            case KeyKind.Backspace: Remove(Previous(Cursor), Cursor); break;
            case KeyKind.Delete: Remove(Cursor, Next(Cursor)); break;
            case KeyKind.Left: Cursor = Previous(Cursor); break;
            case KeyKind.Right: Cursor = Next(Cursor); break;
            case KeyKind.WordLeft: Cursor = WordStart(Cursor); break;
            case KeyKind.WordRight: Cursor = WordEnd(Cursor); break;
            case KeyKind.Home: Cursor = 0; break;
            case KeyKind.End: Cursor = Text.Length; break;
            case KeyKind.KillToEnd: Kill(Cursor, Text.Length); break;
            case KeyKind.KillToStart: Kill(0, Cursor); break;
            case KeyKind.KillWord: Kill(WordStart(Cursor), Cursor); break;
            case KeyKind.Yank: Insert(_killed); break;
            case KeyKind.Up: Recall(_historyPosition - 1); break;
            case KeyKind.Down: Recall(_historyPosition + 1); break;
            default: break;
        }
    }

    /// <summary>Takes the line, remembers it, and starts an empty one.</summary>
    public string Submit()
    {
        var line = Text;
        if (line.Trim().Length > 0 && (_history.Count == 0 || _history[^1] != line))
        {
            _history.Add(line);
            if (_history.Count > LongestHistory) _history.RemoveAt(0);
        }

        Clear();
        return line;
    }

    /// <summary>Starts an empty line.</summary>
    public void Clear()
    {
        Text = _draft = "";
        Cursor = 0;
        _historyPosition = _history.Count;
    }

    /// <summary>Replaces the whole line, with the cursor behind it.</summary>
    public void Replace(string text)
    {
        Text = text;
        Cursor = text.Length;
    }

    private void Insert(string text)
    {
        Text = Text.Insert(Cursor, text);
        Cursor += text.Length;
    }

    private void Remove(int start, int end)
    {
        Text = Text.Remove(start, end - start);
        Cursor = start;
    }

    private void Kill(int start, int end)
    {
        if (start == end) return;
        _killed = Text[start..end];
        Remove(start, end);
    }

    private void Recall(int position)
    {
        if (position < 0 || position > _history.Count) return;
        if (_historyPosition == _history.Count) _draft = Text;
        _historyPosition = position;
        Replace(position == _history.Count ? _draft : _history[position]);
    }

    private int Next(int index) =>
        index >= Text.Length ? Text.Length : index + StringInfo.GetNextTextElementLength(Text.AsSpan(index));

    private int Previous(int index)
    {
        var start = 0;
        for (var at = 0; at < index; at = Next(at)) start = at;
        return start;
    }

    private int WordStart(int index)
    {
        while (index > 0 && char.IsWhiteSpace(Text[index - 1])) index--;
        while (index > 0 && !char.IsWhiteSpace(Text[index - 1])) index--;
        return index;
    }

    private int WordEnd(int index)
    {
        while (index < Text.Length && char.IsWhiteSpace(Text[index])) index++;
        while (index < Text.Length && !char.IsWhiteSpace(Text[index])) index++;
        return index;
    }
}
