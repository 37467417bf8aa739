using Pairwise.Crypto;
using Pairwise.Protocol.Xftp;
using Pairwise.Transport;
using Pairwise.Wire;

namespace Pairwise.Client.Xftp;

/// <summary>What a client of a file server needs to know.</summary>
public sealed record XftpClientOptions
{
    public NetworkOptions Network { get; init; } = new();

    /// <summary>
    /// Names the session to a SOCKS proxy that isolates by name: connections with different values do not share a circuit.
    /// It is hashed before it is used. Null means that all connections may share one.
    /// </summary>
    public string? IsolationKey { get; init; }

    /// <summary>The versions offered.</summary>
    public VersionRange Versions { get; init; } = XftpVersions.Range;

    /// <summary>Off connects as the first version did: without ALPN and handshake.</summary>
    public bool IsHandshakeUsed { get; init; } = true;

    public TimeProvider Time { get; init; } = TimeProvider.System;

    public IRandomSource Random { get; init; } = SystemRandom.Instance;
}

/// <summary>Why a command has no good answer.</summary>
public abstract record XftpClientError
{
    private XftpClientError()
    {
    }

    /// <summary>Whether the same command may succeed later without anybody changing anything.</summary>
    public virtual bool IsTransient => false;

    /// <summary>The server said no.</summary>
    public sealed record Server(XftpError Error) : XftpClientError
    {
        // A body that was lost on the way, or a disk or a clock that had a bad moment.
        public override bool IsTransient => Error is XftpError.Timeout or XftpError.FileIO or XftpError.Internal or XftpError.Digest or XftpError.Size;
    }

    /// <summary>The answer does not parse, or is not one to this command.</summary>
    public sealed record BadAnswer(XftpError? Error) : XftpClientError;

    /// <summary>The content that came is not the one that the description promises: SIZE, DIGEST or CRYPTO.</summary>
    public sealed record BadContent(XftpError Error) : XftpClientError
    {
        public override bool IsTransient => Error is XftpError.Size;
    }

    /// <summary>Nothing moved for too long.</summary>
    public sealed record TimedOut : XftpClientError
    {
        public static readonly TimedOut Instance = new();

        public override bool IsTransient => true;
    }

    /// <summary>The connection cannot be made or has ended.</summary>
    public sealed record Disconnected(TransportFailure Failure) : XftpClientError
    {
        public override bool IsTransient => Failure is not (TransportFailure.UnknownIdentity or TransportFailure.Protocol);
    }

    /// <summary>An X25519 key has to authorize the command, and the server gave no key for authenticators.</summary>
    public sealed record NoServerKey : XftpClientError
    {
        public static readonly NoServerKey Instance = new();
    }
}

/// <summary>A value or an error.</summary>
public readonly struct XftpResult<T>
{
    private readonly T? _value;

    private XftpResult(T? value, XftpClientError? error)
    {
        _value = value;
        Error = error;
    }

    public bool IsOk => Error is null;

    /// <summary>The value, if there is no error.</summary>
    public T Value => Error is null ? _value! : throw new InvalidOperationException("There is an error and no value.");

    public XftpClientError? Error { get; }

    public static implicit operator XftpResult<T>(T value) => new(value, null);

    public static implicit operator XftpResult<T>(XftpClientError error) => new(default, error);
}
