using Npgsql;
using Pairwise.Server.Smp.Postgres;

namespace Pairwise.Server.Tests.Smp;

/// <summary>What the text of <c>db_connection</c> comes to, in each of its forms.</summary>
public sealed class PostgresConnectionTests
{
    [Theory]
    [InlineData("postgresql://me%40home:a%3Ab@db.example:5433/relay?sslmode=verify-full&sslrootcert=%2Fca.crt&connect_timeout=7", "db.example", 5433, "me@home", "a:b", "relay", SslMode.VerifyFull)]
    [InlineData(@"host = db.example port=5433 user='me@home' password='a:b' dbname=relay sslmode=require sslrootcert='/ca.crt' connect_timeout=7", "db.example", 5433, "me@home", "a:b", "relay", SslMode.VerifyCA)]
    [InlineData(@"host=db.example port=5433 user=it\'s password='a \'b\\' dbname=relay sslmode=verify-ca sslrootcert=/ca.crt connect_timeout=7", "db.example", 5433, "it's", @"a 'b\", "relay", SslMode.VerifyCA)]
    [InlineData("postgresql://me@[::1]:5433/relay?sslmode=verify-full&sslrootcert=/ca.crt&connect_timeout=7", "::1", 5433, "me", null, "relay", SslMode.VerifyFull)]
    [InlineData("postgres://me@/relay?host=%2Frun%2Fpg&port=5433&sslmode=require&sslrootcert=/ca.crt&connect_timeout=7", "/run/pg", 5433, "me", null, "relay", SslMode.VerifyCA)]
    [InlineData("Host=db.example;Port=5433;Username=me;Database=relay;SSL Mode=VerifyFull;Root Certificate=/ca.crt;Timeout=7", "db.example", 5433, "me", null, "relay", SslMode.VerifyFull)]
    public void Every_form_means_what_it_says(string text, string host, int port, string user, string? password, string database, SslMode mode)
    {
        NpgsqlConnectionStringBuilder settings = PostgresConnection.Parse(text);
        Assert.Equal((host, port, user, password, database), (settings.Host, settings.Port, settings.Username, settings.Password, settings.Database));
        Assert.Equal((mode, "/ca.crt", 7), (settings.SslMode, settings.RootCertificate, settings.Timeout));
    }

    [Fact]
    public void What_is_not_said_is_as_usual()
    {
        NpgsqlConnectionStringBuilder settings = PostgresConnection.Parse("postgresql://smp@/smp_server_store");
        Assert.Equal(("/var/run/postgresql", 5432, "smp", "smp_server_store"), (settings.Host, settings.Port, settings.Username, settings.Database));
        Assert.Null(settings.ApplicationName);
        Assert.Equal("mine", PostgresConnection.Parse("dbname=relay application_name=mine").ApplicationName);
    }
}
