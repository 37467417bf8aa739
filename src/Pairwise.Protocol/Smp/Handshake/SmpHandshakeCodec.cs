using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using Pairwise.Crypto;
using Pairwise.Wire;

namespace Pairwise.Protocol.Smp;

/// <summary>
/// The contents of the handshake's blocks. What follows the known part is ignored: newer versions may add to it. No bytes
/// make a reader throw.
/// </summary>
public static class SmpHandshakeCodec
{
    // serverHello = versionRange sessionId [serverKey] *OCTET
    // versionRange = version version ; sessionId = shortString
    // serverKey = certificateSignedKey ; when the range's maximum is 7 or more
    public static void Write(SmpServerHello hello, ref WireWriter writer)
    {
        hello.Versions.Write(ref writer);
        writer.WriteShort(hello.SessionId.Span);
        if (HasKeys(hello.Versions.Max) && hello.SessionKey is not null)
            BrokerMessageCodec.WriteSignedKey(hello.SessionKey, ref writer);
    }

    public static bool TryRead(ReadOnlySpan<byte> content, [NotNullWhen(true)] out SmpServerHello? hello)
    {
        hello = null;
        var reader = new WireReader(content);
        if (!VersionRange.TryRead(ref reader, out var versions) || !reader.TryReadShort(out var sessionId))
            return false;
        CertificateSignedKey? key = null;
        if (HasKeys(versions.Max))
            BrokerMessageCodec.TryReadSignedKey(ref reader, out key);
        hello = new SmpServerHello(versions, Bytes.CopyOf(sessionId), key);
        return true;
    }

    // clientHello = version keyHash [clientKey] [proxyServer] [service] *OCTET
    // keyHash = shortString
    // clientKey = shortString of a SubjectPublicKeyInfo ; since version 7, may be left out
    // proxyServer = %s"T" / %s"F" ; since version 14
    // service = %s"0" / (%s"1" role certificateSignedKey) ; since version 16
    // role = %s"M" / %s"N" / %s"P"
    public static void Write(SmpClientHello hello, ref WireWriter writer)
    {
        writer.WriteUInt16(hello.Version.Number);
        writer.WriteShort(hello.KeyHash.Span);
        if (HasKeys(hello.Version.Number) && hello.SessionKey is not null)
            SmpKeys.Write(hello.SessionKey, ref writer);
        if (hello.Version >= SmpVersions.ProxyServerHandshake)
            writer.WriteBool(hello.IsProxy);
        if (hello.Version < SmpVersions.ServiceCertificates)
            return;
        writer.WriteMaybe(hello.Service is not null);
        if (hello.Service is null)
            return;
        writer.WriteByte(ToWire(hello.Service.Role));
        BrokerMessageCodec.WriteSignedKey(hello.Service.SignedKey, ref writer);
    }

    public static bool TryRead(ReadOnlySpan<byte> content, [NotNullWhen(true)] out SmpClientHello? hello)
    {
        hello = null;
        var reader = new WireReader(content);
        if (!reader.TryReadUInt16(out var number) || !reader.TryReadShort(out var keyHash))
            return false;
        var version = new SmpVersion(number);
        var key = HasKeys(number) ? ReadKeyIfThere(ref reader) : null;
        var isProxy = false;
        if (version >= SmpVersions.ProxyServerHandshake && !reader.TryReadBool(out isProxy))
            return false;
        SmpServiceHello? service = null;
        if (version >= SmpVersions.ServiceCertificates && !TryReadService(ref reader, out service))
            return false;
        hello = new SmpClientHello(version, Bytes.CopyOf(keyHash), key, isProxy, service);
        return true;
    }

    // serviceAnswer = (%s"R" serviceId / %s"E" transportError) ; serviceId = shortString
    public static void Write(SmpServiceAnswer answer, ref WireWriter writer)
    {
        switch (answer)
        {
            case SmpServiceAnswer.Accepted accepted:
                writer.WriteTag("R"u8);
                writer.WriteShort(accepted.Service.Value.Span);
                break;
            case SmpServiceAnswer.Rejected rejected:
                writer.WriteTag("E"u8);
                writer.WriteBytes(TransportErrorCodec.ToWire(rejected.Error));
                break;
            default:
                throw new UnreachableException();
        }
    }

    public static bool TryRead(ReadOnlySpan<byte> content, [NotNullWhen(true)] out SmpServiceAnswer? answer)
    {
        answer = null;
        var reader = new WireReader(content);
        if (!reader.TryReadByte(out var tag))
            return false;
        switch (tag)
        {
            case (byte)'R' when reader.TryReadShort(out var id):
                answer = new SmpServiceAnswer.Accepted(new ServiceId(id));
                return true;
            case (byte)'E' when TransportErrorCodec.TryDecode(reader.ReadTail(), out var error):
                answer = new SmpServiceAnswer.Rejected(error);
                return true;
            default:
                return false;
        }
    }

    private static bool HasKeys(ushort version) => new SmpVersion(version) >= SmpVersions.AuthenticatedCommands;

    /// <summary>A key may be left out; then what follows is not a key, and stays to be read.</summary>
    private static X25519PublicKey? ReadKeyIfThere(ref WireReader reader)
    {
        var attempt = reader;
        if (!SmpKeys.TryReadX25519(ref attempt, out var key))
            return null;
        reader = attempt;
        return key;
    }

    private static bool TryReadService(ref WireReader reader, out SmpServiceHello? service)
    {
        service = null;
        if (!reader.TryReadMaybe(out var isPresent))
            return false;
        if (!isPresent)
            return true;
        if (!reader.TryReadByte(out var tag)
            || !TryReadRole(tag, out var role)
            || !BrokerMessageCodec.TryReadSignedKey(ref reader, out var key))
        {
            return false;
        }

        service = new SmpServiceHello(role, key);
        return true;
    }

    private static byte ToWire(SmpServiceRole role) => role switch
    {
        SmpServiceRole.Messaging => (byte)'M',
        SmpServiceRole.Notifier => (byte)'N',
        SmpServiceRole.Proxy => (byte)'P',
        _ => throw new UnreachableException(),
    };

    private static bool TryReadRole(byte tag, out SmpServiceRole role)
    {
        role = tag switch
        {
            (byte)'N' => SmpServiceRole.Notifier,
            (byte)'P' => SmpServiceRole.Proxy,
            _ => SmpServiceRole.Messaging,
        };
        return tag is (byte)'M' or (byte)'N' or (byte)'P';
    }
}
