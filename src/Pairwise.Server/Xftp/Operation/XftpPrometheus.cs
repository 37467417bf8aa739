using System.Globalization;
using System.Text;

namespace Pairwise.Server.Xftp.Operation;

/// <summary>
/// The metrics file in Prometheus' text form, with the reference's names. Samples have no time of their own, unlike the
/// reference's: node-exporter's text file collector refuses a file with times.
/// </summary>
internal static class XftpPrometheus
{
    public static string Write(XftpStatistics statistics, (int Day, int Week, int Month) downloaded, string version, DateTimeOffset now)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"# Recorded at: {now:yyyy-MM-dd'T'HH:mm:ss'Z'}\n# Stats from: {statistics.From:yyyy-MM-dd'T'HH:mm:ss'Z'}\n\n# Files\n# -----\n\n");
        Append("files_created", "Created files", "counter", statistics[XftpCounter.FilesCreated]);
        Append("files_recipients", "Files recipients", "counter", statistics[XftpCounter.FileRecipients]);
        Append("files_uploaded", "Uploaded files", "counter", statistics[XftpCounter.FilesUploaded]);
        Append("files_expired", "Expired files", "counter", statistics[XftpCounter.FilesExpired]);
        Append("files_deleted", "Deleted files", "counter", statistics[XftpCounter.FilesDeleted]);
        Append("files_blocked", "Blocked files", "counter", statistics[XftpCounter.FilesBlocked]);
        Append("file_downloads", "File downloads", "counter", statistics[XftpCounter.FileDownloads]);
        Append("file_download_acks", "File download ACKs", "counter", statistics[XftpCounter.FileDownloadAcks]);
        Append("files_count_total", "Total files count", "gauge", statistics[XftpCounter.FilesCount]);
        Append("files_size", "Size of files", "gauge", statistics[XftpCounter.FilesSize]);
        Append("files_count_daily", "Daily files count", "gauge", downloaded.Day);
        Append("files_count_weekly", "Weekly files count", "gauge", downloaded.Week);
        Append("files_count_monthly", "Monthly files count", "gauge", downloaded.Month);
        text.Append(
            CultureInfo.InvariantCulture,
            $"# Info\n# ----\n\n# HELP simplex_xftp_info Server information\n# TYPE simplex_xftp_info gauge\nsimplex_xftp_info{{version=\"{version}\",rts_options=\"\"}} 1\n\n");
        return text.ToString();

        void Append(string name, string help, string type, long value) => text.Append(
            CultureInfo.InvariantCulture,
            $"# HELP simplex_xftp_{name} {help}\n# TYPE simplex_xftp_{name} {type}\nsimplex_xftp_{name} {value}\n\n");
    }
}
