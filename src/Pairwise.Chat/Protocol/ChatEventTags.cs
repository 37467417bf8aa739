namespace Pairwise.Chat.Protocol;

/// <summary>Tags of the chat events that this program tells apart, in the protocol's own spelling.</summary>
public static class ChatEventTags
{
    public const string MessageNew = "x.msg.new";
    public const string MessageFileDescription = "x.msg.file.descr";
    public const string MessageUpdate = "x.msg.update";
    public const string MessageDelete = "x.msg.del";
    public const string MessageReaction = "x.msg.react";
    public const string File = "x.file";
    public const string FileAccept = "x.file.acpt";
    public const string FileAcceptInvitation = "x.file.acpt.inv";
    public const string FileCancel = "x.file.cancel";
    public const string Info = "x.info";
    public const string Contact = "x.contact";
    public const string DirectDelete = "x.direct.del";
    public const string GroupInvitation = "x.grp.inv";
    public const string GroupMemberNew = "x.grp.mem.new";
    public const string GroupMemberForward = "x.grp.mem.fwd";
    public const string GroupMemberRole = "x.grp.mem.role";
    public const string GroupMemberRestrict = "x.grp.mem.restrict";
    public const string GroupMemberDelete = "x.grp.mem.del";
    public const string GroupLeave = "x.grp.leave";
    public const string GroupDelete = "x.grp.del";
    public const string GroupInfo = "x.grp.info";
    public const string GroupPreferences = "x.grp.prefs";
    public const string CallInvitation = "x.call.inv";
    public const string Ok = "x.ok";

    private static readonly HashSet<string> Notifying =
        [MessageNew, File, Contact, GroupInvitation, GroupMemberForward, GroupDelete, CallInvitation];

    private static readonly HashSet<string> WithReceipt = [MessageNew, GroupInvitation, CallInvitation];

    private static readonly HashSet<string> Forwarded =
    [
        MessageNew, MessageFileDescription, MessageUpdate, MessageDelete, MessageReaction, FileCancel, Info, GroupMemberNew, GroupMemberRole,
        GroupMemberRestrict, GroupMemberDelete, GroupLeave, GroupDelete, GroupInfo, GroupPreferences,
    ];

    /// <summary>Whether the recipient's device should be woken for this event.</summary>
    public static bool IsNotifying(string tag) => Notifying.Contains(tag);

    /// <summary>Whether the recipient confirms this event with a delivery receipt.</summary>
    public static bool HasReceipt(string tag) => WithReceipt.Contains(tag);

    /// <summary>Whether a group's host passes this event on to members who are not connected with its sender yet.</summary>
    public static bool IsForwarded(string tag) => Forwarded.Contains(tag);
}
