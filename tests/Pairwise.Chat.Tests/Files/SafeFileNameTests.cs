using System.Text;
using Pairwise.Chat.Files;

namespace Pairwise.Chat.Tests.Files;

public sealed class SafeFileNameTests
{
    [Theory]
    [InlineData("photo.jpg", "photo.jpg")]
    [InlineData("../../etc/passwd", "passwd")]
    [InlineData("C:\\Users\\eve\\run.exe", "run.exe")]
    [InlineData("/", "file")]
    [InlineData("", "file")]
    [InlineData("..", "file")]
    [InlineData(" . ", "file")]
    [InlineData("a\u0000b\u001b[31mc\n.txt", "ab[31mc.txt")]
    [InlineData("gpj.\u202etxt", "gpj.txt")]
    [InlineData("\u200f\u2066name", "name")]
    [InlineData(" name.txt ", "name.txt")]
    [InlineData("Ünï cödé 日本.pdf", "Ünï cödé 日本.pdf")]
    public void Name_is_the_harmless_last_part(string name, string expected) => Assert.Equal(expected, SafeFileName.From(name));

    [Theory]
    [InlineData("a", 400, ".jpg")]
    [InlineData("日", 300, ".tar.gz")]
    [InlineData("😀", 200, "")]
    public void Long_name_is_cut_and_keeps_its_extension(string part, int count, string extension)
    {
        var safe = SafeFileName.From(string.Concat(Enumerable.Repeat(part, count)) + extension);
        Assert.InRange(Encoding.UTF8.GetByteCount(safe), 100, 180);
        Assert.EndsWith(Path.GetExtension(extension), safe, StringComparison.Ordinal);
        Assert.DoesNotContain('\ufffd', safe);
        Assert.True(safe.EnumerateRunes().All(rune => rune != Rune.ReplacementChar));
    }

    [Theory]
    [InlineData("/in/a.tar.gz", "/in/a_2.tar.gz")]
    [InlineData("/in/a", "/in/a_2")]
    [InlineData("/in/.hidden", "/in/.hidden_2")]
    [InlineData("/in/free.txt", "/in/free.txt")]
    public void Taken_name_gets_the_first_free_number(string path, string expected)
    {
        string[] taken = ["/in/a.tar.gz", "/in/a_1.tar.gz", "/in/a", "/in/a_1", "/in/.hidden", "/in/.hidden_1"];
        Assert.Equal(expected, SafeFileName.MakeUnique(path, taken.Contains));
    }
}
