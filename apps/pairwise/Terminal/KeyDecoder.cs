using System.Buffers;
using System.Text;

namespace Pairwise.Terminal;

/// <summary>
/// Turns the bytes of a terminal (UTF-8, ANSI escape sequences, bracketed paste) into keys. Unknown sequences are
/// swallowed whole. Owned by the one loop that reads the terminal.
/// </summary>
internal sealed class KeyDecoder
{
    /// <summary>A paste longer than this is cut: no chat message is that long.</summary>
    private const int LongestPaste = 65_536;

    private static readonly byte[] PasteStart = "\e[200~"u8.ToArray();
    private static readonly byte[] PasteEnd = "\e[201~"u8.ToArray();

    private readonly List<byte> _pending = [];
    private List<byte>? _paste;

    /// <summary>Feeds what one read gave and returns the keys that it completes.</summary>
    public List<Key> Feed(ReadOnlySpan<byte> bytes)
    {
        var keys = new List<Key>();
        _pending.AddRange(bytes);
        var all = _pending.ToArray();
        var position = 0;
        while (position < all.Length)
        {
            var used = _paste is null ? Next(all.AsSpan(position), keys) : NextOfPaste(all.AsSpan(position), keys);
            if (used == 0) break;
            position += used;
        }

        _pending.Clear();
        _pending.AddRange(all.AsSpan(position));
        return keys;
    }

    private int Next(ReadOnlySpan<byte> bytes, List<Key> keys)
    {
        var first = bytes[0];
        if (first == 0x1b) return NextOfEscape(bytes, keys);
        if (first < 0x20 || first == 0x7f)
        {
            if (ControlKey(first) is { } kind) keys.Add(new Key(kind));
            return 1;
        }

        var status = Rune.DecodeFromUtf8(bytes, out var rune, out var used);
        if (status == OperationStatus.NeedMoreData && bytes.Length < 4) return 0;
        if (status == OperationStatus.Done && !Rune.IsControl(rune)) keys.Add(new Key(KeyKind.Text, rune.ToString()));
        return Math.Max(used, 1);
    }

    private static KeyKind? ControlKey(byte code) => code switch
    {
        0x01 => KeyKind.Home,
        0x02 => KeyKind.Left,
        0x03 => KeyKind.Interrupt,
        0x04 => KeyKind.EndOfInput,
        0x05 => KeyKind.End,
        0x06 => KeyKind.Right,
        0x08 or 0x7f => KeyKind.Backspace,
        0x09 => KeyKind.Tab,
        0x0a or 0x0d => KeyKind.Enter,
        0x0b => KeyKind.KillToEnd,
        0x0c => KeyKind.Redraw,
        0x0e => KeyKind.Down,
        0x10 => KeyKind.Up,
        0x15 => KeyKind.KillToStart,
        0x17 => KeyKind.KillWord,
        0x19 => KeyKind.Yank,
        _ => null,
    };

    private int NextOfEscape(ReadOnlySpan<byte> bytes, List<Key> keys)
    {
        if (bytes.Length == 1) return 0;
        switch (bytes[1])
        {
            case (byte)'b': keys.Add(new Key(KeyKind.WordLeft)); return 2;
            case (byte)'f': keys.Add(new Key(KeyKind.WordRight)); return 2;
            case 0x7f: keys.Add(new Key(KeyKind.KillWord)); return 2;
            case 0x0d or 0x0a: keys.Add(new Key(KeyKind.Text, "\n")); return 2;
            case (byte)'O' when bytes.Length >= 3: Add(FinalKey(bytes[2], modified: false), keys); return 3;
            case (byte)'O': return 0;
            case (byte)'[': return NextOfControlSequence(bytes, keys);
            default: return 2;
        }
    }

    // CSI: ESC "[" parameter bytes 0x30-0x3F, intermediate bytes 0x20-0x2F, one final byte 0x40-0x7E (ECMA-48, 5.4)
    private int NextOfControlSequence(ReadOnlySpan<byte> bytes, List<Key> keys)
    {
        var end = 2;
        while (end < bytes.Length && bytes[end] is >= 0x20 and <= 0x3f) end++;
        if (end == bytes.Length) return end > 32 ? end : 0;

        var sequence = bytes[..(end + 1)];
        if (sequence.SequenceEqual(PasteStart))
        {
            _paste = [];
            return sequence.Length;
        }

        var parameters = Encoding.ASCII.GetString(sequence[2..end]);
        if (sequence[end] == (byte)'~') Add(TildeKey(parameters), keys);
        else Add(FinalKey(sequence[end], parameters.Contains(';', StringComparison.Ordinal)), keys);
        return sequence.Length;
    }

    private int NextOfPaste(ReadOnlySpan<byte> bytes, List<Key> keys)
    {
        var end = bytes.IndexOf(PasteEnd);
        var part = end >= 0 ? bytes[..end] : bytes[..Math.Max(0, bytes.Length - PasteEnd.Length)];
        var paste = _paste ??= [];
        paste.AddRange(part[..Math.Min(part.Length, LongestPaste - paste.Count)]);
        if (end < 0) return part.Length;

        var text = Encoding.UTF8.GetString([.. paste]).ReplaceLineEndings("\n").TrimEnd('\n');
        _paste = null;
        if (text.Length > 0) keys.Add(new Key(KeyKind.Text, string.Concat(text.Where(c => c == '\n' || !char.IsControl(c)))));
        return end + PasteEnd.Length;
    }

    private static KeyKind? FinalKey(byte final, bool modified) => final switch
    {
        (byte)'A' => KeyKind.Up,
        (byte)'B' => KeyKind.Down,
        (byte)'C' => modified ? KeyKind.WordRight : KeyKind.Right,
        (byte)'D' => modified ? KeyKind.WordLeft : KeyKind.Left,
        (byte)'H' => KeyKind.Home,
        (byte)'F' => KeyKind.End,
        (byte)'M' => KeyKind.Enter,
        _ => null,
    };

    private static KeyKind? TildeKey(string parameters) => parameters switch
    {
        "1" or "7" => KeyKind.Home,
        "3" => KeyKind.Delete,
        "4" or "8" => KeyKind.End,
        _ => null,
    };

    private static void Add(KeyKind? kind, List<Key> keys)
    {
        if (kind is { } known) keys.Add(new Key(known));
    }
}
