using System.Text;
using System.Text.Json;
using Pairwise.TestKit;

namespace Pairwise.Fuzz;

/// <summary>Seeds from the vector files: all that is written there as hex, or all that is written as text.</summary>
internal static class Corpus
{
    /// <summary>No parser of the network gets more than a block at once; links, descriptions and logs are shorter.</summary>
    public const int MaxSeedLength = 20_000;

    /// <summary>The bytes of every hex string in the named properties of a file's records, at any depth.</summary>
    public static byte[][] Bytes(string file, params string[] properties) =>
        [.. Strings(file, properties).Where(IsHex).Select(Convert.FromHexString).Where(bytes => bytes.Length <= MaxSeedLength).DistinctBy(Convert.ToHexString)];

    /// <summary>The UTF-8 of every string in the named properties of a file's records, at any depth.</summary>
    public static byte[][] Texts(string file, params string[] properties) =>
        [.. Strings(file, properties).Distinct(StringComparer.Ordinal).Select(Encoding.UTF8.GetBytes).Where(bytes => bytes.Length <= MaxSeedLength)];

    public static byte[][] Of(params IEnumerable<byte[]>[] seeds) => [.. seeds.SelectMany(part => part)];

    private static IEnumerable<string> Strings(string file, string[] properties) =>
        VectorFile.Load(file).Records.SelectMany(record => Walk(record.Json, properties, isNamed: properties.Length == 0));

    private static IEnumerable<string> Walk(JsonElement element, string[] properties, bool isNamed) => element.ValueKind switch
    {
        JsonValueKind.String when isNamed => [element.GetString()!],
        JsonValueKind.Array => element.EnumerateArray().SelectMany(item => Walk(item, properties, isNamed)),
        JsonValueKind.Object => element.EnumerateObject().SelectMany(property =>
            Walk(property.Value, properties, properties.Length == 0 || properties.Contains(property.Name))),
        _ => [],
    };

    private static bool IsHex(string text) => text.Length % 2 == 0 && text.All(character => char.IsAsciiHexDigitLower(character) || char.IsAsciiDigit(character));
}
