using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Text;
using Pairwise.Crypto;
using Pairwise.Wire;

namespace Pairwise.Protocol.Xftp;

/// <summary>
/// The text form of file descriptions: the small part of YAML that the reference's writers use. Reading never throws, and
/// refuses what validation of the reference refuses. Source: xftp.md, "File description".
/// </summary>
public static class FileDescriptionCodec
{
    /// <summary>Writes a description as the reference does: keys in alphabetical order, replicas grouped by server.</summary>
    public static string Encode(FileDescription description)
    {
        var text = new StringBuilder();
        AppendEntry(text, "chunkSize", FileSize.ToText(description.ChunkSize));
        AppendEntry(text, "digest", description.Digest.ToBase64Url());
        AppendEntry(text, "key", TextEncoding.ToBase64Url(description.Key.Key));
        AppendEntry(text, "nonce", TextEncoding.ToBase64Url(description.Key.Nonce));
        AppendEntry(text, "party", description.Party == FileParty.Sender ? "sender" : "recipient");
        if (description.Redirect is { } redirect)
        {
            text.Append("redirect:\n");
            AppendEntry(text, "  digest", redirect.Digest.ToBase64Url());
            text.Append(CultureInfo.InvariantCulture, $"  size: {redirect.Size}\n");
        }

        AppendReplicas(text, description);
        AppendEntry(text, "size", FileSize.ToText(description.Size));
        return text.ToString();
    }

    /// <summary>Reads and validates a description that is the whole text.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> text, [NotNullWhen(true)] out FileDescription? description)
    {
        description = null;
        return text.Length <= XftpLimits.MaxDescriptionLength
            && FileDescriptionReader.TryRead(text, out var parts)
            && TryAssemble(parts, out description)
            && IsValid(description);
    }

    /// <inheritdoc cref="TryDecode(ReadOnlySpan{byte}, out FileDescription)"/>
    public static bool TryDecode(string text, [NotNullWhen(true)] out FileDescription? description) =>
        TryDecode(Encoding.UTF8.GetBytes(text), out description);

    /// <summary>Whether the chunks are numbered one after the other and are together as large as the file.</summary>
    public static bool IsValid(FileDescription description)
    {
        long sum = 0;
        for (var i = 0; i < description.Chunks.Count; i++)
        {
            var chunk = description.Chunks[i];
            if (chunk.Number != i + 1)
            {
                return false;
            }

            sum += chunk.Size;
        }

        return sum == description.Size;
    }

    /// <summary>The chunks' replicas, grouped by server as the text form has them.</summary>
    public static IReadOnlyList<IGrouping<ServerAddress, (FileChunk Chunk, ChunkReplica Replica)>> GroupByServer(FileDescription description) =>
    [
        .. description.Chunks
            .SelectMany(chunk => chunk.Replicas.Select(replica => (Chunk: chunk, Replica: replica)))
            .GroupBy(part => part.Replica.Server)
            .OrderBy(group => group.Key, ServerOrder.Instance),
    ];

    private static bool TryAssemble(FileDescriptionParts parts, [NotNullWhen(true)] out FileDescription? description)
    {
        description = null;
        if (!TryParty(parts.Party, out var party)
            || !FileSize.TryParse(parts.Size, out var size)
            || !TextEncoding.TryFromBase64Url(parts.Digest, out var digest) || digest.Length == 0
            || !TextEncoding.TryFromBase64Url(parts.Key, out var key) || key.Length != BoxKey.KeyLength
            || !TextEncoding.TryFromBase64Url(parts.Nonce, out var nonce) || nonce.Length != BoxNonce.Length
            || !FileSize.TryParse(parts.ChunkSize, out var chunkSize) || chunkSize > uint.MaxValue
            || !TryRedirect(parts, out var redirect)
            || !TryChunks(parts.Replicas, (uint)chunkSize, out var chunks))
        {
            return false;
        }

        description = new FileDescription(party, size, Bytes.Wrap(digest), new FileKey(key, nonce), (uint)chunkSize, chunks, redirect);
        return true;
    }

    private static bool TryParty(string text, out FileParty party)
    {
        party = text == "sender" ? FileParty.Sender : FileParty.Recipient;
        return text is "sender" or "recipient";
    }

    private static bool TryRedirect(FileDescriptionParts parts, out FileRedirect? redirect)
    {
        redirect = null;
        if (parts.RedirectDigest is null && parts.RedirectSize is null)
        {
            return true;
        }

        if (parts.RedirectDigest is null
            || parts.RedirectSize is null
            || !TextEncoding.TryFromBase64Url(parts.RedirectDigest, out var digest)
            || digest.Length == 0
            || !long.TryParse(parts.RedirectSize, NumberStyles.None, CultureInfo.InvariantCulture, out var size))
        {
            return false;
        }

        redirect = new FileRedirect(size, Bytes.Wrap(digest));
        return true;
    }

