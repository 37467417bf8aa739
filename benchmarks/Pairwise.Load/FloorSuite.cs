using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using Pairwise.Crypto;
using Pairwise.Protocol.Smp;

namespace Pairwise.Load;

/// <summary>The cryptography that no relay can do without for one delivered message, on one core of this machine.</summary>
/// <param name="TlsBlock">One 16 KiB block through TLS (ChaCha20-Poly1305), in CPU microseconds.</param>
/// <param name="InnerBlock">One block through the additional block encryption, with its key derivation.</param>
/// <param name="MessageBox">The box of one message body for the recipient.</param>
/// <param name="Verification">One Ed25519 verification, of the acknowledgement.</param>
internal sealed record Floor(double TlsBlock, double InnerBlock, double MessageBox, double Verification)
{
    /// <summary>Blocks of one delivery: SEND in, OK out, MSG out, ACK in, OK out.</summary>
    internal const int BlocksPerMessage = 5;

    /// <summary>CPU microseconds of one delivered message.</summary>
    internal double PerMessage => (BlocksPerMessage * (TlsBlock + InnerBlock)) + MessageBox + Verification;
}

/// <summary>
/// The floor with the primitives of the libraries, which goals are set by, and what our own primitives make of it. The two
/// differ where <c>Pairwise.Crypto</c> has something faster: Salsa20, and Ed25519 for keys that are used again.
/// </summary>
/// <param name="OfLibraries">ChaCha20-Poly1305 and Poly1305 of OpenSSL, Salsa20 and Ed25519 of libsodium.</param>
/// <param name="OfOurs">The same work as our relay does it on this processor, for a recipient's key that has its table.</param>
/// <param name="SenderAuthenticator">Check of the sender's authenticator with a cached secret; not part of either.</param>
/// <param name="SenderAgreement">The sender's X25519 secret when it is not cached; not part of either.</param>
internal sealed record Floors(Floor OfLibraries, Floor OfOurs, double SenderAuthenticator, double SenderAgreement);

/// <summary>"floor": measures <see cref="Floors"/>; other suites measure it in the same run and print their ratio to it.</summary>
internal static class FloorSuite
{
    internal const string Summary = "the unavoidable cryptography of one delivered message   [--seconds PER_ROUND]";

    private const int BlockLength = 16_384;

    internal static Task<int> RunAsync(SuiteOptions options, CancellationToken cancellationToken)
    {
        options.AllowOnly("seconds");
        var floors = MeasureFloors(options.Number("seconds", 0.1));
        cancellationToken.ThrowIfCancellationRequested();
        Print(floors);
        Console.WriteLine(JsonSerializer.Serialize(new SortedDictionary<string, object>(StringComparer.Ordinal)
        {
            ["suite"] = "floor",
            ["floor_us_per_message"] = Math.Round(floors.OfLibraries.PerMessage, 2),
            ["tls_us_per_block"] = Math.Round(floors.OfLibraries.TlsBlock, 2),
            ["inner_us_per_block"] = Math.Round(floors.OfLibraries.InnerBlock, 2),
            ["message_box_us"] = Math.Round(floors.OfLibraries.MessageBox, 2),
            ["ed25519_verify_us"] = Math.Round(floors.OfLibraries.Verification, 2),
            ["own_floor_us_per_message"] = Math.Round(floors.OfOurs.PerMessage, 2),
            ["own_inner_us_per_block"] = Math.Round(floors.OfOurs.InnerBlock, 2),
            ["own_message_box_us"] = Math.Round(floors.OfOurs.MessageBox, 2),
            ["own_ed25519_verify_us"] = Math.Round(floors.OfOurs.Verification, 2),
            ["sender_authenticator_us"] = Math.Round(floors.SenderAuthenticator, 2),
            ["sender_agreement_us"] = Math.Round(floors.SenderAgreement, 2),
            ["blocks_per_message"] = Floor.BlocksPerMessage,
        }));
        return Task.FromResult(0);
    }

