namespace Pairwise.Chat.Tests;

public sealed class DisplayNameTests
{
    [Theory]
    [InlineData("alice", "alice")]
    [InlineData("  alice  smith ", "alice smith")]
    [InlineData("@alice", "alice")]
    [InlineData("#alice", "alice")]
    [InlineData("'alice'", "alice")]
    [InlineData("al'ice", "alice")]
    [InlineData("alice\nsmith", "alice smith")]
    [InlineData("alice.....", "alice...")]
    [InlineData("John Doe.", "John Doe.")]
    [InlineData("J. Doe", "J. Doe")]
    [InlineData("J. . Doe", "J. Doe")]
    [InlineData(".hidden", "hidden")]
    [InlineData("алиса 5", "алиса 5")]
    [InlineData("🚀 rocket", "🚀 rocket")]
    [InlineData("\u0001\u001b[31m", "31m")]
    [InlineData("   ", "")]
    public void Nearest_valid_name(string name, string valid)
    {
        Assert.Equal(valid, DisplayName.ToValid(name));
        Assert.Equal(valid, DisplayName.ToValid(valid));
    }

    [Fact]
    public void Names_have_at_most_50_characters() => Assert.Equal(new string('a', 50), DisplayName.ToValid(new string('a', 51)));

    [Fact]
    public void Equal_names_get_numbers()
    {
        var taken = new HashSet<string> { "bob", "bob_1" };
        Assert.Equal("bob_2", DisplayName.MakeUnique("bob", taken.Contains));
        Assert.Equal("alice", DisplayName.MakeUnique("alice", taken.Contains));
    }

    [Fact]
    public void Contact_without_a_printable_name_has_one_all_the_same() => Assert.Equal("contact", DisplayName.ForContact("\u0007"));
}
