using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Pairwise.Agent.Files;
using Pairwise.Agent.Store;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;
using Pairwise.Protocol.Xftp;
using Pairwise.Storage;
using Pairwise.Wire;

namespace Pairwise.Agent.Events;

/// <summary>
/// The stored form of durable events. It refers to received messages by their id: their content is stored once.
/// Names in JSON are part of the store; renaming one needs a migration.
/// </summary>
internal sealed record StoredEvent(string Kind)
{
    public string? Id { get; init; }

    public bool PostQuantum { get; init; }

    public IReadOnlyList<string>? Servers { get; init; }

    public byte[]? Info { get; init; }

    public IReadOnlyList<long>? Messages { get; init; }

    public IReadOnlyList<StoredReceipt>? Receipts { get; init; }

    public StoredError? Error { get; init; }

    public IReadOnlyList<string>? Connections { get; init; }

    public StoredFile? File { get; init; }

    /// <summary>The stored form; null for an event that is not durable.</summary>
    public static StoredEvent? From(AgentEvent raised) => raised switch
    {
        AgentEvent.ConfirmationReceived e => new StoredEvent("confirmation") { Id = e.Confirmation.ToString(), PostQuantum = e.IsPostQuantum, Servers = ToText(e.Servers), Info = e.Info.ToArray() },
        AgentEvent.RequestReceived e => new StoredEvent("request") { Id = e.Invitation.ToString(), PostQuantum = e.IsPostQuantum, Servers = ToText(e.Servers), Info = e.Info.ToArray() },
        AgentEvent.InfoReceived e => new StoredEvent("info") { PostQuantum = e.IsPostQuantum, Info = e.Info.ToArray() },
        AgentEvent.Connected e => new StoredEvent("connected") { PostQuantum = e.IsPostQuantum },
        AgentEvent.MessageReceived e => new StoredEvent("message") { Messages = [e.Meta.Id.Value] },
        AgentEvent.ReceiptsReceived e => new StoredEvent("receipts") { Messages = [e.Meta.Id.Value], Receipts = [.. e.Receipts.Select(receipt => new StoredReceipt(receipt.MessageId.Value, receipt.IsHashCorrect))] },
        AgentEvent.Sent e => new StoredEvent("sent") { Messages = [e.Message.Value] },
        AgentEvent.SendFailed e => new StoredEvent("failed") { Messages = [.. e.Messages.Select(message => message.Value)], Error = StoredError.From(e.Error) },
        AgentEvent.ConnectionsDeleted e => new StoredEvent("deleted") { Connections = [.. e.Connections.Select(connection => connection.ToString())] },
        AgentEvent.FileSent e => new StoredEvent("file-sent") { Id = e.File.ToString() },
        AgentEvent.FileSendFailed e => new StoredEvent("file-send-failed") { Id = e.File.ToString(), Error = StoredError.From(e.Error) },
        AgentEvent.FileReceived e => new StoredEvent("file-received") { Id = e.File.ToString(), File = StoredFile.From(e.Target, e.FileName) },
        AgentEvent.FileReceiveFailed e => new StoredEvent("file-receive-failed") { Id = e.File.ToString(), Error = StoredError.From(e.Error) },
        _ => null,
    };

    /// <summary>The event again; null when the message it was about is gone, which means that it was handled.</summary>
    public AgentEvent? Restore(DatabaseSession session, ConnectionId connection)
    {
        switch (Kind)
        {
            case "confirmation":
                return new AgentEvent.ConfirmationReceived(connection, ConfirmationId.FromStore(Required(Id)), PostQuantum, ToServers(), Bytes.CopyOf(Info));
            case "request":
                return new AgentEvent.RequestReceived(connection, InvitationId.FromStore(Required(Id)), PostQuantum, ToServers(), Bytes.CopyOf(Info));
            case "info":
                return new AgentEvent.InfoReceived(connection, PostQuantum, Bytes.CopyOf(Info));
            case "connected":
                return new AgentEvent.Connected(connection, PostQuantum);
            case "message":
                return ReceivedMessageRows.TryGet(session, connection, new AgentMessageId(Required(Messages)[0]), out var message) ? message.ToEvent() : null;
            case "receipts":
                return ReceivedMessageRows.TryGet(session, connection, new AgentMessageId(Required(Messages)[0]), out var receipts)
                    ? new AgentEvent.ReceiptsReceived(connection, receipts.Meta, [.. Required(Receipts).Select(receipt => new DeliveryReceipt(new AgentMessageId(receipt.Message), receipt.Ok))])
                    : null;
            case "sent":
                return new AgentEvent.Sent(connection, new AgentMessageId(Required(Messages)[0]));
            case "failed":
                return new AgentEvent.SendFailed(connection, [.. Required(Messages).Select(id => new AgentMessageId(id))], Required(Error).Restore());
            case "deleted":
                return new AgentEvent.ConnectionsDeleted([.. Required(Connections).Select(ConnectionId.FromStore)]);
            case "file-sent":
                return SentFileDescriptions.TryMake(session, FileTransferId.FromStore(Required(Id)));
            case "file-send-failed":
                return new AgentEvent.FileSendFailed(FileTransferId.FromStore(Required(Id)), Required(Error).Restore());
            case "file-received":
                return new AgentEvent.FileReceived(FileTransferId.FromStore(Required(Id)), Required(File).Restore(), Required(File).Name);
            case "file-receive-failed":
                return new AgentEvent.FileReceiveFailed(FileTransferId.FromStore(Required(Id)), Required(Error).Restore());
            default:
                throw Broken();
        }
    }

