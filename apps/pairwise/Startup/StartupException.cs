namespace Pairwise.Terminal.Startup;

/// <summary>The program cannot start; the message is one sentence for the user, with what to do next.</summary>
internal sealed class StartupException(string message, Exception? inner = null) : Exception(message, inner);
