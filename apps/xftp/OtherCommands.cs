using System.CommandLine;
using System.CommandLine.Parsing;
using Pairwise.Client.Xftp;
using Pairwise.Crypto;
using Pairwise.Protocol.Xftp;

namespace Pairwise.XftpCommand;

/// <summary>del: deletes a file from its servers.</summary>
internal static class DeleteCommand
{
    public static Command Create()
    {
        var source = new Argument<string>("FILE") { Description = "The sender's file description." };
        var retry = CommonOptions.Retry();
        var verbose = CommonOptions.Verbose();
        var yes = CommonOptions.Yes();
        var command = new Command("del", "Delete a file from its servers.") { source, retry, verbose, yes };
        command.SetAction((result, cancellationToken) => Failure.Guard(result, async output =>
        {
            var description = DescriptionSource.Read(result.GetValue(source)!, FileParty.Sender);
            await DeleteAsync(
                description.Description,
                result.GetValue(retry),
                CommonOptions.Retrying(result.GetValue(verbose), result.InvocationConfiguration.Error),
                cancellationToken);
            await output.WriteLineAsync("File deleted!");
            await description.ForgetAsync(result.GetValue(yes), output, cancellationToken);
        }));
        return command;
    }

    private static async Task DeleteAsync(FileDescription description, int attempts, Action<XftpClientError>? retrying, CancellationToken cancellationToken)
    {
        await using var clients = new XftpClientPool(new XftpClientOptions());
        var gone = 0;
        foreach (var replica in description.Chunks.SelectMany(chunk => chunk.Replicas))
        {
            var result = await clients.RunAsync(replica.Server, attempts, client => client.DeleteAsync(replica.Id, replica.Key, cancellationToken), retrying, cancellationToken);
            if (result.Error is XftpClientError.Server { Error: XftpError.Auth })
            {
                gone++;
            }
            else if (!result.IsOk)
            {
                throw new FileTransferException($"Could not delete a part of the file ({replica.Server.Hosts[0]}): {FileTransferErrors.Sentence(result.Error!)}", result.Error);
            }
        }

        if (gone > 0 && gone == description.Chunks.Sum(chunk => chunk.Replicas.Count))
        {
            throw new CommandException("The servers do not have the file any more: it was deleted or has expired.");
        }
    }
}

/// <summary>info: says what a description describes, without its keys.</summary>
internal static class InfoCommand
{
    public static Command Create()
    {
        var source = new Argument<string>("FILE") { Description = "A file description, or a link." };
        var command = new Command("info", "Show a file description.") { source };
        command.SetAction((result, _) => Failure.Guard(result, async output =>
        {
            var description = DescriptionSource.Read(result.GetValue(source)!).Description;
            await output.WriteLineAsync(description.Party == FileParty.Sender ? "Sender file description" : "Recipient file description");
            await output.WriteLineAsync($"File download size: {FileSize.ToText(description.Size)}");
            await output.WriteLineAsync($"Chunks: {description.Chunks.Count}");
            if (description.Redirect is { } redirect)
            {
                await output.WriteLineAsync($"Leads to the description of a file of {FileSize.ToText(redirect.Size)}");
            }

            await output.WriteLineAsync("File server(s):");
            foreach (var group in FileDescriptionCodec.GroupByServer(description))
            {
                await output.WriteLineAsync($"{group.Key}: {FileSize.ToText(group.Sum(part => (long)part.Chunk.Size))}");
            }
        }));
        return command;
    }
}

/// <summary>rand: makes a file of random bytes to try things with.</summary>
internal static class RandomFileCommand
{
    private const int PieceLength = 1024 * 1024;

    public static Command Create()
    {
        var path = new Argument<string>("FILE") { Description = "The file to make." };
        var size = new Argument<long>("SIZE") { Description = "Bytes, or kb, mb or gb.", CustomParser = ParseSize };
        var command = new Command("rand", "Make a file of random bytes.") { path, size };
        command.SetAction((result, cancellationToken) => Failure.Guard(result, async output =>
        {
            await using (var file = new FileStream(result.GetValue(path)!, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0))
            {
                var piece = new byte[PieceLength];
                for (var left = result.GetValue(size); left > 0; left -= PieceLength)
                {
                    SystemRandom.Instance.Fill(piece);
                    await file.WriteAsync(piece.AsMemory(0, (int)Math.Min(PieceLength, left)), cancellationToken);
                }
            }

            await output.WriteLineAsync($"File created: {result.GetValue(path)}");
        }));
        return command;
    }

    private static long ParseSize(ArgumentResult argument)
    {
        if (argument.Tokens is [{ Value: var text }] && FileSize.TryParse(text, out var size))
        {
            return size;
        }

        argument.AddError("The size is a number of bytes, or of kb, mb or gb: 20mb.");
        return 0;
    }
}
