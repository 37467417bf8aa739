using System.Globalization;
using System.Text;

namespace Pairwise.EndToEnd.Tests;

/// <summary>As much of a terminal as is needed to see what a person would see: rows, a cursor, and a few control sequences.</summary>
internal sealed class TerminalScreen(int columns)
{
    private readonly List<List<string>> _rows = [[]];
    private readonly StringBuilder _raw = new();
    private readonly StringBuilder _sequence = new();
    private int _row;
    private int _column;
    private bool _isInSequence;

    public string Raw => _raw.ToString();

    public IReadOnlyList<string> Rows => [.. _rows.Select(row => string.Concat(row).TrimEnd())];

    public void Write(ReadOnlySpan<char> text)
    {
        _raw.Append(text);
        while (!text.IsEmpty)
        {
            var length = StringInfo.GetNextTextElementLength(text);
            var element = text[..length].ToString();
            text = text[length..];
            if (_isInSequence) Continue(element);
            else if (element == "\e") Begin();
            else if (element == "\r\n") { _column = 0; NextRow(); }
            else if (element == "\r") _column = 0;
            else if (element == "\n") NextRow();
            else if (!char.IsControl(element[0])) Put(element);
        }
    }

    private void Begin()
    {
        _isInSequence = true;
        _sequence.Clear();
    }

    private void Continue(string element)
    {
        _sequence.Append(element);
        if (_sequence.Length == 1 && element == "[") return;
        if (element[0] is < '@' or > '~') return;
        _isInSequence = false;
        var sequence = _sequence.ToString();
        if (sequence == "[K") _rows[_row].RemoveRange(Math.Min(_column, _rows[_row].Count), Math.Max(0, _rows[_row].Count - _column));
        else if (sequence == "[2J") { _rows.Clear(); _rows.Add([]); _row = _column = 0; }
        else if (sequence.EndsWith('C')) _column += sequence.Length > 2 ? int.Parse(sequence[1..^1], CultureInfo.InvariantCulture) : 1;
    }

    private void NextRow()
    {
        _row++;
        if (_row == _rows.Count) _rows.Add([]);
    }

    private void Put(string element)
    {
        if (_column >= columns)
        {
            _column = 0;
            NextRow();
        }

        var row = _rows[_row];
        while (row.Count <= _column) row.Add(" ");
        row[_column++] = element;
    }
}
