namespace Pairwise.Protocol.Smp;

/// <summary>Which commands and messages need an authorization or an entity id, and which must not have one.</summary>
public static class SmpCredentials
{
    /// <summary>The error of a command that has too few or too many credentials; null if they are right.</summary>
    public static SmpError? Check(SmpCommand command, bool hasAuthorization, bool hasEntity) => command switch
    {
        SmpCommand.New => !hasAuthorization ? SmpError.Command.NoAuth : hasEntity ? SmpError.Command.HasAuth : null,
        SmpCommand.Send => hasEntity ? null : SmpError.Command.NoEntity,
        SmpCommand.LGet or SmpCommand.PFwd => !hasEntity ? SmpError.Command.NoEntity : hasAuthorization ? SmpError.Command.HasAuth : null,
        SmpCommand.Ping or SmpCommand.Prxy or SmpCommand.RFwd => hasAuthorization || hasEntity ? SmpError.Command.HasAuth : null,
        _ => hasAuthorization && hasEntity ? null : SmpError.Command.NoAuth,
    };

    /// <summary>The error of a broker message with or without an entity id; null if it is as it should be.</summary>
    public static SmpError? Check(BrokerMessage message, bool hasEntity) => message switch
    {
        BrokerMessage.Ids or BrokerMessage.Err => null,
        BrokerMessage.Pong or BrokerMessage.PKey or BrokerMessage.RRes => hasEntity ? SmpError.Command.HasAuth : null,
        _ => hasEntity ? null : SmpError.Command.NoEntity,
    };

    /// <summary>Whether a client with a service signs the command with the service's key too.</summary>
    public static bool UsesServiceSignature(SmpCommand command) => command is SmpCommand.New or SmpCommand.Sub or SmpCommand.NSub;
}
