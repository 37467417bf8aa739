using Pairwise.Server.Smp.Postgres;

namespace Pairwise.Server.Configuration;

/// <summary>The database that a relay's ini file names: db_connection, db_schema and db_pool_size of the section STORE_LOG.</summary>
public static class DatabaseSettings
{
    /// <summary>Reads them; faults are collected by <paramref name="ini"/>.</summary>
    /// <param name="ini">The file.</param>
    /// <param name="usual">What is used where the file says nothing.</param>
    public static PostgresOptions Read(IniReader ini, PostgresOptions usual)
    {
        ArgumentNullException.ThrowIfNull(ini);
        ArgumentNullException.ThrowIfNull(usual);
        const string section = "STORE_LOG";
        const int maxPool = 1000;
        return new PostgresOptions(
            ini.Text(section, "db_connection") ?? usual.Connection,
            ini.Text(section, "db_schema") ?? usual.Schema,
            (int)(ini.Number(section, "db_pool_size", 1, maxPool) ?? usual.PoolSize));
    }
}
