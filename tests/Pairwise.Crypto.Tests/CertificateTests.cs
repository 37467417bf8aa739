using System.Diagnostics;
using Pairwise.TestKit;
using Pairwise.Wire;

namespace Pairwise.Crypto.Tests;

/// <summary>Certificates that we issue, and chains that must not be believed.</summary>
public sealed class CertificateTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 21, 12, 0, 0, TimeSpan.Zero);

    private readonly SeededRandom _random = new(448);

    [Theory]
    [InlineData(KeyAlgorithm.Ed25519)]
    [InlineData(KeyAlgorithm.Ed448)]
    public void A_servers_chain_proves_its_identity(KeyAlgorithm algorithm)
    {
        using var authority = CertificateAuthority.Create(algorithm, _random, Now);
        using var key = CertificateAuthority.GenerateKey(algorithm, _random);
        var chain = CertificateChain.From(authority.IssueServerCertificate("smp.example.org", key.PublicKey, _random, Now), authority.Certificate);
        var identity = authority.Certificate.Fingerprint.Span;

        Assert.Equal(CertificateVerdict.Valid, chain.Validate(identity, Now));
        Assert.Equal(CertificateVerdict.Valid, chain.Validate(identity, Now.AddYears(2_000)));
        Assert.Equal(CertificateVerdict.NotYetValid, chain.Validate(identity, Now.AddSeconds(-1)));
        Assert.Equal(CertificateVerdict.Expired, chain.Validate(identity, Now.AddDays(CertificateAuthority.ValidityDays).AddSeconds(1)));
        Assert.Equal(CertificateVerdict.UnknownIdentity, chain.Validate(new byte[32], Now));
        Assert.Equal(CertificateVerdict.UnknownIdentity, chain.Validate([], Now));
        Assert.Equal(key.PublicKey, chain.Leaf.PublicKey);
        Assert.Equal(3, chain.Leaf.Version);
    }

    [Fact]
    public void The_identity_certificate_must_be_part_of_the_proof()
    {
        using var victim = CertificateAuthority.Create(KeyAlgorithm.Ed25519, _random, Now);
        using var attacker = CertificateAuthority.Create(KeyAlgorithm.Ed25519, _random, Now);
        using var key = Ed25519PrivateKey.Generate(_random);
        var leaf = attacker.IssueServerCertificate("smp.example.org", key.PublicKey, _random, Now);

        // The victim's certificate is public: it is shown, but it signed nothing here.
        var chain = CertificateChain.From(leaf, victim.Certificate, attacker.Certificate);
        Assert.Equal(CertificateVerdict.BadSignature, chain.Validate(victim.Certificate.Fingerprint.Span, Now));
    }

    [Fact]
    public void A_leaf_cannot_vouch_for_another_leaf()
    {
        using var authority = CertificateAuthority.Create(KeyAlgorithm.Ed25519, _random, Now);
        using var key = Ed25519PrivateKey.Generate(_random);
        var leaf = authority.IssueServerCertificate("one", key.PublicKey, _random, Now);
        Assert.True(CertificateAuthority.TryLoad(key, leaf, out var pretender));
        using var secondKey = Ed25519PrivateKey.Generate(_random);
        var second = pretender.IssueServerCertificate("two", secondKey.PublicKey, _random, Now);
        var chain = CertificateChain.From(second, leaf, authority.Certificate);
        Assert.Equal(CertificateVerdict.NotAuthority, chain.Validate(leaf.Fingerprint.Span, Now));
    }

    [Fact]
    public void Certificates_in_a_wrong_order_are_refused()
    {
        using var authority = CertificateAuthority.Create(KeyAlgorithm.Ed25519, _random, Now);
        using var key = Ed25519PrivateKey.Generate(_random);
        var leaf = authority.IssueServerCertificate("one", key.PublicKey, _random, Now);
        var chain = CertificateChain.From(authority.Certificate, leaf);
        Assert.Equal(CertificateVerdict.BrokenOrder, chain.Validate(leaf.Fingerprint.Span, Now));
        Assert.Equal(CertificateVerdict.SelfSigned, CertificateChain.From(authority.Certificate).Validate(authority.Certificate.Fingerprint.Span, Now));
    }

    [Fact]
    public void Chains_of_no_and_of_too_many_certificates_are_refused()
    {
        using var authority = CertificateAuthority.Create(KeyAlgorithm.Ed25519, _random, Now);
        var der = authority.Certificate.Der;
        Assert.False(CertificateChain.TryParse([], out _));
        Assert.True(CertificateChain.TryParse([der, der, der, der], out _));
        Assert.False(CertificateChain.TryParse([der, der, der, der, der], out _));
    }

    [Fact]
    public void A_certificate_cut_anywhere_is_refused_and_damage_never_throws()
    {
        using var authority = CertificateAuthority.Create(KeyAlgorithm.Ed448, _random, Now);
        var der = authority.Certificate.Der.ToArray();
        for (var length = 0; length < der.Length; length++)
            Assert.False(Certificate.TryParse(der.AsSpan(0, length), out _));
        Assert.False(Certificate.TryParse([.. der, 0], out _));
        for (var round = 0; round < 20_000; round++)
        {
            var damaged = (byte[])der.Clone();
            for (var i = 0; i <= _random.Next(4); i++)
                damaged[_random.Next(damaged.Length)] = (byte)_random.Next(256);
            if (Certificate.TryParse(damaged, out var certificate) && !damaged.AsSpan().SequenceEqual(der))
                Assert.False(certificate.IsSignedBy(authority.Certificate) && certificate.Fingerprint == authority.Certificate.Fingerprint);
        }
    }

    [Fact]
    public void A_signed_key_with_any_bit_changed_is_refused()
    {
        using var signer = Ed25519PrivateKey.Generate(_random);
        using var session = X25519PrivateKey.Generate(_random);
        var der = SignedKey.Sign(signer, session.PublicKey);
        Assert.True(SignedKey.TryVerify(der, signer.PublicKey, out var key));
        Assert.Equal(session.PublicKey, key);
        for (var bit = 0; bit < der.Length * 8; bit++)
        {
            der[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.False(SignedKey.TryVerify(der, signer.PublicKey, out _));
            der[bit / 8] ^= (byte)(1 << (bit % 8));
        }

        using var other = Ed448PrivateKey.Generate(_random);
        Assert.False(SignedKey.TryVerify(der, other.PublicKey, out _));
        Assert.True(SignedKey.TryVerify(SignedKey.Sign(other, session.PublicKey), other.PublicKey, out _));
    }

    [Fact]
    public void Pem_texts_come_back_and_nonsense_does_not()
    {
        using var authority = CertificateAuthority.Create(KeyAlgorithm.Ed448, _random, Now);
        var text = Pem.Write(authority.Key) + Pem.Write(authority.Certificate);
        Assert.True(Pem.TryReadCertificate(text, out var certificate));
        Assert.Equal(authority.Certificate.Fingerprint, certificate.Fingerprint);
        Assert.True(Pem.TryReadPrivateKey(text, out var key));
        using (key)
            Assert.Equal(authority.Key, key);
        Assert.False(Pem.TryReadCertificate("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", out _));
        Assert.False(Pem.TryReadPrivateKey(Pem.Write(authority.Certificate), out _));
        Assert.False(Pem.TryReadCertificate("", out _));
    }

    [Fact]
    public void A_key_and_a_foreign_certificate_are_no_authority()
    {
        using var one = CertificateAuthority.Create(KeyAlgorithm.Ed25519, _random, Now);
        using var two = CertificateAuthority.Create(KeyAlgorithm.Ed25519, _random, Now);
        Assert.False(CertificateAuthority.TryLoad(one.Key, two.Certificate, out _));
        Assert.True(CertificateAuthority.TryLoad(one.Key, one.Certificate, out _));
    }

    [Theory]
    [InlineData(KeyAlgorithm.Ed25519)]
    [InlineData(KeyAlgorithm.Ed448)]
    public async Task The_openssl_program_believes_our_chains(KeyAlgorithm algorithm)
    {
        using var authority = CertificateAuthority.Create(algorithm, _random, Now);
        using var key = CertificateAuthority.GenerateKey(algorithm, _random);
        var leaf = authority.IssueServerCertificate("localhost", key.PublicKey, _random, Now);
        var folder = Directory.CreateTempSubdirectory("pairwise-certificates-");
        try
        {
            var (caFile, leafFile, keyFile) = (Path.Combine(folder.FullName, "ca.crt"), Path.Combine(folder.FullName, "server.crt"), Path.Combine(folder.FullName, "server.key"));
            await File.WriteAllTextAsync(caFile, Pem.Write(authority.Certificate), TestContext.Current.CancellationToken);
            await File.WriteAllTextAsync(leafFile, Pem.Write(leaf), TestContext.Current.CancellationToken);
            await File.WriteAllTextAsync(keyFile, Pem.Write(key), TestContext.Current.CancellationToken);
            var attime = Now.ToUnixTimeSeconds().ToString(System.Globalization.CultureInfo.InvariantCulture);
            Assert.Contains(": OK", await OpenSsl("verify", "-attime", attime, "-purpose", "sslserver", "-CAfile", caFile, leafFile), StringComparison.Ordinal);
            Assert.Equal(await OpenSsl("x509", "-in", leafFile, "-noout", "-pubkey"), await OpenSsl("pkey", "-in", keyFile, "-pubout"));
            var text = await OpenSsl("x509", "-in", leafFile, "-noout", "-text");
            Assert.Contains("Digital Signature, Non Repudiation, Key Agreement", text, StringComparison.Ordinal);
            Assert.Contains("Not After : Oct 17 12:00:00 4764 GMT", text, StringComparison.Ordinal);
            Assert.Contains("Issuer: CN = SMP server CA, O = SimpleX", text, StringComparison.Ordinal);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public void Chains_are_read_from_the_wire_only_whole()
    {
        using var authority = CertificateAuthority.Create(KeyAlgorithm.Ed25519, _random, Now);
        var buffer = new byte[2000];
        var writer = new WireWriter(buffer);
        CertificateChain.From(authority.Certificate, authority.Certificate).Write(ref writer);
        var encoded = writer.WrittenSpan.ToArray();
        for (var length = 0; length < encoded.Length; length++)
        {
            var reader = new WireReader(encoded.AsSpan(0, length));
            Assert.False(CertificateChain.TryRead(ref reader, out _));
            Assert.Equal(0, reader.Position);
        }
    }

    private static async Task<string> OpenSsl(params string[] arguments)
    {
        var start = new ProcessStartInfo("openssl") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        using var process = Process.Start(start) ?? throw new InvalidOperationException("openssl did not start.");
        var errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        var output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return process.ExitCode == 0 ? output : output + await errors;
    }
}