    /// <summary>Measures with random keys; <paramref name="roundSeconds"/> is the time of each of seven rounds of each part.</summary>
    internal static Floors MeasureFloors(double roundSeconds)
    {
        var random = SystemRandom.Instance;
        var block = random.Bytes(BlockLength);
        var sealedBlock = new byte[BlockLength];
        var tag = new byte[BoxKey.TagLength];
        var tlsNonce = new byte[12];
        using var tls = new ChaCha20Poly1305(random.Bytes(32));
        using var secret = SharedSecret.FromBytes(random.Bytes(32));
        var (chain, unused) = SecretBoxChain.Init(random.Bytes(32), secret);
        using var usedChain = chain;
        using var unusedChain = unused;
        using var box = BoxKey.From(secret);
        var nonce = BoxNonce.Random(random);
        var body = random.Bytes(SmpLimits.PaddedReceivedMessageLength);
        var boxedBody = new byte[body.Length + BoxKey.TagLength];
        using var recipient = Ed25519PrivateKey.Generate(random);
        var table = Ed25519KeyTable.TryCreate(recipient.PublicKey);
        var acknowledgement = random.Bytes(110);
        var signature = recipient.Sign(acknowledgement);
        var transmission = random.Bytes(SmpLimits.EndToEndMessageLength + 120);
        var authenticator = Authenticator.Create(box, nonce, transmission);
        using var server = X25519PrivateKey.Generate(random);
        using var sender = X25519PrivateKey.Generate(random);

        var ofTls = Measure.Microseconds(() => tls.Encrypt(tlsNonce, block, sealedBlock, tag), roundSeconds);
        var libraries = new Floor(ofTls, InnerBlock(Salsa20Path.Libsodium), MessageBox(Salsa20Path.Libsodium), VerificationByLibrary());
        var ours = Salsa20.FastestPath == Salsa20Path.Libsodium
            ? libraries
            : libraries with { InnerBlock = InnerBlock(Salsa20.FastestPath), MessageBox = MessageBox(Salsa20.FastestPath) };
        if (table is not null)
            ours = ours with { Verification = Measure.Microseconds(() => Require(table.Verify(acknowledgement, signature)), roundSeconds) };
        return new Floors(
            libraries,
            ours,
            SenderAuthenticator: Measure.Microseconds(() => Require(Authenticator.Verify(box, nonce, transmission, authenticator)), roundSeconds),
            SenderAgreement: Measure.Microseconds(() => server.DeriveSharedSecret(sender.PublicKey).Dispose(), roundSeconds));

        double InnerBlock(Salsa20Path path) => Measure.Microseconds(() => usedChain.Seal(block.AsSpan(BoxKey.TagLength), sealedBlock, path), roundSeconds);

        double MessageBox(Salsa20Path path) => Measure.Microseconds(() => box.Seal(nonce, body, boxedBody, path), roundSeconds);

        double VerificationByLibrary() => Measure.Microseconds(() => Require(recipient.PublicKey.Verify(acknowledgement, signature)), roundSeconds);
    }

    internal static void Print(Floors floors)
    {
        var (libraries, ours) = (floors.OfLibraries, floors.OfOurs);
        Console.WriteLine("Cryptography of one delivered message with 16 KB of content, CPU time of one core:");
        Console.WriteLine("with the primitives of OpenSSL and libsodium, and (ours) with those of Pairwise.Crypto where they are faster");
        Console.WriteLine(Row("TLS, 5 blocks", 5 * libraries.TlsBlock, 5 * ours.TlsBlock));
        Console.WriteLine(Row("additional block encryption, 5 blocks", 5 * libraries.InnerBlock, 5 * ours.InnerBlock));
        Console.WriteLine(Row("box of the message for its recipient", libraries.MessageBox, ours.MessageBox));
        Console.WriteLine(Row("Ed25519 verification of the ACK", libraries.Verification, ours.Verification));
        Console.WriteLine(Row("floor", libraries.PerMessage, ours.PerMessage));
        Console.WriteLine("not part of it:");
        Console.WriteLine(Measure.Row("sender's authenticator, secret cached", floors.SenderAuthenticator, "µs"));
        Console.WriteLine(Measure.Row("sender's secret, once a session", floors.SenderAgreement, "µs"));
    }

    private static string Row(string name, double libraries, double ours) =>
        Measure.Row(name, libraries, "µs", string.Create(CultureInfo.InvariantCulture, $"ours {ours,8:N2} µs"));

    private static void Require(bool isTrue)
    {
        if (!isTrue)
            throw new SuiteException("a signature or an authenticator that must hold did not");
    }
}
