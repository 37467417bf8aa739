using System.Diagnostics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Pairwise.Server.Web;
using Pairwise.Server.Xftp;
using Pairwise.Transport.Tls;

namespace Pairwise.Page.Tests;

/// <summary>A file server with its page on a free port, in a folder of its own with room for a test's files.</summary>
internal sealed class PageServer : IAsyncDisposable
{
    private PageServer(string folder, XftpServer server)
    {
        Folder = folder;
        Server = server;
    }

    public string Folder { get; }

    public XftpServer Server { get; }

    public string Origin => $"https://localhost:{Server.Endpoints[0].Port}";

    /// <summary>The address of the page.</summary>
    public string Url => Origin + "/file/";

    /// <summary>The chunks as they lie on the disk.</summary>
    public IReadOnlyList<string> StoredFiles => Directory.GetFiles(Path.Combine(Folder, "files"), "*", SearchOption.AllDirectories);

    public static async Task<PageServer> StartAsync(Func<XftpServerOptions, XftpServerOptions>? change = null)
    {
        var folder = Directory.CreateTempSubdirectory("pairwise-page-").FullName;
        var options = new XftpServerOptions
        {
            ConfigurationFolder = Path.Combine(folder, "etc"),
            StateFolder = Path.Combine(folder, "log"),
            FilesFolder = Path.Combine(folder, "files"),
            Host = "localhost",
            Web = new ServerWebOptions { StaticPath = Path.Combine(folder, "www"), Credential = MakeCredential(), IsOnRelayPorts = true },
        };
        return new PageServer(folder, await XftpServer.StartAsync((change ?? (usual => usual))(options), TestContext.Current.CancellationToken));
    }

    /// <summary>A file of random bytes.</summary>
    public string MakeFile(string name, long length)
    {
        var path = Path.Combine(Folder, name);
        using var file = File.Create(path);
        var buffer = new byte[1024 * 1024];
        for (var left = length; left > 0;)
        {
            var piece = buffer.AsSpan(0, (int)Math.Min(left, buffer.Length));
            RandomNumberGenerator.Fill(piece);
            file.Write(piece);
            left -= piece.Length;
        }

        return path;
    }

    /// <summary>Runs the command xftp; what it printed.</summary>
    public async Task<string> RunXftpAsync(params string[] arguments)
    {
        var program = Path.Combine(AppContext.BaseDirectory, "xftp.dll");
        var start = new ProcessStartInfo("dotnet", [program, .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = Folder };
        start.Environment["TMPDIR"] = Folder; // nobody else clears up there
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        var errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(process.ExitCode == 0, $"xftp {string.Join(' ', arguments)}: {await output} {await errors}");
        return await output;
    }

    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        Directory.Delete(Folder, recursive: true);
    }

    private static TlsCredential MakeCredential()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        request.CertificateExtensions.Add(names.Build());
        var now = TimeProvider.System.GetUtcNow();
        using var certificate = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        return new TlsCredential([certificate.RawData], key.ExportPkcs8PrivateKey());
    }
}
