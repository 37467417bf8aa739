using System.Security.Cryptography.X509Certificates;
using Pairwise.Crypto;
using Pairwise.Transport.Smp;
using Pairwise.Transport.Tls;
using Pairwise.Wire;

namespace Pairwise.Server.Smp;

/// <summary>A relay cannot start; the message is one sentence for the operator that says what to do.</summary>
public sealed class SmpServerException : Exception
{
    /// <summary>Makes it with its sentence.</summary>
    public SmpServerException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}

/// <summary>
/// The files of a relay's identity, by the reference's names: the offline authority (ca.key, ca.crt), the online
/// certificate (server.key, server.crt), and the fingerprint of the authority that addresses show.
/// </summary>
public static class SmpServerFiles
{
    public const string AuthorityKey = "ca.key";
    public const string AuthorityCertificate = "ca.crt";
    public const string ServerKey = "server.key";
    public const string ServerCertificate = "server.crt";
    public const string Fingerprint = "fingerprint";
    public const string StoreLog = "smp-server-store.log";
    public const string MessageLog = "smp-server-messages.log";
    public const string NotificationLog = "smp-server-ntfs.log";
    public const string MessageFolder = "messages";
    public const string Statistics = "smp-server-stats.log";
    public const string ActiveStatistics = "smp-server-stats.active.log";
    public const string DailyStatistics = "smp-server-stats.daily.log";
    public const string Metrics = "smp-server-metrics.txt";
    public const string Lock = "smp-server.lock";

    /// <summary>
    /// Keeps other relays, and programs that move what a relay keeps, from a folder of state: they would destroy each
    /// other's files.
    /// </summary>
    /// <returns>Gives the folder free when it is disposed, or when the process ends, however it does.</returns>
    /// <exception cref="SmpServerException">Another one uses it.</exception>
    /// <exception cref="IOException">It cannot be written to.</exception>
    public static IDisposable LockState(string folder)
    {
        try
        {
            return new FileStream(Path.Combine(folder, Lock), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 1, FileOptions.DeleteOnClose);
        }
        catch (IOException cause) when (cause.HResult is SharingOnLinux or SharingOnMac or SharingOnWindows)
        {
            throw new SmpServerException($"another server uses the folder {folder}: stop it first.", cause);
        }
    }

    // What the system says of a file that another process keeps for itself.
    private const int SharingOnLinux = 11;
    private const int SharingOnMac = 35;
    private const int SharingOnWindows = unchecked((int)0x80070020);

    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Whether there is an identity in the folder.</summary>
    public static bool Exist(string folder) => File.Exists(Path.Combine(folder, ServerCertificate));

    /// <summary>Makes a new authority, an online certificate, and the fingerprint's file.</summary>
    /// <returns>The fingerprint, 32 bytes.</returns>
    public static Bytes Create(string folder, KeyAlgorithm algorithm, string commonName, IRandomSource random, TimeProvider time)
    {
        Directory.CreateDirectory(folder);
        using CertificateAuthority authority = CertificateAuthority.Create(algorithm, random, time.GetUtcNow());
        WriteSecret(Path.Combine(folder, AuthorityKey), Pem.Write(authority.Key));
        File.WriteAllText(Path.Combine(folder, AuthorityCertificate), Pem.Write(authority.Certificate));
        WriteServerCertificate(folder, authority, algorithm, commonName, random, time);
        File.WriteAllText(Path.Combine(folder, Fingerprint), authority.Certificate.Fingerprint.ToBase64Url() + "\n");
        return authority.Certificate.Fingerprint;
    }

