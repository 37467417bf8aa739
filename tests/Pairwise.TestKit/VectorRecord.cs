using System.Text.Json;

namespace Pairwise.TestKit;

/// <summary>One record of a vector file, with shorthands for its properties. Bytes are hex, absent is null.</summary>
public sealed class VectorRecord(int index, JsonElement json)
{
    /// <summary>Position in its file, from 0.</summary>
    public int Index { get; } = index;

    public JsonElement Json { get; } = json;

    public string Name => Has("name") ? String("name") : $"record {Index}";

    public string Kind => String("kind");

    public JsonElement this[string property] => Json.TryGetProperty(property, out var value)
        ? value
        : throw new VectorException($"{this} has no property '{property}'");

    /// <summary>Whether the property is there and is not null.</summary>
    public bool Has(string property) => Json.TryGetProperty(property, out var value) && value.ValueKind != JsonValueKind.Null;

    public byte[] Bytes(string property) => this[property].Bytes();

    /// <summary>The property's bytes, or null when it is absent or null.</summary>
    public byte[]? BytesOrNull(string property) => Has(property) ? Bytes(property) : null;

    public string String(string property) => this[property].GetString() ?? throw new VectorException($"'{property}' is null");

    public int Int(string property) => this[property].GetInt32();

    public bool Bool(string property) => this[property].GetBoolean();

    /// <summary>The handler of a kind that belongs to another layer, whose own tests use it; it says where.</summary>
    public static Action<VectorRecord> Elsewhere(string testClass) =>
        record =>
        {
            if (string.IsNullOrWhiteSpace(testClass))
                throw new VectorException($"{record}: no test class is named");
        };

    public override string ToString() => $"#{Index} '{(Json.TryGetProperty("name", out var name) ? name.GetString() : "")}'";
}

/// <summary>Reading of JSON values as the vector files write them.</summary>
public static class VectorJson
{
    /// <summary>A hex string's bytes.</summary>
    public static byte[] Bytes(this JsonElement element) =>
        Convert.FromHexString(element.GetString() ?? throw new VectorException("null where bytes are expected"));

    /// <summary>The bytes of a hex string in a property.</summary>
    public static byte[] Bytes(this JsonElement element, string property) => element.GetProperty(property).Bytes();

    /// <summary>Whether the property is there and is not null.</summary>
    public static bool Has(this JsonElement element, string property) =>
        element.TryGetProperty(property, out var value) && value.ValueKind != JsonValueKind.Null;
}