    private static List<string> ToText(IReadOnlyList<ServerAddress> servers) => [.. servers.Select(server => server.ToString())];

    private List<ServerAddress> ToServers() =>
        [.. Required(Servers).Select(text => ServerAddress.TryParse(text, out var server) ? server : throw Broken())];

    private static T Required<T>(T? value)
        where T : class => value ?? throw Broken();

    private static StorageException Broken() => new(StorageError.Broken, "A stored event of the agent cannot be read.");
}

/// <summary>A receipt inside a <see cref="StoredEvent"/>.</summary>
internal sealed record StoredReceipt(long Message, bool Ok);

/// <summary>A received file inside a <see cref="StoredEvent"/>.</summary>
internal sealed record StoredFile(string Path, byte[]? Key, byte[]? Nonce, string Name)
{
    public static StoredFile From(LocalFile file, string name) => new(file.Path, file.Key?.Key.ToArray(), file.Key?.Nonce.ToArray(), name);

    public LocalFile Restore() => new(Path, FileColumn.ToKey(Key, Nonce));
}

/// <summary>An error inside a <see cref="StoredEvent"/>.</summary>
internal sealed record StoredError(string Kind, string? Server, string? Fault, string? Text)
{
    public IReadOnlyList<string>? Servers { get; init; }

    public static StoredError From(AgentError error) => error switch
    {
        AgentError.Relay e => new StoredError("relay", e.Server, null, e.Error.ToString()),
        AgentError.Broker e => new StoredError("broker", e.Server, e.Fault.ToString(), e.Detail),
        AgentError.Peer e => new StoredError("peer", null, e.Fault.ToString(), e.Detail),
        AgentError.Connection e => new StoredError("connection", null, e.Fault.ToString(), null),
        AgentError.Command e => new StoredError("command", null, e.Fault.ToString(), e.Context),
        AgentError.FileServer e => new StoredError("file-server", e.Server, null, e.Error.ToString()),
        AgentError.File e => new StoredError("file", null, e.Fault.ToString(), e.Detail) { Servers = e.Servers.IsEmpty ? null : [.. e.Servers.Select(server => server.ToString())] },
        AgentError.Internal e => new StoredError("internal", null, null, e.Detail),
        _ => new StoredError("internal", null, null, error.GetType().Name),
    };

    public AgentError Restore() => Kind switch
    {
        "relay" when SmpErrorCodec.TryParseText(Text ?? string.Empty, out var error) => new AgentError.Relay(Server ?? string.Empty, error),
        "broker" => new AgentError.Broker(Server ?? string.Empty, Parse<BrokerFault>(), Text ?? string.Empty),
        "peer" => new AgentError.Peer(Parse<PeerFault>(), Text ?? string.Empty),
        "connection" => new AgentError.Connection(Parse<ConnectionFault>()),
        "command" => new AgentError.Command(Parse<CommandFault>(), Text ?? string.Empty),
        "file-server" when XftpErrorCodec.TryDecode(Encoding.UTF8.GetBytes(Text ?? string.Empty), out var error) => new AgentError.FileServer(Server ?? string.Empty, error),
        "file" => new AgentError.File(Parse<FileFault>(), Text ?? string.Empty, [.. (Servers ?? []).Select(FileColumn.ToServer)]),
        _ => new AgentError.Internal(Text ?? string.Empty),
    };

    private T Parse<T>()
        where T : struct, Enum => Enum.TryParse<T>(Fault, out var fault) ? fault : default;
}

/// <summary>JSON of <see cref="StoredEvent"/>, generated at build time.</summary>
[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault)]
[JsonSerializable(typeof(StoredEvent))]
internal sealed partial class StoredEventJson : JsonSerializerContext
{
    public static string ToText(StoredEvent stored) => JsonSerializer.Serialize(stored, Default.StoredEvent);

    public static StoredEvent FromText(string text) =>
        JsonSerializer.Deserialize(text, Default.StoredEvent) ?? throw new StorageException(StorageError.Broken, "A stored event of the agent cannot be read.");
}
