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
    // One Salsa20 block. The first 32 bytes of block 0 are the Poly1305 key, the content starts behind them.
    private const int BlockLength = 64;
    private const int Poly1305KeyLength = 32;

    private readonly SecretBytes _state = new(BoxKey.KeyLength + BlockLength);
    private readonly Poly1305 _authenticator = new();
    private readonly byte[] _streamNonce = new byte[8];
    private ulong _position = Poly1305KeyLength;
    private bool _isFinished;

    internal BoxStream(ReadOnlySpan<byte> prepared, ReadOnlySpan<byte> nonce)
    {
        BoxNonce.Check(nonce);
        SecretBox.HSalsa20(prepared, nonce[..16], StreamKey);
        nonce[16..].CopyTo(_streamNonce);
        FillBlock();
        _authenticator.Start(Block[..Poly1305KeyLength]);
    }

    private Span<byte> StreamKey => _state.Span[..BoxKey.KeyLength];

    private Span<byte> Block => _state.Span.Slice(BoxKey.KeyLength, BlockLength);

    /// <summary>Encrypts the next piece; the destination has its length and may be the same memory.</summary>
    public void Encrypt(ReadOnlySpan<byte> plaintext, Span<byte> ciphertext)
    {
        SecretBox.CheckLength(ciphertext.Length, plaintext.Length, nameof(ciphertext));
        ThrowIfFinished();
        Apply(plaintext, ciphertext);
        Authenticate(ciphertext);
    }

    /// <summary>Decrypts the next piece; the destination has its length and may be the same memory.</summary>
    public void Decrypt(ReadOnlySpan<byte> ciphertext, Span<byte> plaintext)
    {
        SecretBox.CheckLength(plaintext.Length, ciphertext.Length, nameof(plaintext));
        ThrowIfFinished();
        Authenticate(ciphertext);
        Apply(ciphertext, plaintext);
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

    private void Authenticate(ReadOnlySpan<byte> ciphertext) => _authenticator.Add(ciphertext);

    private void Apply(ReadOnlySpan<byte> source, Span<byte> destination)
    {
        while (!source.IsEmpty)
        {
            var offset = (int)(_position % BlockLength);
            int count;
            if (offset == 0 && source.Length >= BlockLength)
            {
                count = source.Length - (source.Length % BlockLength);
                Xor(source[..count], destination[..count], _position / BlockLength);
            }
            else
            {
                if (offset == 0)
                    FillBlock();
                count = Math.Min(BlockLength - offset, source.Length);
                for (var i = 0; i < count; i++)
                    destination[i] = (byte)(source[i] ^ Block[offset + i]);
            }

            _position += (ulong)count;
            source = source[count..];
            destination = destination[count..];
        }
    }

    /// <summary>Loads the key stream of the block that holds the position.</summary>
    private void FillBlock()
    {
        Block.Clear();
        Xor(Block, Block, _position / BlockLength);
    }

    private void Xor(ReadOnlySpan<byte> source, Span<byte> destination, ulong block) =>
        SecretBox.Xor(StreamKey, _streamNonce, block, source, destination);

    private void ThrowIfFinished()
    {
        if (_isFinished)
            throw new InvalidOperationException("The stream is finished.");
    }
}
