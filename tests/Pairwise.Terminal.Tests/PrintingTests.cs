namespace Pairwise.Terminal.Tests;

public sealed class PrintingTests
{
    [Theory]
    [InlineData("hello", "hello")]
    [InlineData("\e[2Jgone", "\u00b7[2Jgone")]
    [InlineData("a\u202eb", "a\u00b7b")]
    [InlineData("tab\there", "tab    here")]
    [InlineData("\u0000\u0007\u009b", "\u00b7\u00b7\u00b7")]
    public void What_others_wrote_cannot_steer_the_terminal(string text, string expected) =>
        Assert.Equal(expected, Printable.Of(text));

    [Fact]
    public void Line_breaks_stay_where_they_are_wanted()
    {
        Assert.Equal("a\nb", Printable.Of("a\r\nb", keepLines: true));
        Assert.Equal("a\u00b7b", Printable.Of("a\nb"));
    }

    [Theory]
    [InlineData("abc", 3)]
    [InlineData("\u65e5\u672c", 4)]
    [InlineData("e\u0301", 1)]
    [InlineData("\U0001F680", 2)]
    [InlineData("\u2764\ufe0f", 2)]
    [InlineData("", 0)]
    public void Columns_are_those_of_a_terminal(string text, int columns) => Assert.Equal(columns, CellWidth.Of(text));

    [Fact]
    public void Colours_yield_to_a_pipe()
    {
        Assert.Equal("x", new Style(isColoured: false).Error("x"));
        Assert.Equal("\e[31mx\e[0m", new Style(isColoured: true).Error("x"));
        Assert.Equal("x", Style.For(isTerminal: false).Name("x"));
    }

    [Fact]
    public void A_qr_code_has_its_quiet_zone_and_fits_or_is_left_out()
    {
        var rows = QrCode.TryDraw("https://example.org/i#abc", 80)!;
        Assert.All(rows.Take(2), row => Assert.Equal(row, new string('\u2588', row.Length)));
        Assert.All(QrCode.TryDraw("https://example.org/i#abc", rows[0].Length - 5)!, row => Assert.Equal(rows[0].Length - 6, row.Length));
        Assert.Null(QrCode.TryDraw("https://example.org/i#abc", 10));
        Assert.Null(QrCode.TryDraw(new string('x', 3000), 10_000));
    }
}
