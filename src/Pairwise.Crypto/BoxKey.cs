using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using Pairwise.Wire;

namespace Pairwise.Crypto;

/// <summary>
/// The one box of the reference (XSalsa20 and Poly1305), prepared once for a Diffie-Hellman secret or a symmetric key.
/// </summary>
/// <remarks>
/// The reference's "crypto box" and "secret box" are one construction: the 32-byte secret goes through HSalsa20 with a
/// zero input, and the result is the key of a NaCl secretbox. So its secret box is not libsodium's. Boxes are the
/// 16-byte tag followed by the ciphertext; the tail-tag forms (files, remote control) have the tag at the end.
/// Failed authentication is a result, never an exception. Use is thread-safe; disposal, which wipes the key, is the
/// owner's. Source and destination may be the same memory, offset as the layout asks.
/// </remarks>
public sealed class BoxKey : IDisposable
{
    /// <summary>Size of the symmetric key or secret in bytes.</summary>
    public const int KeyLength = 32;

    /// <summary>Size of the tag in bytes: what a box is longer than its content.</summary>
    public const int TagLength = 16;

    /// <summary>Size of a nonce in bytes.</summary>
    public const int NonceLength = BoxNonce.Length;

    private readonly SecretBytes _key;

    private BoxKey(ReadOnlySpan<byte> secret)
    {
        _key = new SecretBytes(KeyLength);
        SecretBox.Prepare(secret, _key.Span);
    }

    /// <summary>The box between the two owners of an X25519 secret.</summary>
    /// <exception cref="ArgumentException">The secret is not one of X25519.</exception>
    public static BoxKey From(SharedSecret secret)
    {
        ArgumentNullException.ThrowIfNull(secret);
        return FromSymmetric(secret.Bytes);
    }

    /// <summary>The box under a 32-byte key.</summary>
    /// <exception cref="ArgumentException">The key has another length.</exception>
    public static BoxKey FromSymmetric(ReadOnlySpan<byte> key)
    {
        if (key.Length != KeyLength)
            throw new ArgumentException($"A box key has {KeyLength} bytes, not {key.Length}.", nameof(key));
        return new BoxKey(key);
    }

    // box = tag ciphertext ; tag = 16*16(byte)
    /// <summary>Seals <paramref name="plaintext"/> into a destination of its length and the tag's.</summary>
    public void Seal(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> plaintext, Span<byte> destination) =>
        Seal(nonce, plaintext, destination, Salsa20.FastestPath);

    /// <summary>As <see cref="Seal(ReadOnlySpan{byte}, ReadOnlySpan{byte}, Span{byte})"/>, for those who compare paths.</summary>
    internal void Seal(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> plaintext, Span<byte> destination, Salsa20Path path)
    {
        SecretBox.CheckLength(destination.Length, plaintext.Length + TagLength, nameof(destination));
        SecretBox.SealPrepared(_key.Span, nonce, plaintext, destination[TagLength..], destination[..TagLength], path);
    }

    /// <summary>Seals one box under a 32-byte secret of the caller's, without an object that would outlive it.</summary>
    public static void SealOnce(ReadOnlySpan<byte> secret, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> plaintext, Span<byte> destination)
    {
        SecretBox.CheckLength(destination.Length, plaintext.Length + TagLength, nameof(destination));
        SecretBox.Seal(secret, nonce, plaintext, destination[TagLength..], destination[..TagLength], Salsa20.FastestPath);
    }

    /// <summary>Seals <paramref name="plaintext"/> into a new array.</summary>
    public byte[] Seal(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> plaintext)
    {
        var box = new byte[plaintext.Length + TagLength];
        Seal(nonce, plaintext, box);
        return box;
    }

    /// <summary>Opens a box into a destination of exactly its content's length.</summary>
    /// <returns>False, with the destination's content undefined, when the box is not authentic or is shorter than a tag.</returns>
    public bool TryOpen(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> box, Span<byte> destination) =>
        TryOpen(nonce, box, destination, Salsa20.FastestPath);

    /// <summary>As <see cref="TryOpen(ReadOnlySpan{byte}, ReadOnlySpan{byte}, Span{byte})"/>, for those who compare paths.</summary>
    internal bool TryOpen(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> box, Span<byte> destination, Salsa20Path path)
    {
        if (box.Length < TagLength)
            return false;
        SecretBox.CheckLength(destination.Length, box.Length - TagLength, nameof(destination));
        return SecretBox.TryOpenPrepared(_key.Span, nonce, box[TagLength..], box[..TagLength], destination, path);
    }

