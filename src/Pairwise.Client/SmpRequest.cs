using System.Diagnostics.CodeAnalysis;
using Pairwise.Crypto;
using Pairwise.Protocol.Smp;

namespace Pairwise.Client;

/// <summary>A command about an entity, to be authorized with a key.</summary>
/// <param name="Command">What to do.</param>
/// <param name="Entity">The queue, link, service or session it is about; <see cref="EntityId.None"/> for none.</param>
/// <param name="Key">Ed25519, Ed448 or X25519; null for commands without authorization. Only used until the request is sent.</param>
/// <param name="CorrId">Normally absent: the client draws one. NEW with link data states its own.</param>
public readonly record struct SmpRequest(SmpCommand Command, EntityId Entity, PrivateKey? Key, CorrId? CorrId = null)
{
    /// <summary>A command about nothing, without authorization.</summary>
    public SmpRequest(SmpCommand command)
        : this(command, EntityId.None, null)
    {
    }
}

/// <summary>The relay's answer, or why there is none. <c>ERR</c> is an error here.</summary>
public readonly struct SmpResult
{
    private SmpResult(BrokerMessage? message, SmpClientError? error)
    {
        Message = message;
        Error = error;
    }

    /// <summary>Null exactly when <see cref="Error"/> is not. Its bytes are the receiver's to keep.</summary>
    public BrokerMessage? Message { get; }

    public SmpClientError? Error { get; }

    [MemberNotNullWhen(true, nameof(Message))]
    [MemberNotNullWhen(false, nameof(Error))]
    public bool IsOk => Error is null;

    internal static SmpResult Of(BrokerMessage message) =>
        message is BrokerMessage.Err error ? Of(new SmpClientError.Relay(error.Error)) : new SmpResult(message, null);

    internal static SmpResult Of(SmpClientError error) => new(null, error);
}

/// <summary>Something the relay sent that nobody waits for.</summary>
/// <param name="Entity">What it is about.</param>
/// <param name="Message">Its bytes are the receiver's to keep.</param>
/// <param name="LateAnswerTo">The command it answers, when the answer came after the caller had given up; else null.</param>
public readonly record struct SmpEvent(EntityId Entity, BrokerMessage Message, SmpCommand? LateAnswerTo = null);
