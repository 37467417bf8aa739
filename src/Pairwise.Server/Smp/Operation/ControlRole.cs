using System.Globalization;
using Pairwise.Protocol;

namespace Pairwise.Server.Smp.Operation;

/// <summary>Who somebody at the control port is, by the password given.</summary>
internal enum ControlRole
{
    /// <summary>Nobody yet.</summary>
    None,

    /// <summary>May look, and block queues.</summary>
    User,

    /// <summary>May do everything.</summary>
    Administrator,
}

/// <summary>What the control ports of all relays have alike: who somebody is, and how the process does.</summary>
/// <param name="administratorPassword">Null lets nobody be administrator.</param>
/// <param name="userPassword">Null lets nobody be user.</param>
internal sealed class ControlRoleHolder(BasicAuth? administratorPassword, BasicAuth? userPassword)
{
    /// <summary>Who the operator of this session is; once known it does not change.</summary>
    public ControlRole Role { get; private set; }

    /// <summary>The answer to a password.</summary>
    public string Authorize(string password)
    {
        ControlRole role = !BasicAuth.TryParse(password, out BasicAuth? given) ? ControlRole.None
            : administratorPassword?.Equals(given) == true ? ControlRole.Administrator
            : userPassword?.Equals(given) == true ? ControlRole.User
            : ControlRole.None;
        if (Role == ControlRole.None)
        {
            Role = role;
            return $"Current role is {Name(Role)}";
        }

        return $"Current role is {Name(Role)}{(role == Role ? "" : ", start new session to change.")}";
    }

    /// <summary>Memory and collections, in one line.</summary>
    public static string DescribeRuntime()
    {
        GCMemoryInfo memory = GC.GetGCMemoryInfo();
        return string.Create(
            CultureInfo.InvariantCulture,
            $"heap: {memory.HeapSizeBytes}, committed: {memory.TotalCommittedBytes}, collections: {GC.CollectionCount(0)}/{GC.CollectionCount(1)}/{GC.CollectionCount(2)}, their pauses: {GC.GetTotalPauseDuration().TotalMilliseconds:0} ms, allocated: {GC.GetTotalAllocatedBytes()}, threads: {ThreadPool.ThreadCount}");
    }

    // The reference's words, for those who read answers by program.
    private static string Name(ControlRole role) => role switch
    {
        ControlRole.User => "CPRUser",
        ControlRole.Administrator => "CPRAdmin",
        _ => "CPRNone",
    };
}
