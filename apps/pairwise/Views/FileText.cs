using System.Globalization;
using Pairwise.Agent.Files;
using Pairwise.Chat;
using Pairwise.Chat.Protocol;

namespace Pairwise.Terminal.Views;

/// <summary>What a person reads about files: the words of responses and events.</summary>
internal static class FileText
{
    /// <summary><c>file 1 (photo.jpg)</c>.</summary>
    public static string Of(ChatFile file) => $"file {file.Id} ({Printable.Of(file.Name)})";

    /// <summary>What was done at a file relay.</summary>
    public static IEnumerable<string> Counters(FileServerStatistics of) =>
    [
        of.Server.ToString(),
        string.Create(CultureInfo.InvariantCulture, $"  uploads: {of.Uploads} ({of.UploadsSize} KiB), attempts: {of.UploadAttempts}, errors: {of.UploadErrors}"),
        string.Create(CultureInfo.InvariantCulture, $"  downloads: {of.Downloads} ({of.DownloadsSize} KiB), attempts: {of.DownloadAttempts}, not there: {of.DownloadAuthErrors}, other errors: {of.DownloadErrors}"),
        string.Create(CultureInfo.InvariantCulture, $"  deletions: {of.Deletions}, attempts: {of.DeleteAttempts}, errors: {of.DeleteErrors}"),
    ];

    /// <summary>What is done with a file that belongs to no conversation.</summary>
    public static string Verb(ChatFile file) => file.State <= FileState.SendError ? "uploading" : "receiving";

    /// <summary>Whether a line is a file without a word to it.</summary>
    public static bool IsBare(ChatItem item) => item.File is not null && item.Text == MessageContent.File().Display;

    /// <summary>A size as people say it: <c>1.2 MiB</c>.</summary>
    public static string Size(long bytes) => bytes switch
    {
        < 1 << 10 => string.Create(CultureInfo.InvariantCulture, $"{bytes} bytes"),
        < 1 << 20 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1024d:0.0} KiB"),
        < 1 << 30 => string.Create(CultureInfo.InvariantCulture, $"{bytes / (1024d * 1024):0.0} MiB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{bytes / (1024d * 1024 * 1024):0.0} GiB"),
    };

    /// <summary>A received offer.</summary>
    public static IEnumerable<string> Offer(ChatFile file)
    {
        yield return $"sends file {Printable.Of(file.Name)} ({Size(file.Size)} / {file.Size} bytes)";
        if (file.State == FileState.ReceiveInvitation) yield return $"use /fr {file.Id} [<dir>/ | <path>] to receive it";
        else if (file.Error is { } error) yield return Printable.Of(error);
    }

    /// <summary>The answer to <c>/fstatus</c>.</summary>
    public static string Status(ChatFile file)
    {
        var name = Of(file);
        return file.State switch
        {
            FileState.SendStored when file.IsInline => $"sending {name} not accepted yet",
            FileState.SendStored => $"sending {name} just started",
            FileState.SendTransfer => $"sending {name} in progress{Progress(file)}{Waiting(file)}",
            FileState.SendUploaded => $"sending {name} uploaded, its description follows",
            FileState.SendComplete => $"sending {name} complete",
            FileState.SendCancelled => $"sending {name} cancelled",
            FileState.SendError => $"sending {name} error: {Printable.Of(file.Error ?? "")}",
            FileState.ReceiveInvitation => $"receiving {name} not accepted yet, use /fr {file.Id} to receive file",
            FileState.ReceiveAccepted => $"receiving {name} just started",
            FileState.ReceiveTransfer => $"receiving {name} progress{Progress(file)}{Waiting(file)}",
            FileState.ReceiveComplete => $"receiving {name} complete, path: {Printable.Of(file.Path ?? "")}{Encrypted(file)}",
            FileState.ReceiveCancelled => $"receiving {name} cancelled",
            FileState.ReceiveError => $"receiving {name} error: {Printable.Of(file.Error ?? "")}",
            FileState.ReceiveAborted => $"receiving {name} aborted: {Printable.Of(file.Error ?? "")}",
            _ => throw new System.Diagnostics.UnreachableException(file.State.ToString()),
        };
    }

    /// <summary>A file in a line of <c>/tail</c>.</summary>
    public static string InTail(ChatFile file) => file.State switch
    {
        FileState.ReceiveInvitation => $"[{Of(file)}, {Size(file.Size)}: /fr {file.Id} receives it]",
        FileState.ReceiveComplete => $"[{Of(file)}, {Size(file.Size)}: {Printable.Of(file.Path ?? "")}{Encrypted(file)}]",
        FileState.SendComplete => $"[{Of(file)}, {Size(file.Size)}: sent]",
        FileState.SendCancelled or FileState.ReceiveCancelled => $"[{Of(file)}, {Size(file.Size)}: cancelled]",
        FileState.SendError or FileState.ReceiveError or FileState.ReceiveAborted => $"[{Of(file)}, {Size(file.Size)}: {Printable.Of(file.Error ?? "failed")}]",
        _ => $"[{Of(file)}, {Size(file.Size)}: on its way]",
    };

    /// <summary>How to read a file that is kept encrypted; empty for others.</summary>
    public static string Encrypted(ChatFile file) => file.IsEncrypted ? $" (encrypted; /fexport {file.Id} PATH writes a readable copy)" : "";

    private static string Progress(ChatFile file) =>
        file.Total > 0 ? string.Create(CultureInfo.InvariantCulture, $" {file.Done * 100 / file.Total}% of {Size(file.Size)}") : "";

    private static string Waiting(ChatFile file) => file.Error is { } error ? $", waiting: {Printable.Of(error)}" : "";
}
