using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using Pairwise.Crypto;
using Pairwise.Protocol.Smp;
using Pairwise.Wire;

namespace Pairwise.Protocol.Agent;

/// <summary>The part of a short link's content that never changes; its hash is the link's key.</summary>
/// <param name="AgentVersions">What the owner spoke when the link was made.</param>
/// <param name="RootKey">The owner's key, which signs both parts.</param>
/// <param name="Request">The full link.</param>
/// <param name="EntityId">The application's id of what is behind the link, at most 255 bytes.</param>
public sealed record FixedLinkContent(VersionRange AgentVersions, Ed25519PublicKey RootKey, ConnectionRequest Request, Bytes? EntityId)
{
    // fixedData = agentVersions rootKey connReq [shortString] *<ignored>
    public byte[] Encode()
    {
        var bytes = new byte[VersionRange.WireLength + 1 + RootKey.SpkiLength + Request.MaxEncodedLength + 1 + (EntityId?.Length ?? 0)];
        var writer = new WireWriter(bytes);
        AgentVersions.Write(ref writer);
        SmpKeys.Write(RootKey, ref writer);
        Request.Write(ref writer);
        if (EntityId is { } entityId)
        {
            writer.WriteShort(entityId.Span);
        }

        return writer.WrittenSpan.ToArray();
    }

    public static bool TryDecode(ReadOnlySpan<byte> encoded, [NotNullWhen(true)] out FixedLinkContent? content)
    {
        content = null;
        var reader = new WireReader(encoded);
        if (!VersionRange.TryRead(ref reader, out var versions)
            || !LinkOwner.TryReadKey(ref reader, out var rootKey)
            || !ConnectionRequest.TryRead(ref reader, out var request))
        {
            return false;
        }

        Bytes? entityId = reader.TryReadShort(out var entity) ? Bytes.CopyOf(entity) : null;
        content = new FixedLinkContent(versions, rootKey, request, entityId);
        return true;
    }
}

/// <summary>The part of a short link's content that its owners may change.</summary>
/// <param name="AgentVersions">What the owner speaks.</param>
/// <param name="UserData">The application's own, at most 65,535 bytes; usually a profile.</param>
public abstract record UserLinkContent(VersionRange AgentVersions, Bytes UserData)
{
    // Longer user data is announced by a byte that no short string of up to 254 bytes begins with.
    private const byte LongUserDataTag = 255;

    /// <summary>I: of a one-time link.</summary>
    public sealed record Invitation(VersionRange AgentVersions, Bytes UserData) : UserLinkContent(AgentVersions, UserData);

    /// <summary>C: of an address.</summary>
    /// <param name="AgentVersions">What the owner speaks.</param>
    /// <param name="IsDirect">Whether the full link itself may be connected to.</param>
    /// <param name="Owners">Others who may sign changes, each authorized by the root or an owner before it; at most 255.</param>
    /// <param name="Relays">Links of chat relays that take requests for this address; at most 255.</param>
    /// <param name="UserData">The application's own.</param>
    public sealed record Contact(
        VersionRange AgentVersions, bool IsDirect, ValueList<LinkOwner> Owners, ValueList<ShortLink.Contact> Relays, Bytes UserData)
        : UserLinkContent(AgentVersions, UserData);

    // userData = "I" agentVersions data *<ignored> / "C" agentVersions direct:bool list(owner) list(relay) data *<ignored>
    // data = %xFF largeString / shortString ; the former for more than 254 bytes
    public byte[] Encode()
    {
        const int header = 1 + VersionRange.WireLength + 1 + 1 + 1 + 1 + sizeof(ushort);
        var length = header + UserData.Length;
        if (this is Contact sized)
        {
            length += sized.Owners.Sum(owner => owner.MaxEncodedLength) + sized.Relays.Sum(relay => relay.MaxEncodedLength);
        }

        var bytes = new byte[length];
        var writer = new WireWriter(bytes);
        switch (this)
        {
            case Invitation:
                writer.WriteTag("I"u8);
                AgentVersions.Write(ref writer);
                break;
            case Contact contact:
                writer.WriteTag("C"u8);
                AgentVersions.Write(ref writer);
                writer.WriteBool(contact.IsDirect);
                LinkOwner.WriteList(contact.Owners, ref writer);
                writer.WriteListCount(contact.Relays.Count);
                foreach (var relay in contact.Relays)
                {
                    relay.Write(ref writer);
                }

                break;
            default:
                throw new UnreachableException();
        }

        if (UserData.Length < LongUserDataTag)
        {
            writer.WriteShort(UserData.Span);
        }
        else
        {
            writer.WriteByte(LongUserDataTag);
            writer.WriteLarge(UserData.Span);
        }

        return writer.WrittenSpan.ToArray();
    }

    public static bool TryDecode(ReadOnlySpan<byte> encoded, [NotNullWhen(true)] out UserLinkContent? content)
    {
        content = null;
        var reader = new WireReader(encoded);
        if (!reader.TryReadByte(out var mode) || !VersionRange.TryRead(ref reader, out var versions))
        {
            return false;
        }

        switch (mode)
        {
            case (byte)'I':
                if (!TryReadUserData(ref reader, out var invitationData))
                {
                    return false;
                }

                content = new Invitation(versions, invitationData);
                return true;
            case (byte)'C':
                if (!reader.TryReadBool(out var isDirect)
                    || !LinkOwner.TryReadList(ref reader, out var owners)
                    || !TryReadRelays(ref reader, out var relays)
                    || !TryReadUserData(ref reader, out var contactData))
                {
                    return false;
                }

                content = new Contact(versions, isDirect, owners, relays, contactData);
                return true;
            default:
                return false;
        }
    }

