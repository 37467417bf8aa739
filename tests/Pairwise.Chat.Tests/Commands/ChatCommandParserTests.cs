using Pairwise.Chat.Commands;

namespace Pairwise.Chat.Tests.Commands;

public sealed class ChatCommandParserTests
{
    public static TheoryData<string, string> Commands => new()
    {
        { "/help", "ShowHelp { }" },
        { " /h ", "ShowHelp { }" },
        { "/contacts", "ListContacts { }" },
        { "/cs", "ListContacts { }" },
        { "/connect", "CreateInvitation { }" },
        { "/c", "CreateInvitation { }" },
        { "/c simplex:/x", "Join { Link = simplex:/x }" },
        { "@bob hello there", "SendText { Name = bob, Text = hello there }" },
        { "@'alice smith' hello", "SendText { Name = alice smith, Text = hello }" },
        { "@bob  two\nlines", "SendText { Name = bob, Text = two\nlines }" },
        { "@bob /help", "SendText { Name = bob, Text = /help }" },
        { "/tail", "ShowTail { Name = , Count = 10 }" },
        { "/t 5", "ShowTail { Name = , Count = 5 }" },
        { "/tail @bob", "ShowTail { Name = bob, Count = 10 }" },
        { "/tail @'alice smith' 3", "ShowTail { Name = alice smith, Count = 3 }" },
        { "/delete bob", "DeleteContact { Name = bob }" },
        { "/d @'alice smith'", "DeleteContact { Name = alice smith }" },
        { "/info @bob", "ShowContact { Name = bob }" },
        { "/smp", "ShowServers { }" },
        { "/p", "ShowProfile { }" },
        { "/profile alice", "SetProfile { Name = alice, FullName =  }" },
        { "/p 'alice smith' Alice Smith", "SetProfile { Name = alice smith, FullName = Alice Smith }" },
        { "/set profile image data:image/jpg;base64,AAAA", "SetImage { Image = data:image/jpg;base64,AAAA }" },
        { "/delete profile image", "SetImage { Image =  }" },
        { "/quit", "Quit { }" },
        { "/q", "Quit { }" },
    };

    [Theory]
    [MemberData(nameof(Commands))]
    public void Commands_are_read(string text, string expected)
    {
        Assert.True(ChatCommandParser.TryParse(text, out var command, out _));
        Assert.Equal(expected, command.ToString());
    }

    [Fact]
    public void Servers_are_separated_by_spaces_or_semicolons()
    {
        Assert.True(ChatCommandParser.TryParse("/smp smp://a@b;smp://c@d smp://e@f", out var command, out _));
        Assert.Equal(["smp://a@b", "smp://c@d", "smp://e@f"], Assert.IsType<ChatCommand.SetServers>(command).Addresses);
        Assert.True(ChatCommandParser.TryParse("/smp default", out command, out _));
        Assert.Empty(Assert.IsType<ChatCommand.SetServers>(command).Addresses);
    }

    [Theory]
    [InlineData("")]
    [InlineData("hello")]
    [InlineData("@")]
    [InlineData("@bob")]
    [InlineData("@ bob")]
    [InlineData("@'alice smith hello")]
    [InlineData("@'alice'smith hello")]
    [InlineData("@'' hello")]
    [InlineData("/nonsense")]
    [InlineData("/tail ten")]
    [InlineData("/tail 0")]
    [InlineData("/tail -1")]
    [InlineData("/tail 99999999999")]
    [InlineData("/delete")]
    [InlineData("/delete bob alice")]
    [InlineData("/help me")]
    [InlineData("/quit now")]
    [InlineData("/set")]
    [InlineData("/set profile image hello")]
    public void Anything_else_gives_one_sentence(string text)
    {
        Assert.False(ChatCommandParser.TryParse(text, out _, out var fault));
        Assert.EndsWith(".", fault + ".", StringComparison.Ordinal);
        Assert.DoesNotContain('\n', fault);
    }

    [Fact]
    public void Every_command_of_the_help_is_read()
    {
        foreach (var entry in ChatCommandParser.Help)
        {
            var example = entry.Syntax.Replace("[@NAME] [NUMBER]", "@bob 3", StringComparison.Ordinal)
                .Replace("[NAME [FULL NAME]]", "bob Bob", StringComparison.Ordinal)
                .Replace("@NAME", "@bob", StringComparison.Ordinal)
                .Replace("DATA", "data:image/png;base64,AA", StringComparison.Ordinal);
            Assert.True(ChatCommandParser.TryParse(example, out _, out var fault), $"{example}: {fault}");
        }
    }

    [Theory]
    [InlineData("/con", "/con")]
    [InlineData("/conn", "/connect ")]
    [InlineData("/t", "/tail ")]
    [InlineData("@a", "@al")]
    [InlineData("@ali", "@'alice smith' ")]
    [InlineData("/delete @alb", "/delete @albert ")]
    [InlineData("@zoe", null)]
    [InlineData("hello", null)]
    public void Completion_adds_what_all_candidates_share(string line, string? completed)
    {
        var contacts = new[] { "albert", "alice smith", "bob" }.Select((name, index) =>
            new Contact(new ContactId(index), name, new Chat.Protocol.Profile(name, ""), ContactState.Connected, true, new(1, 16), DateTimeOffset.UnixEpoch)).ToList();
        Assert.Equal(completed == line ? null : completed, CommandCompletion.Complete(line, contacts));
    }
}
