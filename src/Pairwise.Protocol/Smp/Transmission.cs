using System.Diagnostics.CodeAnalysis;
using Pairwise.Wire;

namespace Pairwise.Protocol.Smp;

/// <summary>How a transmission is authorized.</summary>
public enum AuthorizationKind
{
    /// <summary>Not at all.</summary>
    None,

    /// <summary>By a signature: 64 bytes of Ed25519 or 114 of Ed448.</summary>
    Signature,

    /// <summary>By an authenticator: 80 bytes, an encrypted hash that both ends can make.</summary>
    Authenticator,
}

/// <summary>The authorization of a received transmission; borrowed from its block.</summary>
/// <param name="Kind">Told by its length.</param>
/// <param name="Content">The signature or authenticator.</param>
/// <param name="ServiceSignature">The Ed25519 signature of the client's service, or empty.</param>
public readonly record struct Authorization(AuthorizationKind Kind, BlockSlice Content, BlockSlice ServiceSignature)
{
    public static readonly Authorization None;

    public bool IsPresent => Kind != AuthorizationKind.None;
}

/// <summary>
/// One transmission of a block, borrowed from it: who asks about what, and the command not decoded yet. When
/// <see cref="Error"/> is set, nothing but <see cref="CorrId"/> may be used, and the error is the answer.
/// </summary>
public readonly struct Transmission
{
    private readonly ReadOnlyMemory<byte> _signed;

    private Transmission(CorrId corrId, SmpError error)
    {
        CorrId = corrId;
        Error = error;
    }

    private Transmission(CorrId corrId, EntityId entity, Authorization authorization, ReadOnlyMemory<byte> signed, ReadOnlyMemory<byte> command)
    {
        CorrId = corrId;
        Entity = entity;
        Authorization = authorization;
        _signed = signed;
        Command = command;
    }

    public CorrId CorrId { get; }

    /// <summary>The queue, link, service or session that the command is about.</summary>
    public EntityId Entity { get; }

    public Authorization Authorization { get; }

    /// <summary>The encoded command or broker message.</summary>
    public ReadOnlyMemory<byte> Command { get; }

    /// <summary><c>BLOCK</c> or <c>SESSION</c> if the transmission is not to be looked at; else null.</summary>
    public SmpError? Error { get; }

    /// <summary>The length of <see cref="GetSigned"/>.</summary>
    public int GetSignedLength(TransmissionFormat format) =>
        format.ImpliesSessionId ? format.SignedPrefixLength + _signed.Length : _signed.Length;

    /// <summary>
    /// The bytes that the authorization covers. Where the session id is implied they are put together in
    /// <paramref name="scratch"/>, which has at least <see cref="GetSignedLength"/> bytes.
    /// </summary>
    public ReadOnlySpan<byte> GetSigned(TransmissionFormat format, Span<byte> scratch)
    {
        if (!format.ImpliesSessionId)
        {
            return _signed.Span;
        }

        var length = GetSignedLength(format);
        format.WriteSignedPrefix(scratch);
        _signed.Span.CopyTo(scratch[format.SignedPrefixLength..]);
        return scratch[..length];
    }

    // transmission = authorization [maybe(serviceSignature)] signed ; the service's since v16, if authorization is not empty
    // authorization = shortString ; empty, signature or authenticator
    // signed = [sessionId] corrId entityId command ; sessionId = shortString, sent before v7 only
    // corrId = shortString ; entityId = shortString ; command = *OCTET
    internal static Transmission Parse(ReadOnlyMemory<byte> encoded, TransmissionFormat format)
    {
        var reader = new WireReader(encoded.Span);
        if (!reader.TryReadShort(out var auth))
        {
            return new Transmission(CorrId.None, SmpError.Block.Instance);
        }

        var authContent = encoded.Slice(reader.Position - auth.Length, auth.Length);
        ReadOnlyMemory<byte> serviceSignature = default;
        if (format.HasServiceSignature && !auth.IsEmpty)
        {
            if (!reader.TryReadMaybe(out var hasServiceSignature))
            {
                return new Transmission(CorrId.None, SmpError.Block.Instance);
            }

            if (hasServiceSignature)
            {
                if (!reader.TryReadShort(out var signature) || signature.Length != TransmissionSizes.Ed25519Signature)
                {
                    return new Transmission(CorrId.None, SmpError.Block.Instance);
                }

                serviceSignature = encoded.Slice(reader.Position - signature.Length, signature.Length);
            }
        }

        var signed = encoded[reader.Position..];
        ReadOnlySpan<byte> sessionId = default;
        if ((!format.ImpliesSessionId && !reader.TryReadShort(out sessionId))
            || !reader.TryReadShort(out var corrIdBytes)
            || !reader.TryReadShort(out var entity))
        {
            return new Transmission(CorrId.None, SmpError.Block.Instance);
        }

        var corrId = new CorrId(corrIdBytes);
        if (!format.ImpliesSessionId && !sessionId.SequenceEqual(format.SessionId))
        {
            return new Transmission(corrId, SmpError.Session.Instance);
        }

        AuthorizationKind kind;
        switch (auth.Length)
        {
            case 0:
                kind = AuthorizationKind.None;
                break;
            case TransmissionSizes.Authenticator:
                kind = AuthorizationKind.Authenticator;
                break;
            case TransmissionSizes.Ed25519Signature:
            case TransmissionSizes.Ed448Signature:
                kind = AuthorizationKind.Signature;
                break;
            default:
                return new Transmission(corrId, SmpError.Block.Instance);
        }

        return new Transmission(
            corrId, new EntityId(entity), new Authorization(kind, authContent, serviceSignature), signed, encoded[reader.Position..]);
    }

    /// <summary>
    /// Decodes the command on the relay's side and checks that it has the credentials it needs and no others. Errors are
    /// <see cref="Error"/> or <c>CMD</c>.
    /// </summary>
    public bool TryDecodeCommand(
        SmpVersion version,
        [NotNullWhen(true)] out SmpCommand? command,
        [NotNullWhen(false)] out SmpError? error)
    {
        command = null;
        error = Error;
        if (error is not null || !SmpCommandCodec.TryDecode(version, Command, out command, out error))
        {
            return false;
        }

        error = SmpCredentials.Check(command, Authorization.IsPresent, !Entity.IsEmpty);
        return error is null;
    }

    /// <summary>Decodes the broker message on the client's side and checks that it has an entity id exactly if it should.</summary>
    public bool TryDecodeMessage(
        SmpVersion version,
        [NotNullWhen(true)] out BrokerMessage? message,
        [NotNullWhen(false)] out SmpError? error)
    {
        message = null;
        error = Error;
        if (error is not null || !BrokerMessageCodec.TryDecode(version, Command, out message, out error))
        {
            return false;
        }

        error = SmpCredentials.Check(message, !Entity.IsEmpty);
        return error is null;
    }
}

/// <summary>Lengths that tell one kind of authorization from another.</summary>
internal static class TransmissionSizes
{
    public const int Ed25519Signature = 64;
    public const int Ed448Signature = 114;
    public const int Authenticator = 80;
}
