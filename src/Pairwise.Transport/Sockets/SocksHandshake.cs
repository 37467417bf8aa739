using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Pairwise.Transport.Sockets;

/// <summary>The client's side of SOCKS5: greeting, name and password where asked, and CONNECT.</summary>
internal static class SocksHandshake
{
    private const byte Version = 5;
    private const byte NoAuthentication = 0;
    private const byte UserNamePassword = 2;
    private const byte AuthenticationVersion = 1;
    private const byte Connect = 1;
    private const byte AddressIPv4 = 1;
    private const byte AddressName = 3;
    private const byte AddressIPv6 = 4;

    public static async Task RunAsync(Stream stream, string host, int port, SocksCredentials? credentials, CancellationToken cancellationToken)
    {
        try
        {
            await AgreeOnMethodAsync(stream, credentials, cancellationToken);
            await stream.WriteAsync(EncodeConnect(host, port), cancellationToken);
            await ReadReplyAsync(stream, cancellationToken);
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            throw new TransportException(TransportFailure.ProxyRefused, "The SOCKS proxy closed the connection.", e);
        }
    }

    // greeting = version count *method ; choice = version method                    RFC 1928 section 3
    // login = %x01 nameLength name passwordLength password ; answer = %x01 status     RFC 1929 section 2
    private static async Task AgreeOnMethodAsync(Stream stream, SocksCredentials? credentials, CancellationToken cancellationToken)
    {
        byte[] methods = credentials switch
        {
            null => [NoAuthentication],
            { IsOptional: true } => [NoAuthentication, UserNamePassword],
            _ => [UserNamePassword],
        };
        await stream.WriteAsync((byte[])[Version, (byte)methods.Length, .. methods], cancellationToken);
        var answer = new byte[2];
        await stream.ReadExactlyAsync(answer, cancellationToken);
        if (answer[0] != Version || !methods.Contains(answer[1]))
            throw new TransportException(TransportFailure.ProxyRefused, "The SOCKS proxy does not take this way of authentication.");
        if (credentials is null || answer[1] == NoAuthentication)
            return;
        await stream.WriteAsync(EncodeLogin(credentials), cancellationToken);
        await stream.ReadExactlyAsync(answer, cancellationToken);
        if (answer[1] != 0)
            throw new TransportException(TransportFailure.ProxyRefused, "The SOCKS proxy refuses the user name or password.");
    }

    private static byte[] EncodeLogin(SocksCredentials credentials)
    {
        var name = Encoding.UTF8.GetBytes(credentials.UserName);
        var password = Encoding.UTF8.GetBytes(credentials.Password);
        if (name.Length is 0 or > 255 || password.Length > 255)
            throw new ArgumentException("A SOCKS user name has 1 to 255 bytes, a password at most 255.", nameof(credentials));
        return [AuthenticationVersion, (byte)name.Length, .. name, (byte)password.Length, .. password];
    }

    // request = version %x01 %x00 address port
    // address = %x01 4OCTET / %x03 length name / %x04 16OCTET                         RFC 1928 sections 4 and 5
    private static byte[] EncodeConnect(string host, int port)
    {
        byte[] address;
        if (IPAddress.TryParse(host, out var ip))
        {
            address = [ip.AddressFamily == AddressFamily.InterNetwork ? AddressIPv4 : AddressIPv6, .. ip.GetAddressBytes()];
        }
        else
        {
            var name = Encoding.ASCII.GetBytes(host);
            if (name.Length is 0 or > 255)
                throw new ArgumentException("A host name has 1 to 255 bytes.", nameof(host));
            address = [AddressName, (byte)name.Length, .. name];
        }

        var request = new byte[3 + address.Length + 2];
        request[0] = Version;
        request[1] = Connect;
        address.CopyTo(request, 3);
        BinaryPrimitives.WriteUInt16BigEndian(request.AsSpan(3 + address.Length), (ushort)port);
        return request;
    }

    // reply = version status %x00 address port                                        RFC 1928 section 6
    private static async Task ReadReplyAsync(Stream stream, CancellationToken cancellationToken)
    {
        var head = new byte[5];
        await stream.ReadExactlyAsync(head, cancellationToken);
        if (head[0] != Version)
            throw new TransportException(TransportFailure.ProxyRefused, "The SOCKS proxy does not speak SOCKS5.");
        if (head[1] != 0)
            throw new TransportException(IsAboutTarget(head[1]) ? TransportFailure.Unreachable : TransportFailure.ProxyRefused, Describe(head[1]));
        var rest = head[3] switch
        {
            AddressIPv4 => 4 + 2 - 1,
            AddressIPv6 => 16 + 2 - 1,
            AddressName => head[4] + 2,
            _ => throw new TransportException(TransportFailure.ProxyRefused, "The SOCKS proxy answers with an unknown kind of address."),
        };
        await stream.ReadExactlyAsync(new byte[rest], cancellationToken);
    }

    private static bool IsAboutTarget(byte status) => status is 3 or 4 or 5 or 6;

    private static string Describe(byte status) => status switch
    {
        2 => "The SOCKS proxy does not allow this connection.",
        3 => "The SOCKS proxy cannot reach the network of the server.",
        4 => "The SOCKS proxy cannot reach the server.",
        5 => "The server refused the connection of the SOCKS proxy.",
        6 => "The connection of the SOCKS proxy to the server took too long.",
        _ => $"The SOCKS proxy failed (status {status}).",
    };
}
