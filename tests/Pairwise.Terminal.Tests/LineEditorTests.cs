using System.Text;

namespace Pairwise.Terminal.Tests;

public sealed class LineEditorTests
{
    private readonly LineEditor _editor = new();
    private readonly KeyDecoder _decoder = new();

    [Fact]
    public void Typed_characters_appear_at_the_cursor()
    {
        Type("hllo", "\e[D\e[D\e[D", "e");
        Assert.Equal(("hello", 2), (_editor.Text, _editor.Cursor));
    }

    [Fact]
    public void A_character_of_several_code_points_is_one_step()
    {
        Type("a\U0001F469\u200D\U0001F680b", "\e[D", "\x7f");
        Assert.Equal("ab", _editor.Text);
    }

    [Fact]
    public void A_character_split_between_two_reads_is_one_character()
    {
        var bytes = Encoding.UTF8.GetBytes("\u00e9");
        foreach (var value in bytes) Apply(_decoder.Feed([value]));
        Assert.Equal("\u00e9", _editor.Text);
    }

    [Theory]
    [InlineData("one two", "\x17", "one ")]
    [InlineData("one two", "\x15", "")]
    [InlineData("one two", "\x01\x0b", "")]
    [InlineData("one two", "\x17\x19\x19", "one twotwo")]
    [InlineData("one two", "\x01\e[3~", "ne two")]
    [InlineData("one two", "\eb!", "one !two")]
    [InlineData("one two", "\e[1;5D\e[1;5D!", "!one two")]
    [InlineData("one two", "\e[H!\e[F?", "!one two?")]
    [InlineData("one two", "\e[99z\e[5~", "one two")]
    public void Editing_keys_edit(string typed, string keys, string expected)
    {
        Type(typed, keys);
        Assert.Equal(expected, _editor.Text);
    }

    [Fact]
    public void History_goes_back_and_returns_to_the_draft()
    {
        Type("first");
        _editor.Submit();
        Type("second");
        _editor.Submit();
        Type("draft", "\e[A");
        Assert.Equal("second", _editor.Text);
        Type("\e[A\e[A");
        Assert.Equal("first", _editor.Text);
        Type("\e[B\e[B");
        Assert.Equal("draft", _editor.Text);
    }

    [Fact]
    public void The_same_line_twice_is_remembered_once()
    {
        foreach (var line in new[] { "a", "b", "b" })
        {
            Type(line);
            _editor.Submit();
        }

        Type("\e[A\e[A");
        Assert.Equal("a", _editor.Text);
    }

    [Fact]
    public void A_paste_is_text_even_when_it_holds_line_breaks_and_escapes()
    {
        var keys = _decoder.Feed("\e[200~one\r\ntwo\e[A\e[201~"u8);
        Assert.Equal([new Key(KeyKind.Text, "one\ntwo[A")], keys);
    }

    [Fact]
    public void A_paste_in_pieces_is_one_paste()
    {
        var keys = "\e[200~hello\e[201~x"u8.ToArray().SelectMany(value => _decoder.Feed([value])).ToList();
        Assert.Equal([new Key(KeyKind.Text, "hello"), new Key(KeyKind.Text, "x")], keys);
    }

    [Fact]
    public void Any_bytes_decode_to_keys_without_an_exception()
    {
        var state = 12345u;
        for (var round = 0; round < 2000; round++)
        {
            var bytes = new byte[1 + (round % 40)];
            for (var i = 0; i < bytes.Length; i++)
            {
                state = unchecked((state * 1664525) + 1013904223);
                bytes[i] = (state >> 30) == 0 ? (byte)0x1b : (byte)((state >> 16) & 0xff);
            }

            Apply(_decoder.Feed(bytes));
            Assert.InRange(_editor.Cursor, 0, _editor.Text.Length);
            if (_editor.Text.Length > 500) _editor.Clear();
        }
    }

    private void Type(params string[] pieces)
    {
        foreach (var piece in pieces) Apply(_decoder.Feed(Encoding.UTF8.GetBytes(piece)));
    }

    private void Apply(List<Key> keys)
    {
        foreach (var key in keys) _editor.Apply(key);
    }
}
