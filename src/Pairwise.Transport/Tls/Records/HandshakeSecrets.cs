using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace Pairwise.Transport.Tls.Records;

/// <summary>
/// Picks the two traffic secrets of the connection out of what OpenSSL tells of a handshake (in the form of key log files).
/// </summary>
internal sealed class HandshakeSecrets : IDisposable
{
    private byte[]? _ofClient;
    private byte[]? _ofServer;

    // line = label " " clientRandom " " secret ; the latter two in hexadecimal
    public void Add(ReadOnlySpan<byte> line)
    {
        if (TryRead(line, "CLIENT_TRAFFIC_SECRET_0 "u8, out var secret))
            _ofClient = secret;
        else if (TryRead(line, "SERVER_TRAFFIC_SECRET_0 "u8, out secret))
            _ofServer = secret;
    }

    /// <summary>The keys of both directions, which the caller disposes; false when OpenSSL told none that fit.</summary>
    public bool TryTake(bool isServer, [NotNullWhen(true)] out RecordKeys? sending, [NotNullWhen(true)] out RecordKeys? receiving)
    {
        (sending, receiving) = (null, null);
        if (_ofClient is null || _ofServer is null)
            return false;
        sending = new RecordKeys(isServer ? _ofServer : _ofClient);
        receiving = new RecordKeys(isServer ? _ofClient : _ofServer);
        return true;
    }

    public void Dispose()
    {
        CryptographicOperations.ZeroMemory(_ofClient);
        CryptographicOperations.ZeroMemory(_ofServer);
        _ofClient = null;
        _ofServer = null;
    }

    public override string ToString() => "[secret]";

    private static bool TryRead(ReadOnlySpan<byte> line, ReadOnlySpan<byte> label, [NotNullWhen(true)] out byte[]? secret)
    {
        secret = null;
        if (!line.StartsWith(label))
            return false;
        var hexadecimal = line[(line.LastIndexOf((byte)' ') + 1)..];
        if (hexadecimal.Length != 2 * RecordKeys.SecretLength)
            return false;
        secret = GC.AllocateArray<byte>(RecordKeys.SecretLength, pinned: true);
        return Convert.FromHexString(hexadecimal, secret, out _, out _) == System.Buffers.OperationStatus.Done;
    }
}
