using Pairwise.Protocol;
using Pairwise.Protocol.Smp;
using Pairwise.Protocol.Xftp;
using Pairwise.Transport;

namespace Pairwise.Client.Xftp;

/// <summary>Says in one sentence what went wrong with a transfer, and what can be done.</summary>
public static class FileTransferErrors
{
    internal static FileTransferException Explain(string action, ServerAddress server, XftpClientError error) =>
        new($"Could not {action} ({server.Hosts[0]}): {Sentence(error)}", error);

    /// <summary>The sentence for an error.</summary>
    public static string Sentence(XftpClientError error) => error switch
    {
        XftpClientError.Server { Error: XftpError.Auth } => "the server does not have it any more or refused: it was deleted, has expired (files are kept for 48 hours), or was received already; when sending, the password may be wrong.",
        XftpClientError.Server { Error: XftpError.Blocked { Reason: BlockingReason.Spam } } => "the operator of the server blocked it as spam.",
        XftpClientError.Server { Error: XftpError.Blocked } => "the operator of the server blocked it for its content.",
        XftpClientError.Server { Error: XftpError.NoFile } => "the sender has not uploaded it completely.",
        XftpClientError.Server { Error: XftpError.Quota } => "the server's storage is full; try another server.",
        XftpClientError.Server { Error: XftpError.Size } => "the server does not take parts of this size.",
        XftpClientError.Server { Error: XftpError.FileIO or XftpError.Internal } => "the server cannot use its disk, which may be full; try again later, or another server.",
        XftpClientError.Server { Error: XftpError.Timeout } => "the server did not get all of it in time.",
        XftpClientError.Server { Error: var refused } => $"the server answered {refused}.",
        XftpClientError.BadContent { Error: XftpError.Size } => "what the server sent is shorter or longer than it should be.",
        XftpClientError.BadContent => "what the server sent is not what was uploaded: it was changed on the way or on the server.",
        XftpClientError.BadAnswer => "the server's answer does not make sense.",
        XftpClientError.TimedOut => "the server did not answer in time.",
        XftpClientError.NoServerKey => "the server is too old for this key.",
        XftpClientError.Disconnected { Failure: TransportFailure.UnknownIdentity } => "the server's certificate is not the one in its address.",
        XftpClientError.Disconnected { Failure: TransportFailure.Unreachable } => "the server cannot be reached.",
        XftpClientError.Disconnected => "the connection was lost.",
        _ => "it failed.",
    };
}
