using Microsoft.Extensions.Logging;

namespace Pairwise.FileServer;

/// <summary>Log lines on standard error: the level and the message. What an exception says is shown at debug level only.</summary>
internal sealed class ConsoleLog(LogLevel lowest, TextWriter output) : ILoggerFactory, ILogger
{
    private readonly Lock _gate = new();

    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= lowest;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (!IsEnabled(logLevel))
        {
            return;
        }

        string detail = exception is null ? "" : lowest <= LogLevel.Debug ? $" {exception}" : $" ({exception.GetType().Name})";
        lock (_gate)
        {
            output.WriteLine($"[{logLevel}] {formatter(state, exception)}{detail}");
        }
    }

    public void Dispose()
    {
    }
}
