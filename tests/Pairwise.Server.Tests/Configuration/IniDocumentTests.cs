using Pairwise.Server.Configuration;

namespace Pairwise.Server.Tests.Configuration;

/// <summary>What counts in an ini file that says something twice: as the reference reads it.</summary>
public sealed class IniDocumentTests
{
    [Fact]
    public void Of_a_key_written_twice_the_first_counts_and_of_a_section_the_last_one()
    {
        const string text =
            """
            [AUTH]
            new_queues = on
            new_queues = off
            create_password = secret
            [TRANSPORT]
            port = 1
            [AUTH]
            control_port_user_password: looker
            new_queues = off
            """;
        Assert.True(IniDocument.TryParse(text, out IniDocument? ini, out _));
        Assert.Equal("off", ini.Find("AUTH", "new_queues"));
        Assert.Equal("looker", ini.Find("AUTH", "control_port_user_password"));
        Assert.Null(ini.Find("AUTH", "create_password"));
        Assert.Equal("1", ini.Find("TRANSPORT", "port"));
        Assert.True(IniDocument.TryParse("[A]\nx = 1\nx = 2\n", out ini, out _));
        Assert.Equal("1", ini.Find("A", "x"));
    }
}
