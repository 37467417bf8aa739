using Pairwise.Crypto;
using Pairwise.Protocol.Xftp;
using Pairwise.Wire;

namespace Pairwise.Conformance.Xftp;

/// <summary>The handshake, and what a file server says to what is no command.</summary>
public sealed class ProtocolConversations(FileServerUnderTest server)
{
    private static readonly byte[] Id = [.. Enumerable.Repeat((byte)7, XftpLimits.ChunkIdLength)];
    private static readonly byte[] Signature = new byte[64];

    [Fact]
    public async Task The_hello_names_versions_session_and_a_signed_key()
    {
        await using var client = await RawFileClient.ConnectAsync(server);
        var hello = await client.AskHelloAsync();
        Assert.NotNull(hello);
        Assert.Equal(new VersionRange(1, 3), hello.Versions);
        Assert.Equal(client.SessionId, hello.SessionId.ToArray());
        Assert.True(CertificateChain.TryParse([.. hello.SessionKey.Certificates.Select(certificate => (ReadOnlyMemory<byte>)certificate.ToArray())], out var chain));
        Assert.True(SignedKey.TryVerify(hello.SessionKey.SignedKey.Span, Assert.IsAssignableFrom<VerificationKey>(chain.Leaf.PublicKey), out var key));
        Assert.IsType<X25519PublicKey>(key);
        Assert.True(hello.IdentityProof.IsEmpty);
    }

    [Fact]
    public async Task A_handshake_for_another_server_or_in_an_unknown_version_is_refused_and_can_be_made_good()
    {
        await using var client = await RawFileClient.ConnectAsync(server);
        Assert.NotNull(await client.AskHelloAsync());
        RawFileClient.ExpectRefused(XftpError.Handshake.Instance, await client.PostAsync(client.Hello(3, Bytes.Wrap(new byte[32]))));
        RawFileClient.ExpectRefused(XftpError.Handshake.Instance, await client.PostAsync(client.Hello(0)));
        RawFileClient.ExpectRefused(XftpError.Handshake.Instance, await client.PostAsync(client.Hello(999)));
        RawFileClient.ExpectRefused(XftpError.Handshake.Instance, await client.PostAsync(client.Hello(3)[..^1]));
        RawFileClient.ExpectRefused(XftpError.Handshake.Instance, await client.PostAsync(new byte[XftpLimits.BlockSize]));
        Assert.Empty(await client.PostAsync(client.Hello(3)));
        await client.ExpectServiceAsync();
    }

    [Fact]
    public async Task A_command_before_the_handshake_is_refused()
    {
        await using var client = await RawFileClient.ConnectAsync(server);
        RawFileClient.ExpectRefused(XftpError.Handshake.Instance, await client.PostAsync(RawFileClient.Block(client.Transmission("PING"u8))));
        Assert.NotNull(await client.AskHelloAsync());
        RawFileClient.ExpectRefused(XftpError.Handshake.Instance, await client.PostAsync(RawFileClient.Block(client.Transmission("PING"u8))));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(null)]
    public async Task Commands_that_are_none_are_answered_with_the_reason(int? version)
    {
        await using var client = version is { } number
            ? await RawFileClient.ConnectAsync(server, (ushort)number)
            : await RawFileClient.ConnectAsync(server, protocol: null);
        await client.ExpectErrorAsync(XftpError.Command.Unknown, RawFileClient.Block(client.Transmission("WHAT"u8)));
        await client.ExpectErrorAsync(XftpError.Command.Unknown, RawFileClient.Block(client.Transmission(""u8)));
        await client.ExpectErrorAsync(XftpError.Command.Unknown, RawFileClient.Block(client.Transmission("ping"u8)));
        await client.ExpectErrorAsync(XftpError.Command.Syntax, RawFileClient.Block(client.Transmission("FNEW"u8, default, Signature)));
        await client.ExpectErrorAsync(XftpError.Command.Syntax, RawFileClient.Block(client.Transmission("FGET \u0005short"u8, Id, Signature)));
        await client.ExpectErrorAsync(XftpError.Command.Syntax, RawFileClient.Block(client.Transmission("FADD \u0000"u8, Id, Signature)));
        await client.ExpectErrorAsync(XftpError.Command.Syntax, RawFileClient.Block(client.Transmission("PING more"u8)));
        await client.ExpectErrorAsync(XftpError.Command.Syntax, RawFileClient.Block(client.Transmission("FDEL more"u8, Id, Signature)));
        await client.ExpectServiceAsync();
    }

