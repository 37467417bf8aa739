namespace Pairwise.Chat.Files;

/// <summary>How a file is to be received.</summary>
/// <param name="IsApproved">Its relays may see our network address, whoever runs them.</param>
/// <param name="IsEncrypted">Whether it is kept encrypted; null for the usual.</param>
/// <param name="IsInlineWanted">Whether a file that is offered inside the conversation is taken even when it is larger than usual.</param>
/// <param name="Path">A folder or a path; null for the usual folder.</param>
internal sealed record AcceptOptions(bool IsApproved, bool? IsEncrypted, bool IsInlineWanted, string? Path);
