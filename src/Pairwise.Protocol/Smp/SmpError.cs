namespace Pairwise.Protocol.Smp;

/// <summary>What a relay answers when it says no: exactly the list of the wire. A value, never an exception.</summary>
public abstract record SmpError
{
    private protected SmpError()
    {
    }

    /// <summary>BLOCK: the block or a transmission in it does not parse, or a signature has an impossible size.</summary>
    public sealed record Block : SmpError
    {
        public static readonly Block Instance = new();
    }

    /// <summary>SESSION: the session id of a transmission is not this connection's.</summary>
    public sealed record Session : SmpError
    {
        public static readonly Session Instance = new();
    }

    /// <summary>CMD: the command is unknown, malformed, or lacks or has credentials.</summary>
    public sealed record Command(CommandError Reason) : SmpError
    {
        public static readonly Command Unknown = new(CommandError.Unknown);
        public static readonly Command Syntax = new(CommandError.Syntax);
        public static readonly Command Prohibited = new(CommandError.Prohibited);
        public static readonly Command NoAuth = new(CommandError.NoAuth);
        public static readonly Command HasAuth = new(CommandError.HasAuth);
        public static readonly Command NoEntity = new(CommandError.NoEntity);
    }

    /// <summary>PROXY: a proxied session with another relay failed.</summary>
    public sealed record Proxy(ProxyError Reason) : SmpError;

    /// <summary>AUTH: the queue does not exist or the credentials are not its own; nobody can tell which.</summary>
    public sealed record Auth : SmpError
    {
        public static readonly Auth Instance = new();
    }

    /// <summary>BLOCKED (since <see cref="SmpVersions.BlockedEntity"/>; AUTH before): the operator blocked the queue.</summary>
    /// <param name="Reason">Why.</param>
    /// <param name="Notice">Since <see cref="SmpVersions.ClientNotices"/>: what the client should do with its other queues.</param>
    public sealed record Blocked(BlockingReason Reason, ClientNotice? Notice = null) : SmpError;

    /// <summary>SERVICE: a service signature where none is allowed, or a service command in a session without service.</summary>
    public sealed record Service : SmpError
    {
        public static readonly Service Instance = new();
    }

    /// <summary>CRYPTO: a forwarded transmission does not decrypt.</summary>
    public sealed record Crypto : SmpError
    {
        public static readonly Crypto Instance = new();
    }

    /// <summary>QUOTA: the queue is full.</summary>
    public sealed record Quota : SmpError
    {
        public static readonly Quota Instance = new();
    }

    /// <summary>STORE: the relay's store failed.</summary>
    public sealed record Store(string Reason) : SmpError;

    /// <summary>NO_MSG: there is no such message to acknowledge.</summary>
    public sealed record NoMessage : SmpError
    {
        public static readonly NoMessage Instance = new();
    }

    /// <summary>LARGE_MSG: the body is longer than <see cref="SmpLimits.MaxMessageLength"/>.</summary>
    public sealed record LargeMessage : SmpError
    {
        public static readonly LargeMessage Instance = new();
    }

    /// <summary>EXPIRED: the relay's key is no longer valid.</summary>
    public sealed record Expired : SmpError
    {
        public static readonly Expired Instance = new();
    }

    /// <summary>INTERNAL: anything else that went wrong inside the relay.</summary>
    public sealed record Internal : SmpError
    {
        public static readonly Internal Instance = new();
    }

    /// <summary>DUPLICATE_: never sent by a relay, yet on the wire's list.</summary>
    public sealed record Duplicate : SmpError
    {
        public static readonly Duplicate Instance = new();
    }

    /// <summary>The wire's own text of the error, as logs and users' reports show it.</summary>
    public sealed override string ToString() => SmpErrorCodec.ToText(this);
}

/// <summary>The reasons of <c>ERR CMD</c>.</summary>
public enum CommandError
{
    /// <summary>UNKNOWN: no such command.</summary>
    Unknown,

