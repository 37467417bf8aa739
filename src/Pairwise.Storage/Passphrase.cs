using System.Security.Cryptography;
using System.Text;

namespace Pairwise.Storage;

/// <summary>
/// A database passphrase: UTF-8 bytes in pinned memory, zeroed when disposed. The empty one means "not encrypted".
/// Not thread-safe; the owner disposes it once the database is open.
/// </summary>
public sealed class Passphrase : IDisposable
{
    private readonly byte[] _bytes;
    private bool _disposed;

    private Passphrase(int length) => _bytes = GC.AllocateUninitializedArray<byte>(length, pinned: true);

    /// <summary>No encryption.</summary>
    public static Passphrase Empty() => new(0);

    /// <summary>Copies UTF-8 bytes; the caller clears its own copy.</summary>
    public static Passphrase FromUtf8(ReadOnlySpan<byte> utf8)
    {
        var passphrase = new Passphrase(utf8.Length);
        utf8.CopyTo(passphrase._bytes);
        return passphrase;
    }

    /// <summary>Encodes characters as UTF-8; the caller clears its own copy.</summary>
    public static Passphrase FromText(ReadOnlySpan<char> text)
    {
        var passphrase = new Passphrase(Encoding.UTF8.GetByteCount(text));
        Encoding.UTF8.GetBytes(text, passphrase._bytes);
        return passphrase;
    }

    public bool IsEmpty => _bytes.Length == 0;

    /// <summary>Whether another passphrase has the same bytes; constant time for equal lengths.</summary>
    public bool IsSameAs(Passphrase other) => CryptographicOperations.FixedTimeEquals(Span, other.Span);

    internal ReadOnlySpan<byte> Span
    {
        get
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return _bytes;
        }
    }

    public void Dispose()
    {
        CryptographicOperations.ZeroMemory(_bytes);
        _disposed = true;
    }
}
