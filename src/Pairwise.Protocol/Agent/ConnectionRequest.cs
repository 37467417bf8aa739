using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using Pairwise.Protocol.Smp;
using Pairwise.Ratchet;
using Pairwise.Wire;

namespace Pairwise.Protocol.Agent;

/// <summary>What a link is for.</summary>
public enum ConnectionMode
{
    /// <summary>I: one connection.</summary>
    Invitation,

    /// <summary>C: anybody may ask for a connection.</summary>
    Contact,
}

/// <summary>How a full link begins: <c>simplex:</c>, or the address of a site that explains the link to browsers.</summary>
/// <param name="AppServer">Host and port of the site, or null for <c>simplex:</c>.</param>
public readonly record struct LinkScheme(string? AppServer)
{
    public static readonly LinkScheme Simplex;

    /// <summary><c>https://simplex.chat</c></summary>
    public static readonly LinkScheme SimplexChat = new("simplex.chat");

    public override string ToString() => AppServer is null ? "simplex:" : "https://" + AppServer;

    // scheme = "simplex:" / "https://" host [":" port]
    internal static bool TryRead(ref TextCursor cursor, out LinkScheme scheme)
    {
        scheme = Simplex;
        if (cursor.TryRead("simplex:"u8))
        {
            return true;
        }

        if (!cursor.TryRead("https://"u8))
        {
            return false;
        }

        var host = Encoding.Latin1.GetString(cursor.ReadUntilAny(":#,;/ "u8));
        if (host.Length == 0)
        {
            return false;
        }

        var start = cursor.Position;
        if (cursor.TryRead(":"u8) && cursor.TryReadDigits(out var digits) && TextEncoding.TryParseUInt64(digits, out var port))
        {
            scheme = new LinkScheme(string.Create(CultureInfo.InvariantCulture, $"{host}:{unchecked((long)port)}"));
            return true;
        }

        cursor.Position = start;
        scheme = new LinkScheme(host);
        return true;
    }
}

/// <summary>
/// A full link: the queues to send to, and in an invitation the first keys of the ratchet. Immutable, compares by content.
/// Source: agent-protocol.md, "Connection request".
/// </summary>
/// <param name="AgentVersions">What the link's owner speaks.</param>
/// <param name="Queues">At least one.</param>
/// <param name="ClientData">Anything the application added, usually JSON.</param>
public abstract record ConnectionRequest(VersionRange AgentVersions, ValueList<SmpQueueUri> Queues, string? ClientData)
{
    /// <summary>How the text form begins; parsing forgets which it was.</summary>
    public LinkScheme Scheme { get; init; }

    public abstract ConnectionMode Mode { get; }

    /// <summary>A link for one connection.</summary>
    /// <param name="AgentVersions">What the link's owner speaks.</param>
    /// <param name="Queues">At least one.</param>
    /// <param name="ClientData">Anything the application added.</param>
    /// <param name="Ratchet">The owner's X3DH parameters, perhaps with a proposed KEM key.</param>
    public sealed record Invitation(VersionRange AgentVersions, ValueList<SmpQueueUri> Queues, string? ClientData, E2ERatchetParamsUri Ratchet)
        : ConnectionRequest(AgentVersions, Queues, ClientData)
    {
        public override ConnectionMode Mode => ConnectionMode.Invitation;

        public override string ToString() => base.ToString();
    }

    /// <summary>A link to a contact address.</summary>
    public sealed record Contact(VersionRange AgentVersions, ValueList<SmpQueueUri> Queues, string? ClientData)
        : ConnectionRequest(AgentVersions, Queues, ClientData)
    {
        public override ConnectionMode Mode => ConnectionMode.Contact;

        public override string ToString() => base.ToString();
    }

    // link = scheme "/" ("invitation" / "contact") ["/"] "#/?" query
    // query: v = agent versions, smp = queueUri *(";" queueUri), e2e = X3DH parameters (invitation only), data = client data
    /// <summary>The text form, with all of the link: a secret of its owner and whoever it is for.</summary>
    public string ToText()
    {
        var query = new QueryBuilder()
            .Add("v", AgentVersions.ToString())
            .Add("smp", string.Join(';', Queues.Select(queue => queue.ToText())));
        if (this is Invitation invitation)
        {
            query.Add("e2e", invitation.Ratchet.ToText());
        }

        if (ClientData is not null)
        {
            query.Add("data", ClientData);
        }

        return $"{Scheme}/{(Mode == ConnectionMode.Invitation ? "invitation" : "contact")}#/?{query}";
    }

    /// <summary>Nothing that would let a reader of a log connect.</summary>
    public override string ToString() => $"{Mode} link";

    /// <summary>Reads a full link that is the whole text.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out ConnectionRequest? request) =>
        TryParse(Encoding.UTF8.GetBytes(text), out request);