    private static bool TryReadRelays(ref WireReader reader, out ValueList<ShortLink.Contact> relays)
    {
        relays = default;
        if (!reader.TryReadListCount(out var count))
        {
            return false;
        }

        var list = new List<ShortLink.Contact>();
        for (var i = 0; i < count; i++)
        {
            if (!ShortLink.TryRead(ref reader, out var link) || link is not ShortLink.Contact relay)
            {
                return false;
            }

            list.Add(relay);
        }

        relays = [.. list];
        return true;
    }

    private static bool TryReadUserData(ref WireReader reader, out Bytes userData)
    {
        var start = reader;
        if (reader.TryReadByte(out var tag) && tag == LongUserDataTag && reader.TryReadLarge(out var longData))
        {
            userData = Bytes.CopyOf(longData);
            return true;
        }

        reader = start;
        var isRead = reader.TryReadShort(out var shortData);
        userData = Bytes.CopyOf(shortData);
        return isRead;
    }
}

/// <summary>Somebody else who may sign changes of a link's content.</summary>
/// <param name="Id">The application's id of the owner, unique in the list.</param>
/// <param name="Key">The owner's key.</param>
/// <param name="Authorization">The signature of id and key (SPKI) by the root or an owner earlier in the list, 64 bytes.</param>
public sealed record LinkOwner(Bytes Id, Ed25519PublicKey Key, Bytes Authorization)
{
    internal int MaxEncodedLength => 1 + ContentLength;

    private int ContentLength => 1 + Id.Length + 1 + Key.SpkiLength + 1 + Authorization.Length;

    /// <summary>An owner whom the holder of a key authorizes.</summary>
    public static LinkOwner Authorize(Bytes id, Ed25519PublicKey key, Ed25519PrivateKey authorizer) =>
        new(id, key, Bytes.Wrap(authorizer.Sign([.. id.Span, .. key.ToSpki()])));

    /// <summary>
    /// The first owner that must not be in the list, or null: one whose key is the root's, whose id or key was there before,
    /// or whom neither the root nor an owner before it authorized.
    /// </summary>
    public static OwnerFault? Validate(Ed25519PublicKey rootKey, ReadOnlySpan<LinkOwner> owners)
    {
        for (var i = 0; i < owners.Length; i++)
        {
            var owner = owners[i];
            if (owner.Key.Equals(rootKey))
            {
                return new OwnerFault(OwnerFaultKind.IsRoot, owner.Id);
            }

            var isAuthorized = owner.IsAuthorizedBy(rootKey);
            foreach (var previous in owners[..i])
            {
                if (previous.Id == owner.Id || previous.Key.Equals(owner.Key))
                {
                    return new OwnerFault(OwnerFaultKind.IsDuplicate, owner.Id);
                }

                isAuthorized = isAuthorized || owner.IsAuthorizedBy(previous.Key);
            }

            if (!isAuthorized)
            {
                return new OwnerFault(OwnerFaultKind.IsNotAuthorized, owner.Id);
            }
        }

        return null;
    }

    private bool IsAuthorizedBy(Ed25519PublicKey key) => key.Verify([.. Id.Span, .. Key.ToSpki()], Authorization.Span);

    // owners = list(shortString of: ownerId ownerKey signature *<ignored>) ; each a shortString
    internal static void WriteList(ValueList<LinkOwner> owners, ref WireWriter writer)
    {
        writer.WriteListCount(owners.Count);
        foreach (var owner in owners)
        {
            writer.WriteByte((byte)owner.ContentLength);
            writer.WriteShort(owner.Id.Span);
            SmpKeys.Write(owner.Key, ref writer);
            writer.WriteShort(owner.Authorization.Span);
        }
    }

    /// <summary>Encodes a list of owners, as the user part of a link's content has it.</summary>
    public static byte[] EncodeList(ValueList<LinkOwner> owners)
    {
        var bytes = new byte[1 + owners.Sum(owner => owner.MaxEncodedLength)];
        var writer = new WireWriter(bytes);
        WriteList(owners, ref writer);
        return bytes;
    }

    internal static bool TryReadList(ref WireReader reader, out ValueList<LinkOwner> owners)
    {
        owners = default;
        if (!reader.TryReadListCount(out var count))
        {
            return false;
        }

        var list = new List<LinkOwner>();
        for (var i = 0; i < count; i++)
        {
            if (!reader.TryReadShort(out var content))
            {
                return false;
            }

            var inner = new WireReader(content);
            if (!inner.TryReadShort(out var id)
                || !TryReadKey(ref inner, out var key)
                || !inner.TryReadShort(out var signature)
                || signature.Length != Ed25519PrivateKey.SignatureLength)
            {
                return false;
            }

            list.Add(new LinkOwner(Bytes.CopyOf(id), key, Bytes.CopyOf(signature)));
        }

        owners = [.. list];
        return true;
    }

    internal static bool TryReadKey(ref WireReader reader, [NotNullWhen(true)] out Ed25519PublicKey? key)
    {
        key = null;
        return reader.TryReadShort(out var spki) && Ed25519PublicKey.TryFromSpki(spki, out key);
    }
}

/// <summary>Why a list of owners is not valid.</summary>
public enum OwnerFaultKind
{
    /// <summary>The owner's key is the root key.</summary>
    IsRoot,

    /// <summary>The id or key of an earlier owner.</summary>
    IsDuplicate,

    /// <summary>Neither the root nor an earlier owner authorized this one.</summary>
    IsNotAuthorized,
}

/// <summary>The first owner of a list that is not valid.</summary>
public sealed record OwnerFault(OwnerFaultKind Kind, Bytes Owner);
