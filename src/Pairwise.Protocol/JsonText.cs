using System.Diagnostics.CodeAnalysis;
using System.Text.Json;

namespace Pairwise.Protocol;

/// <summary>The few JSON texts inside the binary protocols, read without exceptions.</summary>
internal static class JsonText
{
    /// <summary>Parses exactly one JSON value; false for anything else. The caller disposes the document.</summary>
    public static bool TryParse(ReadOnlySpan<byte> json, [NotNullWhen(true)] out JsonDocument? document)
    {
        document = null;
        var reader = new Utf8JsonReader(json);
        try
        {
            if (!JsonDocument.TryParseValue(ref reader, out document))
            {
                return false;
            }

            if (json[(int)reader.BytesConsumed..].IndexOfAnyExcept(" \t\r\n"u8) < 0)
            {
                return true;
            }
        }
        catch (JsonException)
        {
            // TryParseValue answers false only for what is incomplete; what is wrong it throws.
            return false;
        }

        document.Dispose();
        document = null;
        return false;
    }

    /// <summary>Reads an optional integer: absent and null are the same; false if it is something else.</summary>
    public static bool TryGetOptionalInt64(JsonElement element, ReadOnlySpan<byte> name, out long? value)
    {
        value = null;
        if (!element.TryGetProperty(name, out var property) || property.ValueKind == JsonValueKind.Null)
        {
            return true;
        }

        if (property.ValueKind != JsonValueKind.Number || !property.TryGetInt64(out var number))
        {
            return false;
        }

        value = number;
        return true;
    }

    /// <summary>Reads a required text; false if absent, of another kind, or with surrogates that do not pair.</summary>
    public static bool TryGetString(JsonElement element, ReadOnlySpan<byte> name, [NotNullWhen(true)] out string? value)
    {
        value = null;
        if (!element.TryGetProperty(name, out var property) || property.ValueKind != JsonValueKind.String)
        {
            return false;
        }

        try
        {
            value = property.GetString();
        }
        catch (InvalidOperationException)
        {
            // An escaped surrogate without its pair is found only when the text is made.
            return false;
        }

        return value is not null;
    }
}
