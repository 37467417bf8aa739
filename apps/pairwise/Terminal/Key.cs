namespace Pairwise.Terminal;

/// <summary>What a key press means to the line editor.</summary>
internal enum KeyKind
{
    Text,
    Enter,
    Tab,
    Backspace,
    Delete,
    Left,
    Right,
    WordLeft,
    WordRight,
    Home,
    End,
    Up,
    Down,
    KillToEnd,
    KillToStart,
    KillWord,
    Yank,
    Redraw,
    Interrupt,
    EndOfInput,
}

/// <summary>One key press, or one pasted piece of text.</summary>
/// <param name="Kind">What it means.</param>
/// <param name="Text">The characters, for <see cref="KeyKind.Text"/>; else empty.</param>
internal readonly record struct Key(KeyKind Kind, string Text = "");
