using System.Text;
using Microsoft.Extensions.Logging;
using Pairwise.Protocol;
using Pairwise.Protocol.Xftp;
using Pairwise.Server.Smp.Operation;
using Pairwise.Server.Xftp.Store;
using Pairwise.Wire;

namespace Pairwise.Server.Xftp.Operation;

/// <summary>One session at a file server's control port, by the reference's words.</summary>
internal sealed partial class XftpControl(XftpServer server, SmpControlOptions options, ILogger logger) : IControlSession
{
    private readonly ControlRoleHolder _role = new(options.AdministratorPassword, options.UserPassword);

    public async ValueTask<string?> ExecuteAsync(string line)
    {
        var words = line.Trim().Split(' ');
        switch (words)
        {
            case [""]:
                return "";
            case ["quit"]:
                return null;
            case ["help"]:
                return "commands: auth, stats-rts, delete, block, help, quit";
            case ["auth", var password]:
                return _role.Authorize(password);
            case ["stats-rts"]:
                return ControlRoleHolder.DescribeRuntime();
            case ["delete" or "block", ..] when _role.Role == ControlRole.None:
                Log.Unauthorized(logger);
                return "AUTH";
            case ["delete", var text] when TryReadId(text, out var id):
                Log.Command(logger, "delete");
                return Answer(await server.DeleteAsync(id));
            case ["block", var text, var info] when TryReadId(text, out var id) && XftpLogCodec.TryReadBlockingInfo(Encoding.UTF8.GetBytes(info), out var reason):
                Log.Command(logger, "block");
                return Answer(await server.BlockAsync(id, reason));
            case ["delete", ..]:
                return "error: say delete and the id that a recipient of the file has";
            case ["block", ..]:
                return "error: say block, the id that a recipient of the file has, and reason=spam or reason=content";
            default:
                return "error: unknown command; help lists them";
        }
    }

    private static string Answer(XftpError? error) => error is null ? "ok" : $"error: {Encoding.ASCII.GetString(XftpErrorCodec.Encode(error))}";

    private static bool TryReadId(string text, out ChunkId id)
    {
        var isRead = TextEncoding.TryFromBase64Url(text, out var bytes) && bytes.Length is > 0 and <= WireId.MaxLength;
        id = isRead ? new ChunkId(bytes) : default;
        return isRead;
    }

    private static partial class Log
    {
        [LoggerMessage(2104, LogLevel.Warning, "Control port: {Name}.")]
        public static partial void Command(ILogger logger, string name);

        [LoggerMessage(2105, LogLevel.Warning, "Control port: a command without the password for it.")]
        public static partial void Unauthorized(ILogger logger);
    }
}
