using System.Diagnostics;
using Pairwise.Crypto;
using Pairwise.Wire;

namespace Pairwise.Protocol.Smp;

/// <summary>The service of a client, as its handshake presented it.</summary>
/// <param name="CertificateHash">SHA-256 fingerprint of the service's certificate.</param>
/// <param name="Key">The session's service key.</param>
public sealed record SmpClientService(Bytes CertificateHash, Ed25519PrivateKey Key);

/// <summary>
/// Encodes and authorizes the transmissions that a client sends. Holds keys of the session and owns none of them; safe for
/// concurrent use.
/// </summary>
/// <param name="format">What the handshake agreed on.</param>
/// <param name="serverKey">The relay's session key, which authenticators need; null from relays before <see cref="SmpVersions.AuthenticatedCommands"/>.</param>
/// <param name="service">The client's service, if it is one.</param>
public sealed class TransmissionAuthorizer(TransmissionFormat format, X25519PublicKey? serverKey, SmpClientService? service = null)
{
    public TransmissionFormat Format { get; } = format;

    /// <summary>
    /// Encodes a transmission for a batch. False only if an X25519 key has to authorize it and the relay sent no session key
    /// (<see cref="TransportError.NoServerAuth"/>).
    /// </summary>
    /// <param name="corrId">Of an X25519 key's authenticator it is the nonce, cut to 24 bytes or filled up with zero bytes.</param>
    /// <param name="entity">What the command is about.</param>
    /// <param name="command">The command.</param>
    /// <param name="key">Ed25519, Ed448 or X25519; null for commands without authorization.</param>
    /// <param name="encoded">The encoded transmission, without its length.</param>
    /// <exception cref="ArgumentException">A key of a kind that authorizes nothing.</exception>
    public bool TryEncode(CorrId corrId, EntityId entity, SmpCommand command, PrivateKey? key, out byte[] encoded)
    {
        var signed = EncodeSigned(corrId, entity, command);
        encoded = [];
        var authorization = Array.Empty<byte>();
        byte[]? serviceSignature = null;
        if (key is not null)
        {
            var authorized = signed;
            if (service is not null && SmpCredentials.UsesServiceSignature(command))
            {
                // The queue's key covers the certificate too, so that nobody inside TLS can put another service in.
                authorized = [.. service.CertificateHash.Span, .. signed];
                serviceSignature = service.Key.Sign(signed);
            }

            if (!TryAuthorize(key, corrId, authorized, out authorization))
            {
                return false;
            }
        }

        var sent = Format.ImpliesSessionId ? signed.AsSpan(Format.SignedPrefixLength) : signed;
        var buffer = new byte[1 + authorization.Length + 1 + 1 + TransmissionSizes.Ed25519Signature + sent.Length];
        var writer = new WireWriter(buffer);
        writer.WriteShort(authorization);
        if (Format.HasServiceSignature && authorization.Length > 0)
        {
            writer.WriteMaybe(serviceSignature is not null);
            if (serviceSignature is not null)
            {
                writer.WriteShort(serviceSignature);
            }
        }

        writer.WriteBytes(sent);
        encoded = writer.WrittenSpan.ToArray();
        return true;
    }

    // signed = sessionId corrId entityId command
    private byte[] EncodeSigned(CorrId corrId, EntityId entity, SmpCommand command)
    {
        var buffer = new byte[Format.SignedPrefixLength + 2 + corrId.Value.Length + entity.Value.Length + SmpCommandCodec.GetMaxEncodedLength(command)];
        var writer = new WireWriter(buffer);
        writer.WriteShort(Format.SessionId);
        writer.WriteShort(corrId.Value.Span);
        writer.WriteShort(entity.Value.Span);
        SmpCommandCodec.Write(Format.Version, command, ref writer);
        return writer.WrittenSpan.ToArray();
    }

    private bool TryAuthorize(PrivateKey key, CorrId corrId, ReadOnlySpan<byte> authorized, out byte[] authorization)
    {
        authorization = [];
        switch (key)
        {
            case SigningKey signing:
                authorization = signing.Sign(authorized);
                return true;
            case X25519PrivateKey when serverKey is null:
                return false;
            case X25519PrivateKey agreement:
                using (var secret = agreement.DeriveSharedSecret(serverKey!))
                using (var box = BoxKey.From(secret))
                {
                    Span<byte> nonce = stackalloc byte[BoxNonce.Length];
                    BoxNonce.Write(corrId.Value.Span, nonce);
                    authorization = Authenticator.Create(box, nonce, authorized);
                }

                Debug.Assert(authorization.Length == TransmissionSizes.Authenticator, "the wire tells kinds by length");
                return true;
            default:
                throw new ArgumentException("This key authorizes no command.", nameof(key));
        }
    }
}
