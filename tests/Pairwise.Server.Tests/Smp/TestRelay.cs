using Microsoft.Extensions.Logging;
using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;
using Pairwise.Server.Smp;
using Pairwise.Server.Smp.Operation;

namespace Pairwise.Server.Tests.Smp;

/// <summary>A folder that is gone after the test.</summary>
public sealed class TestFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("pairwise-relay-").FullName;

    public string Configuration => System.IO.Path.Combine(Path, "etc");

    public string State => System.IO.Path.Combine(Path, "log");

    public void Dispose() => Directory.Delete(Path, recursive: true);
}

/// <summary>A queue as its owner sees it.</summary>
public sealed record OwnedQueue(RecipientId Recipient, SenderId Sender, PrivateKey Key, BoxKey Box, BrokerMessage.Ids Answer)
{
    public EntityId Mine => Recipient.ToEntityId();

    public EntityId Theirs => Sender.ToEntityId();

    public RelayMessage Open(BrokerMessage message)
    {
        BrokerMessage.Msg msg = Assert.IsType<BrokerMessage.Msg>(message);
        Assert.Equal(RelayMessage.SealedLength, msg.EncryptedBody.Length);
        Assert.True(RelayMessage.TryOpen(Box, msg.Message, msg.EncryptedBody.Span, out RelayMessage? opened));
        return opened;
    }

    public string OpenText(BrokerMessage message) =>
        System.Text.Encoding.UTF8.GetString(Assert.IsType<RelayMessage.Content>(Open(message)).Body.Span);
}

/// <summary>Shows the relay's own faults in the output of the test that caused them.</summary>
public sealed class FaultLog : ILogger, ILoggerFactory
{
    public static FaultLog Factory { get; } = new();

    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Error;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        TestContext.Current.TestOutputHelper?.WriteLine($"{formatter(state, exception)} {exception}");

    public void Dispose()
    {
    }
}

/// <summary>Counts log lines by the number of their event.</summary>
public sealed class EventLog : ILogger, ILoggerFactory
{
    private readonly System.Collections.Concurrent.ConcurrentDictionary<int, int> _counts = new();

    public int CountOf(int eventId) => _counts.GetValueOrDefault(eventId);

    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        _counts.AddOrUpdate(eventId.Id, 1, (_, count) => count + 1);

    public void Dispose()
    {
    }
}

/// <summary>Shorthands for what most tests begin with.</summary>
public static class TestRelay
{
    public static SmpServerOptions Options(TestFolder folder) => new()
    {
        ConfigurationFolder = folder.Configuration,
        StateFolder = folder.State,
        Endpoints = [],
        Host = "localhost",
        Logging = FaultLog.Factory,
        ReadMemory = () => new MemoryReading(0, long.MaxValue), // what others leave of the machine's is no part of a test
    };

    public static Task<SmpServer> StartAsync(TestFolder folder, Func<SmpServerOptions, SmpServerOptions>? change = null) =>
        SmpServer.StartAsync(change is null ? Options(folder) : change(Options(folder)));

    public static async Task<OwnedQueue> NewQueueAsync(
        this RelayClient client,
        SubscriptionMode mode = SubscriptionMode.Subscribe,
        QueueRequest? request = null,
        PrivateKey? key = null,
        NotifierRequest? notifier = null)
    {
        key ??= Ed25519PrivateKey.Generate(SystemRandom.Instance);
        using X25519PrivateKey dhKey = X25519PrivateKey.Generate(SystemRandom.Instance);
        BrokerMessage answer = await client.AskAsync(EntityId.None, new SmpCommand.New(key.PublicKey, dhKey.PublicKey, null, mode, request, notifier), key);
        return OwnedBy(key, dhKey, answer);
    }

    public static OwnedQueue OwnedBy(PrivateKey key, X25519PrivateKey dhKey, BrokerMessage answer)
    {
        BrokerMessage.Ids ids = Assert.IsType<BrokerMessage.Ids>(answer);
        using SharedSecret secret = dhKey.DeriveSharedSecret(ids.ServerDhKey);
        return new OwnedQueue(ids.Recipient, ids.Sender, key, BoxKey.From(secret), ids);
    }

    public static SmpCommand.Send Text(string text, bool notify = false) =>
        new(new MessageFlags(notify), new BlockSlice(System.Text.Encoding.UTF8.GetBytes(text)));

    public static SmpCommand.Ack Ack(BrokerMessage message) => new(Assert.IsType<BrokerMessage.Msg>(message).Message);

    public static void AssertError(SmpError expected, BrokerMessage answer) => Assert.Equal(expected, Assert.IsType<BrokerMessage.Err>(answer).Error);

    public static void AssertOk(BrokerMessage answer) => Assert.True(answer is BrokerMessage.Ok or BrokerMessage.Sok, $"{answer}");
}
