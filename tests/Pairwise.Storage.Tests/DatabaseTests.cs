using SQLitePCL;

namespace Pairwise.Storage.Tests;

public sealed class DatabaseTests : IDisposable
{
    private static readonly DatabaseSchema Notes = new(
        "notes",
        [new("0001_initial", "CREATE TABLE notes (note_id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE, body BLOB) STRICT;")]);

    private static readonly DatabaseSchema NotesLater = new(
        "notes",
        [.. Notes.Migrations, new("0002_pinned", "ALTER TABLE notes ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0; CREATE INDEX notes_pinned ON notes (pinned);")]);

    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("")]
    [InlineData("correct horse")]
    [InlineData("пароль 🐎 '\";--")]
    public async Task What_was_written_is_there_after_reopening(string passphrase)
    {
        var path = _folder.File("a.db");
        await using (var database = Open(path, passphrase))
            await database.TransactAsync(s => s.Execute("INSERT INTO notes (text, body) VALUES (?1, ?2)", "hello", new byte[] { 0, 1, 255 }), Token);

        await using var again = Open(path, passphrase);
        var rows = await again.ReadAsync(s => s.Query("SELECT text, body FROM notes", r => (r.GetText(0), Convert.ToHexString(r.GetBlob(1)))), Token);
        Assert.Equal([("hello", "0001FF")], rows);
    }

    [Fact]
    public async Task Nothing_readable_is_on_the_disk_under_a_passphrase()
    {
        var path = _folder.File("a.db");
        await using (var database = Open(path, "secret"))
        {
            await database.TransactAsync(s => s.Execute("INSERT INTO notes (text) VALUES (?1)", "attack at dawn"), Token);
            AssertUnreadable(path);
            AssertUnreadable(path + "-wal");
        }

        AssertUnreadable(path);
    }

    [Fact]
    public async Task File_can_be_read_by_its_owner_only()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Unix file modes.");
        var path = _folder.File("a.db");
        await using var database = Open(path, "secret");
        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
    }

    [Theory]
    [InlineData("wrong")]
    [InlineData("")]
    public async Task Wrong_or_missing_passphrase_is_refused_and_leaves_the_file_as_it_was(string passphrase)
    {
        var path = _folder.File("a.db");
        await Open(path, "right").DisposeAsync();
        var before = await File.ReadAllBytesAsync(path, Token);

        Assert.Equal(StorageError.WrongPassphrase, OpenError(path, passphrase));
        Assert.Equal(before, await File.ReadAllBytesAsync(path, Token));
    }

    [Fact]
    public async Task Passphrase_for_an_unencrypted_file_is_its_own_error()
    {
        var path = _folder.File("a.db");
        await Open(path, "").DisposeAsync();
        Assert.Equal(StorageError.NotEncrypted, OpenError(path, "secret"));
    }

    [Fact]
    public void Database_of_another_program_is_foreign_and_stays_as_it_was()
    {
        var path = _folder.File("a.db");
        raw.SetProvider(new SQLite3Provider_e_sqlite3());
        Assert.Equal(raw.SQLITE_OK, raw.sqlite3_open(path, out var other));
        Assert.Equal(raw.SQLITE_OK, raw.sqlite3_exec(other, "CREATE TABLE recipes (name TEXT);"));
        other.Dispose();
        var before = File.ReadAllBytes(path);

        Assert.Equal(StorageError.Foreign, OpenError(path, ""));
        Assert.Equal(before, File.ReadAllBytes(path));
    }

    [Fact]
    public void Text_file_is_refused()
    {
        var path = _folder.File("a.db");
        File.WriteAllText(path, "this is not a database");
        Assert.Equal(StorageError.Broken, OpenError(path, ""));
        File.WriteAllText(path, new string('x', 8192));
        Assert.Equal(StorageError.WrongPassphrase, OpenError(path, ""));
    }

    [Fact]
    public async Task Damaged_page_is_broken_and_not_a_wrong_passphrase()
    {
        var path = _folder.File("a.db");
        await using (var database = Open(path, "secret"))
        {
            await database.TransactAsync(
                s =>
                {
                    for (var i = 0; i < 50; i++)
                        s.Execute("INSERT INTO notes (text, body) VALUES (?1, ?2)", $"note {i}", new byte[4000]);
                },
                Token);
        }

        var bytes = await File.ReadAllBytesAsync(path, Token);
        bytes.AsSpan(5 * 4096, bytes.Length - (5 * 4096)).Fill(0xA5);
        await File.WriteAllBytesAsync(path, bytes, Token);

        await using var damaged = Open(path, "secret");
        var error = await Assert.ThrowsAsync<StorageException>(() => damaged.ReadAsync(s => s.Query("SELECT text, body FROM notes", r => r.GetBlob(1)), Token));
        Assert.Equal(StorageError.Broken, error.Error);
        Assert.False(await damaged.CheckIntegrityAsync(Token));
    }

    [Fact]
    public async Task Second_holder_is_told_that_the_database_is_in_use()
    {
        var path = _folder.File("a.db");
        await using var first = Open(path, "secret");
        Assert.Equal(StorageError.InUse, OpenError(path, "secret"));
    }

    [Fact]
    public void Missing_folder_is_access_denied() =>
        Assert.Equal(StorageError.AccessDenied, OpenError(_folder.File("absent/a.db"), ""));

    [Fact]
    public async Task Failed_step_leaves_no_trace()
    {
        await using var database = Open(_folder.File("a.db"), "");
        await Assert.ThrowsAsync<InvalidOperationException>(() => database.TransactAsync(
            s =>
            {
                s.Execute("INSERT INTO notes (text) VALUES ('one')");
                throw new InvalidOperationException("crash");
            },
            Token));
        var error = await Assert.ThrowsAsync<StorageException>(() => database.TransactAsync(
            s =>
            {
                s.Execute("INSERT INTO notes (text) VALUES ('two')");
                s.Execute("INSERT INTO notes (text) VALUES ('two')");
            },
            Token));
        Assert.Equal(StorageError.Constraint, error.Error);
        Assert.Equal(0, await database.ReadAsync(s => s.Scalar("SELECT count(*) FROM notes"), Token));
    }

    [Fact]
    public async Task Full_disk_is_reported_and_the_database_goes_on_working()
    {
        await using var database = Database.Open(new() { Path = _folder.File("a.db"), Schemas = [Notes], MaxPages = 20 }, Passphrase.Empty());
        await database.TransactAsync(s => s.Execute("INSERT INTO notes (text) VALUES ('kept')"), Token);
        var error = await Assert.ThrowsAsync<StorageException>(() => database.TransactAsync(
            s => s.Execute("INSERT INTO notes (text, body) VALUES ('big', zeroblob(1000000))"),
            Token));
        Assert.Equal(StorageError.DiskFull, error.Error);
        Assert.True(error.IsTransient);
        await database.TransactAsync(s => s.Execute("INSERT INTO notes (text) VALUES ('after')"), Token);
        Assert.Equal(2, await database.ReadAsync(s => s.Scalar("SELECT count(*) FROM notes"), Token));
    }

    [Theory]
    [InlineData("old", "new")]
    [InlineData("", "new")]
    [InlineData("old", "")]
    public async Task Rekey_changes_the_passphrase_and_keeps_the_rows(string before, string after)
    {
        var path = _folder.File("a.db");
        await using (var database = Open(path, before))
        {
            await database.TransactAsync(s => s.Execute("INSERT INTO notes (text) VALUES ('kept')"), Token);
            using var passphrase = Passphrase.FromText(after);
            await database.RekeyAsync(passphrase, Token);
            await database.TransactAsync(s => s.Execute("INSERT INTO notes (text) VALUES ('later')"), Token);
        }

        Assert.Equal(before.Length == 0 ? StorageError.WrongPassphrase : after.Length == 0 ? StorageError.NotEncrypted : StorageError.WrongPassphrase, OpenError(path, before));
        await using var again = Open(path, after);
        Assert.Equal(["kept", "later"], await again.ReadAsync(s => s.Query("SELECT text FROM notes ORDER BY note_id", r => r.GetText(0)), Token));
        Assert.True(await again.CheckIntegrityAsync(Token));
        if (after.Length > 0)
            AssertUnreadable(path, "kept");
    }

    [Fact]
    public async Task Migrations_run_once_in_order_and_keep_rows()
    {
        var path = _folder.File("a.db");
        await using (var database = Open(path, ""))
            await database.TransactAsync(s => s.Execute("INSERT INTO notes (text) VALUES ('old')"), Token);
        await using (var database = Open(path, "", NotesLater))
            Assert.Equal(0, await database.ReadAsync(s => s.Scalar("SELECT pinned FROM notes WHERE text = ?1", "old"), Token));
        await using (var database = Open(path, "", NotesLater))
            Assert.Equal(2, await database.ReadAsync(s => s.Scalar("SELECT count(*) FROM migrations"), Token));
        Assert.Equal(StorageError.Newer, OpenError(path, ""));
    }

    [Fact]
    public async Task Failing_migration_leaves_the_version_before_it()
    {
        var path = _folder.File("a.db");
        await Open(path, "").DisposeAsync();
        var broken = new DatabaseSchema("notes", [.. Notes.Migrations, new("0002_broken", "CREATE TABLE half (x INTEGER); CREATE TABLE notes (x INTEGER);")]);
        Assert.Throws<StorageException>(() => Open(path, "", broken));
        await using var database = Open(path, "");
        Assert.Null(await database.ReadAsync(s => s.Scalar("SELECT 1 FROM sqlite_schema WHERE name = 'half'"), Token));
    }

    [Fact]
    public async Task Schema_matches_the_golden_file()
    {
        await using var database = Open(_folder.File("a.db"), "", NotesLater);
        var golden = await File.ReadAllTextAsync(Path.Combine(AppContext.BaseDirectory, "Golden", "notes.sql"), Token);
        Assert.Equal(golden, await database.DescribeSchemaAsync(Token));
    }

    [Fact]
    public async Task Steps_of_many_callers_run_one_at_a_time()
    {
        await using var database = Open(_folder.File("a.db"), "");
        await database.TransactAsync(s => s.Execute("INSERT INTO notes (note_id, text, body) VALUES (1, 'counter', NULL)"), Token);
        await database.TransactAsync(s => s.Execute("CREATE TABLE counter (value INTEGER)"), Token);
        await database.TransactAsync(s => s.Execute("INSERT INTO counter VALUES (0)"), Token);
        await Parallel.ForAsync(0, 200, Token, async (_, token) => await database.TransactAsync(
            s =>
            {
                var value = s.Scalar("SELECT value FROM counter")!.Value;
                s.Execute("UPDATE counter SET value = ?1", value + 1);
            },
            token));
        Assert.Equal(200, await database.ReadAsync(s => s.Scalar("SELECT value FROM counter"), Token));
    }

    [Fact]
    public async Task Disposed_database_refuses_work()
    {
        var database = Open(_folder.File("a.db"), "");
        await database.DisposeAsync();
        await database.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => database.ReadAsync(s => s.Scalar("SELECT 1"), Token));
    }

    [Fact]
    public async Task Wrong_number_of_arguments_is_the_callers_mistake()
    {
        await using var database = Open(_folder.File("a.db"), "");
        await Assert.ThrowsAsync<ArgumentException>(() => database.ReadAsync(s => s.Scalar("SELECT ?1, ?2", 1L), Token));
    }

    [Fact]
    public async Task Values_of_every_type_come_back()
    {
        await using var database = Open(_folder.File("a.db"), "");
        var time = DateTimeOffset.FromUnixTimeMilliseconds(1_700_000_000_123);
        var row = await database.ReadAsync(
            s => s.Query(
                "SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7",
                r => (r.GetInt64(0), r.GetTextOrNull(1), r.GetTextOrNull(2), r.GetBlob(3).Length, r.GetDouble(4), r.GetBoolean(5), r.GetTimeOrNull(6)),
                long.MinValue,
                "ünï\0code",
                (string?)null,
                Array.Empty<byte>(),
                0.5,
                true,
                SqlValue.FromTime(time)),
            Token);
        Assert.Equal([(long.MinValue, "ünï\0code", null, 0, 0.5, true, time)], row);
    }

    [Fact]
    public void Passphrase_memory_is_zeroed_on_disposal()
    {
        var passphrase = Passphrase.FromText("secret");
        var bytes = passphrase.Span;
        Assert.Equal("secret"u8.ToArray(), bytes.ToArray());
        passphrase.Dispose();
        Assert.Equal(new byte[6], bytes.ToArray());
    }

    private static Database Open(string path, string passphrase, DatabaseSchema? schema = null)
    {
        using var secret = Passphrase.FromText(passphrase);
        return Database.Open(new() { Path = path, Schemas = [schema ?? Notes], BusyTimeout = TimeSpan.FromMilliseconds(50) }, secret);
    }

    private static StorageError OpenError(string path, string passphrase) =>
        Assert.Throws<StorageException>(() => Open(path, passphrase)).Error;

    private static void AssertUnreadable(string path, string text = "attack at dawn")
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        var bytes = new byte[file.Length];
        file.ReadExactly(bytes);
        Assert.True(bytes.Length >= 4096);
        Assert.Equal(-1, bytes.AsSpan().IndexOf(System.Text.Encoding.UTF8.GetBytes(text)));
        Assert.Equal(-1, bytes.AsSpan().IndexOf("SQLite format 3"u8));
        Assert.Equal(-1, bytes.AsSpan().IndexOf("CREATE TABLE"u8));
    }
}
