using System.Diagnostics.CodeAnalysis;
using Pairwise.Crypto;
using Pairwise.Protocol.Smp;
using Pairwise.Wire;

namespace Pairwise.Protocol.Agent;

/// <summary>
/// Signs and encrypts the content of a short link for the relay, and opens what a relay gives out.
/// Source: agent-protocol.md, "Short links".
/// </summary>
public static class LinkSealing
{
    /// <summary>Signs the fixed part and derives the link's key from it.</summary>
    public static (Bytes LinkKey, byte[] SignedContent) SignFixed(FixedLinkContent content, Ed25519PrivateKey rootKey)
    {
        var encoded = content.Encode();
        return (Bytes.Wrap(Digests.Sha3_256(encoded)), Sign(encoded, rootKey));
    }

    /// <summary>Signs the user part, with the root key or that of an owner.</summary>
    public static byte[] SignUser(UserLinkContent content, Ed25519PrivateKey signer) => Sign(content.Encode(), signer);

    // encryptedPart = nonce box(padded signature content) ; nonce = 24*24 OCTET
    // padded to 2008 bytes (fixed part) or 13784 bytes (user part)
    /// <summary>Encrypts the signed fixed part. Null if it is too long.</summary>
    public static byte[]? SealFixed(BoxKey key, byte[] nonce, ReadOnlySpan<byte> signedContent) =>
        Seal(key, nonce, signedContent, SmpLimits.PaddedFixedLinkDataLength);

    /// <summary>Encrypts the signed user part. Null if it is too long.</summary>
    public static byte[]? SealUser(BoxKey key, byte[] nonce, ReadOnlySpan<byte> signedContent) =>
        Seal(key, nonce, signedContent, SmpLimits.PaddedUserLinkDataLength);

    /// <summary>
    /// Opens and checks what LNK brought: hash and root signature of the fixed part, owners, and that the root or an owner
    /// signed the user part.
    /// </summary>
    /// <param name="linkKey">Of the link.</param>
    /// <param name="key">The encryption key derived from it; see <see cref="ShortLinkKeys"/>.</param>
    /// <param name="mode">What the link says it is for: content of the other kind does not parse.</param>
    /// <param name="sealedContent">Both encrypted parts.</param>
    /// <param name="opened">What is behind the link.</param>
    /// <param name="fault">Why it cannot be trusted.</param>
    public static bool TryOpen(
        Bytes linkKey,
        BoxKey key,
        ConnectionMode mode,
        QueueLinkData sealedContent,
        [NotNullWhen(true)] out OpenedLink? opened,
        out LinkFault fault)
    {
        opened = null;
        if (!TryOpenPart(key, sealedContent.Fixed.Span, out var fixedBytes, out var fixedSignature, out fault)
            || !TryOpenPart(key, sealedContent.User.Span, out var userBytes, out var userSignature, out fault))
        {
            return false;
        }

        fault = LinkFault.Malformed;
        if (!FixedLinkContent.TryDecode(fixedBytes, out var fixedContent)
            || fixedContent.Request.Mode != mode
            || !UserLinkContent.TryDecode(userBytes, out var userContent)
            || (userContent is UserLinkContent.Invitation) != (mode == ConnectionMode.Invitation))
        {
            return false;
        }

        fault = Check(linkKey, fixedContent, fixedBytes, fixedSignature, userContent, userBytes, userSignature);
        if (fault != LinkFault.None)
        {
            return false;
        }

        opened = new OpenedLink(fixedContent, userContent);
        return true;
    }

    private static LinkFault Check(
        Bytes linkKey,
        FixedLinkContent fixedContent,
        byte[] fixedBytes,
        byte[] fixedSignature,
        UserLinkContent userContent,
        byte[] userBytes,
        byte[] userSignature)
    {
        if (!linkKey.Span.SequenceEqual(Digests.Sha3_256(fixedBytes)))
        {
            return LinkFault.FixedHash;
        }

        if (!fixedContent.RootKey.Verify(fixedBytes, fixedSignature))
        {
            return LinkFault.FixedSignature;
        }

        var isSigned = fixedContent.RootKey.Verify(userBytes, userSignature);
        if (userContent is UserLinkContent.Contact contact)
        {
            if (LinkOwner.Validate(fixedContent.RootKey, contact.Owners.Span) is not null)
            {
                return LinkFault.Owners;
            }

            isSigned = isSigned || contact.Owners.Any(owner => owner.Key.Verify(userBytes, userSignature));
        }

        return isSigned ? LinkFault.None : LinkFault.UserSignature;
    }

    // signedContent = signature *OCTET ; signature = shortString of 64 bytes
    private static byte[] Sign(byte[] content, Ed25519PrivateKey signer) =>
        [Ed25519PrivateKey.SignatureLength, .. signer.Sign(content), .. content];

    private static byte[]? Seal(BoxKey key, byte[] nonce, ReadOnlySpan<byte> signedContent, int paddedLength) =>
        Padding.Fits(signedContent.Length, paddedLength) ? [.. nonce, .. key.SealPadded(nonce, signedContent, paddedLength)] : null;

    private static bool TryOpenPart(BoxKey key, ReadOnlySpan<byte> sealedPart, out byte[] content, out byte[] signature, out LinkFault fault)
    {
        content = [];
        signature = [];
        fault = LinkFault.Malformed;
        if (sealedPart.Length < BoxNonce.Length)
        {
            return false;
        }

        if (!key.TryOpenPadded(sealedPart[..BoxNonce.Length], sealedPart[BoxNonce.Length..], out var opened))
        {
            fault = LinkFault.Encryption;
            return false;
        }

        var reader = new WireReader(opened);
        if (!reader.TryReadShort(out var signed) || signed.Length != Ed25519PrivateKey.SignatureLength)
        {
            return false;
        }

        signature = signed.ToArray();
        content = reader.ReadTail().ToArray();
        fault = LinkFault.None;
        return true;
    }
}

/// <summary>The content behind a short link, checked.</summary>
public sealed record OpenedLink(FixedLinkContent Fixed, UserLinkContent User);

/// <summary>Why the content of a short link cannot be trusted.</summary>
public enum LinkFault
{
    /// <summary>It can.</summary>
    None,

    /// <summary>It does not decrypt.</summary>
    Encryption,

    /// <summary>It does not parse, or is of the other kind.</summary>
    Malformed,

    /// <summary>The fixed part is not the one that the link's key names.</summary>
    FixedHash,

    /// <summary>The fixed part is not signed by its root key.</summary>
    FixedSignature,

    /// <summary>The list of owners is not valid.</summary>
    Owners,

    /// <summary>The user part is signed neither by the root key nor by an owner.</summary>
    UserSignature,
}
