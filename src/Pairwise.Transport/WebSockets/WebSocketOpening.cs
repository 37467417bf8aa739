using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Pairwise.Transport.WebSockets;

/// <summary>The opening of a WebSocket, as RFC 6455 has it: one HTTP request and its answer.</summary>
internal static class WebSocketOpening
{
    /// <summary>Bytes of a request or an answer: browsers send about 600.</summary>
    private const int MaxHead = 8192;

    /// <summary>Bytes of a request's key.</summary>
    public const int KeyLength = 16;

    // What the RFC appends to the key of the request, section 1.3.
    private const string KeySuffix = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

    private static readonly byte[] BadRequest =
        "HTTP/1.1 400 Bad Request\r\nSec-WebSocket-Version: 13\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"u8.ToArray();

    /// <summary>Reads the request and answers it: whatever its path, since nothing but the relay is here.</summary>
    /// <exception cref="TransportException">The connection is lost, or the peer does not ask for a WebSocket.</exception>
    public static async Task AcceptAsync(ISecureConnection connection, CancellationToken cancellationToken)
    {
        if (await ReadHeadAsync(connection, cancellationToken) is not { } request || Answer(request) is not { } answer)
        {
            await connection.WriteAsync(BadRequest, cancellationToken);
            throw new TransportException(TransportFailure.Closed, "The peer did not ask for a WebSocket.");
        }

        await connection.WriteAsync(answer, cancellationToken);
    }

    /// <summary>Asks a relay for a WebSocket.</summary>
    /// <exception cref="TransportException">The connection is lost, or the relay does not open one.</exception>
    public static async Task RequestAsync(ISecureConnection connection, string host, byte[] key, CancellationToken cancellationToken)
    {
        var text = Convert.ToBase64String(key);
        var request = $"GET / HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {text}\r\nSec-WebSocket-Version: 13\r\n\r\n";
        await connection.WriteAsync(Encoding.ASCII.GetBytes(request), cancellationToken);
        var isOpen = await ReadHeadAsync(connection, cancellationToken) is { } answer
            && answer[0].StartsWith("HTTP/1.1 101 ", StringComparison.Ordinal)
            && Fields(answer).Any(field => field.Name == "sec-websocket-accept" && field.Value == Proof(text));
        if (!isOpen)
            throw new TransportException(TransportFailure.Closed, "The relay opens no WebSocket there.");
    }

    // head = line CRLF *(name ":" value CRLF) CRLF ; byte by byte at its end, as what follows belongs to the messages
    private static async Task<string[]?> ReadHeadAsync(ISecureConnection connection, CancellationToken cancellationToken)
    {
        var head = new byte[MaxHead];
        for (var length = 0; length < MaxHead;)
        {
            var count = await connection.ReadAsync(head.AsMemory(length, 1), cancellationToken);
            if (count == 0)
                throw new TransportException(TransportFailure.Closed, "The peer closed the connection before the WebSocket was open.");
            length += count;
            if (head.AsSpan(0, length).EndsWith("\r\n\r\n"u8))
                return Encoding.Latin1.GetString(head.AsSpan(0, length - 4)).Split("\r\n");
        }

        return null;
    }

    private static IEnumerable<(string Name, string Value)> Fields(IEnumerable<string> head) =>
        from line in head.Skip(1)
        let colon = line.IndexOf(':', StringComparison.Ordinal)
        where colon > 0
        select (line[..colon].ToLowerInvariant(), line[(colon + 1)..].Trim());

    private static string Proof(string key)
    {
#pragma warning disable CA5350 // RFC 6455 has SHA-1 here: it proves nothing but that the request was understood.
        return Convert.ToBase64String(SHA1.HashData(Encoding.ASCII.GetBytes(key + KeySuffix)));
#pragma warning restore CA5350
    }

    // request line = "GET" SP target SP "HTTP/1.1"
    private static byte[]? Answer(string[] request)
    {
        if (!request[0].StartsWith("GET ", StringComparison.Ordinal) || !request[0].EndsWith(" HTTP/1.1", StringComparison.Ordinal))
            return null;
        string? key = null;
        var isVersion = false;
        var isUpgrade = false;
        foreach (var (name, value) in Fields(request))
        {
            key = name == "sec-websocket-key" ? value : key;
            isVersion |= name == "sec-websocket-version" && value == "13";
            isUpgrade |= name == "upgrade" && value.Contains("websocket", StringComparison.OrdinalIgnoreCase);
        }

        return isUpgrade && isVersion && key is not null && Base64.IsValid(key, out var decoded) && decoded == KeyLength
            ? Encoding.ASCII.GetBytes($"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {Proof(key)}\r\n\r\n")
            : null;
    }
}
