using System.Diagnostics.CodeAnalysis;
using Pairwise.Protocol.Smp;
using Pairwise.Wire;

namespace Pairwise.Protocol.Xftp;

/// <summary>The first request of a browser, which cannot see the server's identity in TLS.</summary>
/// <param name="Challenge">32 random bytes that the server signs, or null.</param>
public sealed record XftpClientHello(Bytes? Challenge)
{
    // clientHello = maybe(shortString of 32 bytes) *OCTET ; what follows is left to later versions
    public byte[] Encode()
    {
        var writer = new WireWriter(new byte[2 + XftpLimits.ChallengeLength]);
        writer.WriteMaybe(Challenge is not null);
        if (Challenge is { } challenge)
        {
            writer.WriteShort(challenge.Span);
        }

        return writer.WrittenSpan.ToArray();
    }

    public static bool TryDecode(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out XftpClientHello? hello)
    {
        hello = null;
        var reader = new WireReader(bytes);
        if (!reader.TryReadMaybe(out var hasChallenge))
        {
            return false;
        }

        if (!hasChallenge)
        {
            hello = new XftpClientHello((Bytes?)null);
            return true;
        }

        if (!reader.TryReadShort(out var challenge) || challenge.Length != XftpLimits.ChallengeLength)
        {
            return false;
        }

        hello = new XftpClientHello(Bytes.CopyOf(challenge));
        return true;
    }
}

/// <summary>The server's answer to the first request.</summary>
/// <param name="Versions">What it speaks.</param>
/// <param name="SessionId">The TLS session's id, which the client compares with its own.</param>
/// <param name="SessionKey">The server's certificates and its session key, signed by the leaf's key.</param>
/// <param name="IdentityProof">The leaf key's signature of challenge and session id; empty without a challenge.</param>
public sealed record XftpServerHandshake(VersionRange Versions, Bytes SessionId, CertificateSignedKey SessionKey, Bytes IdentityProof)
{
    private const int Ed25519SignatureLength = 64;
    private const int Ed448SignatureLength = 114;

    // serverHandshake = versionRange sessionId certificateSignedKey [identityProof] *OCTET
    // sessionId = shortString ; identityProof = shortString: empty, or a signature of Ed25519 or Ed448
    public byte[] Encode()
    {
        var writer = new WireWriter(new byte[XftpLimits.MaxBlockContent]);
        Versions.Write(ref writer);
        writer.WriteShort(SessionId.Span);
        BrokerMessageCodec.WriteSignedKey(SessionKey, ref writer);
        writer.WriteShort(IdentityProof.Span);
        return writer.WrittenSpan.ToArray();
    }

    public static bool TryDecode(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out XftpServerHandshake? handshake)
    {
        handshake = null;
        var reader = new WireReader(bytes);
        if (!VersionRange.TryRead(ref reader, out var versions)
            || !reader.TryReadShort(out var sessionId)
            || !BrokerMessageCodec.TryReadSignedKey(ref reader, out var sessionKey))
        {
            return false;
        }

        // Absent from servers that know no browsers; anything that is no signature is left to later versions.
        var proof = reader.TryReadShort(out var signature) && signature.Length is Ed25519SignatureLength or Ed448SignatureLength
            ? Bytes.CopyOf(signature)
            : Bytes.Empty;
        handshake = new XftpServerHandshake(versions, Bytes.CopyOf(sessionId), sessionKey, proof);
        return true;
    }
}

/// <summary>The second request of a client.</summary>
/// <param name="Version">The version it chose.</param>
/// <param name="KeyHash">The identity that it expects, from the server's address.</param>
public sealed record XftpClientHandshake(XftpVersion Version, Bytes KeyHash)
{
    // clientHandshake = version keyHash *OCTET ; version = word16, keyHash = shortString
    public byte[] Encode()
    {
        var writer = new WireWriter(new byte[3 + byte.MaxValue]);
        writer.WriteUInt16(Version.Number);
        writer.WriteShort(KeyHash.Span);
        return writer.WrittenSpan.ToArray();
    }

    public static bool TryDecode(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out XftpClientHandshake? handshake)
    {
        handshake = null;
        var reader = new WireReader(bytes);
        if (!reader.TryReadUInt16(out var version) || !reader.TryReadShort(out var keyHash))
        {
            return false;
        }

        handshake = new XftpClientHandshake(new XftpVersion(version), Bytes.CopyOf(keyHash));
        return true;
    }
}
