using Pairwise.Agent.Relays;
using Pairwise.Client.Xftp;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;
using Pairwise.Protocol.Xftp;
using Pairwise.Transport;

namespace Pairwise.Agent.Files;

/// <summary>Errors of file transfer: the mapping from the client's, and the sentence for people.</summary>
public static class FileErrors
{
    internal static AgentError From(ServerAddress server, XftpClientError error) => error switch
    {
        XftpClientError.Server refused => new AgentError.FileServer(server.ToString(), refused.Error),
        XftpClientError.BadContent bad => new AgentError.FileServer(server.ToString(), bad.Error),
        XftpClientError.BadAnswer => new AgentError.Broker(server.ToString(), BrokerFault.Response, "the answer does not parse"),
        XftpClientError.TimedOut => new AgentError.Broker(server.ToString(), BrokerFault.Timeout, "no answer in time"),
        XftpClientError.NoServerKey => new AgentError.Broker(server.ToString(), BrokerFault.Version, "the server is too old for this key"),
        XftpClientError.Disconnected lost => SmpRelayConnector.Map(server, lost.Failure, lost.Failure == TransportFailure.Unreachable ? "the server cannot be reached" : "the connection ended"),
        _ => throw new System.Diagnostics.UnreachableException(),
    };

    /// <summary>What an error of a transfer means and what can be done, in one sentence.</summary>
    public static string Sentence(AgentError error) => error switch
    {
        AgentError.FileServer { Error: XftpError.Auth } refused =>
            $"The file is not at its server any more, or was never whole there ({HostOf(refused.Server)}): it was deleted or has expired; ask for it again.",
        AgentError.FileServer { Error: XftpError.Blocked { Reason: BlockingReason.Spam } } refused => $"The operator of the file server {HostOf(refused.Server)} blocked the file as spam.",
        AgentError.FileServer { Error: XftpError.Blocked } refused => $"The operator of the file server {HostOf(refused.Server)} blocked the file for its content.",
        AgentError.FileServer { Error: XftpError.Quota } refused => $"The file server {HostOf(refused.Server)} is full: try again later, or set another one.",
        AgentError.FileServer { Error: XftpError.NoFile } refused => $"The sender has not uploaded the file completely ({HostOf(refused.Server)}).",
        AgentError.FileServer { Error: XftpError.Digest or XftpError.Crypto or XftpError.Size } refused =>
            $"What the file server {HostOf(refused.Server)} gave is not what was uploaded: it was changed there or on the way.",
        AgentError.FileServer refused => $"The file server {HostOf(refused.Server)} answered {refused.Error}.",
        AgentError.File { Fault: FileFault.NotApproved } file =>
            $"The file is at servers that you have not set ({string.Join(", ", file.Servers.Select(server => server.Hosts[0].ToString()))}); receiving it would show them your IP address: approve of them, or use a SOCKS proxy.",
        AgentError.File { Fault: FileFault.TooLarge } => $"The file is too large: at most {FileSize.ToText(XftpLimits.HardMaxFileSize)} can be sent and received.",
        AgentError.File { Fault: FileFault.Redirect } => "The link leads to something else than the file it promises.",
        AgentError.File { Fault: FileFault.LocalFile } file => $"A file on this device cannot be used: {file.Detail}",
        AgentError.File { Fault: FileFault.Tampered } => "What was received is not the file that was sent: it was changed, or the description is wrong.",
        AgentError.File { Fault: FileFault.NoServer } => "There is no file server to send to: set one first.",
        AgentError.File { Fault: FileFault.Expired } => "The file did not get through in the time that servers keep files: send it again.",
        AgentError.File { Fault: FileFault.Description } => "The file description cannot be used.",
        AgentError.Broker { IsTransient: true } broker => $"The file server {HostOf(broker.Server)} cannot be reached.",
        AgentError.Broker { Fault: BrokerFault.Transport } broker => $"The certificate of the file server {HostOf(broker.Server)} is not the one in its address.",
        AgentError.Broker broker => $"The file server {HostOf(broker.Server)} does not answer as a file server does.",
        _ => new AgentException(error).Message,
    };

    private static string HostOf(string server) => ServerAddress.TryParse(server, out var address) ? address.Hosts[0].ToString() : server;
}
