using System.Text;

namespace Pairwise.Server.Web;

/// <summary>
/// What monitoring asks for: "/metrics" in the Prometheus text format and "/health". Meant for a loopback address: the
/// numbers name nobody, yet how busy a relay is concerns its operator only.
/// </summary>
/// <param name="writeMetrics">Gives the metrics' text of this moment.</param>
/// <param name="isHealthy">Whether the relay serves.</param>
public sealed class OperationContent(Func<string> writeMetrics, Func<bool> isHealthy) : IWebContent
{
    private const string MetricsType = "text/plain; version=0.0.4; charset=utf-8";
    private const string PlainType = "text/plain; charset=utf-8";

    public ValueTask<WebResource?> FindAsync(string path, CancellationToken cancellationToken) => ValueTask.FromResult(path switch
    {
        "/metrics" => new WebResource(MetricsType, Encoding.UTF8.GetBytes(writeMetrics())),
        "/health" when isHealthy() => new WebResource(PlainType, "ok\n"u8.ToArray()),
        "/health" => new WebResource(PlainType, "stopping\n"u8.ToArray(), Status: 503),
        _ => null,
    });
}
