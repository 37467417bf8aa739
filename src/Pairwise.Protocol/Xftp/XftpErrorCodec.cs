using System.Buffers;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using Pairwise.Protocol.Smp;
using Pairwise.Wire;

namespace Pairwise.Protocol.Xftp;

/// <summary>The wire form of <see cref="XftpError"/>, which is its text form too. Decoding never throws.</summary>
public static class XftpErrorCodec
{
    /// <summary>The error as a peer of this version can know it.</summary>
    public static XftpError Downgrade(XftpVersion version, XftpError error) =>
        error is XftpError.Blocked && version < XftpVersions.BlockedFiles ? XftpError.Auth.Instance : error;

    // error = "BLOCK" / "SESSION" / "HANDSHAKE" / "CMD" SP commandError / "AUTH" / "BLOCKED" SP blockingInfo / "SIZE" / "QUOTA"
    //       / "DIGEST" / "CRYPTO" / "NO_FILE" / "HAS_FILE" / "FILE_IO" / "TIMEOUT" / "INTERNAL" / "DUPLICATE_"
    /// <summary>Encodes an error, without the version's downgrade.</summary>
    public static byte[] Encode(XftpError error)
    {
        var output = new ArrayBufferWriter<byte>();
        switch (error)
        {
            case XftpError.Command command:
                output.Write("CMD "u8);
                output.Write(SmpErrorCodec.TagOf(command.Reason));
                break;
            case XftpError.Blocked blocked:
                output.Write("BLOCKED "u8);
                SmpErrorCodec.WriteBlockingInfo(blocked.Reason, blocked.Notice, output);
                break;
            default:
                output.Write(TagOf(error));
                break;
        }

        return output.WrittenSpan.ToArray();
    }

    /// <summary>Decodes the bytes of one error; all of them must be used.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out XftpError? error)
    {
        var reader = new WireReader(bytes);
        return TryRead(ref reader, out error) && reader.IsAtEnd;
    }

    internal static bool TryRead(ref WireReader reader, [NotNullWhen(true)] out XftpError? error)
    {
        reader.TryReadWord(out var tag);
        error = FindPlain(tag);
        if (error is not null)
        {
            return true;
        }

        if (tag.SequenceEqual("CMD"u8))
        {
            if (reader.TryReadSpace() && SmpErrorCodec.TryReadCommandError(ref reader, out var command))
            {
                error = new XftpError.Command(((SmpError.Command)command).Reason);
            }
        }
        else if (tag.SequenceEqual("BLOCKED"u8))
        {
            if (reader.TryReadSpace() && SmpErrorCodec.TryReadBlockingInfo(ref reader, out var info))
            {
                var blocked = (SmpError.Blocked)info;
                error = new XftpError.Blocked(blocked.Reason, blocked.Notice);
            }
        }

        return error is not null;
    }

    private static XftpError? FindPlain(ReadOnlySpan<byte> tag) => tag switch
    {
        _ when tag.SequenceEqual("BLOCK"u8) => XftpError.Block.Instance,
        _ when tag.SequenceEqual("SESSION"u8) => XftpError.Session.Instance,
        _ when tag.SequenceEqual("HANDSHAKE"u8) => XftpError.Handshake.Instance,
        _ when tag.SequenceEqual("AUTH"u8) => XftpError.Auth.Instance,
        _ when tag.SequenceEqual("SIZE"u8) => XftpError.Size.Instance,
        _ when tag.SequenceEqual("QUOTA"u8) => XftpError.Quota.Instance,
        _ when tag.SequenceEqual("DIGEST"u8) => XftpError.Digest.Instance,
        _ when tag.SequenceEqual("CRYPTO"u8) => XftpError.Crypto.Instance,
        _ when tag.SequenceEqual("NO_FILE"u8) => XftpError.NoFile.Instance,
        _ when tag.SequenceEqual("HAS_FILE"u8) => XftpError.HasFile.Instance,
        _ when tag.SequenceEqual("FILE_IO"u8) => XftpError.FileIO.Instance,
        _ when tag.SequenceEqual("TIMEOUT"u8) => XftpError.Timeout.Instance,
        _ when tag.SequenceEqual("INTERNAL"u8) => XftpError.Internal.Instance,
        _ when tag.SequenceEqual("DUPLICATE_"u8) => XftpError.Duplicate.Instance,
        _ => null,
    };

    private static ReadOnlySpan<byte> TagOf(XftpError error) => error switch
    {
        XftpError.Block => "BLOCK"u8,
        XftpError.Session => "SESSION"u8,
        XftpError.Handshake => "HANDSHAKE"u8,
        XftpError.Auth => "AUTH"u8,
        XftpError.Size => "SIZE"u8,
        XftpError.Quota => "QUOTA"u8,
        XftpError.Digest => "DIGEST"u8,
        XftpError.Crypto => "CRYPTO"u8,
        XftpError.NoFile => "NO_FILE"u8,
        XftpError.HasFile => "HAS_FILE"u8,
        XftpError.FileIO => "FILE_IO"u8,
        XftpError.Timeout => "TIMEOUT"u8,
        XftpError.Internal => "INTERNAL"u8,
        XftpError.Duplicate => "DUPLICATE_"u8,
        _ => throw new UnreachableException(),
    };
}
