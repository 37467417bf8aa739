using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Pairwise.Crypto;
using Pairwise.Protocol.Agent;
using Pairwise.Protocol.Smp;
using Pairwise.Protocol.Tests.Smp;
using Pairwise.TestKit;
using Pairwise.Wire;

namespace Pairwise.Protocol.Tests.Agent;

/// <summary>Every record of links.json.</summary>
public sealed class LinkVectorTests
{
    [Fact]
    public void Every_record_comes_out_as_the_reference_has_it() =>
        VectorFile.Load("links.json").Check(new Dictionary<string, Action<VectorRecord>>
        {
            ["serverAddress"] = Server,
            ["transportHost"] = Host,
            ["queueUri"] = QueueUri,
            ["queueUriParse"] = QueueUriParse,
            ["connectionRequest"] = Request,
            ["connectionRequestParse"] = RequestParse,
            ["shortLink"] = Short,
            ["shortLinkParse"] = ShortParse,
            ["shortLinkPreset"] = ShortPreset,
            ["linkKdf"] = Kdf,
            ["linkData"] = LinkData,
            ["ownersValidation"] = Owners,
            ["simplexName"] = Name,
        });

    private static void Server(VectorRecord record)
    {
        var isParsed = ServerAddressWithPassword.TryParse(record.String("input"), out var parsed);
        Assert.Equal(record.String("parse") == "ok", isParsed);
        if (!isParsed)
        {
            return;
        }

        var protocol = record.String("protocol") switch
        {
            "smp" => ServerProtocol.Smp,
            "ntf" => ServerProtocol.Ntf,
            _ => ServerProtocol.Xftp,
        };
        var server = parsed!.Server;
        Assert.Equal(AddressVectors.Server(record["server"], protocol), server);
        Assert.Equal(record.Has("password") ? record.String("password") : null, parsed.Password is null ? null : Encoding.Latin1.GetString(parsed.Password.Span));
        Assert.Equal(record.String("canonical"), parsed.ToConfigurationText());
        Assert.Equal(record.String("legacyText"), server.ToLegacyText());
        Assert.Equal(parsed.Password is null, ServerAddress.TryParse(record.String("input"), out _));

        var encoded = record.Bytes("smpEncodedServer");
        var writer = new WireWriter(new byte[encoded.Length]);
        server.Write(ref writer);
        Assert.Equal(encoded, writer.WrittenSpan.ToArray());
        Assert.Equal(encoded.Length, server.GetEncodedLength());
        var reader = new WireReader(encoded);
        Assert.True(ServerAddress.TryRead(ref reader, protocol, out var decoded));
        Assert.Equal(server, decoded);

        var legacy = record.Bytes("legacyEncodedServer");
        var legacyWriter = new WireWriter(new byte[legacy.Length]);
        server.WriteLegacy(ref legacyWriter);
        Assert.Equal(legacy, legacyWriter.WrittenSpan.ToArray());
        var legacyReader = new WireReader(legacy);
        Assert.True(ServerAddress.TryReadLegacy(ref legacyReader, protocol, out var legacyDecoded));
        Assert.Equal(server with { Hosts = [server.Hosts[0]] }, legacyDecoded);
    }

    private static void Host(VectorRecord record)
    {
        var isParsed = TransportHost.TryParse(record.String("input"), out var host);
        Assert.Equal(record.String("parse") == "ok", isParsed);
        if (isParsed)
        {
            Assert.Equal(record.String("canonical"), host!.Name);
            var kind = record.String("type") switch
            {
                "THDomainName" => TransportHostKind.DomainName,
                "THIPv4" => TransportHostKind.IPv4,
                "THIPv6" => TransportHostKind.IPv6,
                _ => TransportHostKind.Onion,
            };
            Assert.Equal(kind, host.Kind);
            byte[] expected = [(byte)host.Name.Length, .. Encoding.ASCII.GetBytes(host.Name)];
            Assert.Equal(record.Bytes("smpEncoded"), expected);
        }
    }

