using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Pairwise.Protocol.Smp;
using Pairwise.Server.Smp;
using Pairwise.Server.Smp.Operation;
using Pairwise.TestKit;
using Pairwise.Wire;
using static Pairwise.Server.Tests.Smp.TestRelay;

namespace Pairwise.Server.Tests.Smp;

/// <summary>An operator hears of a disk that refuses, in a few lines that name no queue.</summary>
public sealed class DiskTroubleTests
{
    [Fact]
    public async Task A_message_that_cannot_be_written_is_refused_and_the_operator_is_told()
    {
        using TestFolder folder = new();
        Lines lines = new();
        await using SmpServer relay = await StartAsync(folder, options => options with { MessageStorage = MessageStorage.Journal, Logging = lines });
        await using RelayClient client = await RelayClient.ConnectAsync(relay);
        OwnedQueue queue = await client.NewQueueAsync();
        AssertOk(await client.AskAsync(queue.Theirs, Text("one"), null));
        string journal = Path.GetDirectoryName(Directory.EnumerateFiles(folder.State, "queue_state.*", SearchOption.AllDirectories).Single())!;
        Directory.Delete(journal, recursive: true);
        await File.WriteAllTextAsync(journal, "", TestContext.Current.CancellationToken);
        for (int i = 0; i < 3; i++)
            AssertError(new SmpError.Store("disk"), await client.AskAsync(queue.Theirs, Text("two"), null));
        string line = Assert.Single(lines.All, each => each.Contains("disk", StringComparison.Ordinal));
        Assert.Contains("(1 since", line, StringComparison.Ordinal);
        await relay.ExpireMessagesAsync();
        string id = TextEncoding.ToBase64Url(queue.Recipient.Value.Span);
        Assert.All(lines.All, each => Assert.DoesNotContain(id[8..], each, StringComparison.Ordinal));
    }

    [Fact]
    public void It_is_told_once_a_minute_how_often_and_without_the_names_of_files()
    {
        Lines lines = new();
        ManualTime time = new();
        DiskTrouble trouble = new(lines, time);
        for (int i = 0; i < 5; i++)
            trouble.Report(new IOException("Could not find file '/state/messages/ab/queue_state.abc.log'."));
        time.Advance(TimeSpan.FromMinutes(2));
        trouble.Report(new IOException("A file cannot be written: No space left on device."));
        string[] told = [.. lines.All];
        Assert.Equal(2, told.Length);
        Assert.Contains("commands of clients (1 since the last such line): Could not find file.", told[0], StringComparison.Ordinal);
        Assert.Contains("commands of clients (5 since the last such line): A file cannot be written: No space left on device.", told[1], StringComparison.Ordinal);
    }

    private sealed class Lines : ILogger, ILoggerFactory
    {
        public ConcurrentQueue<string> All { get; } = new();

        public ILogger CreateLogger(string categoryName) => this;

        public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            All.Enqueue($"{formatter(state, exception)} {exception}");

        public void Dispose()
        {
        }
    }
}