    /// <summary>Makes a new online certificate under the authority that is there.</summary>
    /// <exception cref="SmpServerException">The authority's files cannot be used.</exception>
    public static void Renew(string folder, KeyAlgorithm? algorithm, string? commonName, IRandomSource random, TimeProvider time)
    {
        Certificate certificate = ReadCertificate(Path.Combine(folder, AuthorityCertificate));
        using SigningKey key = ReadKey(Path.Combine(folder, AuthorityKey));
        if (!CertificateAuthority.TryLoad(key, certificate, out CertificateAuthority? authority))
        {
            throw new SmpServerException($"The key {AuthorityKey} does not belong to the certificate {AuthorityCertificate} in {folder}.");
        }

        Certificate former = ReadCertificate(Path.Combine(folder, ServerCertificate));
        KeyAlgorithm used = algorithm ?? former.PublicKey?.Algorithm ?? KeyAlgorithm.Ed25519;
        WriteServerCertificate(folder, authority, used, commonName ?? CommonNameOf(former) ?? "127.0.0.1", random, time);
    }

    /// <summary>Reads the identity and checks that the saved fingerprint is the authority's.</summary>
    /// <exception cref="SmpServerException">A file is missing or broken.</exception>
    public static (SmpServerIdentity Identity, TlsCredential Credential) Load(string folder)
    {
        Certificate authority = ReadCertificate(Path.Combine(folder, AuthorityCertificate));
        Certificate server = ReadCertificate(Path.Combine(folder, ServerCertificate));
        SigningKey key = ReadKey(Path.Combine(folder, ServerKey));
        string fingerprintFile = Path.Combine(folder, Fingerprint);
        string saved = ReadText(fingerprintFile).Trim();
        if (saved != authority.Fingerprint.ToBase64Url())
        {
            throw new SmpServerException($"The fingerprint in {fingerprintFile} is not that of {AuthorityCertificate}: restore the file that belongs to the certificate.");
        }

        if (!server.IsSignedBy(authority))
        {
            throw new SmpServerException($"The certificate {ServerCertificate} in {folder} was not signed by {AuthorityCertificate}: restore it or make a new one with \"cert\".");
        }

        if (!key.PublicKey.Equals(server.PublicKey))
        {
            throw new SmpServerException($"The key {ServerKey} does not belong to the certificate {ServerCertificate} in {folder}: restore it or make new ones with \"cert\".");
        }

        TlsCredential credential = new([server.Der, authority.Der], key.ToPkcs8());
        return (new SmpServerIdentity(CertificateChain.From(server, authority), key), credential);
    }

    private static void WriteServerCertificate(string folder, CertificateAuthority authority, KeyAlgorithm algorithm, string commonName, IRandomSource random, TimeProvider time)
    {
        using SigningKey key = CertificateAuthority.GenerateKey(algorithm, random);
        Certificate certificate = authority.IssueServerCertificate(commonName, key.PublicKey, random, time.GetUtcNow());
        WriteSecret(Path.Combine(folder, ServerKey), Pem.Write(key));
        File.WriteAllText(Path.Combine(folder, ServerCertificate), Pem.Write(certificate));
    }

    private static string? CommonNameOf(Certificate certificate)
    {
        const string commonNameOid = "2.5.4.3";
        using X509Certificate2 parsed = X509CertificateLoader.LoadCertificate(certificate.Der.Span);
        return parsed.SubjectName.EnumerateRelativeDistinguishedNames()
            .FirstOrDefault(name => !name.HasMultipleElements && name.GetSingleElementType().Value == commonNameOid)?
            .GetSingleElementValue();
    }

    private static void WriteSecret(string path, string text)
    {
        FileStreamOptions options = new() { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = OwnerOnly;
        }

        using FileStream file = new(path, options);
        using StreamWriter writer = new(file);
        writer.Write(text);
    }

    private static Certificate ReadCertificate(string path) =>
        Pem.TryReadCertificate(ReadText(path), out Certificate? certificate)
            ? certificate
            : throw new SmpServerException($"The file {path} holds no certificate: restore it from a backup.");

    private static SigningKey ReadKey(string path) =>
        Pem.TryReadPrivateKey(ReadText(path), out PrivateKey? key) && key is SigningKey signing
            ? signing
            : throw new SmpServerException($"The file {path} holds no Ed25519 or Ed448 key: restore it from a backup.");

    private static string ReadText(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw new SmpServerException($"The file {path} cannot be read: {cause.Message}", cause);
        }
    }
}