    private static void QueueUri(VectorRecord record)
    {
        var queue = AddressVectors.QueueUri(record["queue"]);
        Assert.Equal(record.String("encoded"), queue.ToText());
        Assert.True(SmpQueueUri.TryParse(Encoding.ASCII.GetBytes(record.String("encoded")), out var parsed));
        Assert.Equal(AddressVectors.QueueUri(record["parsed"]), parsed);
        Assert.Equal(record.Bool("lossless"), parsed.Equals(queue));
    }

    private static void QueueUriParse(VectorRecord record)
    {
        var isParsed = SmpQueueUri.TryParse(Encoding.UTF8.GetBytes(record.String("input")), out var queue);
        Assert.Equal(record.String("parse") == "ok", isParsed);
        if (isParsed)
        {
            Assert.Equal(AddressVectors.QueueUri(record["queue"]), queue);
            Assert.Equal(record.String("canonical"), queue!.ToText());
        }
    }

    private static void Request(VectorRecord record)
    {
        Assert.True(ConnectionRequest.TryParse(record.String("encoded"), out var request));
        AssertRequest(record["request"], request);
        Assert.Equal(record.String("encoded"), request.ToText());
        Assert.True(ConnectionLink.TryParse(record.String("encoded"), out var link));
        Assert.Equal(request, Assert.IsType<ConnectionLink.Full>(link).Request);

        var encoded = record.Bytes("smpEncoded");
        Assert.Equal(encoded, request.Encode());
        Assert.True(ConnectionRequest.TryDecode(encoded, out var decoded));
        Assert.Equal(record.Bool("smpLossless"), decoded.Equals(request));
    }

    private static void RequestParse(VectorRecord record)
    {
        var isParsed = ConnectionRequest.TryParse(record.String("input"), out var request);
        Assert.Equal(record.String("parse") == "ok", isParsed);
        if (isParsed)
        {
            AssertRequest(record["request"], request!);
            Assert.Equal(record.String("canonical"), request!.ToText());
        }
    }

    private static void AssertRequest(JsonElement expected, ConnectionRequest request)
    {
        Assert.Equal(expected.GetProperty("mode").GetString() == "invitation" ? ConnectionMode.Invitation : ConnectionMode.Contact, request.Mode);
        Assert.Equal(expected.GetProperty("scheme").GetString(), request.Scheme.ToString());
        Assert.Equal(AddressVectors.Range(expected.GetProperty("agentVersionRange")), request.AgentVersions);
        Assert.Equal([.. expected.GetProperty("queues").EnumerateArray().Select(AddressVectors.QueueUri)], request.Queues);
        Assert.Equal(expected.Has("clientData") ? expected.GetProperty("clientData").GetString() : null, request.ClientData);
        if (request is ConnectionRequest.Invitation invitation)
        {
            Assert.Equal(expected.GetProperty("e2e").GetString(), invitation.Ratchet.ToText());
        }
    }

    private static void Short(VectorRecord record)
    {
        var link = ShortLinkOf(record["link"]);
        Assert.Equal(record.String("encoded"), link.ToText());
        Assert.True(ShortLink.TryParse(record.String("encoded"), out var parsed));
        Assert.Equal(link, parsed);
        Assert.True(ConnectionLink.TryParse(record.String("encoded"), out var any));
        Assert.Equal(link, Assert.IsType<ConnectionLink.Short>(any).Link);

        var encoded = record.Bytes("smpEncoded");
        Assert.Equal(encoded, link.Encode());
        Assert.True(ShortLink.TryDecode(encoded, out var decoded));
        Assert.Equal(link with { Scheme = ShortLinkScheme.Server }, decoded);
    }

    private static void ShortParse(VectorRecord record)
    {
        var isParsed = ShortLink.TryParse(record.String("input"), out var link);
        Assert.Equal(record.String("parse") == "ok", isParsed);
        if (isParsed)
        {
            Assert.Equal(ShortLinkOf(record["link"]), link);
            Assert.Equal(record.String("canonical"), link!.ToText());
        }
    }

