using System.Diagnostics.CodeAnalysis;
using Pairwise.Crypto;
using Pairwise.Wire;

namespace Pairwise.Protocol.Smp;

/// <summary>
/// The two encryptions around a forwarded transmission: the client's for the destination relay (one key for one command)
/// and the proxy's for the same relay (the session's key). Answers go back under the reversed nonces.
/// Source: simplex-messaging.md, "Proxying sender commands".
/// </summary>
public static class ProxyForwarding
{
    // encTransmission = box(padded batch of one), nonce = the client's corr id
    /// <summary>The client's box for PFWD; the batch has one transmission. Null if it is too long.</summary>
    public static byte[]? SealTransmission(BoxKey commandKey, CorrId clientCorrId, ReadOnlySpan<byte> batch)
    {
        Span<byte> nonce = stackalloc byte[BoxNonce.Length];
        BoxNonce.Write(clientCorrId.Value.Span, nonce);
        return Padding.Fits(batch.Length, SmpLimits.PaddedProxiedTransmissionLength)
            ? commandKey.SealPadded(nonce, batch, SmpLimits.PaddedProxiedTransmissionLength)
            : null;
    }

    /// <summary>Opens the client's box in the destination relay: the content of a block.</summary>
    public static bool TryOpenTransmission(BoxKey commandKey, CorrId clientCorrId, ReadOnlySpan<byte> box, [NotNullWhen(true)] out byte[]? batch)
    {
        Span<byte> nonce = stackalloc byte[BoxNonce.Length];
        BoxNonce.Write(clientCorrId.Value.Span, nonce);
        return commandKey.TryOpenPadded(nonce, box, out batch);
    }

    // encResponse = box(padded batch of one), nonce = the client's corr id reversed
    /// <summary>The destination relay's answer for the client. Null if it is too long.</summary>
    public static byte[]? SealResponse(BoxKey commandKey, CorrId clientCorrId, ReadOnlySpan<byte> batch) =>
        Padding.Fits(batch.Length, SmpLimits.PaddedProxiedTransmissionLength)
            ? commandKey.SealPadded(ReversedNonce(clientCorrId), batch, SmpLimits.PaddedProxiedTransmissionLength)
            : null;

    /// <summary>Opens the answer in the client: the content of a block.</summary>
    public static bool TryOpenResponse(BoxKey commandKey, CorrId clientCorrId, ReadOnlySpan<byte> box, [NotNullWhen(true)] out byte[]? batch) =>
        commandKey.TryOpenPadded(ReversedNonce(clientCorrId), box, out batch);

    /// <summary>The proxy's box for RFWD.</summary>
    public static byte[] SealForwarded(BoxKey proxyKey, CorrId proxyCorrId, ForwardedTransmission forwarded)
    {
        Span<byte> nonce = stackalloc byte[BoxNonce.Length];
        BoxNonce.Write(proxyCorrId.Value.Span, nonce);
        return proxyKey.Seal(nonce, forwarded.Encode());
    }

    /// <summary>Opens the proxy's box in the destination relay.</summary>
    public static bool TryOpenForwarded(
        BoxKey proxyKey, CorrId proxyCorrId, ReadOnlySpan<byte> box, [NotNullWhen(true)] out ForwardedTransmission? forwarded)
    {
        forwarded = null;
        Span<byte> nonce = stackalloc byte[BoxNonce.Length];
        BoxNonce.Write(proxyCorrId.Value.Span, nonce);
        return proxyKey.TryOpen(nonce, box, out byte[]? encoded) && ForwardedTransmission.TryDecode(encoded, out forwarded);
    }

    /// <summary>The destination relay's answer for the proxy, RRES.</summary>
    public static byte[] SealForwardedResponse(BoxKey proxyKey, CorrId proxyCorrId, ForwardedResponse response) =>
        proxyKey.Seal(ReversedNonce(proxyCorrId), response.Encode());

    /// <summary>Opens the answer in the proxy.</summary>
    public static bool TryOpenForwardedResponse(
        BoxKey proxyKey, CorrId proxyCorrId, ReadOnlySpan<byte> box, [NotNullWhen(true)] out ForwardedResponse? response)
    {
        response = null;
        return proxyKey.TryOpen(ReversedNonce(proxyCorrId), box, out byte[]? encoded) && ForwardedResponse.TryDecode(encoded, out response);
    }

    private static byte[] ReversedNonce(CorrId corrId) => BoxNonce.Reverse(BoxNonce.From(corrId.Value.Span));
}

/// <summary>What a proxy sends to the destination relay inside RFWD.</summary>
/// <param name="ClientCorrId">The corr id of PFWD, the nonce of the client's box.</param>
/// <param name="Version">Of PFWD.</param>
/// <param name="CommandKey">Of PFWD.</param>
/// <param name="Transmission">The client's box.</param>
public sealed record ForwardedTransmission(CorrId ClientCorrId, SmpVersion Version, X25519PublicKey CommandKey, BlockSlice Transmission)
{
    // fwdTransmission = corrId version commandKey *OCTET
    public byte[] Encode()
    {
        var bytes = new byte[1 + ClientCorrId.Value.Length + sizeof(ushort) + 1 + CommandKey.SpkiLength + Transmission.Length];
        var writer = new WireWriter(bytes);
        writer.WriteShort(ClientCorrId.Value.Span);
        writer.WriteUInt16(Version.Number);
        SmpKeys.Write(CommandKey, ref writer);
        writer.WriteBytes(Transmission.Span);
        return bytes;
    }

    public static bool TryDecode(ReadOnlyMemory<byte> encoded, [NotNullWhen(true)] out ForwardedTransmission? forwarded)
    {
        forwarded = null;
        var reader = new WireReader(encoded.Span);
        if (!reader.TryReadShort(out var corrId) || !reader.TryReadUInt16(out var version) || !SmpKeys.TryReadX25519(ref reader, out var key))
        {
            return false;
        }

        forwarded = new ForwardedTransmission(new CorrId(corrId), new SmpVersion(version), key, encoded[reader.Position..]);
        return true;
    }
}

/// <summary>What the destination relay answers to a proxy inside RRES.</summary>
/// <param name="ClientCorrId">The corr id of PFWD.</param>
/// <param name="Response">The box for the client.</param>
public sealed record ForwardedResponse(CorrId ClientCorrId, BlockSlice Response)
{
    // fwdResponse = corrId *OCTET
    public byte[] Encode()
    {
        var bytes = new byte[1 + ClientCorrId.Value.Length + Response.Length];
        var writer = new WireWriter(bytes);
        writer.WriteShort(ClientCorrId.Value.Span);
        writer.WriteBytes(Response.Span);
        return bytes;
    }

    public static bool TryDecode(ReadOnlyMemory<byte> encoded, [NotNullWhen(true)] out ForwardedResponse? response)
    {
        response = null;
        var reader = new WireReader(encoded.Span);
        if (!reader.TryReadShort(out var corrId))
        {
            return false;
        }

        response = new ForwardedResponse(new CorrId(corrId), encoded[reader.Position..]);
        return true;
    }
}
