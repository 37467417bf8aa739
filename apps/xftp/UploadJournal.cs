using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Pairwise.Client.Xftp;
using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Xftp;
using Pairwise.Wire;

namespace Pairwise.XftpCommand;

/// <summary>
/// Remembers an upload in a file that only its owner can read: the file's key and the time in the first line, then one line
/// for each chunk that is on a server. It belongs to one file as it is now: another length or time makes it another file,
/// since a key must not encrypt two contents. Servers keep chunks for two days only, so that an upload that began long ago
/// begins anew, and recipients get most of that time.
/// </summary>
internal sealed class UploadJournal : IUploadJournal, IDisposable
{
    // A line without it was cut off.
    private const string EndOfLine = ".";

    private static readonly TimeSpan MaxAge = TimeSpan.FromHours(6);

    private readonly string _path;
    private readonly Dictionary<int, SentChunk> _known = [];
    private readonly FileStream _file;

    private UploadJournal(string path, FileStream file, FileKey key)
    {
        _path = path;
        _file = file;
        Key = key;
    }

    /// <summary>The key that the file is encrypted with, in this attempt as in earlier ones.</summary>
    public FileKey Key { get; }

    /// <summary>How many chunks an earlier attempt has uploaded.</summary>
    public int KnownChunks => _known.Count;

    /// <summary>Opens the journal of a file; chunks on other servers than those of the options are not known.</summary>
    /// <exception cref="IOException">It cannot be opened: another process sends the file, or the folder is not there.</exception>
    public static UploadJournal Open(string folder, FileInfo source, FileUploadOptions options, TimeProvider time)
    {
        var recipients = options.Recipients;
        var identity = SHA256.HashData(Encoding.UTF8.GetBytes(FormattableString.Invariant($"{source.FullName}\n{source.Length}\n{source.LastWriteTimeUtc.Ticks}\n{recipients}")));
        var path = Path.Combine(folder, $"xftp-send-{Convert.ToHexStringLower(identity.AsSpan(0, 12))}.journal");
        var lines = File.Exists(path) ? File.ReadAllLines(path) : [];
        var oldest = (time.GetUtcNow() - MaxAge).ToUnixTimeSeconds();
        var key = lines.Length > 0 && TryReadKey(lines[0], out var known, out var began) && began >= oldest ? known : null;
        var journal = new UploadJournal(path, PrivateFiles.Open(path, key is null ? FileMode.Create : FileMode.Append), key ?? FileKey.Generate(options.Random));
        if (key is null)
        {
            journal.Write(string.Create(
                CultureInfo.InvariantCulture, $"{TextEncoding.ToBase64Url(journal.Key.Key)} {TextEncoding.ToBase64Url(journal.Key.Nonce)} {time.GetUtcNow().ToUnixTimeSeconds()}"));
            return journal;
        }

        // A line that the end of the process cut off is a chunk that is uploaded again; the next one begins after it.
        if (!lines[^1].EndsWith(EndOfLine, StringComparison.Ordinal))
        {
            journal.Write("");
        }

        foreach (var line in lines.Skip(1))
        {
            if (TryReadChunk(line, out var chunk) && chunk.RecipientKeys.Count == recipients && options.Servers.Any(server => server.Server == chunk.Server))
            {
                journal._known[chunk.Number] = chunk;
            }
        }

        return journal;
    }

    public SentChunk? Find(int number, uint size, Bytes digest) =>
        _known.TryGetValue(number, out var chunk) && chunk.Size == size && chunk.Digest == digest ? chunk : null;

    public void Add(SentChunk chunk)
    {
        var id = chunk.Id.Value;
        Write(string.Join(
            ' ',
            chunk.Number.ToString(CultureInfo.InvariantCulture),
            chunk.Size.ToString(CultureInfo.InvariantCulture),
            chunk.Digest.ToBase64Url(),
            chunk.Server.ToString(),
            TextEncoding.ToBase64Url(id.Span),
            TextEncoding.ToBase64Url(chunk.SenderKey.ToPkcs8()),
            string.Join(',', chunk.RecipientIds.Select(recipient => TextEncoding.ToBase64Url(recipient.Value.ToArray()))),
            string.Join(',', chunk.RecipientKeys.Select(key => TextEncoding.ToBase64Url(key.ToPkcs8()))),
            EndOfLine));
    }

    /// <summary>The upload is done: there is nothing to remember.</summary>
    public void Forget()
    {
        _file.Dispose();
        File.Delete(_path);
    }

    public void Dispose() => _file.Dispose();

    private void Write(string line)
    {
        _file.Write(Encoding.UTF8.GetBytes(line + "\n"));
        _file.Flush();
    }

    // first line = key " " nonce " " seconds ; when the upload began, since 1970
    private static bool TryReadKey(string line, out FileKey? key, out long began)
    {
        began = 0;
        key = line.Split(' ') is [var secret, var nonce, var seconds]
            && long.TryParse(seconds, NumberStyles.None, CultureInfo.InvariantCulture, out began)
            && TextEncoding.TryFromBase64Url(secret, out var secretBytes) && secretBytes.Length == BoxKey.KeyLength
            && TextEncoding.TryFromBase64Url(nonce, out var nonceBytes) && nonceBytes.Length == BoxNonce.Length
                ? new FileKey(secretBytes, nonceBytes)
                : null;
        return key is not null;
    }

    private static bool TryReadChunk(string line, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out SentChunk? chunk)
    {
        chunk = null;
        if (line.Split(' ') is not [var number, var size, var digest, var server, var id, var senderKey, var recipientIds, var recipientKeys, EndOfLine]
            || !int.TryParse(number, CultureInfo.InvariantCulture, out var chunkNumber)
            || !uint.TryParse(size, CultureInfo.InvariantCulture, out var chunkSize)
            || !TextEncoding.TryFromBase64Url(digest, out var digestBytes)
            || !ServerAddress.TryParse(server, out var address)
            || !TextEncoding.TryFromBase64Url(id, out var idBytes)
            || !TryReadKeys(senderKey, out var senderKeys) || senderKeys.Count != 1
            || !TryReadKeys(recipientKeys, out var keys))
        {
            return false;
        }

        var ids = new List<ChunkId>();
        foreach (var text in recipientIds.Split(','))
        {
            if (!TextEncoding.TryFromBase64Url(text, out var bytes))
            {
                return false;
            }

            ids.Add(new ChunkId(bytes));
        }

        chunk = new SentChunk(chunkNumber, chunkSize, Bytes.Wrap(digestBytes), address, new ChunkId(idBytes), senderKeys[0], [.. ids], [.. keys]);
        return ids.Count == keys.Count;
    }

    private static bool TryReadKeys(string text, out List<PrivateKey> keys)
    {
        keys = [];
        foreach (var part in text.Split(','))
        {
            if (!TextEncoding.TryFromBase64Url(part, out var pkcs8) || !PrivateKey.TryFromPkcs8(pkcs8, out var key))
            {
                return false;
            }

            keys.Add(key);
        }

        return true;
    }
}
