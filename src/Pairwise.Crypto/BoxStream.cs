using System.Security.Cryptography;
using Pairwise.Crypto.Interop;

namespace Pairwise.Crypto;

/// <summary>
/// The box construction over content that arrives in pieces of any length (files): the ciphertext is the same as that
/// of one box, the tag comes at the end.
/// </summary>
/// <remarks>
/// One stream encrypts or decrypts one box. When decrypting, what <see cref="Decrypt"/> gives is not authentic until
/// <see cref="TryFinish"/> has said so. Not thread-safe.
/// </remarks>
public sealed class BoxStream : IDisposable
{
    // The first 32 bytes of the key stream are the Poly1305 key, the content starts behind them. What a piece does not
    // use of sixteen blocks is kept for the next one.
    private const int Poly1305KeyLength = 32;
    private const int KeptLength = 16 * Salsa20.BlockLength;

    // Content of such length is in the processor's caches still when it is read for the second time.
    private const int CachedLength = 8 * KeptLength;

    private readonly SecretBytes _state = new(BoxKey.KeyLength + KeptLength);
    private readonly Poly1305 _authenticator = new();
    private readonly byte[] _streamNonce = new byte[Salsa20.NonceLength];
    private readonly Salsa20Path _path;
    private ulong _position = Poly1305KeyLength;
    private bool _isFinished;

    internal BoxStream(ReadOnlySpan<byte> prepared, ReadOnlySpan<byte> nonce, Salsa20Path path)
    {
        BoxNonce.Check(nonce);
        _path = path;
        SecretBox.HSalsa20(prepared, nonce[..16], StreamKey);
        nonce[16..].CopyTo(_streamNonce);
        FillKept();
        _authenticator.Start(Kept[..Poly1305KeyLength]);
    }

    private Span<byte> StreamKey => _state.Span[..BoxKey.KeyLength];

    private Span<byte> Kept => _state.Span.Slice(BoxKey.KeyLength, KeptLength);

    /// <summary>Encrypts the next piece; the destination has its length and may be the same memory.</summary>
    public void Encrypt(ReadOnlySpan<byte> plaintext, Span<byte> ciphertext)
    {
        SecretBox.CheckLength(ciphertext.Length, plaintext.Length, nameof(ciphertext));
        ThrowIfFinished();
        while (!plaintext.IsEmpty)
        {
            var count = Math.Min(plaintext.Length, CachedLength);
            Xor(plaintext[..count], ciphertext[..count]);
            _authenticator.Add(ciphertext[..count]);
            plaintext = plaintext[count..];
            ciphertext = ciphertext[count..];
        }
    }

    /// <summary>Decrypts the next piece; the destination has its length and may be the same memory.</summary>
    public void Decrypt(ReadOnlySpan<byte> ciphertext, Span<byte> plaintext)
    {
        SecretBox.CheckLength(plaintext.Length, ciphertext.Length, nameof(plaintext));
        ThrowIfFinished();
        while (!ciphertext.IsEmpty)
        {
            var count = Math.Min(ciphertext.Length, CachedLength);
            _authenticator.Add(ciphertext[..count]);
            Xor(ciphertext[..count], plaintext[..count]);
            ciphertext = ciphertext[count..];
            plaintext = plaintext[count..];
        }
    }

    /// <summary>Ends an encryption and writes the 16-byte tag.</summary>
    public void Finish(Span<byte> tag)
    {
        SecretBox.CheckLength(tag.Length, BoxKey.TagLength, nameof(tag));
        ThrowIfFinished();
        _isFinished = true;
        _authenticator.Finish(tag);
    }

    /// <summary>Ends a decryption: whether all that was decrypted is authentic. Compares in constant time.</summary>
    public bool TryFinish(ReadOnlySpan<byte> tag)
    {
        Span<byte> expected = stackalloc byte[BoxKey.TagLength];
        Finish(expected);
        return CryptographicOperations.FixedTimeEquals(expected, tag);
    }

    public void Dispose()
    {
        _authenticator.Dispose();
        _state.Dispose();
    }

    /// <summary>XORs with the key stream from the position on.</summary>
    private void Xor(ReadOnlySpan<byte> source, Span<byte> destination)
    {
        while (!source.IsEmpty)
        {
            var offset = (int)(_position % KeptLength);
            int count;
            if (offset == 0 && source.Length >= KeptLength)
            {
                count = source.Length - (source.Length % KeptLength);
                XorFrom(_position, source[..count], destination[..count]);
            }
            else
            {
                if (offset == 0)
                    FillKept();
                count = Math.Min(KeptLength - offset, source.Length);
                Salsa20.XorStream(source[..count], Kept.Slice(offset, count), destination[..count]);
            }

            _position += (ulong)count;
            source = source[count..];
            destination = destination[count..];
        }
    }

    /// <summary>Loads the key stream of the sixteen blocks that begin at the position or, at the start, before it.</summary>
    private void FillKept()
    {
        Kept.Clear();
        XorFrom(_position / KeptLength * KeptLength, Kept, Kept);
    }

    private void XorFrom(ulong position, ReadOnlySpan<byte> source, Span<byte> destination) =>
        Salsa20.Xor(_path, StreamKey, _streamNonce, position / Salsa20.BlockLength, source, destination);

    private void ThrowIfFinished()
    {
        if (_isFinished)
            throw new InvalidOperationException("The stream is finished.");
    }
}
