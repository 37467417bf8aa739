namespace Pairwise.Agent.Tests;

/// <summary>The integrity results, in the order in which the reference decides them.</summary>
public sealed class MessageIntegrityTests
{
    private static readonly byte[] Hash = [1, 2, 3];
    private static readonly byte[] Other = [1, 2, 4];

    [Theory]
    [InlineData(5, 6, true, "OK")]
    [InlineData(0, 1, true, "OK")]
    [InlineData(5, 6, false, "ERR HASH")]
    [InlineData(5, 7, true, "ERR NO_ID 6 6")]
    [InlineData(5, 9, false, "ERR NO_ID 6 8")]
    [InlineData(5, 5, true, "ERR DUPLICATE")]
    [InlineData(5, 4, true, "ERR ID 4")]
    [InlineData(5, -1, false, "ERR ID -1")]
    [InlineData(long.MaxValue, long.MinValue, true, "OK")]
    public void A_message_is_compared_with_its_predecessor(long last, long id, bool isSameHash, string expected)
    {
        var integrity = MessageIntegrity.Check(last, Hash, id, isSameHash ? Hash : Other);
        Assert.Equal(expected, integrity.ToText());
        Assert.Equal(integrity, MessageIntegrity.FromText(expected));
    }
}
