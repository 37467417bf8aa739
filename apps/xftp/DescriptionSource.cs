using Pairwise.Protocol.Xftp;

namespace Pairwise.XftpCommand;

/// <summary>Where a file description comes from: a file, a web link or a <c>simplex:</c> link.</summary>
/// <param name="Description">What was read.</param>
/// <param name="Path">The file, if it was one.</param>
internal sealed record DescriptionSource(FileDescription Description, string? Path)
{
    public static DescriptionSource Read(string argument)
    {
        if (FileLink.TryParse(argument, out var link))
        {
            return new DescriptionSource(link.Description, null);
        }

        if (argument.StartsWith("http://", StringComparison.Ordinal) || argument.StartsWith("https://", StringComparison.Ordinal))
        {
            return FileWebLink.TryParse(argument, out var linked)
                ? new DescriptionSource(linked, null)
                : throw new CommandException("The web link is not one of a file, or a part of it is missing.");
        }

        if (!File.Exists(argument))
        {
            throw new CommandException($"There is no file {argument}.");
        }

        if (new FileInfo(argument).Length > XftpLimits.MaxDescriptionLength || !FileDescriptionCodec.TryDecode(File.ReadAllBytes(argument), out var description))
        {
            throw new CommandException($"The file {argument} is no file description.");
        }

        return new DescriptionSource(description, argument);
    }

    /// <summary>Reads a description for one party; the other party's is refused.</summary>
    public static DescriptionSource Read(string argument, FileParty party)
    {
        var source = Read(argument);
        return source.Description.Party == party ? source
            : throw new CommandException(party == FileParty.Recipient
                ? "This is the sender's description: it deletes the file, and receives nothing."
                : "This is a recipient's description: only the sender's deletes the file.");
    }

    /// <summary>Removes the file with the description, which is worth nothing any more, if it was one.</summary>
    public async Task ForgetAsync(bool isConfirmed, TextWriter output, CancellationToken cancellationToken)
    {
        if (Path is null)
        {
            return;
        }

        if (!isConfirmed)
        {
            await output.WriteAsync($"File description {Path} can't be used again. Delete it (Y/n): ");
            if ((await Console.In.ReadLineAsync(cancellationToken))?.Trim() is not ("" or "y" or "Y"))
            {
                return;
            }
        }

        File.Delete(Path);
        await output.WriteLineAsync($"File description {Path} is deleted.");
    }
}
