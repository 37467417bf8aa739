using System.Net;
using Pairwise.Protocol;

namespace Pairwise.Server.Smp.Operation;

/// <summary>The control port: where it listens, and who may do what there.</summary>
public sealed record SmpControlOptions
{
    /// <summary>An address of this machine only: what is typed there is not encrypted.</summary>
    public required IPEndPoint Endpoint { get; init; }

    /// <summary>For everything; null lets nobody be administrator.</summary>
    public BasicAuth? AdministratorPassword { get; init; }

    /// <summary>For looking and for blocking queues; null lets nobody be user.</summary>
    public BasicAuth? UserPassword { get; init; }

    /// <summary>Queues that may be blocked a day: 0 = any number, -1 = none.</summary>
    public int DailyBlockQuota { get; init; } = 20;
}
