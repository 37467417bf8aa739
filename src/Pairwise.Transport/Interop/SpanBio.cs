using System.Buffers;
using System.Runtime.InteropServices;

namespace Pairwise.Transport.Interop;

/// <summary>
/// The bytes that one call into OpenSSL may read and the bytes it wrote. One object per thread is enough, because each
/// call into OpenSSL is synchronous: so a TLS connection owns no buffer of its own.
/// </summary>
internal sealed unsafe class SpanBio
{
    /// <summary>Room for one full TLS record.</summary>
    private const int FirstOutput = 17 * 1024;

    private const int FlagsRead = 0x01;
    private const int FlagsWrite = 0x02;
    private const int FlagsShouldRetry = 0x08;
    private const int ControlFlush = 11;

    private static readonly nint Method = CreateMethod();

    [ThreadStatic]
    private static SpanBio? _current;

    private byte* _input;
    private int _inputLength;
    private int _inputConsumed;
    private bool _inputEnded;
    private byte[]? _output;
    private int _outputLength;

    private SpanBio()
    {
    }

    /// <summary>A new BIO whose reads and writes go to the <see cref="SpanBio"/> that is in use on the calling thread.</summary>
    public static nint CreateHandle()
    {
        var bio = LibSsl.BIO_new(Method);
        if (bio == 0)
            throw OpenSslErrors.Take("OpenSSL could not make a BIO.");
        LibSsl.BIO_set_init(bio, 1);
        return bio;
    }

    /// <summary>Hands <paramref name="length"/> bytes at <paramref name="input"/> to the OpenSSL call that follows on this thread.</summary>
    public static SpanBio Begin(byte* input, int length, bool ended)
    {
        var bio = _current ??= new SpanBio();
        bio._input = input;
        bio._inputLength = length;
        bio._inputConsumed = 0;
        bio._inputEnded = ended;
        return bio;
    }

    /// <summary>How much of the input was taken; the written bytes, in an array to give back to the shared pool, if any.</summary>
    public int End(out byte[]? output, out int outputLength)
    {
        output = _output;
        outputLength = _outputLength;
        _output = null;
        _outputLength = 0;
        _input = null;
        _inputLength = 0;
        return _inputConsumed;
    }

    [UnmanagedCallersOnly]
    private static int Read(nint bio, byte* buffer, int length)
    {
        LibSsl.BIO_clear_flags(bio, FlagsRead | FlagsWrite | FlagsShouldRetry);
        var current = _current;
        if (current is null || buffer is null || length <= 0)
            return -1;
        var available = current._inputLength - current._inputConsumed;
        if (available == 0)
        {
            if (current._inputEnded)
                return 0;
            LibSsl.BIO_set_flags(bio, FlagsRead | FlagsShouldRetry);
            return -1;
        }

        var count = Math.Min(available, length);
        new ReadOnlySpan<byte>(current._input + current._inputConsumed, count).CopyTo(new Span<byte>(buffer, count));
        current._inputConsumed += count;
        return count;
    }

    [UnmanagedCallersOnly]
    private static int Write(nint bio, byte* buffer, int length)
    {
        LibSsl.BIO_clear_flags(bio, FlagsRead | FlagsWrite | FlagsShouldRetry);
        var current = _current;
        if (current is null || buffer is null || length < 0)
            return -1;
        current.Append(new ReadOnlySpan<byte>(buffer, length));
        return length;
    }

    [UnmanagedCallersOnly]
    private static nint Control(nint bio, int command, nint number, nint pointer) => command == ControlFlush ? 1 : 0;

    private void Append(ReadOnlySpan<byte> bytes)
    {
        var needed = _outputLength + bytes.Length;
        if (_output is null)
        {
            _output = ArrayPool<byte>.Shared.Rent(Math.Max(bytes.Length, FirstOutput));
        }
        else if (_output.Length < needed)
        {
            var larger = ArrayPool<byte>.Shared.Rent(needed);
            _output.AsSpan(0, _outputLength).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_output);
            _output = larger;
        }

        bytes.CopyTo(_output.AsSpan(_outputLength));
        _outputLength = needed;
    }

    private static nint CreateMethod()
    {
        const int SourceSink = 0x0400;
        var method = LibSsl.BIO_meth_new(LibSsl.BIO_get_new_index() | SourceSink, "pairwise");
        if (method == 0
            || LibSsl.BIO_meth_set_read(method, &Read) != 1
            || LibSsl.BIO_meth_set_write(method, &Write) != 1
            || LibSsl.BIO_meth_set_ctrl(method, &Control) != 1)
        {
            throw OpenSslErrors.Take("OpenSSL could not make a BIO method.");
        }

        return method;
    }
}
