using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using Pairwise.TestKit;

[assembly: AssemblyFixture(typeof(Pairwise.Page.Tests.Browser))]

namespace Pairwise.Page.Tests;

/// <summary>A headless Chromium, driven through a program of node's; one for all tests. Thread-safe.</summary>
public sealed class Browser : IAsyncLifetime
{
    private static readonly string[] Names = ["chromium", "chromium-browser", "google-chrome"];

    private readonly ConcurrentDictionary<int, TaskCompletionSource<JsonNode?>> _waiting = new();
    private readonly SemaphoreSlim _writing = new(1, 1);
    private Process? _driver;
    private Task _reading = Task.CompletedTask;
    private int _number;

    /// <summary>The folder of the page's sources, with what npm has put there for tests.</summary>
    public static string PageFolder { get; } = Path.Combine(FindRoot(), "web", "upload");

    /// <summary>Why there is no browser; null if there is one.</summary>
    public static string? Lack { get; } =
        FindProgram("node") is null ? "node is not installed: ./test installs it (npm)."
        : FindChromium() is null ? "Chromium is not installed: ./test installs it, or apt-get install chromium."
        : !Directory.Exists(Path.Combine(PageFolder, "node_modules", "playwright-core")) ? "What drives the browser is not installed: ./test installs it, or npm ci in web/upload."
        : null;

    public ValueTask InitializeAsync()
    {
        if (Lack is null)
        {
            var start = new ProcessStartInfo(FindProgram("node")!, [Path.Combine(PageFolder, "browser", "driver.mjs"), FindChromium()!])
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                WorkingDirectory = PageFolder,
            };
            _driver = Process.Start(start) ?? throw new InvalidOperationException("The browser's driver does not start.");
            _reading = ReadAsync(_driver);
        }

        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        if (_driver is not null)
        {
            _driver.StandardInput.Close();
            await _reading;
            await _driver.WaitForExitAsync();
            _driver.Dispose();
        }

        _writing.Dispose();
    }

    /// <summary>A window with nothing of other windows; skips the test when there is no browser.</summary>
    public async Task<Window> OpenAsync(JsonObject? options = null)
    {
        Assert.SkipWhen(Lack is not null, Lack ?? "");
        var number = await AskAsync("context", new JsonObject { ["options"] = options ?? [] });
        return new Window(this, number!.GetValue<int>());
    }

    internal async Task<JsonNode?> AskAsync(string operation, JsonObject arguments)
    {
        var answer = new TaskCompletionSource<JsonNode?>(TaskCreationOptions.RunContinuationsAsynchronously);
        var number = Interlocked.Increment(ref _number);
        _waiting[number] = answer;
        arguments["id"] = number;
        arguments["op"] = operation;
        await _writing.WaitAsync(TestContext.Current.CancellationToken);
        try
        {
            await _driver!.StandardInput.WriteLineAsync(arguments.ToJsonString());
            await _driver.StandardInput.FlushAsync();
        }
        finally
        {
            _writing.Release();
        }

        await Task.WhenAny(answer.Task, _reading).WaitAsync(TestContext.Current.CancellationToken);
        answer.TrySetException(new BrowserException("The browser's driver has ended.")); // unless it has answered
        return await answer.Task;
    }

    /// <summary>The path of a program that the PATH leads to; null if it does not.</summary>
    public static string? FindProgram(string name) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries)
            .Select(folder => Path.Combine(folder, name))
            .FirstOrDefault(File.Exists);

    private static string? FindChromium() => Names.Select(FindProgram).FirstOrDefault(path => path is not null);

    private static string FindRoot([CallerFilePath] string here = "")
    {
        for (var folder = Path.GetDirectoryName(here); folder is not null; folder = Path.GetDirectoryName(folder))
        {
            if (File.Exists(Path.Combine(folder, "Pairwise.slnx")))
            {
                return folder;
            }
        }

        throw new InvalidOperationException("These tests run inside a checkout: Pairwise.slnx was not found above " + here);
    }

    private async Task ReadAsync(Process driver)
    {
        while (await driver.StandardOutput.ReadLineAsync() is { } line)
        {
            var answer = JsonNode.Parse(line)!;
            if (_waiting.TryRemove(answer["id"]!.GetValue<int>(), out var waiting))
            {
                if (answer["error"] is { } error)
                {
                    waiting.SetException(new BrowserException(error.GetValue<string>()));
                }
                else
                {
                    waiting.SetResult(answer["value"]);
                }
            }
        }

        foreach (var waiting in _waiting.Values)
        {
            waiting.TrySetException(new BrowserException("The browser's driver has ended."));
        }
    }
}

