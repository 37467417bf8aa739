using System.Security.Cryptography;
using Pairwise.Storage;

namespace Pairwise.Terminal.Startup;

/// <summary>Where the passphrase of the database comes from: a file, an option, the environment, or a prompt without echo.</summary>
internal sealed class PassphraseSource(PairwiseOptions options)
{
    public const string EnvironmentVariable = "PAIRWISE_PASSPHRASE";

    private const int LongestPassphrase = 4096;
    private const int Attempts = 3;

    /// <summary>
    /// Opens the database, asking for the passphrase as often as makes sense.
    /// </summary>
    /// <exception cref="StartupException">No passphrase can be had, or the file that holds it cannot be read.</exception>
    /// <exception cref="StorageException">The database cannot be opened.</exception>
    public Database Open(string path, Func<Passphrase, Database> open)
    {
        using var given = TryReadGiven();
        if (given is not null) return open(given);
        return File.Exists(path) ? OpenExisting(open) : OpenNew(open);
    }

    private static Database OpenExisting(Func<Passphrase, Database> open)
    {
        using (var empty = Passphrase.Empty())
        {
            try
            {
                return open(empty);
            }
            catch (StorageException e) when (e.Error == StorageError.WrongPassphrase)
            {
                // It is encrypted: ask below.
            }
        }

        for (var attempt = 1; ; attempt++)
        {
            using var typed = Ask("Passphrase: ");
            try
            {
                return open(typed);
            }
            catch (StorageException e) when (e.Error == StorageError.WrongPassphrase && attempt < Attempts)
            {
                Console.Error.WriteLine("That is not the passphrase of this database. Try again.");
            }
        }
    }

    private static Database OpenNew(Func<Passphrase, Database> open)
    {
        if (!Prompt.IsTerminal)
        {
            throw new StartupException($"A new database needs a passphrase: give --passphrase-file FILE or set {EnvironmentVariable} (it may be empty: then nothing is encrypted on this disk).");
        }

        Console.Error.WriteLine("Choose a passphrase: it encrypts everything that Pairwise keeps here, and nobody can restore it for you.");
        while (true)
        {
            using var first = Ask("New passphrase (empty for none): ");
            if (first.IsEmpty)
            {
                Console.Error.WriteLine("Warning: without a passphrase, whoever can read this folder can read your messages.");
                return open(first);
            }

            using var second = Ask("The same again: ");
            if (first.IsSameAs(second)) return open(first);
            Console.Error.WriteLine("The two differ. Once more, please.");
        }
    }

    private Passphrase? TryReadGiven()
    {
        var given = options.PassphraseFile is { } file ? ReadFile(file)
            : (options.Key ?? Environment.GetEnvironmentVariable(EnvironmentVariable)) is { } text ? Passphrase.FromText(text)
            : null;
        if (given is { IsEmpty: true }) Console.Error.WriteLine("Warning: the passphrase is empty: whoever can read the data folder can read your messages.");
        return given;
    }

    private static Passphrase ReadFile(string file)
    {
        byte[] content;
        try
        {
            using var stream = File.OpenRead(file);
            content = new byte[LongestPassphrase];
            var length = stream.ReadAtLeast(content, content.Length, throwOnEndOfStream: false);
            Array.Resize(ref content, length);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new StartupException($"The passphrase file {file} cannot be read: {e.Message}", e);
        }

        try
        {
            var end = content.AsSpan().IndexOfAny((byte)'\n', (byte)'\r');
            if (end < 0 && content.Length == LongestPassphrase) throw new StartupException($"The first line of {file} is longer than {LongestPassphrase} bytes: that is no passphrase file.");
            return Passphrase.FromUtf8(end < 0 ? content : content.AsSpan(0, end));
        }
        finally
        {
            CryptographicOperations.ZeroMemory(content);
        }
    }

    private static Passphrase Ask(string question)
    {
        if (!Prompt.IsTerminal) throw new StartupException($"The database is encrypted: give --passphrase-file FILE or set {EnvironmentVariable}.");
        return Prompt.AskHidden(question, bytes => Passphrase.FromUtf8(bytes)) ?? throw new StartupException("No passphrase was given.");
    }
}
