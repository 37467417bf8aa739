using Pairwise.Protocol.Smp;
using Pairwise.Transport;

namespace Pairwise.Client;

/// <summary>Why a command has no good answer.</summary>
public abstract record SmpClientError
{
    private SmpClientError()
    {
    }

    /// <summary>Whether the same command may succeed later without anybody changing anything.</summary>
    public virtual bool IsTransient => false;

    /// <summary>The relay said no.</summary>
    public sealed record Relay(SmpError Error) : SmpClientError;

    /// <summary>The answer does not parse.</summary>
    public sealed record BadAnswer(SmpError Error) : SmpClientError;

    /// <summary>The answer is about another entity than the command.</summary>
    public sealed record Unexpected : SmpClientError
    {
        public static readonly Unexpected Instance = new();
    }

    /// <summary>There was no answer in time. Whether the relay did what it was told is not known.</summary>
    public sealed record TimedOut : SmpClientError
    {
        public static readonly TimedOut Instance = new();

        public override bool IsTransient => true;
    }

    /// <summary>The connection ended, before or after the command was sent.</summary>
    public sealed record Disconnected(TransportFailure Failure) : SmpClientError
    {
        public override bool IsTransient => true;
    }

    /// <summary>The command cannot be sent in this session: too large for a block, or the relay gave no key for authenticators.</summary>
    public sealed record CannotSend(TransportError Error) : SmpClientError;
}
