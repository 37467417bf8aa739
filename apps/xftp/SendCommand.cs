using System.CommandLine;
using Pairwise.Client.Xftp;
using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Xftp;

namespace Pairwise.XftpCommand;

/// <summary>send: uploads a file and writes the descriptions that receive it.</summary>
internal static class SendCommand
{
    public static Command Create()
    {
        var file = new Argument<FileInfo>("FILE") { Description = "The file to send." };
        var folder = new Argument<string?>("DIR") { Description = "The folder for the descriptions (default: the current one).", Arity = ArgumentArity.ZeroOrOne };
        var recipients = CommonOptions.Number("Recipients: each gets a description that works once.", "COUNT", 1, XftpLimits.MaxRecipientsInCommand, "recipients", "-n");
        var servers = CommonOptions.Servers();
        var retry = CommonOptions.Retry();
        var temporary = CommonOptions.Temporary();
        var verbose = CommonOptions.Verbose();
        var shortLink = new Option<bool>("--short-link") { Description = "Upload the description too, so that the web link is short whatever the file's size." };
        var command = new Command("send", "Send a file.") { file, folder, recipients, servers, retry, temporary, verbose, shortLink };
        command.SetAction((result, cancellationToken) => Failure.Guard(result, output => SendAsync(
            result.GetValue(file)!,
            result.GetValue(folder) ?? ".",
            result.GetValue(temporary) ?? Path.GetTempPath(),
            result.GetValue(shortLink),
            new FileUploadOptions
            {
                Servers = CommonOptions.ServersOf(result.GetValue(servers)),
                Recipients = result.GetValue(recipients),
                Attempts = result.GetValue(retry),
                Retrying = CommonOptions.Retrying(result.GetValue(verbose), result.InvocationConfiguration.Error),
            },
            output,
            result.InvocationConfiguration.Error,
            cancellationToken)));
        return command;
    }

    private static async Task SendAsync(FileInfo file, string folder, string temporary, bool isShortLink, FileUploadOptions options, TextWriter output, TextWriter error, CancellationToken cancellationToken)
    {
        if (!file.Exists)
        {
            throw new CommandException($"There is no file {file.FullName}.");
        }

        if (file.Length > XftpLimits.SoftMaxFileSize)
        {
            throw new CommandException($"Files bigger than {FileSize.ToText(XftpLimits.SoftMaxFileSize)} are not supported.");
        }

        var header = new FileHeader(file.Name);
        var (_, encryptedSize) = FileUpload.Plan(header, file.Length);
        var progress = new ProgressBar("Uploading", encryptedSize, error, TimeProvider.System, !Console.IsErrorRedirected);
        using var journal = UploadJournal.Open(temporary, file, options, TimeProvider.System);
        if (journal.KnownChunks > 0)
        {
            await error.WriteLineAsync($"Going on where an earlier attempt stopped: {journal.KnownChunks} parts are uploaded.");
        }

        options = options with { Progress = progress, Journal = journal };
        await using var clients = new XftpClientPool(new XftpClientOptions());
        SentFile sent;
        await using (var content = new FileStream(file.FullName, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0, FileOptions.SequentialScan))
        {
            sent = await FileUpload.SendAsync(content, file.Length, header, journal.Key, clients, options, redirect: null, cancellationToken);
        }

        progress.Finish();
        var descriptions = FreePath.In(folder, file.Name + ".xftp");
        WriteDescriptions(sent, descriptions, output);
        var linked = sent.Recipients[0];
        if (isShortLink)
        {
            var link = await FileUpload.SendDescriptionAsync(linked, clients, options with { Recipients = 1, Progress = null, Journal = null }, cancellationToken);
            var path = Path.Combine(descriptions, "link.xftp.private");
            WriteSecret(path, link.Sender);
            await output.WriteLineAsync($"Sender description of the link, to delete what it leads to with `xftp del`: {path}");
            linked = link.Recipients[0];
        }

        await output.WriteLineAsync($"\nWeb link:\n{FileWebLink.Encode(linked)}");
        journal.Forget();
    }

    private static void WriteDescriptions(SentFile sent, string folder, TextWriter output)
    {
        Directory.CreateDirectory(folder);
        var sender = Path.Combine(folder, "snd.xftp.private");
        WriteSecret(sender, sent.Sender);
        output.WriteLine("File uploaded!");
        output.WriteLine($"Sender file description: {sender}");
        output.WriteLine("Pass file descriptions to the recipient(s):");
        for (var i = 0; i < sent.Recipients.Count; i++)
        {
            var path = Path.Combine(folder, FormattableString.Invariant($"rcv{i + 1}.xftp"));
            WriteSecret(path, sent.Recipients[i]);
            output.WriteLine(path);
        }
    }

    private static void WriteSecret(string path, FileDescription description)
    {
        using var writer = new StreamWriter(PrivateFiles.Open(path, FileMode.Create));
        writer.Write(FileDescriptionCodec.Encode(description));
    }
}
