using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using Pairwise.Ratchet;
using Pairwise.Wire;

namespace Pairwise.Protocol.Agent;

/// <summary>
/// The body of a client message: an agent message, encrypted by the ratchet, or one that comes before there is a ratchet.
/// The hierarchy is closed; contents are borrowed. Source: agent-protocol.md, "Agent message envelopes".
/// </summary>
/// <param name="AgentVersion">The version that the sender speaks, or that both agreed on.</param>
public abstract record AgentEnvelope(AgentVersion AgentVersion)
{
    /// <summary>C: confirms the connection; the content is an encrypted <see cref="AgentMessage"/>.</summary>
    /// <param name="AgentVersion">The agreed version.</param>
    /// <param name="Ratchet">The joining party's X3DH parameters, in its confirmation only.</param>
    /// <param name="EncryptedInfo">Encrypted by the ratchet.</param>
    public sealed record Confirmation(AgentVersion AgentVersion, E2ERatchetParams? Ratchet, BlockSlice EncryptedInfo) : AgentEnvelope(AgentVersion);

    /// <summary>M: an encrypted <see cref="AgentMessage"/>.</summary>
    public sealed record Message(AgentVersion AgentVersion, BlockSlice EncryptedMessage) : AgentEnvelope(AgentVersion);

    /// <summary>I: asks a contact address for a connection; without a ratchet's encryption.</summary>
    /// <param name="AgentVersion">What the sender speaks.</param>
    /// <param name="Request">The link to join.</param>
    /// <param name="Info">The application's information.</param>
    public sealed record Invitation(AgentVersion AgentVersion, ConnectionRequest.Invitation Request, BlockSlice Info) : AgentEnvelope(AgentVersion);

    /// <summary>R: new X3DH parameters, to agree on the ratchet anew; without a ratchet's encryption.</summary>
    /// <param name="AgentVersion">The agreed version.</param>
    /// <param name="Ratchet">Parameters that accept nothing: a proposed KEM key at most.</param>
    /// <param name="Info">Empty as yet.</param>
    public sealed record RatchetKey(AgentVersion AgentVersion, E2ERatchetParams Ratchet, BlockSlice Info) : AgentEnvelope(AgentVersion);

    // agentEnvelope = version ("C" maybe(e2eParams) *OCTET / "M" *OCTET / "I" largeString(link) *OCTET / "R" e2eParams *OCTET)
    public byte[] Encode()
    {
        const int header = 8;
        byte[] bytes;
        WireWriter writer;
        switch (this)
        {
            case Confirmation confirmation:
                bytes = new byte[header + (confirmation.Ratchet?.EncodedLength ?? 0) + confirmation.EncryptedInfo.Length];
                writer = Begin(bytes, "C"u8);
                writer.WriteMaybe(confirmation.Ratchet is not null);
                confirmation.Ratchet?.Write(ref writer);
                writer.WriteBytes(confirmation.EncryptedInfo.Span);
                return writer.WrittenSpan.ToArray();
            case Message message:
                bytes = new byte[header + message.EncryptedMessage.Length];
                writer = Begin(bytes, "M"u8);
                writer.WriteBytes(message.EncryptedMessage.Span);
                return writer.WrittenSpan.ToArray();
            case Invitation invitation:
                var link = Encoding.UTF8.GetBytes(invitation.Request.ToText());
                bytes = new byte[header + link.Length + invitation.Info.Length];
                writer = Begin(bytes, "I"u8);
                writer.WriteLarge(link);
                writer.WriteBytes(invitation.Info.Span);
                return writer.WrittenSpan.ToArray();
            case RatchetKey key:
                bytes = new byte[header + key.Ratchet.EncodedLength + key.Info.Length];
                writer = Begin(bytes, "R"u8);
                key.Ratchet.Write(ref writer);
                writer.WriteBytes(key.Info.Span);
                return writer.WrittenSpan.ToArray();
            default:
                throw new UnreachableException();
        }
    }

    public static bool TryDecode(ReadOnlyMemory<byte> encoded, [NotNullWhen(true)] out AgentEnvelope? envelope)
    {
        envelope = null;
        var reader = new WireReader(encoded.Span);
        if (!reader.TryReadUInt16(out var number) || !reader.TryReadByte(out var tag))
        {
            return false;
        }

        var version = new AgentVersion(number);
        switch (tag)
        {
            case (byte)'C':
                E2ERatchetParams? ratchet = null;
                if (!reader.TryReadMaybe(out var hasRatchet) || (hasRatchet && !E2ERatchetParams.TryRead(ref reader, out ratchet)))
                {
                    return false;
                }

                envelope = new Confirmation(version, ratchet, encoded[reader.Position..]);
                return true;
            case (byte)'M':
                envelope = new Message(version, encoded[reader.Position..]);
                return true;
            case (byte)'I':
                if (!reader.TryReadLarge(out var link)
                    || !ConnectionRequest.TryParse(link, out var request)
                    || request is not ConnectionRequest.Invitation invitation)
                {
                    return false;
                }

                envelope = new Invitation(version, invitation, encoded[reader.Position..]);
                return true;
            case (byte)'R':
                if (!E2ERatchetParams.TryRead(ref reader, out var key) || !key.IsProposal)
                {
                    return false;
                }

                envelope = new RatchetKey(version, key, encoded[reader.Position..]);
                return true;
            default:
                return false;
        }
    }

    /// <summary>The kind of envelope; safe to log.</summary>
    public override string ToString() => $"{GetType().Name} of agent version {AgentVersion}";

    private WireWriter Begin(byte[] bytes, ReadOnlySpan<byte> tag)
    {
        var writer = new WireWriter(bytes);
        writer.WriteUInt16(AgentVersion.Number);
        writer.WriteTag(tag);
        return writer;
    }
}
