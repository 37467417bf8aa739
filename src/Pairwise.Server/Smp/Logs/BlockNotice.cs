using System.Text.Json;

namespace Pairwise.Server.Smp.Logs;

/// <summary>The notice of a blocked queue: a JSON object whose one known key, "ttl", is a number of seconds.</summary>
internal static class BlockNotice
{
    /// <summary>Reads the object; unknown keys are skipped, as the reference skips them.</summary>
    public static bool TryRead(ReadOnlySpan<byte> json, out long? ttl)
    {
        ttl = null;
        Utf8JsonReader reader = new(json);
        try
        {
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            {
                return false;
            }

            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                bool isTtl = reader.ValueTextEquals("ttl"u8);
                if (!reader.Read())
                {
                    return false;
                }

                if (!isTtl)
                {
                    reader.Skip();
                }
                else if (reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out long seconds))
                {
                    ttl = seconds;
                }
                else if (reader.TokenType != JsonTokenType.Null)
                {
                    return false;
                }
            }

            return reader.TokenType == JsonTokenType.EndObject && !reader.Read();
        }
        catch (JsonException)
        {
            return false; // the reader has no form that reports bad JSON as a value
        }
    }
}
