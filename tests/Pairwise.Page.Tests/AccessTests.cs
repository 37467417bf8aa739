using System.Text.Json.Nodes;

namespace Pairwise.Page.Tests;

/// <summary>The page for everybody: by keyboard, on phones, in the dark, in other languages, without seeing it.</summary>
public sealed class AccessTests(Browser browser)
{
    private const string Overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth";

    // Every control that is shown has a name, and every section that is shown has something to say.
    private const string Nameless =
        """
        [...document.querySelectorAll('button, input, a[href], progress, svg')]
            .filter((e) => e.checkVisibility())
            .filter((e) => !(e.getAttribute('aria-label') || document.getElementById(e.getAttribute('aria-labelledby') ?? '')?.textContent
                || (e.labels && [...e.labels].some((l) => l.textContent.trim())) || e.textContent.trim()))
            .map((e) => e.outerHTML)
        """;

    [Fact]
    public async Task A_file_is_sent_and_received_with_the_keyboard_alone()
    {
        await using var server = await PageServer.StartAsync();
        await using var window = await browser.OpenAsync();
        var page = await window.OpenAsync(server.Url);
        await page.PressAsync("Tab");
        Assert.Equal("file", await page.EvaluateAsync<string>("document.activeElement.id"));
        await page.ChooseByKeyAsync("Enter", server.MakeFile("letter.txt", 1000));
        var link = await page.WaitForLinkAsync();
        Assert.Equal("copy", await page.EvaluateAsync<string>("document.activeElement.id"));

        var receiver = await window.OpenAsync(link);
        await receiver.PressAsync("Tab");
        Assert.Equal("download", await receiver.EvaluateAsync<string>("document.activeElement.id"));
        await receiver.PressAsync("Enter");
        Assert.Equal("received", await receiver.WaitAsync("#received, #ended"));
        Assert.Equal("“letter.txt” is saved with your downloads.", await receiver.TextAsync("#saved"));
        Assert.Contains("letter.txt", await receiver.EvaluateAsync<string>("document.getElementById('announcement').textContent"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(320, "light")]
    [InlineData(320, "dark")]
    [InlineData(1280, "light")]
    public async Task The_page_fits_its_window_and_everything_in_it_has_a_name(int width, string scheme)
    {
        await using var server = await PageServer.StartAsync();
        await using var window = await browser.OpenAsync(new JsonObject
        {
            ["viewport"] = new JsonObject { ["width"] = width, ["height"] = 640 },
            ["colorScheme"] = scheme,
        });
        var page = await window.OpenAsync(server.Url);
        Assert.Equal(0, await page.EvaluateAsync<int>(Overflow));
        Assert.Empty(await page.EvaluateAsync<string[]>(Nameless));
        var ground = await page.EvaluateAsync<string>("getComputedStyle(document.body).backgroundColor");
        Assert.Equal(scheme == "dark" ? "rgb(13, 17, 23)" : "rgb(246, 248, 250)", ground);

        var link = await page.SendAsync(server.MakeFile("a name that is quite long and has no end to speak of " + new string('x', 150) + ".txt", 1000));
        Assert.Equal(0, await page.EvaluateAsync<int>(Overflow));
        Assert.Empty(await page.EvaluateAsync<string[]>(Nameless));

        var receiver = await window.OpenAsync(link);
        Assert.Equal(0, await receiver.EvaluateAsync<int>(Overflow));
        await receiver.SaveAsync(Path.Combine(server.Folder, "received"));
        await receiver.WaitAsync("#received");
        Assert.Equal(0, await receiver.EvaluateAsync<int>(Overflow));
        Assert.Empty(await receiver.EvaluateAsync<string[]>(Nameless));
        Assert.Empty((await window.ReportAsync()).Violations);
    }

    [Fact]
    public async Task A_file_that_is_dropped_is_sent()
    {
        await using var server = await PageServer.StartAsync();
        await using var window = await browser.OpenAsync();
        var page = await window.OpenAsync(server.Url);
        await page.DropAsync("letter.txt", "dear reader");
        var received = Path.Combine(server.Folder, "received");
        Assert.Equal("letter.txt", await (await window.OpenAsync(await page.WaitForLinkAsync())).SaveAsync(received));
        Assert.Equal("dear reader", await File.ReadAllTextAsync(received, TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("de-CH", "Eine Datei senden")]
    [InlineData("fr-FR", "Envoyer un fichier")]
    [InlineData("es-AR", "Enviar un archivo")]
    [InlineData("is-IS", "Send a file")]
    public async Task The_page_speaks_the_readers_language_if_it_knows_it(string locale, string title)
    {
        await using var server = await PageServer.StartAsync();
        await using var window = await browser.OpenAsync(new JsonObject { ["locale"] = locale });
        var page = await window.OpenAsync(server.Url);
        Assert.Equal(title, await page.TextAsync("h1"));
        Assert.Equal(title, await page.EvaluateAsync<string>("document.title"));
    }
}
