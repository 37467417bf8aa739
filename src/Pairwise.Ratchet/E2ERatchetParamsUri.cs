using System.Diagnostics.CodeAnalysis;
using System.Text;
using Pairwise.Crypto;
using Pairwise.Wire;

namespace Pairwise.Ratchet;

/// <summary>
/// X3DH parameters as offered in a link: a range of versions instead of one, in a binary and a text form.
/// </summary>
/// <param name="Versions">The versions the offering party speaks.</param>
/// <param name="Key1">Its first X448 key.</param>
/// <param name="Key2">Its second X448 key.</param>
/// <param name="Kem">Its KEM key, if any. The text form leaves it out when <paramref name="Versions"/> ends below 3.</param>
public sealed record E2ERatchetParamsUri(VersionRange Versions, X448PublicKey Key1, X448PublicKey Key2, KemParameters? Kem)
{
    /// <summary>Whether the KEM part is absent or a proposal: anything else is not valid in a link.</summary>
    public bool IsProposal => Kem is null or KemParameters.Proposed;

    public int EncodedLength => VersionRange.WireLength + (2 * X448Key.EncodedLength) + KemParameters.MaybeEncodedLength(Kem);

    /// <summary>The same parameters at the version both parties chose.</summary>
    public E2ERatchetParams At(E2EVersion version) => new(version, Key1, Key2, Kem);

    /// <summary>The newest version in both ranges; false when there is none.</summary>
    public bool TryAgree(VersionRange supported, [NotNullWhen(true)] out E2ERatchetParams? agreed)
    {
        agreed = Versions.TryIntersect(supported, out var common) ? At(new E2EVersion(common.Max)) : null;
        return agreed is not null;
    }

    // e2eParamsUri = versionRange key1 key2 maybeKem ; here maybeKem is there at every version
    public void Write(ref WireWriter writer)
    {
        Versions.Write(ref writer);
        X448Key.Write(ref writer, Key1);
        X448Key.Write(ref writer, Key2);
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

    /// <summary>Reads the binary form and leaves the reader behind it; on failure the reader stays where it was.</summary>
    public static bool TryRead(ref WireReader reader, [NotNullWhen(true)] out E2ERatchetParamsUri? parameters)
    {
        parameters = null;
        var attempt = reader;
        if (!VersionRange.TryRead(ref attempt, out var versions)
            || !X448Key.TryRead(ref attempt, out var key1)
            || !X448Key.TryRead(ref attempt, out var key2)
            || !KemParameters.TryReadMaybe(ref attempt, out var kem))
        {
            return false;
        }

        parameters = new E2ERatchetParamsUri(versions, key1, key2, kem);
        reader = attempt;
        return true;
    }

    /// <summary>Decodes the binary form that fills the whole input.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> encoded, [NotNullWhen(true)] out E2ERatchetParamsUri? parameters)
    {
        var reader = new WireReader(encoded);
        if (TryRead(ref reader, out parameters) && reader.IsAtEnd)
            return true;
        parameters = null;
        return false;
    }

    // e2eText = "v=" range "&x3dh=" key "," key ["&kem_ct=" ciphertext] ["&kem_key=" key] ; keys in base64url
    /// <summary>The text form: the value of a link's <c>e2e</c> parameter before it is percent-encoded there.</summary>
    public string ToText()
    {
        var text = new StringBuilder();
        text.Append("v=").Append(Versions.ToString());
        text.Append("&x3dh=").Append(TextEncoding.ToBase64Url(Key1.ToSpki()));
        text.Append(',').Append(TextEncoding.ToBase64Url(Key2.ToSpki()));
        if (Kem is not null && new E2EVersion(Versions.Max).HasPostQuantum)
        {
            if (Kem is KemParameters.Accepted accepted)
                text.Append("&kem_ct=").Append(TextEncoding.ToBase64Url(accepted.Ciphertext.Raw));
            text.Append("&kem_key=").Append(TextEncoding.ToBase64Url(Kem.PublicKey.Raw));
        }

        return text.ToString();
    }

    public override string ToString() => ToText();

    /// <summary>
    /// Parses the text form: parameters in any order, the first of each name counts, unknown ones are ignored, values
    /// may be percent-encoded. A space or line feed, where the reference's parser stops, is refused.
    /// </summary>
    public static bool TryParse(ReadOnlySpan<byte> text, [NotNullWhen(true)] out E2ERatchetParamsUri? parameters)
    {
        parameters = null;
        if (text.IndexOfAny((byte)' ', (byte)'\n') >= 0)
            return false;
        if (!QueryText.TryFind(text, "v"u8, out var versionText) || !VersionRange.TryParse(versionText, out var versions))
            return false;
        if (!QueryText.TryFind(text, "x3dh"u8, out var keys) || !TryParseKeys(keys, out var key1, out var key2))
            return false;
        KemParameters? kem = null;
        if (new E2EVersion(versions.Max).HasPostQuantum && !TryParseKem(text, out kem))
            return false;
        parameters = new E2ERatchetParamsUri(versions, key1, key2, kem);
        return true;
    }

    private static bool TryParseKeys(ReadOnlySpan<byte> text, [NotNullWhen(true)] out X448PublicKey? key1, [NotNullWhen(true)] out X448PublicKey? key2)
    {
        key1 = key2 = null;
        var comma = text.IndexOf((byte)',');
        return comma >= 0
            && TextEncoding.TryFromBase64Url(text[..comma], out var spki1)
            && TextEncoding.TryFromBase64Url(text[(comma + 1)..], out var spki2)
            && X448PublicKey.TryFromSpki(spki1, out key1)
            && X448PublicKey.TryFromSpki(spki2, out key2);
    }

    private static bool TryParseKem(ReadOnlySpan<byte> text, out KemParameters? kem)
    {
        kem = null;
        if (!QueryText.TryFind(text, "kem_key"u8, out var keyText))
            return true; // a ciphertext without a key is ignored, as in the reference
        if (!TextEncoding.TryFromBase64Url(keyText, out var keyRaw) || !Sntrup761PublicKey.TryFromRaw(keyRaw, out var key))
            return false;
        if (!QueryText.TryFind(text, "kem_ct"u8, out var ciphertextText))
        {
            kem = new KemParameters.Proposed(key);
            return true;
        }

        if (!TextEncoding.TryFromBase64Url(ciphertextText, out var ciphertextRaw)
            || !Sntrup761Ciphertext.TryFromRaw(ciphertextRaw, out var ciphertext))
        {
            return false;
        }

        kem = new KemParameters.Accepted(ciphertext, key);
        return true;
    }
}
