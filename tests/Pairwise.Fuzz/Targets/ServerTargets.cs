using System.Text;
using Pairwise.Server.Configuration;
using Pairwise.Server.Smp.Logs;

namespace Pairwise.Fuzz;

/// <summary>What a relay reads from its disk and from browsers.</summary>
internal static class ServerTargets
{
    public static IReadOnlyList<FuzzTarget> All { get; } =
    [
        new("relay store log", [], () => Corpus.Texts("store_log.json"), input => StoreLogCodec.TryRead(input, out _)),
        new("relay message log", [], () => Corpus.Texts("store_log.json"), input => MessageLogCodec.TryRead(input, out _, out _) | MessageLogCodec.TryReadMessage(input, out _)),
        new("relay ini", [typeof(IniDocument)], () => [Encoding.UTF8.GetBytes("[STORE_LOG]\nenable: on\n# comment\nrestore_messages: on\n[TRANSPORT]\nhost: example.org\nport: 5223,443\n")], input => IniDocument.TryParse(Encoding.UTF8.GetString(input), out _, out _)),
    ];
}
