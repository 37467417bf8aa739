using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Text;
using Pairwise.Transport;

namespace Pairwise.Server.Web;

/// <summary>
/// Answers GET and HEAD over one connection, one request after the other: the little of HTTP/1.1 that pages and metrics
/// need. It takes no content, keeps no state between requests and holds one small buffer.
/// </summary>
/// <remarks>
/// A head that does not parse, is too long or does not come in time ends the connection. Not thread-safe: one loop
/// owns it.
/// </remarks>
internal sealed class HttpSession
{
    /// <summary>Time for a whole request to arrive, idle time included, and for an answer to leave.</summary>
    private static readonly TimeSpan StepTime = TimeSpan.FromSeconds(15);

    private const int MaxRequests = 100;

    private readonly IWebContent _content;
    private readonly TimeProvider _time;
    private readonly Func<Memory<byte>, CancellationToken, ValueTask<int>> _read;
    private readonly Func<ReadOnlyMemory<byte>, CancellationToken, ValueTask> _write;

    private HttpSession(
        IWebContent content,
        TimeProvider time,
        Func<Memory<byte>, CancellationToken, ValueTask<int>> read,
        Func<ReadOnlyMemory<byte>, CancellationToken, ValueTask> write)
    {
        _content = content;
        _time = time;
        _read = read;
        _write = write;
    }

    /// <summary>Serves a TLS connection until either side ends it; the caller closes it.</summary>
    public static Task RunAsync(IWebContent content, TimeProvider time, ISecureConnection connection, CancellationToken cancellationToken) =>
        new HttpSession(content, time, connection.ReadAsync, connection.WriteAsync).RunAsync(cancellationToken);

    /// <summary>Serves a plain connection until either side ends it; the caller closes it.</summary>
    public static Task RunAsync(IWebContent content, TimeProvider time, Stream stream, CancellationToken cancellationToken) =>
        new HttpSession(content, time, stream.ReadAsync, stream.WriteAsync).RunAsync(cancellationToken);

    /// <summary>Serves a connection of which something has been read ahead; the caller closes it.</summary>
    public static Task RunAsync(IWebContent content, TimeProvider time, IDuplexPipe connection, CancellationToken cancellationToken) =>
        new HttpSession(content, time, connection.Input.AsStream(leaveOpen: true).ReadAsync, connection.Output.AsStream(leaveOpen: true).WriteAsync).RunAsync(cancellationToken);

    private async Task RunAsync(CancellationToken cancellationToken)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(HttpRequestHead.MaxLength);
        try
        {
            int filled = 0;
            for (int requests = 1; ; requests++)
            {
                using CancellationTokenSource limit = new(StepTime, _time);
                using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
                int headEnd;
                while ((headEnd = buffer.AsSpan(0, filled).IndexOf("\r\n\r\n"u8)) < 0)
                {
                    if (filled >= HttpRequestHead.MaxLength)
                    {
                        await RefuseAsync(431, either.Token);
                        return;
                    }

                    int count = await _read(buffer.AsMemory(filled, HttpRequestHead.MaxLength - filled), either.Token);
                    if (count == 0)
                    {
                        return;
                    }

                    filled += count;
                }

                if (!HttpRequestHead.TryParse(buffer.AsSpan(0, headEnd), out HttpRequestHead? request) || request.HasBody)
                {
                    await RefuseAsync(request is null ? 400 : 413, either.Token);
                    return;
                }

                filled -= headEnd + 4;
                buffer.AsSpan(headEnd + 4, filled).CopyTo(buffer);
                bool isLast = request.WantsClose || requests == MaxRequests;
                await AnswerAsync(request, isLast, either.Token);
                if (isLast)
                {
                    return;
                }
            }
        }
        catch (Exception end) when (end is OperationCanceledException or TransportException or IOException)
        {
            // Too slow, gone, or the server stops: all that ends is this connection.
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async Task AnswerAsync(HttpRequestHead request, bool isLast, CancellationToken cancellationToken)
    {
        bool isHead = request.Method == "HEAD";
        if (!isHead && request.Method != "GET")
        {
            await SendAsync(Plain(405), isGzip: false, isHead: false, isLast, "Allow: GET, HEAD\r\n", cancellationToken);
            return;
        }

        WebResource resource = await _content.FindAsync(request.Path, cancellationToken) ?? Plain(404);
        bool isGzip = request.AcceptsGzip && resource.TryCompress(out resource);

        await SendAsync(resource, isGzip, isHead, isLast, resource.IsText ? "Vary: Accept-Encoding\r\n" : "", cancellationToken);
    }

    private Task RefuseAsync(int status, CancellationToken cancellationToken) =>
        SendAsync(Plain(status), isGzip: false, isHead: false, isLast: true, "", cancellationToken);

    private async Task SendAsync(WebResource resource, bool isGzip, bool isHead, bool isLast, string moreFields, CancellationToken cancellationToken)
    {
        string head = string.Create(
            CultureInfo.InvariantCulture,
            $"HTTP/1.1 {resource.Status} {Reason(resource.Status)}\r\nContent-Type: {resource.ContentType}\r\nContent-Length: {resource.Content.Length}\r\n"
            + $"Cache-Control: {resource.CacheControl}\r\n{(isGzip ? "Content-Encoding: gzip\r\n" : "")}{moreFields}{WebFields.LinesOf(resource)}"
            + $"Connection: {(isLast ? "close" : "keep-alive")}\r\n\r\n");
        byte[] bytes = new byte[head.Length + (isHead ? 0 : resource.Content.Length)];
        Encoding.ASCII.GetBytes(head, bytes);
        if (!isHead)
        {
            resource.Content.CopyTo(bytes.AsMemory(head.Length));
        }

        await _write(bytes, cancellationToken);
    }

    private static WebResource Plain(int status) =>
        new("text/plain; charset=utf-8", Encoding.ASCII.GetBytes(Reason(status) + "\n"), Status: status);

    private static string Reason(int status) => status switch
    {
        200 => "OK",
        400 => "Bad Request",
        404 => "Not Found",
        405 => "Method Not Allowed",
        413 => "Content Too Large",
        431 => "Request Header Fields Too Large",
        503 => "Service Unavailable",
        _ => "Error",
    };
}
