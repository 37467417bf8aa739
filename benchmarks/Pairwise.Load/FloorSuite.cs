using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using Pairwise.Crypto;
using Pairwise.Protocol.Smp;

namespace Pairwise.Load;

/// <summary>The unavoidable cryptography of one delivered message, on one core of this machine.</summary>
/// <param name="TlsBlock">One 16 KiB block through TLS (ChaCha20-Poly1305), in CPU microseconds.</param>
/// <param name="InnerBlock">One block through the additional block encryption, with its key derivation.</param>
/// <param name="MessageBox">The box of one message body for the recipient.</param>
/// <param name="Verification">One Ed25519 verification, of the acknowledgement.</param>
/// <param name="SenderAuthenticator">Check of the sender's authenticator with a cached secret; not part of the floor.</param>
/// <param name="SenderAgreement">The sender's X25519 secret when it is not cached; not part of the floor.</param>
internal sealed record Floor(
    double TlsBlock,
    double InnerBlock,
    double MessageBox,
    double Verification,
    double SenderAuthenticator,
    double SenderAgreement)
{
    /// <summary>Blocks of one delivery: SEND in, OK out, MSG out, ACK in, OK out.</summary>
    internal const int BlocksPerMessage = 5;

    /// <summary>CPU microseconds of one delivered message that no relay can do without.</summary>
    internal double PerMessage => (BlocksPerMessage * (TlsBlock + InnerBlock)) + MessageBox + Verification;
}

/// <summary>"floor": measures <see cref="Floor"/>; other suites measure it in the same run and print their ratio to it.</summary>
internal static class FloorSuite
{
    internal const string Summary = "the unavoidable cryptography of one delivered message   [--seconds PER_ROUND]";

    private const int BlockLength = 16_384;

    internal static Task<int> RunAsync(SuiteOptions options, CancellationToken cancellationToken)
    {
        options.AllowOnly("seconds");
        var floor = MeasureFloor(options.Number("seconds", 0.1));
        cancellationToken.ThrowIfCancellationRequested();
        Print(floor);
        Console.WriteLine(JsonSerializer.Serialize(new SortedDictionary<string, object>(StringComparer.Ordinal)
        {
            ["suite"] = "floor",
            ["floor_us_per_message"] = Math.Round(floor.PerMessage, 2),
            ["tls_us_per_block"] = Math.Round(floor.TlsBlock, 2),
            ["inner_us_per_block"] = Math.Round(floor.InnerBlock, 2),
            ["message_box_us"] = Math.Round(floor.MessageBox, 2),
            ["ed25519_verify_us"] = Math.Round(floor.Verification, 2),
            ["sender_authenticator_us"] = Math.Round(floor.SenderAuthenticator, 2),
            ["sender_agreement_us"] = Math.Round(floor.SenderAgreement, 2),
            ["blocks_per_message"] = Floor.BlocksPerMessage,
        }));
        return Task.FromResult(0);
    }

    /// <summary>Measures with random keys; <paramref name="roundSeconds"/> is the time of each of seven rounds of each part.</summary>
    internal static Floor MeasureFloor(double roundSeconds)
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
        var acknowledgement = random.Bytes(110);
        var signature = recipient.Sign(acknowledgement);
        var transmission = random.Bytes(SmpLimits.EndToEndMessageLength + 120);
        var authenticator = Authenticator.Create(box, nonce, transmission);
        using var server = X25519PrivateKey.Generate(random);
        using var sender = X25519PrivateKey.Generate(random);

        return new Floor(
            TlsBlock: Measure.Microseconds(() => tls.Encrypt(tlsNonce, block, sealedBlock, tag), roundSeconds),
            InnerBlock: Measure.Microseconds(() => usedChain.Seal(block.AsSpan(BoxKey.TagLength), sealedBlock, Salsa20Path.Libsodium), roundSeconds),
            MessageBox: Measure.Microseconds(() => box.Seal(nonce, body, boxedBody, Salsa20Path.Libsodium), roundSeconds),
            Verification: Measure.Microseconds(() => Require(recipient.PublicKey.Verify(acknowledgement, signature)), roundSeconds),
            SenderAuthenticator: Measure.Microseconds(() => Require(Authenticator.Verify(box, nonce, transmission, authenticator)), roundSeconds),
            SenderAgreement: Measure.Microseconds(() => server.DeriveSharedSecret(sender.PublicKey).Dispose(), roundSeconds));
    }

    internal static void Print(Floor floor)
    {
        Console.WriteLine("Cryptography of one delivered message with 16 KB of content, CPU time of one core");
        Console.WriteLine(Measure.Row("TLS, 5 blocks", 5 * floor.TlsBlock, "µs", Each(floor.TlsBlock)));
        Console.WriteLine(Measure.Row("additional block encryption, 5 blocks", 5 * floor.InnerBlock, "µs", Each(floor.InnerBlock)));
        Console.WriteLine(Measure.Row("box of the message for its recipient", floor.MessageBox, "µs"));
        Console.WriteLine(Measure.Row("Ed25519 verification of the ACK", floor.Verification, "µs"));
        Console.WriteLine(Measure.Row("floor", floor.PerMessage, "µs", string.Create(CultureInfo.InvariantCulture, $"{1e6 / floor.PerMessage:N0} messages a second and core")));
        Console.WriteLine("not part of it:");
        Console.WriteLine(Measure.Row("sender's authenticator, secret cached", floor.SenderAuthenticator, "µs"));
        Console.WriteLine(Measure.Row("sender's secret, once a session", floor.SenderAgreement, "µs"));
    }

    private static string Each(double microseconds) => string.Create(CultureInfo.InvariantCulture, $"{microseconds:N2} each");

    private static void Require(bool isTrue)
    {
        if (!isTrue)
            throw new SuiteException("a signature or an authenticator that must hold did not");
    }
}
