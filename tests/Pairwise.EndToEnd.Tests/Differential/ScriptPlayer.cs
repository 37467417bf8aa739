using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;
using Pairwise.Transport;
using Pairwise.Transport.Smp;

namespace Pairwise.EndToEnd.Tests.Differential;

/// <summary>Plays a script to one relay and writes down what it answers, with names in the place of its ids.</summary>
internal sealed partial class ScriptPlayer(
    ServerAddress server, int controlPort, string password, RelayScript script, byte[] salt, Func<SmpServiceRole, SmpServiceCredential> services) : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly ScriptWorld _world = new(new ScriptKeys(script.Seed), salt);
    private readonly SortedDictionary<int, ScriptClient> _clients = [];
    private readonly Dictionary<string, int> _queueOfCorrId = [];
    private readonly SortedDictionary<int, List<string>> _late = [];
    private long _fences;

    /// <summary>What came at each step, client by client.</summary>
    public List<List<string>> Steps { get; } = [];

    /// <summary>How much came that relays send by a timer.</summary>
    public int LateCount => _late.Values.Sum(each => each.Count);

    /// <summary>What relays send by a timer, of those clients that stayed, in no order.</summary>
    public IReadOnlyList<string> Late =>
        [.. _late.Where(each => _clients.ContainsKey(each.Key)).SelectMany(each => each.Value.Order(StringComparer.Ordinal).Select(line => $"c{each.Key} {line}"))];

    /// <summary>Plays one step.</summary>
    /// <param name="step">The step.</param>
    /// <param name="settling">How long the relay has for what it does beside its answers.</param>
    public async Task PlayAsync(ScriptStep step, TimeSpan settling)
    {
        var seen = new List<string>();
        Steps.Add(seen);
        using var limit = new CancellationTokenSource(Patience, TimeProvider.System);
        switch (step)
        {
            case ScriptStep.Connect connect:
                await ConnectAsync(connect, seen, limit.Token);
                break;
            case ScriptStep.Close close when _clients.Remove(close.Client, out var gone):
                await gone.DisposeAsync();
                await Task.Delay(settling + settling, TimeProvider.System);
                break;
            case ScriptStep.Say say when _clients.TryGetValue(say.Client, out var speaker):
                if (await SayAsync(say, speaker, limit.Token))
                    await CollectAsync(say, seen, settling, limit.Token);
                else
                    seen.Add("(does not fit)");
                break;
            case ScriptStep.Operate operate:
                await OperateAsync(operate.Line, seen, limit.Token);
                break;
            case ScriptStep.Pause pause:
                await Task.Delay(pause.Time, TimeProvider.System);
                await CollectAsync(null, seen, settling, limit.Token);
                break;
        }
    }

    /// <summary>Waits for what relays send by a timer.</summary>
    public async Task WaitAsync(TimeSpan time)
    {
        await Task.Delay(time, TimeProvider.System);
        using var limit = new CancellationTokenSource(Patience, TimeProvider.System);
        var seen = new List<string>();
        await CollectAsync(null, seen, TimeSpan.Zero, limit.Token);
        Steps.Add(seen);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var client in _clients.Values) await client.DisposeAsync();
    }

    private async Task ConnectAsync(ScriptStep.Connect connect, List<string> seen, CancellationToken cancellationToken)
    {
        if (_clients.Remove(connect.Client, out var former)) await former.DisposeAsync();
        try
        {
            var client = await ScriptClient.ConnectAsync(
                server, connect.Version, connect.HasProtocol, connect.Role is { } role ? services(role) : null, cancellationToken);
            _clients[connect.Client] = client;
            _late[connect.Client] = [];
            if (client.Service is { } service) _world.Named(service.Id.Value.ToArray(), "service");
            seen.Add($"connected, service: {client.Service is not null}");
        }
        catch (TransportException e)
        {
            seen.Add($"refused: {e.Error}");
        }
    }

    private async Task<bool> SayAsync(ScriptStep.Say say, ScriptClient speaker, CancellationToken cancellationToken)
    {
        foreach (var each in say.Transmissions)
        {
            if (each.Queue is { } queue) _queueOfCorrId[Convert.ToHexString(_world.Salted(each.CorrId))] = queue;
        }

        if (ScriptClient.Batch([.. say.Transmissions.Select(each => speaker.Encode(_world, each))]) is not { } content) return false;
        if (say.Spoil is { } spoil) content = spoil.Change(content);
        if (content.Length > BlockConnection.MaxContent) return false;
        for (var i = 0; i < say.Repeat; i++) await speaker.SendAsync(content, cancellationToken);
        return true;
    }

    // Every client asks for a PONG: what was on its way before it has come then.
    private async Task CollectAsync(ScriptStep.Say? said, List<string> seen, TimeSpan settling, CancellationToken cancellationToken)
    {
        if (said is not null)
        {
            await CollectAsync(said.Client, said, seen, cancellationToken);
            if (settling > TimeSpan.Zero) await Task.Delay(settling, TimeProvider.System, cancellationToken);
        }

        foreach (var client in _clients.Keys.ToArray()) await CollectAsync(client, null, seen, cancellationToken);
    }

    private async Task CollectAsync(int number, ScriptStep.Say? said, List<string> seen, CancellationToken cancellationToken)
    {
        if (!_clients.TryGetValue(number, out var client)) return;
        var fence = new byte[24];
        fence.AsSpan(0, 16).Fill(0xFE);
        BinaryPrimitives.WriteInt64BigEndian(fence.AsSpan(16), ++_fences);
        var ping = new ScriptTransmission("PING", (_, _) => "PING"u8.ToArray(), "", (_, _) => [], ScriptAuthorization.None, fence);
        await client.SendAsync(ScriptClient.Batch([client.Encode(_world, ping)])!, cancellationToken);
        List<string> answers = [];
        List<string> errors = [];
        List<string> pushes = [];
        var isBatch = said is { Transmissions.Count: > 1 };
        var isThere = false;
        try
        {
            while (await client.Received.WaitToReadAsync(cancellationToken))
            {
                while (!isThere && client.Received.TryRead(out var raw))
                {
                    if (raw.CorrId.AsSpan().SequenceEqual(_world.Salted(fence)))
                    {
                        isThere = true;
                        break;
                    }

                    var line = Render(client, raw, out var isLate);
                    if (isLate) _late[number].Add(line);
                    else if (raw.CorrId.Length == 0 && !line.Contains("ERR", StringComparison.Ordinal)) (isBatch ? pushes : answers).Add(line);
                    else if (isBatch && line.Contains(" ERR ", StringComparison.Ordinal)) errors.Add(line);
                    else answers.Add(line);
                }

                if (isThere) break;
            }
        }
        catch (OperationCanceledException)
        {
            answers.Add("(no answer in time)");
        }

        foreach (var line in answers) seen.Add($"c{number} {line}");
        foreach (var line in errors.Order(StringComparer.Ordinal)) seen.Add($"c{number} {line}");
        foreach (var line in pushes) seen.Add($"c{number} push {line}");
        if (isThere) return;
        seen.Add($"c{number} is closed");
        _clients.Remove(number);
        await client.DisposeAsync();
    }

    private string Render(ScriptClient client, RawAnswer raw, out bool isLate)
    {
        isLate = false;
        var corrId = _world.Name(raw.CorrId) + (raw.CorrId.Length is 0 or 24 ? "" : $"({raw.CorrId.Length})");
        var what = RenderMessage(client, raw, ref isLate);
        return $"{corrId} @{_world.Name(raw.Entity)} {what}";
    }

    private string RenderMessage(ScriptClient client, RawAnswer raw, ref bool isLate)
    {
        var text = Encoding.Latin1.GetString(raw.Message);
        if (text.StartsWith("INFO ", StringComparison.Ordinal))
            return TimeInJson().Replace(IdInJson().Replace(text, match => _world.NameOfMessage(Convert.FromBase64String(match.Value.Trim('"')))), "TIME");
        if (!BrokerMessageCodec.TryDecode(client.Version, raw.Message, out var message, out _)) return "does not decode: " + text;
        isLate = message is BrokerMessage.End or BrokerMessage.Deld or BrokerMessage.Ends or BrokerMessage.NMsg;
        var isCanonical = BrokerMessageCodec.Encode(client.Version, message).AsSpan().SequenceEqual(raw.Message);
        return RenderMessage(raw, message, text) + (isCanonical ? "" : $" written as {ScriptWorld.Short(raw.Message)}");
    }

    private string RenderMessage(RawAnswer raw, BrokerMessage message, string text)
    {
        switch (message)
        {
            case BrokerMessage.Ids ids:
                if (_queueOfCorrId.TryGetValue(Convert.ToHexString(raw.CorrId), out var made)) _world.Created(made, ids);
                return $"IDS {_world.Name(ids.Recipient.Value.Span)} {_world.Name(ids.Sender.Value.Span)} {ids.Mode} "
                    + $"{(ids.Link is { } link ? _world.Name(link.Value.Span) : "-")} {(ids.Service is { } service ? _world.Name(service.Value.Span) : "-")} "
                    + $"{(ids.Notifier is { } notifier ? _world.Name(notifier.Notifier.Value.Span) : "-")}";
            case BrokerMessage.Nid nid:
                if (_queueOfCorrId.TryGetValue(Convert.ToHexString(raw.CorrId), out var allowed)) _world.Allowed(allowed, nid.Notifier.Notifier);
                return $"NID {_world.Name(nid.Notifier.Notifier.Value.Span)}";
            case BrokerMessage.Msg msg:
                var id = msg.Message.Value.ToArray();
                return $"MSG {_world.NameOfMessage(id)} {_world.Open(raw.Entity, id, msg.EncryptedBody.ToArray())}";
            case BrokerMessage.Lnk lnk:
                return $"LNK {_world.Name(lnk.Sender.Value.Span)} {ScriptWorld.Short(lnk.Content.Fixed.Span)} {ScriptWorld.Short(lnk.Content.User.Span)}";
            case BrokerMessage.Sok sok:
                return $"SOK {(sok.Service is { } own ? _world.Name(own.Value.Span) : "-")}";
            case BrokerMessage.NMsg:
                return "NMSG";
            case BrokerMessage.Soks or BrokerMessage.Ends:
                return text[..^8] + Convert.ToHexString(raw.Message.AsSpan(raw.Message.Length - 8));
            default:
                return raw.Message.Length <= 200 ? text : ScriptWorld.Short(raw.Message);
        }
    }

    private async Task OperateAsync(string line, List<string> seen, CancellationToken cancellationToken)
    {
        var typed = QueueInLine().Replace(line, match =>
        {
            var queue = int.Parse(match.Groups[2].Value, CultureInfo.InvariantCulture);
            var id = match.Groups[1].Value switch { "S" => _world.Sender(queue), "R" => _world.Recipient(queue), "N" => _world.Notifier(queue), _ => _world.Link(queue) };
            return Convert.ToBase64String(id).Replace('+', '-').Replace('/', '_');
        });
        using var connection = new TcpClient();
        await connection.ConnectAsync(IPAddress.Loopback, controlPort, cancellationToken);
        using var reader = new StreamReader(connection.GetStream());
        await using var writer = new StreamWriter(connection.GetStream()) { AutoFlush = true, NewLine = "\n" };
        await writer.WriteLineAsync($"auth {password}".AsMemory(), cancellationToken);
        await writer.WriteLineAsync(typed.AsMemory(), cancellationToken);
        await writer.WriteLineAsync("quit".AsMemory(), cancellationToken);
        while (await reader.ReadLineAsync(cancellationToken) is { } answer)
            seen.Add("operator sees: " + DayInText().Replace(IdInText().Replace(answer, match => NameOfText(match.Value)), "DATE"));
    }

    private string NameOfText(string text)
    {
        var id = Convert.FromBase64String(text.Replace('-', '+').Replace('_', '/'));
        return _world.Name(id);
    }

    [GeneratedRegex("\"[A-Za-z0-9+/]{32}\"")]
    private static partial Regex IdInJson();

    [GeneratedRegex("\\d\\d\\d\\d-\\d\\d-\\d\\dT[0-9:.]+Z")]
    private static partial Regex TimeInJson();

    [GeneratedRegex("[A-Za-z0-9_-]{32}")]
    private static partial Regex IdInText();

    [GeneratedRegex("\\{([SRKN])(\\d+)\\}")]
    private static partial Regex QueueInLine();

    [GeneratedRegex("\\d\\d\\d\\d-\\d\\d-\\d\\d|Just \\(RoundedSystemTime \\d+\\)|SystemDate \\d+")]
    private static partial Regex DayInText();
}
