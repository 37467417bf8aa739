using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Pairwise.Chat.Protocol;

/// <summary>
/// What a piece of a chat message must look like. Checking it yields its normal form: known properties only, in the
/// order of their names, absent ones and nulls left out. Shapes are immutable and thread-safe, and never throw on any JSON.
/// </summary>
internal abstract class JsonShape
{
    /// <summary>False when <paramref name="value"/> does not have this shape. A null normal form means: as if absent.</summary>
    public abstract bool TryNormalize(JsonElement value, out JsonNode? normal);

    /// <summary>A string that is valid Unicode; JSON escapes can spell lone surrogates, which no text holds.</summary>
    public static bool TryGetText(JsonElement value, [NotNullWhen(true)] out string? text)
    {
        text = null;
        if (value.ValueKind != JsonValueKind.String)
            return false;
        try
        {
            text = value.GetString();
            return text is not null;
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }

    /// <summary>The properties of an object by name, the last of equal names winning; false when a name is no valid Unicode.</summary>
    public static bool TryGetProperties(JsonElement value, [NotNullWhen(true)] out SortedDictionary<string, JsonElement>? properties)
    {
        properties = null;
        if (value.ValueKind != JsonValueKind.Object)
            return false;
        var found = new SortedDictionary<string, JsonElement>(StringComparer.Ordinal);
        try
        {
            foreach (var property in value.EnumerateObject())
                found[property.Name] = property.Value;
        }
        catch (InvalidOperationException)
        {
            return false;
        }

        properties = found;
        return true;
    }

    /// <summary>A string that passes a test.</summary>
    public sealed class Text(Func<string, bool>? isValid = null) : JsonShape
    {
        public override bool TryNormalize(JsonElement value, out JsonNode? normal)
        {
            normal = TryGetText(value, out var text) && isValid?.Invoke(text) != false ? JsonValue.Create(text) : null;
            return normal is not null;
        }
    }

    /// <summary>A whole number that fits 64 bits.</summary>
    public sealed class Integer : JsonShape
    {
        public override bool TryNormalize(JsonElement value, out JsonNode? normal)
        {
            normal = value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number) ? JsonValue.Create(number) : null;
            return normal is not null;
        }
    }

    public sealed class Boolean : JsonShape
    {
        public override bool TryNormalize(JsonElement value, out JsonNode? normal)
        {
            normal = value.ValueKind is JsonValueKind.True or JsonValueKind.False ? JsonValue.Create(value.GetBoolean()) : null;
            return normal is not null;
        }
    }

    /// <summary>Any JSON object, kept with all its properties.</summary>
    public sealed class AnyObject : JsonShape
    {
        public override bool TryNormalize(JsonElement value, out JsonNode? normal)
        {
            normal = null;
            return value.ValueKind == JsonValueKind.Object && TryKeep(value, out normal);
        }
    }

    /// <summary>A property of an object: its name, its shape, and whether it may be absent (or null).</summary>
    public sealed record Field(string Name, JsonShape Shape, bool IsOptional = false);

    /// <summary>An object with these properties; others are ignored.</summary>
    public sealed class Object(params Field[] fields) : JsonShape
    {
        private readonly Field[] _fields = [.. fields.OrderBy(static field => field.Name, StringComparer.Ordinal)];

        public override bool TryNormalize(JsonElement value, out JsonNode? normal)
        {
            normal = null;
            if (!TryGetProperties(value, out var properties))
                return false;
            var result = new JsonObject();
            foreach (var field in _fields)
            {
                if (!properties.TryGetValue(field.Name, out var property) || (field.IsOptional && property.ValueKind == JsonValueKind.Null))
                {
                    if (!field.IsOptional)
                        return false;
                    continue;
                }

                if (!field.Shape.TryNormalize(property, out var part))
                    return false;
                // An empty map says the same as an absent one.
                if (part is not null && !(field.Shape is Map && part is JsonObject { Count: 0 }))
                    result.Add(field.Name, part);
            }

            normal = result;
            return true;
        }
    }

    /// <summary>An object whose property names are free.</summary>
    public sealed class Map(JsonShape item) : JsonShape
    {
        public override bool TryNormalize(JsonElement value, out JsonNode? normal)
        {
            normal = null;
            if (!TryGetProperties(value, out var properties))
                return false;
            var result = new JsonObject();
            foreach (var (name, property) in properties)
            {
                if (!item.TryNormalize(property, out var part))
                    return false;
                result.Add(name, part);
            }

            normal = result;
            return true;
        }
    }

    public sealed class Array(JsonShape item) : JsonShape
    {
        public override bool TryNormalize(JsonElement value, out JsonNode? normal)
        {
            normal = null;
            if (value.ValueKind != JsonValueKind.Array)
                return false;
            var result = new JsonArray();
            foreach (var element in value.EnumerateArray())
            {
                if (!item.TryNormalize(element, out var part))
                    return false;
                result.Add(part);
            }

            normal = result;
            return true;
        }
    }

    /// <summary>The first of several shapes that fits.</summary>
    public sealed class Either(params JsonShape[] shapes) : JsonShape
    {
        public override bool TryNormalize(JsonElement value, out JsonNode? normal)
        {
            foreach (var shape in shapes)
            {
                if (shape.TryNormalize(value, out normal))
                    return true;
            }

            normal = null;
            return false;
        }
    }

    /// <summary>An object whose "type" says which other properties it has; objects of an unknown type go to <paramref name="unknown"/>, if there is one.</summary>
    public sealed class Tagged(IReadOnlyDictionary<string, JsonShape> types, JsonShape? unknown = null) : JsonShape
    {
        public override bool TryNormalize(JsonElement value, out JsonNode? normal)
        {
            normal = null;
            if (value.ValueKind != JsonValueKind.Object || !value.TryGetProperty("type"u8, out var type) || !TryGetText(type, out var tag))
                return false;
            return types.TryGetValue(tag, out var shape) ? shape.TryNormalize(value, out normal) : unknown?.TryNormalize(value, out normal) ?? false;
        }
    }

    /// <summary>A shape that is defined in terms of itself.</summary>
    public sealed class Recursive(Func<JsonShape> shape) : JsonShape
    {
        public override bool TryNormalize(JsonElement value, out JsonNode? normal) => shape().TryNormalize(value, out normal);
    }

    private static bool TryKeep(JsonElement value, [NotNullWhen(true)] out JsonNode? kept)
    {
        kept = null;
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                if (!TryGetProperties(value, out var properties))
                    return false;
                var result = new JsonObject();
                foreach (var (name, property) in properties)
                {
                    JsonNode? part = null;
                    if (property.ValueKind != JsonValueKind.Null && !TryKeep(property, out part))
                        return false;
                    result.Add(name, part);
                }

                kept = result;
                return true;
            case JsonValueKind.Array:
                var items = new JsonArray();
                foreach (var element in value.EnumerateArray())
                {
                    JsonNode? part = null;
                    if (element.ValueKind != JsonValueKind.Null && !TryKeep(element, out part))
                        return false;
                    items.Add(part);
                }

                kept = items;
                return true;
            case JsonValueKind.String:
                kept = TryGetText(value, out var text) ? JsonValue.Create(text) : null;
                return kept is not null;
            default:
                kept = JsonValue.Create(value.Clone())!;
                return true;
        }
    }
}
