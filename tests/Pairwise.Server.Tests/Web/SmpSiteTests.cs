using Pairwise.Server.Configuration;
using Pairwise.Server.Web;

namespace Pairwise.Server.Tests.Web;

/// <summary>The relay's pages.</summary>
public sealed class SmpSiteTests
{
    private static readonly SmpSiteSettings Settings = new()
    {
        Persistence = "queues and messages",
        MessageExpiration = TimeSpan.FromDays(21),
        IsStatisticsEnabled = true,
        AreNewQueuesAllowed = true,
        IsPasswordRequired = false,
    };

    [Fact]
    public void The_page_says_what_the_operator_wrote()
    {
        Assert.True(IniDocument.TryParse(
            """
            [INFORMATION]
            source_code: https://example.org/source
            operator: Example & Sons
            operator_country: CH
            hosting: Example Hosting
            hosting_type: dedicated
            admin_email: admin@example.org
            complaints_simplex:
            """,
            out var ini,
            out _));
        var reader = new IniReader(ini);
        var page = SmpSite.IndexPage(ServerInformation.Read(reader), Settings with { OnionHost = "abc.onion" });
        Assert.Empty(reader.Faults);
        Assert.Contains("Example &amp; Sons (CH)", page, StringComparison.Ordinal);
        Assert.Contains("<a href=\"https://example.org/source\" rel=\"noreferrer\">", page, StringComparison.Ordinal);
        Assert.Contains("<dd>dedicated</dd>", page, StringComparison.Ordinal);
        Assert.Contains("admin@example.org", page, StringComparison.Ordinal);
        Assert.Contains("abc.onion", page, StringComparison.Ordinal);
        Assert.Contains("<dd>21 days</dd>", page, StringComparison.Ordinal);
        Assert.DoesNotContain("Complaints", page, StringComparison.Ordinal);
    }

    [Fact]
    public void What_the_operator_wrote_is_never_markup()
    {
        var page = SmpSite.IndexPage(
            new ServerInformation { Operator = new ServerEntity("<script>alert(1)</script>", "\"'>"), Website = "https://x/\"><script>" },
            Settings);
        Assert.DoesNotContain("<script", page, StringComparison.Ordinal);
        Assert.Contains("&lt;script&gt;alert(1)", page, StringComparison.Ordinal);
    }

    [Fact]
    public void A_kind_of_hosting_that_nobody_knows_is_a_fault()
    {
        Assert.True(IniDocument.TryParse("[INFORMATION]\nhosting_type: cloud\n", out var ini, out _));
        var reader = new IniReader(ini);
        Assert.Null(ServerInformation.Read(reader).HostingType);
        Assert.Single(reader.Faults);
    }

    [Fact]
    public async Task Every_page_of_the_site_is_written_and_asks_no_other_site_for_anything()
    {
        var folder = Directory.CreateTempSubdirectory("pairwise-site-");
        try
        {
            SmpSite.Write(folder.FullName, new ServerInformation(), Settings);
            SmpSite.Write(folder.FullName, new ServerInformation(), Settings);
            var content = new StaticFolder(folder.FullName);
            foreach (var path in SmpSite.LinkPaths)
            {
                var page = await content.FindAsync($"/{path}/", TestContext.Current.CancellationToken);
                Assert.Contains("/media/link.js", System.Text.Encoding.UTF8.GetString(page!.Content.Span), StringComparison.Ordinal);
            }

            foreach (var path in new[] { "/", "/media/style.css", "/media/link.js", "/media/qrcode.js", "/.well-known/assetlinks.json", "/.well-known/apple-app-site-association" })
                Assert.NotNull(await content.FindAsync(path, TestContext.Current.CancellationToken));
            foreach (var file in folder.EnumerateFiles("*.html", SearchOption.AllDirectories))
                Assert.DoesNotMatch("(src|href)=\"(https?:)?//", await File.ReadAllTextAsync(file.FullName, TestContext.Current.CancellationToken));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Theory]
    [InlineData(0, "0 seconds")]
    [InlineData(1, "1 second")]
    [InlineData(86_400, "1 day")]
    [InlineData(90_061, "1 day 1 hour")]
    [InlineData(7_200, "2 hours")]
    public void Times_are_said_in_words(int seconds, string words) => Assert.Equal(words, InformationPage.Duration(TimeSpan.FromSeconds(seconds)));
}
