using System.Buffers.Binary;

namespace Pairwise.Client.Xftp.Http;

/// <summary>Frame types (RFC 9113, section 6).</summary>
internal enum Http2FrameType : byte
{
    Data = 0,
    Headers = 1,
    Priority = 2,
    Reset = 3,
    Settings = 4,
    PushPromise = 5,
    Ping = 6,
    GoAway = 7,
    WindowUpdate = 8,
    Continuation = 9,
}

/// <summary>Flags of frames; what a bit means depends on the type.</summary>
[Flags]
internal enum Http2Flags : byte
{
    None = 0,

    /// <summary>Data and headers: the last of the stream. Settings and ping: an answer to the peer's (ACK).</summary>
    End = 0x1,

    /// <summary>Headers: no continuation follows.</summary>
    EndHeaders = 0x4,

    /// <summary>Data and headers: the payload begins with the length of the padding at its end.</summary>
    Padded = 0x8,
}

/// <summary>The first nine bytes of a frame.</summary>
internal readonly record struct Http2Frame(int Length, Http2FrameType Type, Http2Flags Flags, int Stream)
{
    public const int HeaderLength = 9;

    // frame = length(3) type(1) flags(1) reserved(1 bit) stream(31 bits) payload ; RFC 9113, section 4.1
    public static Http2Frame Read(ReadOnlySpan<byte> header) => new(
        (header[0] << 16) | (header[1] << 8) | header[2],
        (Http2FrameType)header[3],
        (Http2Flags)header[4],
        (int)(BinaryPrimitives.ReadUInt32BigEndian(header[5..]) & int.MaxValue));

    /// <summary>Writes the header and gives the room behind it.</summary>
    public Span<byte> Write(Span<byte> destination)
    {
        destination[0] = (byte)(Length >> 16);
        destination[1] = (byte)((Length >> 8) & 0xFF);
        destination[2] = (byte)(Length & 0xFF);
        destination[3] = (byte)Type;
        destination[4] = (byte)Flags;
        BinaryPrimitives.WriteInt32BigEndian(destination[5..], Stream);
        return destination[HeaderLength..];
    }
}

/// <summary>What both ends tell each other about themselves (RFC 9113, section 6.5.2).</summary>
internal enum Http2Setting : ushort
{
    HeaderTableSize = 1,
    EnablePush = 2,
    MaxConcurrentStreams = 3,
    InitialWindowSize = 4,
    MaxFrameSize = 5,
}