    // Of several replicas of a chunk the first one bears digest and size; others may repeat them, not differ.
    private static bool TryChunks(IReadOnlyList<(ServerAddress Server, string Text)> texts, uint defaultSize, out ValueList<FileChunk> chunks)
    {
        chunks = default;
        var found = new SortedDictionary<int, (uint? Size, Bytes? Digest, List<ChunkReplica> Replicas)>();
        foreach (var (server, text) in texts)
        {
            if (!TryReplica(server, text, out var number, out var replica, out var digest, out var size))
            {
                return false;
            }

            var known = found.TryGetValue(number, out var chunk) ? chunk : (null, null, []);
            if ((known.Size is not null && size is not null && known.Size != size)
                || (known.Digest is not null && digest is not null && known.Digest != digest))
            {
                return false;
            }

            known.Replicas.Add(replica);
            found[number] = (known.Size ?? size, known.Digest ?? digest, known.Replicas);
        }

        if (found.Count > XftpLimits.MaxChunks || found.Values.Any(chunk => chunk.Digest is null))
        {
            return false;
        }

        chunks = [.. found.Select(chunk => new FileChunk(chunk.Key, chunk.Value.Size ?? defaultSize, chunk.Value.Digest!.Value, [.. chunk.Value.Replicas]))];
        return true;
    }

    // replica = number ":" id ":" privateKey [":" digest] [":" size] ; all but number and size base64url
    private static bool TryReplica(
        ServerAddress server,
        string text,
        out int number,
        [NotNullWhen(true)] out ChunkReplica? replica,
        out Bytes? digest,
        out uint? size)
    {
        replica = null;
        digest = null;
        size = null;
        var fields = text.Split(':');
        if (!int.TryParse(fields[0], NumberStyles.None, CultureInfo.InvariantCulture, out number)
            || fields.Length is < 3 or > 5
            || !TextEncoding.TryFromBase64Url(fields[1], out var id) || id.Length is 0 or > WireId.MaxLength
            || !TextEncoding.TryFromBase64Url(fields[2], out var pkcs8)
            || !PrivateKey.TryFromPkcs8(pkcs8, out var key) || key is X448PrivateKey)
        {
            return false;
        }

        // A digest is tried before a size, as the reference does; a size alone is one that is no base64url text.
        for (var i = 3; i < fields.Length; i++)
        {
            if (i == 3 && TextEncoding.TryFromBase64Url(fields[i], out var bytes) && bytes.Length > 0)
            {
                digest = Bytes.Wrap(bytes);
            }
            else if (FileSize.TryParse(fields[i], out var chunkSize) && chunkSize <= uint.MaxValue)
            {
                size = (uint)chunkSize;
            }
            else
            {
                return false;
            }
        }

        replica = new ChunkReplica(server, new ChunkId(id), key);
        return true;
    }

    private static void AppendReplicas(StringBuilder text, FileDescription description)
    {
        var groups = GroupByServer(description);
        text.Append(groups.Count == 0 ? "replicas: []\n" : "replicas:\n");
        foreach (var group in groups)
        {
            text.Append("- chunks:\n");
            foreach (var (chunk, replica) in group)
            {
                var isFirst = ReferenceEquals(chunk.Replicas[0], replica);
                var id = replica.Id.Value;
                text.Append(CultureInfo.InvariantCulture, $"  - {chunk.Number}:")
                    .Append(TextEncoding.ToBase64Url(id.Span))
                    .Append(':')
                    .Append(TextEncoding.ToBase64Url(replica.Key.ToPkcs8()));
                if (isFirst)
                {
                    text.Append(':').Append(chunk.Digest.ToBase64Url());
                }

                if (isFirst && chunk.Size != description.ChunkSize)
                {
                    text.Append(':').Append(FileSize.ToText(chunk.Size));
                }

                text.Append('\n');
            }

            text.Append("  server: ").Append(group.Key).Append('\n');
        }
    }

    private static void AppendEntry(StringBuilder text, string name, string value)
    {
        // A plain scalar may not look like the end of a document or like a number.
        var isQuoted = value.StartsWith("---", StringComparison.Ordinal) || value.All(char.IsAsciiDigit);
        text.Append(name).Append(": ").Append(isQuoted ? $"'{value}'" : value).Append('\n');
    }

    /// <summary>The reference's order of servers: by hosts, then port, then key hash.</summary>
    private sealed class ServerOrder : IComparer<ServerAddress>
    {
        public static readonly ServerOrder Instance = new();

        public int Compare(ServerAddress? x, ServerAddress? y)
        {
            ArgumentNullException.ThrowIfNull(x);
            ArgumentNullException.ThrowIfNull(y);
            for (var i = 0; i < x.Hosts.Count && i < y.Hosts.Count; i++)
            {
                if (Compare(x.Hosts[i], y.Hosts[i]) is var order and not 0)
                {
                    return order;
                }
            }

            return x.Hosts.Count != y.Hosts.Count ? x.Hosts.Count.CompareTo(y.Hosts.Count)
                : string.CompareOrdinal(x.Port, y.Port) is var port and not 0 ? port
                : x.KeyHash.Span.SequenceCompareTo(y.KeyHash.Span);
        }

        private static int Compare(TransportHost x, TransportHost y)
        {
            if (x.Kind != y.Kind)
            {
                return Rank(x.Kind).CompareTo(Rank(y.Kind));
            }

            return x.Kind is TransportHostKind.IPv4 or TransportHostKind.IPv6
                && IPAddress.TryParse(x.Name, out var first)
                && IPAddress.TryParse(y.Name, out var second)
                ? first.GetAddressBytes().AsSpan().SequenceCompareTo(second.GetAddressBytes())
                : string.CompareOrdinal(x.Name, y.Name);
        }

        private static int Rank(TransportHostKind kind) => kind switch
        {
            TransportHostKind.IPv4 => 0,
            TransportHostKind.IPv6 => 1,
            TransportHostKind.Onion => 2,
            _ => 3,
        };
    }
}
