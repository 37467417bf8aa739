using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Pairwise.Crypto;
using Pairwise.Protocol.Smp;
using Pairwise.Protocol.Xftp;
using Pairwise.Server.Web;
using Pairwise.Transport.Smp;
using Pairwise.Wire;

namespace Pairwise.Server.Xftp.Http;

/// <summary>
/// The protocol over HTTP/2: every request is a POST that begins with a block, or the handshake, or a browser's
/// GET of a page. All answers have status
/// 200, since what went wrong is said in the block. Holds nothing of a request between requests but the session.
/// </summary>
internal sealed partial class XftpHttpApplication(
    XftpServerOptions options, Func<SmpServerIdentity> readIdentity, XftpDispatcher dispatcher, IWebContent? pages, ILogger logger) : IHttpApplication<HttpContext>
{
    public HttpContext CreateContext(IFeatureCollection contextFeatures) => new DefaultHttpContext(contextFeatures);

    public void DisposeContext(HttpContext context, Exception? exception)
    {
    }

    public async Task ProcessRequestAsync(HttpContext context)
    {
        try
        {
            await HandleAsync(context);
        }
        catch (Exception cause) when (cause is OperationCanceledException or ConnectionAbortedException or ConnectionResetException
            || (cause is IOException or BadHttpRequestException && context.RequestAborted.IsCancellationRequested))
        {
            // The client has gone, or the time for its body is over; what it had begun is undone.
            context.Abort();
        }
        catch (Exception fault)
        {
            Log.RequestFault(logger, fault);
            context.Abort();
        }
    }

    private async Task HandleAsync(HttpContext context)
    {
        var session = context.Features.Get<XftpSession>() ?? throw new InvalidOperationException("The connection is not one of ours.");
        if (session.IsFromBrowser && options.Web.Credential is not null)
        {
            context.Response.Headers.AccessControlAllowOrigin = "*";
            context.Response.Headers.AccessControlExposeHeaders = "*";
            if (HttpMethods.IsOptions(context.Request.Method))
            {
                context.Response.Headers.Remove("Access-Control-Expose-Headers");
                context.Response.Headers.AccessControlAllowMethods = "POST, OPTIONS";
                context.Response.Headers.AccessControlAllowHeaders = "*";
                context.Response.Headers.AccessControlMaxAge = "86400";
                return;
            }
        }

        if (session.IsFromBrowser && pages is not null && (HttpMethods.IsGet(context.Request.Method) || HttpMethods.IsHead(context.Request.Method)))
        {
            await XftpPages.AnswerAsync(pages, context);
            return;
        }

        using var limit = new CancellationTokenSource(options.Limits.UploadTime, options.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, context.RequestAborted);
        var block = ArrayPool<byte>.Shared.Rent(XftpLimits.BlockSize);
        try
        {
            var head = block.AsMemory(0, await ReadHeadAsync(context.Request.BodyReader, block, either.Token));
            if (TryShakeHands(session, context.Request.Headers, head, out var answer))
            {
                await context.Response.BodyWriter.WriteAsync(answer, context.RequestAborted);
                return;
            }

            await AnswerAsync(context, session, head, limit, either.Token);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(block);
        }
    }

    private static async ValueTask<int> ReadHeadAsync(PipeReader body, byte[] block, CancellationToken cancellationToken)
    {
        var read = await body.ReadAtLeastAsync(XftpLimits.BlockSize, cancellationToken);
        var head = read.Buffer.Length > XftpLimits.BlockSize ? read.Buffer.Slice(0, XftpLimits.BlockSize) : read.Buffer;
        var length = (int)head.Length;
        head.CopyTo(block);
        body.AdvanceTo(head.End);
        return length;
    }

    private async Task AnswerAsync(HttpContext context, XftpSession session, ReadOnlyMemory<byte> head, CancellationTokenSource limit, CancellationToken cancellationToken)
    {
        var agreement = session.Agreement ?? throw new InvalidOperationException("A request without an agreement is a handshake.");
        var body = context.Request.BodyReader;
        var corrId = CorrId.None;
        var entity = EntityId.None;
        XftpAnswer answer;
        if (!XftpTransmission.TryOpen(head, session.Format, out var transmission))
        {
            answer = XftpError.Block.Instance;
        }
        else
        {
            (corrId, entity) = (transmission.CorrId, transmission.Entity);
            try
            {
                answer = await dispatcher.HandleAsync(agreement, session.Format, transmission, body, cancellationToken);
            }
            catch (OperationCanceledException) when (limit.IsCancellationRequested && !context.RequestAborted.IsCancellationRequested)
            {
                answer = XftpError.Timeout.Instance;
            }
        }

        using var download = answer.Download;
        if (answer.Response is XftpResponse.SenderIds or XftpResponse.Pong)
        {
            entity = EntityId.None;
        }

        if (answer.Response is XftpResponse.Err { Error: not XftpError.Timeout })
        {
            // A client that is still sending would not look at an answer.
            await ChunkUpload.CountAsync(body, ChunkPlan.Sizes[^1] + XftpLimits.BlockSize, cancellationToken);
        }

        var output = context.Response.BodyWriter;
        await output.WriteAsync(XftpTransmission.Encode(agreement.Version, session.Format.SessionId, corrId, entity, answer.Response), context.RequestAborted);
        if (download is not null)
        {
            await download.SendAsync(output, options.Limits.DownloadSilence, options.Time, context.RequestAborted);
        }
    }

    /// <summary>Whether the request belongs to the handshake; its answer is empty, a hello, or an error, each in a block.</summary>
    private bool TryShakeHands(XftpSession session, IHeaderDictionary headers, ReadOnlyMemory<byte> head, out ReadOnlyMemory<byte> answer)
    {
        var isHello = session.IsFromBrowser && headers.ContainsKey("xftp-web-hello");
        var isSecond = session.IsFromBrowser && headers.ContainsKey("xftp-handshake");
        answer = default;
        if (isHello)
        {
            answer = Greet(session, head.Span);
            return true;
        }

        if (session.IsHelloSent || (isSecond && session.Agreement is { SessionKey: not null }))
        {
            answer = Agree(session, head.Span);
            return true;
        }

        if (session.Agreement is not null)
        {
            return false;
        }

        answer = session.IsFromBrowser ? Refuse(XftpError.Session.Instance) : Greet(session, head.Span);
        return true;
    }

    private byte[] Greet(XftpSession session, ReadOnlySpan<byte> head)
    {
        Bytes? challenge = null;
        if (!head.IsEmpty)
        {
            if (!session.IsFromBrowser
                || !Padding.TryUnpad(head, out var content)
                || !XftpClientHello.TryDecode(content, out var hello))
            {
                return Refuse(XftpError.Handshake.Instance);
            }

            challenge = hello.Challenge;
        }

        var identity = readIdentity();
        var sessionKey = new CertificateSignedKey([.. identity.Certificates.Certificates.Select(certificate => Bytes.Wrap(certificate.Der))], Bytes.Wrap(SignedKey.Sign(identity.Key, session.BeginHandshake())));
        var sessionId = session.Format.SessionId;
        var proof = challenge is { } random ? Bytes.Wrap(identity.Key.Sign([.. random.Span, .. sessionId])) : Bytes.Empty;
        return Padding.Pad(new XftpServerHandshake(XftpVersions.Range, Bytes.CopyOf(sessionId), sessionKey, proof).Encode(), XftpLimits.BlockSize);
    }

    private byte[] Agree(XftpSession session, ReadOnlySpan<byte> head) =>
        head.Length == XftpLimits.BlockSize
        && Padding.TryUnpad(head, out var content)
        && XftpClientHandshake.TryDecode(content, out var handshake)
        && handshake.KeyHash == readIdentity().KeyHash
        && XftpVersions.Range.Contains(handshake.Version.Number)
        && session.TryAgree(handshake.Version)
            ? []
            : Refuse(XftpError.Handshake.Instance);

    private static byte[] Refuse(XftpError error) => Padding.Pad(XftpErrorCodec.Encode(error), XftpLimits.BlockSize);

    private static partial class Log
    {
        [LoggerMessage(2101, LogLevel.Error, "A request ended by a fault of the server.")]
        public static partial void RequestFault(ILogger logger, Exception fault);
    }
}
