using System.Net;
using Pairwise.Protocol;
using Pairwise.Server.Smp;
using Pairwise.TestKit;

namespace Pairwise.Chat.Tests.Dialogue;

/// <summary>A relay in this process and a folder for the people who talk through it.</summary>
internal sealed class Village : IAsyncDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pairwise-chat-");
    private readonly List<Person> _people = [];
    private SmpServer? _relay;
    private readonly IPEndPoint _endpoint = LoopbackPorts.TakeEndpoint();

    public string Address { get; private set; } = "";

    public string Folder => _folder.FullName;

    /// <summary>Starts with a relay of ours, or with another one that runs already.</summary>
    public static async Task<Village> StartAsync(string? relay = null)
    {
        var village = new Village();
        if (string.IsNullOrEmpty(relay))
            await village.StartRelayAsync();
        else
            village.Address = relay;
        return village;
    }

    public async Task StartRelayAsync(BasicAuth? password = null)
    {
        _relay = await SmpServer.StartAsync(
            new SmpServerOptions
            {
                ConfigurationFolder = Path.Combine(_folder.FullName, "etc"),
                StateFolder = Path.Combine(_folder.FullName, "log"),
                Endpoints = [_endpoint],
                CreatePassword = password,
            },
            TestContext.Current.CancellationToken);
        Address = _relay.Address;
    }

    public async Task StopRelayAsync()
    {
        if (_relay is not null)
            await _relay.DisposeAsync();
        _relay = null;
    }

    /// <summary>Somebody moves in.</summary>
    public async Task<Person> AddAsync(string name, Func<ChatOptions, ChatOptions>? change = null)
    {
        var person = await Person.StartAsync(_folder.FullName, name, Address, change);
        _people.Add(person);
        return person;
    }

    /// <summary>Two people meet by a one-time link.</summary>
    public static async Task ConnectAsync(Person alice, Person bob)
    {
        var invitation = await alice.DoAsync<ChatResponse.InvitationCreated>("/connect");
        await bob.DoAsync<ChatResponse.JoinStarted>("/connect " + invitation.Link);
        await Task.WhenAll(
            alice.SeesAsync($"{bob.Core.Profile!.DisplayName} is connected"),
            bob.SeesAsync($"{alice.Core.Profile!.DisplayName} is connected"));
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var person in _people)
            await person.DisposeAsync();
        await StopRelayAsync();
        _folder.Delete(recursive: true);
    }
}
