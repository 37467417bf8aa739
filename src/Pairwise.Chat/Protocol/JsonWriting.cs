using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

namespace Pairwise.Chat.Protocol;

/// <summary>
/// JSON text as the reference writes it: no spaces, and only quotes, backslashes and control characters escaped. The
/// BCL's writer escapes emoji, which makes messages longer than their limit allows for.
/// </summary>
internal static class JsonWriting
{
    public static string ToText(JsonNode json)
    {
        var text = new StringBuilder();
        Write(text, json);
        return text.ToString();
    }

    private static void Write(StringBuilder text, JsonNode? json)
    {
        switch (json)
        {
            case null:
                text.Append("null");
                break;
            case JsonObject properties:
                text.Append('{');
                var isFirst = true;
                foreach (var (name, value) in properties)
                {
                    if (!isFirst)
                        text.Append(',');
                    isFirst = false;
                    WriteString(text, name);
                    text.Append(':');
                    Write(text, value);
                }

                text.Append('}');
                break;
            case JsonArray items:
                text.Append('[');
                for (var i = 0; i < items.Count; i++)
                {
                    if (i > 0)
                        text.Append(',');
                    Write(text, items[i]);
                }

                text.Append(']');
                break;
            case JsonValue value when value.TryGetValue(out string? content):
                WriteString(text, content);
                break;
            default:
                text.Append(json.ToJsonString());
                break;
        }
    }

    private static void WriteString(StringBuilder text, string content)
    {
        text.Append('"');
        foreach (var character in content)
        {
            switch (character)
            {
                case '"':
                    text.Append("\\\"");
                    break;
                case '\\':
                    text.Append("\\\\");
                    break;
                case '\n':
                    text.Append("\\n");
                    break;
                case '\r':
                    text.Append("\\r");
                    break;
                case '\t':
                    text.Append("\\t");
                    break;
                case < ' ':
                    text.Append(CultureInfo.InvariantCulture, $"\\u{(int)character:x4}");
                    break;
                default:
                    text.Append(character);
                    break;
            }
        }

        text.Append('"');
    }
}