    /// <summary>Opens a box into a new array.</summary>
    public bool TryOpen(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> box, [NotNullWhen(true)] out byte[]? plaintext)
    {
        plaintext = null;
        if (box.Length < TagLength)
            return false;
        var opened = new byte[box.Length - TagLength];
        if (TryOpen(nonce, box, opened))
            plaintext = opened;
        return plaintext is not null;
    }

    // paddedBox = tag encrypted(padded) ; see Padding
    /// <summary>Pads and seals into <paramref name="destination"/>, whose length is the padded length and the tag's.</summary>
    /// <returns>False, with nothing written, when the message does not fit.</returns>
    public bool TrySealPadded(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> message, Span<byte> destination)
    {
        if (destination.Length < TagLength || !Padding.TryPad(message, destination[TagLength..]))
            return false;
        SecretBox.SealPrepared(_key.Span, nonce, destination[TagLength..], destination[TagLength..], destination[..TagLength], Salsa20.FastestPath);
        return true;
    }

    /// <summary>Pads to <paramref name="paddedLength"/> bytes and seals into a new array, 16 bytes longer.</summary>
    /// <exception cref="ArgumentException">The message does not fit.</exception>
    public byte[] SealPadded(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> message, int paddedLength)
    {
        if (!Padding.Fits(message.Length, paddedLength))
            throw new ArgumentException($"A message of {message.Length} bytes cannot be padded to {paddedLength}.", nameof(message));
        var box = new byte[paddedLength + TagLength];
        TrySealPadded(nonce, message, box);
        return box;
    }

    /// <summary>Opens a box of padded content; the message is a slice of <paramref name="destination"/>, which has
    /// exactly the padded length.</summary>
    public bool TryOpenPadded(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> box, Span<byte> destination, out ReadOnlySpan<byte> message)
    {
        message = default;
        return TryOpen(nonce, box, destination) && Padding.TryUnpad(destination, out message);
    }

    /// <summary>Opens a box of padded content into a new array.</summary>
    public bool TryOpenPadded(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> box, [NotNullWhen(true)] out byte[]? message)
    {
        message = TryOpen(nonce, box, out byte[]? padded) && Padding.TryUnpad(padded, out var unpadded) ? unpadded.ToArray() : null;
        if (padded is not null)
            CryptographicOperations.ZeroMemory(padded);
        return message is not null;
    }

    // tailTagBox = ciphertext tag
    /// <summary>As <see cref="Seal(ReadOnlySpan{byte}, ReadOnlySpan{byte}, Span{byte})"/> with the tag at the end.</summary>
    public void SealTailTag(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> plaintext, Span<byte> destination)
    {
        SecretBox.CheckLength(destination.Length, plaintext.Length + TagLength, nameof(destination));
        SecretBox.SealPrepared(_key.Span, nonce, plaintext, destination[..^TagLength], destination[^TagLength..], Salsa20.FastestPath);
    }

    /// <summary>As <see cref="TryOpen(ReadOnlySpan{byte}, ReadOnlySpan{byte}, Span{byte})"/> with the tag at the end.</summary>
    public bool TryOpenTailTag(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> box, Span<byte> destination)
    {
        if (box.Length < TagLength)
            return false;
        SecretBox.CheckLength(destination.Length, box.Length - TagLength, nameof(destination));
        return SecretBox.TryOpenPrepared(_key.Span, nonce, box[..^TagLength], box[^TagLength..], destination, Salsa20.FastestPath);
    }

    /// <summary>Starts encrypting or decrypting content that arrives in pieces.</summary>
    public BoxStream StartStream(ReadOnlySpan<byte> nonce) => StartStream(nonce, Salsa20.FastestPath);

    /// <summary>As <see cref="StartStream(ReadOnlySpan{byte})"/>, for those who compare paths.</summary>
    internal BoxStream StartStream(ReadOnlySpan<byte> nonce, Salsa20Path path) => new(_key.Span, nonce, path);

    public void Dispose() => _key.Dispose();

    public override string ToString() => "[secret]";
}