    private static void ShortPreset(VectorRecord record)
    {
        var presets = record["presetServers"].EnumerateArray().Select(server => AddressVectors.Server(server, ServerProtocol.Smp)).ToArray();
        Assert.True(ShortLink.TryParse(record.String("link"), out var link));
        var shortened = link.Shorten(presets);
        Assert.Equal(record.String("shortened"), shortened.ToText());
        Assert.Equal(record.String("restored"), link.Restore(presets).ToText());
    }

    private static ShortLink ShortLinkOf(JsonElement fields)
    {
        var scheme = fields.GetProperty("scheme").GetString() == "simplex" ? ShortLinkScheme.Simplex : ShortLinkScheme.Server;
        var server = AddressVectors.Server(fields.GetProperty("server"), ServerProtocol.Smp);
        var key = Bytes.CopyOf(fields.Bytes("linkKey"));
        return fields.GetProperty("type").GetString() switch
        {
            "i" => new ShortLink.Invitation(scheme, server, new LinkId(fields.Bytes("linkId")), key),
            "a" => new ShortLink.Contact(scheme, ContactLinkType.Contact, server, key),
            "c" => new ShortLink.Contact(scheme, ContactLinkType.Channel, server, key),
            "g" => new ShortLink.Contact(scheme, ContactLinkType.Group, server, key),
            "r" => new ShortLink.Contact(scheme, ContactLinkType.Relay, server, key),
            _ => throw new VectorException("no such link type"),
        };
    }

    private static void Kdf(VectorRecord record)
    {
        var (link, key) = ShortLinkKeys.DeriveContact(record.Bytes("linkKey"));
        Assert.Equal(record.Bytes("contactLinkId"), link.Value.ToArray());
        Assert.Equal(record.Bytes("contactKey"), key);
        Assert.Equal(record.Bytes("invitationKey"), ShortLinkKeys.DeriveInvitation(record.Bytes("linkKey")));
    }

    private static void LinkData(VectorRecord record)
    {
        using var rootKey = (Ed25519PrivateKey)SmpCommandVectorTests.Key(record["rootKey"]);
        var versions = AddressVectors.Range(record["agentVersionRange"]);
        Assert.True(ConnectionRequest.TryParse(record.String("connReq"), out var request));
        Assert.Equal(record.Bytes("connReqSmpEncoded"), request.Encode());
        var fixedContent = new FixedLinkContent(versions, rootKey.PublicKey, request, record.Has("linkEntityId") ? Bytes.Wrap(record.Bytes("linkEntityId")) : null);
        Assert.Equal(record.Bytes("fixedData"), fixedContent.Encode());
        var (linkKey, signedFixed) = LinkSealing.SignFixed(fixedContent, rootKey);
        Assert.Equal(record.Bytes("linkKey"), linkKey.ToArray());
        Assert.Equal(record.Bytes("signedFixedData"), signedFixed);

        var userContent = UserContentOf(request.Mode, versions, record["fields"]);
        Assert.Equal(record.Bytes("userData"), userContent.Encode());
        var signedUser = record.Bytes("signedUserData");
        if (record.String("userDataSignedBy") == "root")
        {
            Assert.Equal(signedUser, LinkSealing.SignUser(userContent, rootKey));
        }

        var encryptionKey = record.Bytes("encryptionKey");
        if (request.Mode == ConnectionMode.Invitation)
        {
            Assert.Equal(encryptionKey, ShortLinkKeys.DeriveInvitation(linkKey.Span));
        }
        else
        {
            var (linkId, contactKey) = ShortLinkKeys.DeriveContact(linkKey.Span);
            Assert.Equal(record.Bytes("contactLinkId"), linkId.Value.ToArray());
            Assert.Equal(encryptionKey, contactKey);
        }

        using var box = BoxKey.FromSymmetric(encryptionKey);
        var sealedFixed = LinkSealing.SealFixed(box, record.Bytes("fixedNonce"), signedFixed);
        Assert.Equal(record.Bytes("encFixedData"), sealedFixed);
        Assert.Equal(record.Int("encFixedLength"), sealedFixed!.Length);
        var sealedUser = LinkSealing.SealUser(box, record.Bytes("userNonce"), signedUser);
        AssertContent(record["encUserData"], sealedUser!);
        Assert.Equal(record.Int("encUserLength"), sealedUser!.Length);

        var isOpened = LinkSealing.TryOpen(linkKey, box, request.Mode, new QueueLinkData(sealedFixed, sealedUser), out var opened, out var fault);
        Assert.Equal(record.String("decrypt") == "ok", isOpened);
        if (isOpened)
        {
            Assert.Equal(fixedContent, opened!.Fixed);
            Assert.Equal(userContent, opened.User);
        }
        else
        {
            Assert.Contains("user data signature", record.String("decrypt"), StringComparison.Ordinal);
            Assert.Equal(LinkFault.UserSignature, fault);
        }
    }

