using System.Runtime.InteropServices;
using SQLitePCL;

namespace Pairwise.Storage.Interop;

/// <summary>The two calls of SQLite3 Multiple Ciphers that the general binding leaves out. The key goes in as bytes, never as SQL text.</summary>
internal static partial class SqliteCipher
{
    private const string Library = "e_sqlite3";

    /// <summary>Sets the key of a connection that has not read anything yet; returns a SQLite result code.</summary>
    public static int SetKey(sqlite3 connection, ReadOnlySpan<byte> key) => Key(connection, key, key.Length);

    /// <summary>Rewrites the database under another key; an empty one removes the encryption. Returns a SQLite result code.</summary>
    public static int ChangeKey(sqlite3 connection, ReadOnlySpan<byte> key) => Rekey(connection, key, key.Length);

    [LibraryImport(Library, EntryPoint = "sqlite3_key")]
    private static partial int Key(SafeHandle connection, ReadOnlySpan<byte> key, int length);

    [LibraryImport(Library, EntryPoint = "sqlite3_rekey")]
    private static partial int Rekey(SafeHandle connection, ReadOnlySpan<byte> key, int length);
}
