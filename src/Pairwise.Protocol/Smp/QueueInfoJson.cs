using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;

namespace Pairwise.Protocol.Smp;

/// <summary>The JSON inside INFO.</summary>
internal static class QueueInfoJson
{
    private static readonly string[] StateNames = ["noSub", "subPending", "subThread", "prohibitSub"];

    // {"qiSnd":bool,"qiNtf":bool,["qiSub":{"qSubThread":state,["qDelivered":msgId]},]"qiSize":int,["qiMsg":{"msgId":..,"msgTs":..,"msgType":..}]}
    public static byte[] Encode(QueueInfo info)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteBoolean("qiSnd"u8, info.IsSecured);
            json.WriteBoolean("qiNtf"u8, info.HasNotifier);
            if (info.Subscription is not null)
            {
                json.WriteStartObject("qiSub"u8);
                json.WriteString("qSubThread"u8, StateNames[(int)info.Subscription.State]);
                if (info.Subscription.DeliveredMessage is not null)
                {
                    json.WriteString("qDelivered"u8, info.Subscription.DeliveredMessage);
                }

                json.WriteEndObject();
            }

            json.WriteNumber("qiSize"u8, info.Size);
            if (info.Message is not null)
            {
                json.WriteStartObject("qiMsg"u8);
                json.WriteString("msgId"u8, info.Message.Id);
                json.WriteString("msgTs"u8, info.Message.Time);
                json.WriteString("msgType"u8, info.Message.IsQuotaMarker ? "quota"u8 : "message"u8);
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    public static bool TryDecode(ReadOnlySpan<byte> json, [NotNullWhen(true)] out QueueInfo? info)
    {
        info = null;
        if (!JsonText.TryParse(json, out var document))
        {
            return false;
        }

        using (document)
        {
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object
                || !TryGetBoolean(root, "qiSnd"u8, out var isSecured)
                || !TryGetBoolean(root, "qiNtf"u8, out var hasNotifier)
                || !TryGetSubscription(root, out var subscription)
                || !JsonText.TryGetOptionalInt64(root, "qiSize"u8, out var size)
                || size is null
                || !TryGetMessage(root, out var message))
            {
                return false;
            }

            info = new QueueInfo(isSecured, hasNotifier, subscription, size.Value, message);
            return true;
        }
    }

    private static bool TryGetBoolean(JsonElement element, ReadOnlySpan<byte> name, out bool value)
    {
        var isFound = element.TryGetProperty(name, out var property);
        value = isFound && property.ValueKind == JsonValueKind.True;
        return isFound && property.ValueKind is JsonValueKind.True or JsonValueKind.False;
    }

    private static bool TryGetSubscription(JsonElement root, out QueueSubscription? subscription)
    {
        subscription = null;
        if (!root.TryGetProperty("qiSub"u8, out var element) || element.ValueKind == JsonValueKind.Null)
        {
            return true;
        }

        if (element.ValueKind != JsonValueKind.Object || !JsonText.TryGetString(element, "qSubThread"u8, out var name))
        {
            return false;
        }

        var state = Array.IndexOf(StateNames, name);
        string? delivered = null;
        if (state < 0
            || (element.TryGetProperty("qDelivered"u8, out var property)
                && property.ValueKind != JsonValueKind.Null
                && !JsonText.TryGetString(element, "qDelivered"u8, out delivered)))
        {
            return false;
        }

        subscription = new QueueSubscription((QueueSubscriptionState)state, delivered);
        return true;
    }

    private static bool TryGetMessage(JsonElement root, out QueuedMessage? message)
    {
        message = null;
        if (!root.TryGetProperty("qiMsg"u8, out var element) || element.ValueKind == JsonValueKind.Null)
        {
            return true;
        }

        if (element.ValueKind != JsonValueKind.Object
            || !JsonText.TryGetString(element, "msgId"u8, out var id)
            || !JsonText.TryGetString(element, "msgTs"u8, out var time)
            || !JsonText.TryGetString(element, "msgType"u8, out var type)
            || type is not ("message" or "quota"))
        {
            return false;
        }

        message = new QueuedMessage(id, time, type == "quota");
        return true;
    }
}