    [Fact]
    public async Task Credentials_too_few_and_too_many_are_answered_with_the_reason()
    {
        await using var client = await RawFileClient.ConnectAsync(server, 3);
        foreach (var command in new[] { "FPUT", "FDEL", "FACK" })
        {
            var bytes = System.Text.Encoding.ASCII.GetBytes(command);
            await client.ExpectErrorAsync(XftpError.Command.NoAuth, RawFileClient.Block(client.Transmission(bytes, Id)));
            await client.ExpectErrorAsync(XftpError.Command.NoAuth, RawFileClient.Block(client.Transmission(bytes, default, Signature)));
            await client.ExpectErrorAsync(XftpError.Auth.Instance, RawFileClient.Block(client.Transmission(bytes, Id, Signature)));
        }

        await client.ExpectErrorAsync(XftpError.Command.HasAuth, RawFileClient.Block(client.Transmission("PING"u8, Id)));
        await client.ExpectErrorAsync(XftpError.Command.HasAuth, RawFileClient.Block(client.Transmission("PING"u8, default, Signature)));
        var chunk = new OwnedChunk(OwnedChunk.SmallSize, 1);
        var create = XftpCodec.Encode(new XftpCommand.New(chunk.Content.Info, [chunk.RecipientKeys[0].PublicKey], server.Password));
        await client.ExpectErrorAsync(XftpError.Command.NoAuth, RawFileClient.Block(client.Transmission(create)));
        await client.ExpectErrorAsync(XftpError.Command.HasAuth, RawFileClient.Block(client.Transmission(create, Id, Signature)));
        await client.ExpectErrorAsync(XftpError.Auth.Instance, RawFileClient.Block(client.Transmission(create, default, Signature)));
        await client.ExpectServiceAsync();
    }

    [Fact]
    public async Task A_transmission_of_another_session_is_refused()
    {
        await using var client = await RawFileClient.ConnectAsync(server, 3);
        await client.ExpectErrorAsync(XftpError.Session.Instance, RawFileClient.Block(client.Transmission("PING"u8, sessionId: new byte[32])));
        await client.ExpectErrorAsync(XftpError.Session.Instance, RawFileClient.Block(client.Transmission("PING"u8, sessionId: [])));
        await client.ExpectServiceAsync();
    }

    [Fact]
    public async Task A_signature_of_another_session_is_worth_nothing()
    {
        await using var owner = await server.ConnectAsync();
        var chunk = await server.CreateUploadedAsync(owner);
        await using var first = await RawFileClient.ConnectAsync(server, 3);
        await using var thief = await RawFileClient.ConnectAsync(server, 3);
        var id = chunk.Ids.Sender.Value.ToArray();
        var signature = chunk.SenderKey.Sign(first.Transmission("FDEL"u8, id).AsSpan(1));
        await thief.ExpectErrorAsync(XftpError.Auth.Instance, RawFileClient.Block(thief.Transmission("FDEL"u8, id, signature)));
        Assert.Null(await chunk.DownloadAsync(owner));
    }

    [Fact]
    public async Task A_block_that_is_no_batch_of_one_is_refused()
    {
        await using var client = await RawFileClient.ConnectAsync(server, 3);
        var ping = client.Transmission("PING"u8);
        byte[][] contents = [[], [0], [1], [1, 0xff, 0xff], [2, 0, 0], [255], [.. "garbage"u8]];
        foreach (var content in contents)
        {
            await client.ExpectErrorAsync(XftpError.Block.Instance, Padding.Pad(content, XftpLimits.BlockSize));
        }

        await client.ExpectErrorAsync(XftpError.Block.Instance, RawFileClient.Block(ping, ping));
        await client.ExpectErrorAsync(XftpError.Block.Instance, RawFileClient.Block(ping)[..^1]);
        await client.ExpectErrorAsync(XftpError.Block.Instance, [1, 2, 3]);
        await client.ExpectErrorAsync(XftpError.Block.Instance, [.. Enumerable.Repeat((byte)0xff, XftpLimits.BlockSize)]);
        await client.ExpectServiceAsync();
    }

    [Fact]
    public async Task An_authorization_of_no_known_length_is_refused()
    {
        await using var client = await RawFileClient.ConnectAsync(server, 3);
        var (response, _, _) = await client.AskAsync(RawFileClient.Block(client.Transmission("FDEL"u8, Id, new byte[63])));
        Assert.IsType<XftpResponse.Err>(response);
        await client.ExpectServiceAsync();
    }

    [Fact]
    public async Task What_follows_a_command_that_takes_no_body_does_no_harm()
    {
        await using var client = await RawFileClient.ConnectAsync(server, 3);
        var (response, _, _) = await client.AskAsync(RawFileClient.Block(client.Transmission("PING"u8)), new byte[100_000]);
        Assert.IsType<XftpResponse.Pong>(response);
        await client.ExpectServiceAsync();
    }
}
