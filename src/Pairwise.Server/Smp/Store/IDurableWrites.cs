namespace Pairwise.Server.Smp.Store;

/// <summary>
/// A store that writes behind what is in memory. Answers wait for it, so that no OK leaves before what it promises is
/// stored; stores that write before they return have none of this.
/// </summary>
public interface IDurableWrites
{
    /// <summary>Completes when everything that was changed before the call is stored.</summary>
    /// <param name="account">Who asks; null = whoever has no account.</param>
    /// <exception cref="IOException">
    /// It is not yet, or a change on the account was refused; without an account, any change since the call.
    /// </exception>
    ValueTask WhenWrittenAsync(WriteAccount? account);
}
