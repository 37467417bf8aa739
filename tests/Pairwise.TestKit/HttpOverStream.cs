namespace Pairwise.TestKit;

/// <summary>HTTP over a connection that is already there.</summary>
public static class HttpOverStream
{
    /// <summary>A client of this one connection, which it closes with itself; when the connection has ended, it makes no other.</summary>
    public static HttpMessageInvoker Create(Stream connection)
    {
        Stream? unused = connection;
        return new HttpMessageInvoker(new SocketsHttpHandler
        {
            ConnectCallback = (_, _) => Interlocked.Exchange(ref unused, null) is { } first
                ? ValueTask.FromResult(first)
                : throw new IOException("The connection has ended."),
            UseProxy = false,
        });
    }
}
