using Pairwise.Chat.Store;
using Pairwise.Storage;

namespace Pairwise.Chat.Tests;

public sealed class ChatSchemaTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pairwise-schema-");

    public void Dispose() => _folder.Delete(recursive: true);

    /// <summary>Released migrations never change; a new one changes the golden file by what it adds.</summary>
    [Fact]
    public async Task Schema_matches_the_golden_file()
    {
        var token = TestContext.Current.CancellationToken;
        using var passphrase = Passphrase.Empty();
        await using var database = Database.Open(new() { Path = Path.Combine(_folder.FullName, "a.db"), Schemas = [ChatSchema.Schema] }, passphrase);
        var golden = await File.ReadAllTextAsync(Path.Combine(AppContext.BaseDirectory, "Golden", "chat.sql"), token);
        Assert.Equal(golden, await database.DescribeSchemaAsync(token));
    }
}
