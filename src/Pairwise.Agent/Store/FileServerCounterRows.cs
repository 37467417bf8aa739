using Pairwise.Agent.Files;
using Pairwise.Storage;

namespace Pairwise.Agent.Store;

/// <summary>Table of what was done at file servers: <c>agent_file_server_counters</c>.</summary>
internal static class FileServerCounterRows
{
    internal const string Sql = """
        CREATE TABLE agent_file_server_counters (
          user_id INTEGER NOT NULL REFERENCES agent_users ON DELETE CASCADE,
          server TEXT NOT NULL,
          uploads INTEGER NOT NULL,
          uploads_size INTEGER NOT NULL,
          upload_attempts INTEGER NOT NULL,
          upload_errors INTEGER NOT NULL,
          downloads INTEGER NOT NULL,
          downloads_size INTEGER NOT NULL,
          download_attempts INTEGER NOT NULL,
          download_auth_errors INTEGER NOT NULL,
          download_errors INTEGER NOT NULL,
          deletions INTEGER NOT NULL,
          delete_attempts INTEGER NOT NULL,
          delete_errors INTEGER NOT NULL,
          PRIMARY KEY (user_id, server)
        ) STRICT, WITHOUT ROWID;
        """;

    private const string Columns = "server, uploads, uploads_size, upload_attempts, upload_errors, downloads, downloads_size, download_attempts, download_auth_errors, download_errors, deletions, delete_attempts, delete_errors";

    /// <summary>Adds what was done to what was done before; nothing for a user that is gone.</summary>
    public static void Add(DatabaseSession session, UserId user, FileServerStatistics done) => session.Execute(
        $"""
        INSERT INTO agent_file_server_counters (user_id, {Columns})
        SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14 WHERE EXISTS (SELECT 1 FROM agent_users WHERE user_id = ?1)
        ON CONFLICT DO UPDATE SET
          uploads = uploads + excluded.uploads, uploads_size = uploads_size + excluded.uploads_size, upload_attempts = upload_attempts + excluded.upload_attempts,
          upload_errors = upload_errors + excluded.upload_errors, downloads = downloads + excluded.downloads, downloads_size = downloads_size + excluded.downloads_size,
          download_attempts = download_attempts + excluded.download_attempts, download_auth_errors = download_auth_errors + excluded.download_auth_errors, download_errors = download_errors + excluded.download_errors,
          deletions = deletions + excluded.deletions, delete_attempts = delete_attempts + excluded.delete_attempts, delete_errors = delete_errors + excluded.delete_errors
        """,
        user.Value,
        done.Server.ToString(),
        done.Uploads,
        done.UploadsSize,
        done.UploadAttempts,
        done.UploadErrors,
        done.Downloads,
        done.DownloadsSize,
        done.DownloadAttempts,
        done.DownloadAuthErrors,
        done.DownloadErrors,
        done.Deletions,
        done.DeleteAttempts,
        done.DeleteErrors);

    /// <summary>The servers of a user.</summary>
    public static List<FileServerStatistics> Get(DatabaseSession session, UserId user) => session.Query(
        $"SELECT {Columns} FROM agent_file_server_counters WHERE user_id = ?1",
        static row => new FileServerStatistics(
            FileColumn.ToServer(row.GetText(0)),
            row.GetInt64(1),
            row.GetInt64(2),
            row.GetInt64(3),
            row.GetInt64(4),
            row.GetInt64(5),
            row.GetInt64(6),
            row.GetInt64(7),
            row.GetInt64(8),
            row.GetInt64(9),
            row.GetInt64(10),
            row.GetInt64(11),
            row.GetInt64(12)),
        user.Value);

    public static void RemoveAll(DatabaseSession session) => session.Execute("DELETE FROM agent_file_server_counters");
}