    /// <summary>SYNTAX: the parameters do not parse.</summary>
    Syntax,

    /// <summary>PROHIBITED: not in this state, session or role.</summary>
    Prohibited,

    /// <summary>NO_AUTH: an authorization or entity id is missing.</summary>
    NoAuth,

    /// <summary>HAS_AUTH: an authorization or entity id is not allowed.</summary>
    HasAuth,

    /// <summary>NO_ENTITY (NO_QUEUE in old relays): the entity id is missing.</summary>
    NoEntity,
}

/// <summary>The reasons of <c>ERR BLOCKED</c>.</summary>
public enum BlockingReason
{
    Spam,
    Content,
}

/// <summary>What a relay tells the owner of a blocked queue.</summary>
/// <param name="TimeToLive">Seconds for which the notice holds; null = for ever.</param>
public sealed record ClientNotice(long? TimeToLive);

/// <summary>The reasons of <c>ERR PROXY</c>.</summary>
public abstract record ProxyError
{
    private protected ProxyError()
    {
    }

    /// <summary>PROTOCOL: the destination relay answered with this error.</summary>
    public sealed record Protocol(SmpError Error) : ProxyError;

    /// <summary>BROKER: the proxy could not talk with the destination relay.</summary>
    public sealed record Broker(BrokerError Error) : ProxyError;

    /// <summary>BASIC_AUTH: the proxy's password is missing or wrong.</summary>
    public sealed record BasicAuth : ProxyError
    {
        public static readonly BasicAuth Instance = new();
    }

    /// <summary>NO_SESSION: the proxy has no such session (any more); ask for a new one.</summary>
    public sealed record NoSession : ProxyError
    {
        public static readonly NoSession Instance = new();
    }
}

/// <summary>How a relay, seen as a client sees it, failed.</summary>
public abstract record BrokerError
{
    private protected BrokerError()
    {
    }

    /// <summary>RESPONSE: its answer does not parse.</summary>
    public sealed record Response(string Reason) : BrokerError;

    /// <summary>UNEXPECTED: its answer is not one to this command.</summary>
    public sealed record Unexpected(string Reason) : BrokerError;

    /// <summary>NETWORK: no connection. The detail is parsed but never sent by version 6 to 18.</summary>
    public sealed record Network(NetworkError Reason) : BrokerError;

    /// <summary>HOST: none of its hosts may be used.</summary>
    public sealed record Host : BrokerError
    {
        public static readonly Host Instance = new();
    }

    /// <summary>NO_SERVICE: the client service is not available.</summary>
    public sealed record NoService : BrokerError
    {
        public static readonly NoService Instance = new();
    }

    /// <summary>TRANSPORT: handshake or block errors.</summary>
    public sealed record Transport(TransportError Reason) : BrokerError;

    /// <summary>TIMEOUT: no answer in time.</summary>
    public sealed record Timeout : BrokerError
    {
        public static readonly Timeout Instance = new();
    }
}

/// <summary>Why a network connection failed.</summary>
public abstract record NetworkError
{
    private protected NetworkError()
    {
    }

    /// <summary>CONNECT</summary>
    public sealed record Connect(string Reason) : NetworkError;

    /// <summary>TLS</summary>
    public sealed record Tls(string Reason) : NetworkError;

    /// <summary>UNKNOWNCA: the certificate is not the address's.</summary>
    public sealed record UnknownCertificateAuthority : NetworkError
    {
        public static readonly UnknownCertificateAuthority Instance = new();
    }

    /// <summary>FAILED: no detail.</summary>
    public sealed record Failed : NetworkError
    {
        public static readonly Failed Instance = new();
    }

    /// <summary>TIMEOUT</summary>
    public sealed record Timeout : NetworkError
    {
        public static readonly Timeout Instance = new();
    }

    /// <summary>SUBSCRIBE</summary>
    public sealed record Subscribe(string Reason) : NetworkError;
}
