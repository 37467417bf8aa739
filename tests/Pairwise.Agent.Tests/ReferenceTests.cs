using System.Text;
using System.Text.Json;
using Pairwise.Protocol;
using Pairwise.Protocol.Agent;
using Pairwise.TestKit;

namespace Pairwise.Agent.Tests;

/// <summary>Our agent and the original chat program, meeting by a link that either made.</summary>
[Trait("Needs", "originals")]
public sealed class ReferenceTests
{
    private const string OurProfile = """{"v":"1-16","event":"x.info","params":{"profile":{"displayName":"pairwise","fullName":""}}}""";

    private static int _texts;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Our_agent_joins_by_a_link_of_the_reference(bool isPostQuantum)
    {
        Assert.SkipWhen(ReferenceChat.Program is null, "PAIRWISE_REFERENCE_CHAT is not set");
        using var folder = new TemporaryFolder();
        await using var relay = await TestRelay.StartAsync(folder, "relay");
        var address = AddressOf(relay);
        await using var ours = await TestAgent.StartAsync(folder, "ours", null, null, address);
        await using var theirs = await ReferenceChat.StartAsync(folder.Path, "theirs", address.ToConfigurationText());

        Assert.True(ConnectionRequest.TryParse(await theirs.CreateLinkAsync(), out var link));
        var connection = await ours.Client.PrepareToJoinAsync(ours.User, link, isPostQuantum, Token);
        await ours.Client.JoinConnectionAsync(connection, link, Encoding.UTF8.GetBytes(OurProfile), isPostQuantum, Token);
        var info = await ours.NextAsync<AgentEvent.InfoReceived>();
        Assert.Contains("x.info", Encoding.UTF8.GetString(info.Info.Span), StringComparison.Ordinal);
        await ours.NextAsync<AgentEvent.Connected>();
        await theirs.SeesContactAsync("contactConnected", "pairwise");
        await TalkAsync(ours, connection, theirs, isPostQuantum);
    }

    [Theory]
    [InlineData(PostQuantumMode.On)]
    [InlineData(PostQuantumMode.InLink)]
    [InlineData(PostQuantumMode.Off)]
    public async Task The_reference_joins_by_a_link_of_our_agent(PostQuantumMode postQuantum)
    {
        Assert.SkipWhen(ReferenceChat.Program is null, "PAIRWISE_REFERENCE_CHAT is not set");
        using var folder = new TemporaryFolder();
        await using var relay = await TestRelay.StartAsync(folder, "relay");
        var address = AddressOf(relay);
        await using var ours = await TestAgent.StartAsync(folder, "ours", null, null, address);
        await using var theirs = await ReferenceChat.StartAsync(folder.Path, "theirs", address.ToConfigurationText());

        var created = await ours.Client.CreateConnectionAsync(ours.User, ConnectionMode.Invitation, postQuantum, Token);
        await theirs.DoAsync("/c " + created.Link.ToText());
        var confirmation = await ours.NextAsync<AgentEvent.ConfirmationReceived>();
        Assert.Contains("x.info", Encoding.UTF8.GetString(confirmation.Info.Span), StringComparison.Ordinal);
        await ours.Client.AllowConnectionAsync(created.Connection, confirmation.Confirmation, Encoding.UTF8.GetBytes(OurProfile), Token);
        await ours.NextAsync<AgentEvent.Connected>();
        await theirs.SeesContactAsync("contactConnected", "pairwise");
        await TalkAsync(ours, created.Connection, theirs, postQuantum != PostQuantumMode.Off);

        // Both sides are restarted in turn, with messages sent meanwhile.
        await ours.RestartAsync();
        await TalkAsync(ours, created.Connection, theirs, postQuantum != PostQuantumMode.Off);
        await theirs.StopAsync();
        await ours.SendAsync(created.Connection, Text("while you were away"), postQuantum != PostQuantumMode.Off);
        await ours.NextAsync<AgentEvent.Sent>();
        await theirs.RestartAsync();
        await theirs.SeesTextAsync("while you were away");
        await TalkAsync(ours, created.Connection, theirs, postQuantum != PostQuantumMode.Off);
    }

    private static ServerAddressWithPassword AddressOf(TestRelay relay)
    {
        if (Environment.GetEnvironmentVariable("PAIRWISE_SERVER") is not { } text) return relay.Address;
        Assert.True(ServerAddressWithPassword.TryParse(text, out var address));
        return address;
    }

    private static string Text(string text) => JsonSerializer.Serialize(new { v = "1-16", @event = "x.msg.new", @params = new { content = new { type = "text", text } } });

    private static async Task TalkAsync(TestAgent ours, ConnectionId connection, ReferenceChat theirs, bool isPostQuantum)
    {
        for (var i = 0; i < 3; i++)
        {
            var number = Interlocked.Increment(ref _texts);
            await ours.SendAsync(connection, Text($"from us {number}"), isPostQuantum);
            await theirs.SeesTextAsync($"from us {number}");
            Assert.Equal(1, theirs.CountTexts($"from us {number}"));
            await theirs.DoAsync($"@pairwise from them {number}");
            while (true)
            {
                var received = await ours.NextAsync<AgentEvent.MessageReceived>();
                Assert.Equal(MessageIntegrity.Ok.Instance, received.Meta.Integrity);
                await ours.Client.AckMessageAsync(connection, received.Meta.Id, ReadOnlyMemory<byte>.Empty, Token);
                var content = Encoding.UTF8.GetString(received.Body.Span);
                if (!content.Contains("x.msg.new", StringComparison.Ordinal)) continue;
                Assert.Contains($"from them {number}", content, StringComparison.Ordinal);
                break;
            }
        }
    }
}
