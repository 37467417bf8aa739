using System.CommandLine;
using System.Security.Cryptography;
using System.Text;
using Pairwise.Client.Xftp;
using Pairwise.Protocol.Xftp;

namespace Pairwise.XftpCommand;

/// <summary>recv: downloads and decrypts a file.</summary>
internal static class ReceiveCommand
{
    public static Command Create()
    {
        var source = new Argument<string>("FILE") { Description = "A file description, or a link." };
        var destination = new Argument<string?>("DIR") { Description = "The folder for the file, or its new name (default: your Downloads).", Arity = ArgumentArity.ZeroOrOne };
        var retry = CommonOptions.Retry();
        var temporary = CommonOptions.Temporary();
        var verbose = CommonOptions.Verbose();
        var yes = CommonOptions.Yes();
        var command = new Command("recv", "Receive a file.") { source, destination, retry, temporary, verbose, yes };
        command.SetAction((result, cancellationToken) => Failure.Guard(result, output => ReceiveAsync(
            DescriptionSource.Read(result.GetValue(source)!, FileParty.Recipient),
            result.GetValue(destination),
            result.GetValue(yes),
            new FileDownloadOptions
            {
                ChunkFolder = result.GetValue(temporary) ?? Path.GetTempPath(),
                Attempts = result.GetValue(retry),
                Retrying = CommonOptions.Retrying(result.GetValue(verbose), result.InvocationConfiguration.Error),
            },
            output,
            result.InvocationConfiguration.Error,
            cancellationToken)));
        return command;
    }

    private static async Task ReceiveAsync(DescriptionSource source, string? destination, bool isConfirmed, FileDownloadOptions options, TextWriter output, TextWriter error, CancellationToken cancellationToken)
    {
        if (destination is not null && !Directory.Exists(destination) && Path.GetDirectoryName(Path.GetFullPath(destination)) is { } parent && !Directory.Exists(parent))
        {
            throw new CommandException($"There is no folder {parent}.");
        }

        await using var clients = new XftpClientPool(new XftpClientOptions());
        var folders = new List<string>();
        try
        {
            await ReceiveAsync(source.Description, destination, clients, options, folders, output, error, cancellationToken);
        }
        catch (Exception failure)
        {
            // Whole chunks wait for the next attempt; it is useless once a server has nothing for this description.
            var isFinal = failure is FileTransferException { Error: XftpClientError.Server { Error: XftpError.Auth or XftpError.Blocked } };
            foreach (var folder in folders.Where(folder => isFinal || !Directory.EnumerateFileSystemEntries(folder).Any()))
            {
                Directory.Delete(folder, recursive: true);
            }

            throw;
        }

        foreach (var folder in folders)
        {
            Directory.Delete(folder, recursive: true);
        }

        await source.ForgetAsync(isConfirmed, output, cancellationToken);
    }

    private static async Task ReceiveAsync(FileDescription description, string? destination, XftpClientPool clients, FileDownloadOptions options, List<string> folders, TextWriter output, TextWriter error, CancellationToken cancellationToken)
    {
        FileDescription? redirect = null;
        if (description.Redirect is not null)
        {
            // It is needed until the file is there: whoever is interrupted follows it once more.
            redirect = description;
            folders.Add(FolderFor(options.ChunkFolder, redirect));
            description = await FileDownload.FollowRedirectAsync(redirect, clients, options with { ChunkFolder = folders[^1] }, cancellationToken);
        }

        var progress = new ProgressBar("Downloading", description.Size, error, TimeProvider.System, !Console.IsErrorRedirected);
        folders.Add(FolderFor(options.ChunkFolder, description));
        string? path = null;
        string? part = null;
        try
        {
            await FileDownload.ReceiveAsync(
                description,
                clients,
                options with { ChunkFolder = folders[^1], Progress = progress },
                header =>
                {
                    // Its own name, whatever stands beside it: nobody else's file is touched, and another attempt finds it.
                    path = PlaceFor(header, destination);
                    part = Path.Combine(Path.GetDirectoryName(path) ?? "", $".{Path.GetFileName(folders[^1])}.part");
                    File.Delete(part);
                    return new FileStream(part, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0);
                },
                cancellationToken);
            File.Move(part!, path!, overwrite: false);
        }
        catch
        {
            // What was decrypted is not authentic before its end.
            if (part is not null)
            {
                File.Delete(part);
            }

            throw;
        }

        progress.Finish();
        await output.WriteLineAsync($"File downloaded: {path}");
        var refused = await FileDownload.AcknowledgeAsync(description, clients, options.Attempts, cancellationToken);
        if (refused.Count > 0)
        {
            await error.WriteLineAsync($"The file is whole, but {refused.Count} of its {description.Chunks.Count} parts could not be acknowledged: {FileTransferErrors.Sentence(refused[0])}");
        }

        if (redirect is not null)
        {
            await FileDownload.AcknowledgeAsync(redirect, clients, options.Attempts, cancellationToken);
        }
    }

    // The same description finds the same folder, and the chunks that an earlier attempt left in it.
    private static string FolderFor(string temporary, FileDescription description)
    {
        var identity = SHA256.HashData(Encoding.UTF8.GetBytes(FileDescriptionCodec.Encode(description)));
        var folder = Path.Combine(temporary, $"xftp-recv-{Convert.ToHexStringLower(identity.AsSpan(0, 12))}");
        PrivateFiles.CreateFolder(folder);
        return folder;
    }

    private static string PlaceFor(FileHeader header, string? destination)
    {
        var name = FreePath.Harmless(header.FileName);
        if (destination is null)
        {
            var downloads = Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), "Downloads");
            Directory.CreateDirectory(downloads);
            return FreePath.In(downloads, name);
        }

        if (Directory.Exists(destination))
        {
            return FreePath.In(destination, name);
        }

        return File.Exists(destination) ? throw new CommandException($"The file {destination} exists already.") : destination;
    }
}
