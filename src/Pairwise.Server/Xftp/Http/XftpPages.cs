using Microsoft.AspNetCore.Http;
using Pairwise.Server.Web;

namespace Pairwise.Server.Xftp.Http;

/// <summary>Pages for browsers on the file server's own port, over HTTP/2.</summary>
internal static class XftpPages
{
    /// <summary>Answers GET and HEAD with the resource of the path, or with 404.</summary>
    public static async Task AnswerAsync(IWebContent pages, HttpContext context)
    {
        var request = context.Request;
        var response = context.Response;
        var path = request.Path.HasValue ? request.Path.Value! : "/";
        var resource = await pages.FindAsync(path, context.RequestAborted)
            ?? new WebResource("text/plain; charset=utf-8", "Not Found\n"u8.ToArray(), Status: StatusCodes.Status404NotFound);
        if (resource.IsText)
        {
            response.Headers.Vary = "Accept-Encoding";
            if (request.Headers.AcceptEncoding.ToString().Contains("gzip", StringComparison.OrdinalIgnoreCase) && resource.TryCompress(out resource))
            {
                response.Headers.ContentEncoding = "gzip";
            }
        }

        foreach (var (name, value) in WebFields.Of(resource))
        {
            response.Headers[name] = value;
        }

        response.StatusCode = resource.Status;
        response.ContentType = resource.ContentType;
        response.ContentLength = resource.Content.Length;
        response.Headers.CacheControl = resource.CacheControl;
        if (!HttpMethods.IsHead(request.Method))
        {
            await response.BodyWriter.WriteAsync(resource.Content, context.RequestAborted);
        }
    }
}
