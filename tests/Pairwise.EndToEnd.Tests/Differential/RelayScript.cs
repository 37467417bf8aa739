using System.Globalization;
using System.Text;
using Pairwise.Protocol.Smp;
using Pairwise.Transport.Smp;

namespace Pairwise.EndToEnd.Tests.Differential;

/// <summary>What is said to two relays alike. It names queues by their place in the script, so that it fits either relay.</summary>
internal sealed record RelayScript(int Seed, IReadOnlyList<ScriptStep> Steps)
{
    public override string ToString()
    {
        var text = new StringBuilder().Append(CultureInfo.InvariantCulture, $"script {Seed}\n");
        for (var i = 0; i < Steps.Count; i++) text.Append(CultureInfo.InvariantCulture, $"{i,3} {Steps[i]}\n");
        return text.ToString();
    }
}

/// <summary>One step: something one client does, after which all answers are awaited.</summary>
internal abstract record ScriptStep
{
    /// <summary>A client connects.</summary>
    public sealed record Connect(int Client, ushort Version, bool HasProtocol, SmpServiceRole? Role) : ScriptStep
    {
        public override string ToString() => $"c{Client} connects v{Version}{(HasProtocol ? "" : " without ALPN")}{(Role is { } role ? $" as service {role}" : "")}";
    }

    /// <summary>A client goes.</summary>
    public sealed record Close(int Client) : ScriptStep
    {
        public override string ToString() => $"c{Client} goes";
    }

    /// <summary>A client sends one block.</summary>
    /// <param name="Client">Which.</param>
    /// <param name="Transmissions">What is in it.</param>
    /// <param name="Spoil">What happens to the content of the block, and its description.</param>
    /// <param name="Repeat">How often the block is sent.</param>
    public sealed record Say(int Client, IReadOnlyList<ScriptTransmission> Transmissions, Spoiling? Spoil = null, int Repeat = 1) : ScriptStep
    {
        public override string ToString() =>
            $"c{Client}{(Repeat > 1 ? $" x{Repeat}" : "")}: {string.Join(" | ", Transmissions)}{(Spoil is null ? "" : $" [block {Spoil.Says}]")}";
    }

    /// <summary>The operator types a line at the control port; {S0} stands for the sender id of queue 0, {K0} for its link id.</summary>
    public sealed record Operate(string Line) : ScriptStep
    {
        public override string ToString() => $"operator: {Line}";
    }

    /// <summary>Time passes, so that what is sent by a timer is sent.</summary>
    public sealed record Pause(TimeSpan Time) : ScriptStep
    {
        public override string ToString() => $"pause {Time.TotalSeconds} s";
    }
}

/// <summary>A change of bytes, the same at either relay.</summary>
internal sealed record Spoiling(string Says, Func<byte[], byte[]> Change);

/// <summary>How a transmission is authorized.</summary>
/// <param name="Key">The key in the pool, or null for none.</param>
/// <param name="Junk">Bytes in the place of a signature.</param>
/// <param name="IsFlipped">Whether one bit of it is wrong.</param>
/// <param name="Service">Whether a service signs too: rightly, or with these bytes.</param>
internal sealed record ScriptAuthorization(int? Key, byte[]? Junk = null, bool IsFlipped = false, bool? Service = null, byte[]? ServiceJunk = null)
{
    public static readonly ScriptAuthorization None = new(default(int?));

    public override string ToString() =>
        (Junk is not null ? $" junk{Junk.Length}" : Key is { } key ? $" key{key}{(IsFlipped ? "~" : "")}" : " -")
        + (Service == true ? "+service" : ServiceJunk is not null ? $"+junk{ServiceJunk.Length}" : "");
}

/// <summary>One transmission of a block.</summary>
internal sealed record ScriptTransmission(
    string Says,
    Func<ScriptWorld, ScriptClient, byte[]> Command,
    string EntitySays,
    Func<ScriptWorld, ScriptClient, byte[]> Entity,
    ScriptAuthorization Authorization,
    byte[] CorrId,
    int? Queue = null,
    Spoiling? Spoil = null)
{
    public override string ToString() =>
        $"{Says} @{EntitySays}{Authorization}{(CorrId.Length == 24 ? "" : $" corr{CorrId.Length}")}{(Spoil is null ? "" : $" [{Spoil.Says}]")}";
}