    /// <inheritdoc cref="TryParse(string, out ConnectionRequest)"/>
    public static bool TryParse(ReadOnlySpan<byte> text, [NotNullWhen(true)] out ConnectionRequest? request)
    {
        request = null;
        var cursor = new TextCursor(text);
        if (!LinkScheme.TryRead(ref cursor, out _) || !cursor.TryRead("/"u8))
        {
            return false;
        }

        var isInvitation = cursor.TryRead("invitation"u8);
        if (!isInvitation && !cursor.TryRead("contact"u8))
        {
            return false;
        }

        cursor.TryRead("/"u8);
        if (!cursor.TryRead("#/?"u8))
        {
            return false;
        }

        var query = cursor.ReadTail();
        if (query.IndexOfAny((byte)' ', (byte)'\n') >= 0
            || !QueryText.TryFind(query, "v"u8, out var versionText)
            || !VersionRange.TryParse(versionText, out var versions)
            || !QueryText.TryFind(query, "smp"u8, out var queueText)
            || !TryParseQueues(queueText, out var queues))
        {
            return false;
        }

        string? clientData = null;
        if (QueryText.TryFind(query, "data"u8, out var data) && !TryReadClientData(data, out clientData))
        {
            return false;
        }

        if (!isInvitation)
        {
            request = new Contact(AtLeastSupported(versions), queues, clientData);
            return true;
        }

        if (!QueryText.TryFind(query, "e2e"u8, out var ratchetText)
            || !E2ERatchetParamsUri.TryParse(ratchetText, out var ratchet)
            || !ratchet.IsProposal)
        {
            return false;
        }

        request = new Invitation(versions, queues, clientData, ratchet);
        return true;
    }

    // connReq = "I" connReqData e2eParams / "C" connReqData
    // connReqData = agentVersions nonEmptyList(queueUri) maybe(largeString of the client data)
    public byte[] Encode()
    {
        var bytes = new byte[MaxEncodedLength];
        var writer = new WireWriter(bytes);
        Write(ref writer);
        return writer.WrittenSpan.ToArray();
    }

    internal int MaxEncodedLength
    {
        get
        {
            var length = 1 + VersionRange.WireLength + 1 + 1 + sizeof(ushort);
            length += ClientData is null ? 0 : Encoding.UTF8.GetByteCount(ClientData);
            foreach (var queue in Queues)
            {
                length += queue.MaxEncodedLength;
            }

            return this is Invitation invitation ? length + invitation.Ratchet.EncodedLength : length;
        }
    }

    internal void Write(ref WireWriter writer)
    {
        writer.WriteTag(Mode == ConnectionMode.Invitation ? "I"u8 : "C"u8);
        AgentVersions.Write(ref writer);
        writer.WriteListCount(Queues.Count);
        foreach (var queue in Queues)
        {
            queue.Write(ref writer);
        }

        writer.WriteMaybe(ClientData is not null);
        if (ClientData is not null)
        {
            writer.WriteLarge(Encoding.UTF8.GetBytes(ClientData));
        }

        switch (this)
        {
            case Invitation invitation:
                invitation.Ratchet.Write(ref writer);
                break;
            case Contact:
                break;
            default:
                throw new UnreachableException();
        }
    }

    public static bool TryDecode(ReadOnlySpan<byte> encoded, [NotNullWhen(true)] out ConnectionRequest? request)
    {
        var reader = new WireReader(encoded);
        return TryRead(ref reader, out request) && reader.IsAtEnd;
    }

    internal static bool TryRead(ref WireReader reader, [NotNullWhen(true)] out ConnectionRequest? request)
    {
        request = null;
        if (!reader.TryReadByte(out var mode)
            || mode is not ((byte)'I' or (byte)'C')
            || !VersionRange.TryRead(ref reader, out var versions)
            || !reader.TryReadNonEmptyListCount(out var count))
        {
            return false;
        }

        var queues = new List<SmpQueueUri>();
        for (var i = 0; i < count; i++)
        {
            if (!SmpQueueUri.TryRead(ref reader, out var queue))
            {
                return false;
            }

            // This form is younger than queue modes, so that an absent one can only mean the mode that older clients leave out.
            queues.Add(queue.Address.Mode is null ? queue with { Address = queue.Address with { Mode = QueueMode.Contact } } : queue);
        }

        if (!reader.TryReadMaybe(out var hasClientData))
        {
            return false;
        }

        string? clientData = null;
        if (hasClientData)
        {
            if (!reader.TryReadLarge(out var data) || !TryReadClientData(data, out clientData))
            {
                return false;
            }
        }

        if (mode == (byte)'C')
        {
            request = new Contact(versions, [.. queues], clientData);
            return true;
        }

        if (!E2ERatchetParamsUri.TryRead(ref reader, out var ratchet) || !ratchet.IsProposal)
        {
            return false;
        }

        request = new Invitation(versions, [.. queues], clientData, ratchet);
        return true;
    }

    // Bytes that are not UTF-8 become replacement characters; what then is too long to be sent on is refused.
    private static bool TryReadClientData(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out string? clientData)
    {
        clientData = Encoding.UTF8.GetString(bytes);
        return Encoding.UTF8.GetByteCount(clientData) <= ushort.MaxValue;
    }

    private static bool TryParseQueues(ReadOnlySpan<byte> text, out ValueList<SmpQueueUri> queues)
    {
        queues = default;
        var list = new List<SmpQueueUri>();
        foreach (var range in text.Split((byte)';'))
        {
            if (list.Count == AgentLimits.MaxListCount || !SmpQueueUri.TryParse(text[range], out var queue))
            {
                return false;
            }

            list.Add(queue);
        }

        queues = [.. list];
        return !queues.IsEmpty;
    }

    // Contact links live long: one of an agent that is too old by now is taken as if of the oldest that is not.
    private static VersionRange AtLeastSupported(VersionRange versions)
    {
        var oldest = Agent.AgentVersions.Supported.Min;
        var min = Math.Max(oldest, versions.Min);
        return new VersionRange(min, Math.Max(min, versions.Max));
    }
}