    private static UserLinkContent UserContentOf(ConnectionMode mode, VersionRange versions, JsonElement fields)
    {
        var userData = Bytes.CopyOf(fields.Bytes("userLinkData"));
        return mode == ConnectionMode.Invitation
            ? new UserLinkContent.Invitation(versions, userData)
            : new UserLinkContent.Contact(
                versions,
                fields.GetProperty("direct").GetBoolean(),
                [.. fields.GetProperty("owners").EnumerateArray().Select(Owner)],
                [.. fields.GetProperty("relays").EnumerateArray().Select(Relay)],
                userData);
    }

    private static ShortLink.Contact Relay(JsonElement text)
    {
        Assert.True(ShortLink.TryParse(text.GetString()!, out var link));
        return Assert.IsType<ShortLink.Contact>(link);
    }

    private static LinkOwner Owner(JsonElement fields)
    {
        using var key = (Ed25519PrivateKey)SmpCommandVectorTests.Key(fields.GetProperty("ownerKey"));
        return new LinkOwner(Bytes.CopyOf(fields.Bytes("ownerId")), key.PublicKey, Bytes.CopyOf(fields.Bytes("authSignature")));
    }

    private static void Owners(VectorRecord record)
    {
        Assert.True(Ed25519PublicKey.TryFromSpki(record.Bytes("rootKeySpki"), out var rootKey));
        ValueList<LinkOwner> owners = [.. record["owners"].EnumerateArray().Select(Owner)];
        Assert.Equal(record.Bytes("ownersEncoded"), LinkOwner.EncodeList(owners));
        var fault = LinkOwner.Validate(rootKey, owners.Span);
        Assert.Equal(record.String("result") == "ok", fault is null);
        if (fault is not null)
        {
            var text = record.String("errorText");
            var kind = text.StartsWith("owner key", StringComparison.Ordinal) ? OwnerFaultKind.IsRoot
                : text.StartsWith("duplicate", StringComparison.Ordinal) ? OwnerFaultKind.IsDuplicate
                : OwnerFaultKind.IsNotAuthorized;
            Assert.Equal(kind, fault.Kind);
            Assert.Contains(TextEncoding.ToBase64UrlUnpadded(fault.Owner.Span), text, StringComparison.Ordinal);
        }
    }

    private static void Name(VectorRecord record)
    {
        var isParsed = SimplexName.TryParse(record.String("input"), out var name);
        Assert.Equal(record.String("parse") == "ok", isParsed);
        if (isParsed)
        {
            Assert.Equal(record.String("type") == "NTPublicGroup" ? SimplexNameType.PublicGroup : SimplexNameType.Contact, name!.Type);
            Assert.Equal(record.String("fullDomain"), name.Domain);
            Assert.Equal(record.String("short"), name.ToShortText());
            Assert.Equal(record.String("canonical"), name.ToText());
        }
    }

    private static void AssertContent(JsonElement expected, byte[] actual)
    {
        if (expected.ValueKind == JsonValueKind.String)
        {
            Assert.Equal(expected.Bytes(), actual);
            return;
        }

        Assert.Equal(expected.GetProperty("length").GetInt32(), actual.Length);
        Assert.Equal(expected.Bytes("sha256"), SHA256.HashData(actual));
    }
}
