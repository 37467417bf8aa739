using System.Security.Cryptography;
using Pairwise.Client.Xftp;
using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Xftp;
using Pairwise.Transport;
using Pairwise.Wire;

namespace Pairwise.Agent.Files;

/// <summary>Tries a file server out over a connection of its own: connect, then create, upload, download, compare and delete a small chunk.</summary>
internal static class FileServerTest
{
    /// <summary>Null when all went well, otherwise the step that failed.</summary>
    public static async Task<FileServerTestFailure?> RunAsync(XftpClientOptions options, ServerAddressWithPassword server, CancellationToken cancellationToken)
    {
        XftpClient client;
        try
        {
            client = await XftpClient.ConnectAsync(server.Server, options, cancellationToken);
        }
        catch (TransportException e)
        {
            return Failed(FileServerTestStep.Connect, server.Server, new XftpClientError.Disconnected(e.Failure));
        }

        await using (client)
        {
            var content = options.Random.Bytes(ChunkPlan.Sizes[0]);
            var digest = Bytes.Wrap(SHA256.HashData(content));
            using var senderKey = Ed25519PrivateKey.Generate(options.Random);
            using var recipientKey = Ed25519PrivateKey.Generate(options.Random);
            var created = await client.CreateAsync(new ChunkInfo(senderKey.PublicKey, (uint)content.Length, digest), senderKey, [recipientKey.PublicKey], server.Password, cancellationToken);
            if (!created.IsOk) return Failed(FileServerTestStep.CreateFile, server.Server, created.Error!);
            var uploaded = await client.UploadAsync(created.Value.Sender, senderKey, content, progress: null, cancellationToken);
            if (!uploaded.IsOk) return Failed(FileServerTestStep.UploadFile, server.Server, uploaded.Error!);
            using var received = new MemoryStream(content.Length);
            var downloaded = await client.DownloadAsync(created.Value.Recipients[0], recipientKey, (uint)content.Length, digest, received, progress: null, cancellationToken);
            if (downloaded.Error is XftpClientError.BadContent bad) return Failed(FileServerTestStep.CompareFile, server.Server, bad);
            if (!downloaded.IsOk) return Failed(FileServerTestStep.DownloadFile, server.Server, downloaded.Error!);
            var deleted = await client.DeleteAsync(created.Value.Sender, senderKey, cancellationToken);
            return deleted.IsOk ? null : Failed(FileServerTestStep.DeleteFile, server.Server, deleted.Error!);
        }
    }

    private static FileServerTestFailure Failed(FileServerTestStep step, ServerAddress server, XftpClientError error) => new(step, FileErrors.From(server, error));
}
