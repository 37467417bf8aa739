using System.Runtime;
using System.Security.Cryptography;

namespace Pairwise.Crypto;

/// <summary>
/// A secret in memory that the collector does not move or copy, wiped when disposed and, failing that, when collected.
/// </summary>
/// <remarks>
/// A span holds the memory, not this object: a key may be at work when nothing leads to its owner any more. So it is not
/// this object's end that wipes, but that of the memory.
/// </remarks>
internal sealed class SecretBytes : IDisposable
{
    private readonly byte[] _bytes;
    private bool _isDisposed;

    internal SecretBytes(int length) => _bytes = GC.AllocateArray<byte>(length, pinned: true);

    ~SecretBytes() => Wiper.Attach(_bytes);

    internal int Length => _bytes.Length;

    internal Span<byte> Span
    {
        get
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            return _bytes;
        }
    }

    internal static SecretBytes CopyOf(ReadOnlySpan<byte> source)
    {
        var secret = new SecretBytes(source.Length);
        source.CopyTo(secret._bytes);
        return secret;
    }

    public void Dispose()
    {
        _isDisposed = true;
        CryptographicOperations.ZeroMemory(_bytes);
        GC.SuppressFinalize(this);
    }

    public override string ToString() => "[secret]";

    // Nothing but the memory leads to it, so that its end is the memory's.
    private sealed class Wiper
    {
        private readonly byte[] _bytes;
        private DependentHandle _link;

        private Wiper(byte[] bytes)
        {
            _bytes = bytes;
            _link = new DependentHandle(bytes, this);
        }

        ~Wiper()
        {
            CryptographicOperations.ZeroMemory(_bytes);
            _link.Dispose();
        }

        internal static void Attach(byte[] bytes) => _ = new Wiper(bytes);
    }
}
