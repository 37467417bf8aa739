using System.Diagnostics.CodeAnalysis;
using Pairwise.Crypto;
using Pairwise.Wire;

namespace Pairwise.Ratchet;

/// <summary>
/// One party's public X3DH parameters at an agreed version, as they travel in confirmations and ratchet key messages.
/// </summary>
/// <param name="Version">The version of end-to-end encryption both will speak.</param>
/// <param name="Key1">The party's identity-like X448 key of this connection.</param>
/// <param name="Key2">The party's second X448 key; the receiving party's first ratchet key.</param>
/// <param name="Kem">The party's KEM key; not sent below version 3.</param>
public sealed record E2ERatchetParams(E2EVersion Version, X448PublicKey Key1, X448PublicKey Key2, KemParameters? Kem)
{
    /// <summary>Whether the KEM part is absent or a proposal, which is all that a link or a ratchet key message may hold.</summary>
    public bool IsProposal => Kem is null or KemParameters.Proposed;

    /// <summary>Length of the binary form.</summary>
    public int EncodedLength =>
        2 + (2 * X448Key.EncodedLength) + (Version.HasPostQuantum ? KemParameters.MaybeEncodedLength(Kem) : 0);

    // e2eParams = version key1 key2 [maybeKem] ; version = word16, keys = shortString of SPKI, maybeKem from version 3
    public void Write(ref WireWriter writer)
    {
        writer.WriteUInt16(Version.Value);
        X448Key.Write(ref writer, Key1);
        X448Key.Write(ref writer, Key2);
        if (Version.HasPostQuantum)
            KemParameters.WriteMaybe(ref writer, Kem);
    }

    /// <summary>The binary form as a new array.</summary>
    public byte[] Encode()
    {
        var encoded = new byte[EncodedLength];
        var writer = new WireWriter(encoded);
        Write(ref writer);
        return encoded;
    }

    /// <summary>Reads the parameters and leaves the reader behind them; on failure the reader stays where it was.</summary>
    public static bool TryRead(ref WireReader reader, [NotNullWhen(true)] out E2ERatchetParams? parameters)
    {
        parameters = null;
        var attempt = reader;
        if (!attempt.TryReadUInt16(out var value)
            || !X448Key.TryRead(ref attempt, out var key1)
            || !X448Key.TryRead(ref attempt, out var key2))
        {
            return false;
        }

        var version = new E2EVersion(value);
        KemParameters? kem = null;
        if (version.HasPostQuantum && !KemParameters.TryReadMaybe(ref attempt, out kem))
            return false;
        parameters = new E2ERatchetParams(version, key1, key2, kem);
        reader = attempt;
        return true;
    }

    /// <summary>Decodes parameters that fill the whole input.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> encoded, [NotNullWhen(true)] out E2ERatchetParams? parameters)
    {
        var reader = new WireReader(encoded);
        if (TryRead(ref reader, out parameters) && reader.IsAtEnd)
            return true;
        parameters = null;
        return false;
    }
}
