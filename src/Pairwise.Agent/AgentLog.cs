using Microsoft.Extensions.Logging;

namespace Pairwise.Agent;

/// <summary>The agent's log messages, event ids from 6000. They bear no content, keys, links or ids.</summary>
internal static partial class AgentLog
{
    [LoggerMessage(6000, LogLevel.Error, "A worker of the agent failed.")]
    public static partial void WorkerFailed(ILogger logger, Exception cause);

    [LoggerMessage(6001, LogLevel.Warning, "A received message was not processed: {Reason}")]
    public static partial void MessageRefused(ILogger logger, string reason);

    [LoggerMessage(6002, LogLevel.Warning, "A queue was given up without its relay confirming the deletion: {Reason}")]
    public static partial void QueueAbandoned(ILogger logger, string reason);

    [LoggerMessage(6003, LogLevel.Warning, "A chunk was given up without its file server confirming the deletion: {Reason}")]
    public static partial void ChunkAbandoned(ILogger logger, string reason);

    [LoggerMessage(6004, LogLevel.Warning, "The rest of a file that was not received could not be removed: {Reason}")]
    public static partial void FileLeftBehind(ILogger logger, string reason);
}
