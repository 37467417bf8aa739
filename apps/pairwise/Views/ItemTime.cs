using System.Globalization;
using Pairwise.Chat;

namespace Pairwise.Terminal.Views;

/// <summary>Times and marks of chat items as people read them.</summary>
internal static class ItemTime
{
    /// <summary>Hours and minutes in the local time zone.</summary>
    public static string Of(ChatItem item) => item.Time.ToLocalTime().ToString("HH:mm", CultureInfo.InvariantCulture);

    /// <summary>Date and time in the local time zone.</summary>
    public static string WithDate(ChatItem item) => item.Time.ToLocalTime().ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);

    /// <summary>How far a sent message has come: … waiting, ✓ on the relay, ✓✓ at the contact, ✗ failed.</summary>
    public static string Mark(ItemStatus status) => status switch
    {
        ItemStatus.Received => "",
        ItemStatus.Pending => "…",
        ItemStatus.Sent => "✓",
        ItemStatus.Delivered => "✓✓",
        ItemStatus.Failed => "✗",
        _ => throw new System.Diagnostics.UnreachableException(status.ToString()),
    };
}
