using Pairwise.Crypto;
using Pairwise.Protocol.Xftp;
using Pairwise.TestKit;
using Pairwise.Wire;

namespace Pairwise.Protocol.Tests.Xftp;

/// <summary>Descriptions that went through an editor or another program: other YAML that says the same.</summary>
public sealed class FileDescriptionFormTests
{
    private const string Server = "xftp://LcJUMfVhwD8yxjAiSaDzzGF3-kLG4Uh0Fl_ZIjrRwjI=@files.example.org";

    private static readonly FileDescription Description = Make();
    private static readonly string Text = FileDescriptionCodec.Encode(Description);

    public static TheoryData<string, string> Forms => new()
    {
        { "byte order mark", "\uFEFF" + Text },
        { "ends of lines of Windows", Text.Replace("\n", "\r\n", StringComparison.Ordinal) },
        { "no end of the last line", Text.TrimEnd('\n') },
        { "blanks at the ends", Text.Replace("\n", "  \n\n", StringComparison.Ordinal) },
        { "marks of a document", $"# from bob\n---\n{Text}...\n" },
        { "comments", Text.Replace("\n", " # a 'comment': \"yes\"\n", StringComparison.Ordinal) },
        { "comments on lines of their own", Text.Replace("\n", "\n   # - comment:\n", StringComparison.Ordinal) },
        { "quotes", Quote(Text, "'") },
        { "double quotes and comments", Quote(Text, "\"").Replace("\n", " # it's\n", StringComparison.Ordinal) },
        { "wide indents", Text.Replace("\n  server", "\n     server", StringComparison.Ordinal).Replace("\n- chunks", "\n-    chunks", StringComparison.Ordinal).Replace("\n  - ", "\n       -   ", StringComparison.Ordinal) },
    };

    [Theory]
    [MemberData(nameof(Forms))]
    public void The_same_description_is_read_in_other_words(string form, string text)
    {
        Assert.NotEqual(Text, text);
        Assert.True(FileDescriptionCodec.TryDecode(text, out var description), form);
        Assert.Equal(Description, description);
    }

    [Theory]
    [InlineData("party: recipient", "party: 'recipient'x")]
    [InlineData("party: recipient", "party: 'recipient")]
    [InlineData("party: recipient", "party: recipient#")]
    [InlineData("party: recipient", "# party: recipient")]
    [InlineData("replicas:\n", "...\nreplicas:\n")]
    [InlineData("size: 64kb\n", "size: 64kb\n---\nsize: 64kb\n")]
    public void What_is_none_is_refused(string part, string other)
    {
        Assert.Contains(part, Text, StringComparison.Ordinal);
        Assert.False(FileDescriptionCodec.TryDecode(Text.Replace(part, other, StringComparison.Ordinal), out _));
    }

    private static string Quote(string text, string quote) => string.Join('\n', text.Split('\n').Select(line =>
    {
        var start = line.StartsWith("  - ", StringComparison.Ordinal) ? 4 : line.IndexOf(": ", StringComparison.Ordinal) + 2;
        return start < 4 ? line : line[..start] + quote + line[start..] + quote;
    }));

    private static FileDescription Make()
    {
        var random = new SeededRandom(20_261_121);
        Assert.True(ServerAddress.TryParse(Server, out var server));
        var replica = new ChunkReplica(server, new ChunkId([1, 2, 3, 4]), Ed25519PrivateKey.Generate(random));
        return new FileDescription(
            FileParty.Recipient, 65_536, Bytes.Wrap([1, 2, 3]), FileKey.Generate(random), 65_536, [new FileChunk(1, 65_536, Bytes.Wrap([4, 5, 6]), [replica])], null);
    }
}