/// <summary>The browser could not do what it was told.</summary>
public sealed class BrowserException(string message) : Exception(message);

/// <summary>What the pages of a window did.</summary>
public sealed record WindowReport(string[] Violations, WindowRequest[] Requests, string[] Errors);

/// <summary>One request of a page.</summary>
public sealed record WindowRequest(string Method, string Url, Dictionary<string, string> Headers);

/// <summary>A window: pages that share cookies and files, and nothing with other windows.</summary>
public sealed class Window(Browser browser, int number) : IAsyncDisposable
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    public async Task<Page> OpenAsync(string url)
    {
        var page = await browser.AskAsync("page", new JsonObject { ["context"] = number, ["url"] = url });
        return new Page(browser, page!.GetValue<int>());
    }

    public async Task<WindowReport> ReportAsync() =>
        (await browser.AskAsync("report", new JsonObject { ["context"] = number })).Deserialize<WindowReport>(Json)!;

    public async Task<int> CountCookiesAsync() => (await browser.AskAsync("cookies", new JsonObject { ["context"] = number }))!.GetValue<int>();

    public async ValueTask DisposeAsync() => await browser.AskAsync("closeContext", new JsonObject { ["context"] = number });
}

/// <summary>One page of a window.</summary>
public sealed class Page(Browser browser, int number)
{
    public Task GoAsync(string url) => AskAsync("go", new() { ["url"] = url });

    public Task ClickAsync(string selector) => AskAsync("click", new() { ["selector"] = selector });

    public Task TypeAsync(string selector, string text) => AskAsync("type", new() { ["selector"] = selector, ["text"] = text });

    public Task PressAsync(string key) => AskAsync("press", new() { ["key"] = key });

    public Task ChooseAsync(params string[] files) => AskAsync("choose", new() { ["selector"] = "#file", ["files"] = new JsonArray([.. files.Select(file => JsonValue.Create(file))]) });

    public Task ChooseByKeyAsync(string key, string file) => AskAsync("chooseByKey", new() { ["key"] = key, ["files"] = new JsonArray(JsonValue.Create(file)) });

    public Task DropAsync(string name, string content) => AskAsync("drop", new() { ["selector"] = "#drop", ["name"] = name, ["content"] = content });

    /// <summary>Waits until one of the elements is shown; its id.</summary>
    public async Task<string> WaitAsync(string selectors, TimeSpan? patience = null) =>
        (await AskAsync("shown", new() { ["selectors"] = selectors, ["milliseconds"] = (patience ?? Eventually.Patience).TotalMilliseconds }))!.GetValue<string>();

    public async Task<string> TextAsync(string selector) => (await AskAsync("text", new() { ["selector"] = selector }))!.GetValue<string>();

    public async Task<string> ValueAsync(string selector) => (await AskAsync("value", new() { ["selector"] = selector }))!.GetValue<string>();

    public async Task<T> EvaluateAsync<T>(string script) => (await AskAsync("evaluate", new() { ["script"] = script })).Deserialize<T>()!;

    /// <summary>Sends a file and waits for its link.</summary>
    public async Task<string> SendAsync(string file, TimeSpan? patience = null)
    {
        await ChooseAsync(file);
        return await WaitForLinkAsync(patience);
    }

    /// <summary>Waits for the link of what is being sent.</summary>
    public async Task<string> WaitForLinkAsync(TimeSpan? patience = null)
    {
        if (await WaitAsync("#sent, #ended", patience) == "ended")
        {
            Assert.Fail(await TextAsync("#reason"));
        }

        return await ValueAsync("#link");
    }

    /// <summary>Downloads what the page offers; the name under which the browser saves it.</summary>
    public async Task<string> SaveAsync(string path, string selector = "#download") =>
        (await AskAsync("save", new() { ["selector"] = selector, ["path"] = path }))!.GetValue<string>();

    /// <summary>Downloads what cannot be had; what the page then says.</summary>
    public async Task<string> FailToSaveAsync()
    {
        await ClickAsync("#download");
        Assert.Equal("ended", await WaitAsync("#received, #ended"));
        return await TextAsync("#reason");
    }

    private Task<JsonNode?> AskAsync(string operation, JsonObject arguments)
    {
        arguments["page"] = number;
        return browser.AskAsync(operation, arguments);
    }
}
