using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Pairwise.Crypto;

namespace Pairwise.Transport.Tls.Records;

/// <summary>
/// The keys of one direction of a TLS 1.3 connection with ChaCha20-Poly1305 (RFC 8446, sections 5.2, 5.3 and 7): a traffic
/// secret, the key and the IV that follow from it, and the number of the next record. Owned by the session; wiped when
/// disposed.
/// </summary>
internal sealed class RecordKeys : IDisposable
{
    /// <summary>Bytes of a traffic secret: those of SHA-256.</summary>
    public const int SecretLength = 32;

    private const int KeyStart = SecretLength;
    private const int IvStart = KeyStart + ChaChaPoly.KeyLength;

    // pinned: the collector makes no copies of it
    private readonly byte[] _bytes = GC.AllocateArray<byte>(IvStart + ChaChaPoly.NonceLength, pinned: true);
    private ulong _number;

    public RecordKeys(ReadOnlySpan<byte> secret)
    {
        secret.CopyTo(Secret);
        DeriveKeys();
    }

    private Span<byte> Secret => _bytes.AsSpan(0, SecretLength);

    private Span<byte> Key => _bytes.AsSpan(KeyStart, ChaChaPoly.KeyLength);

    private Span<byte> Iv => _bytes.AsSpan(IvStart, ChaChaPoly.NonceLength);

    /// <summary>Goes on to the next generation of keys, as a KeyUpdate message asks.</summary>
    public void Update()
    {
        Span<byte> next = stackalloc byte[SecretLength];
        Expand("traffic upd", next);
        next.CopyTo(Secret);
        CryptographicOperations.ZeroMemory(next);
        DeriveKeys();
    }

    /// <summary>Seals the content and the type of the next record behind its header.</summary>
    public void Seal(ReadOnlySpan<byte> header, ReadOnlySpan<byte> content, byte type, Span<byte> destination)
    {
        Span<byte> nonce = stackalloc byte[ChaChaPoly.NonceLength];
        NextNonce(nonce);
        ChaChaPoly.Seal(Key, nonce, header, content, [type], destination);
    }

    /// <summary>Opens the next record: all of it but the last byte, and the last byte. False when it is not authentic.</summary>
    public bool TryOpen(ReadOnlySpan<byte> header, ReadOnlySpan<byte> box, Span<byte> content, out byte last)
    {
        Span<byte> nonce = stackalloc byte[ChaChaPoly.NonceLength];
        NextNonce(nonce);
        Span<byte> end = stackalloc byte[1];
        var isAuthentic = ChaChaPoly.TryOpen(Key, nonce, header, box, content, end);
        last = end[0];
        return isAuthentic;
    }

    public void Dispose() => CryptographicOperations.ZeroMemory(_bytes);

    public override string ToString() => "[secret]";

    // nonce = the record's number, 64 bits big-endian, XORed into the end of the IV
    private void NextNonce(Span<byte> nonce)
    {
        Iv.CopyTo(nonce);
        var end = nonce[^sizeof(ulong)..];
        BinaryPrimitives.WriteUInt64BigEndian(end, BinaryPrimitives.ReadUInt64BigEndian(end) ^ _number);
        _number++;
    }

    private void DeriveKeys()
    {
        Expand("key", Key);
        Expand("iv", Iv);
        _number = 0;
    }

    // HkdfLabel = length(2) labelLength(1) "tls13 " label contextLength(1)=0 ; RFC 8446 section 7.1
    private void Expand(string label, Span<byte> output)
    {
        var name = "tls13 " + label;
        Span<byte> info = stackalloc byte[4 + name.Length];
        BinaryPrimitives.WriteUInt16BigEndian(info, (ushort)output.Length);
        info[2] = (byte)name.Length;
        Encoding.ASCII.GetBytes(name, info[3..]);
        info[^1] = 0;
        HKDF.Expand(HashAlgorithmName.SHA256, Secret, output, info);
    }
}
