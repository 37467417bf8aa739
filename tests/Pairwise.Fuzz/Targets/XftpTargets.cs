using System.Text;
using Pairwise.Protocol.Smp;
using Pairwise.Protocol.Xftp;
using Pairwise.Wire;

namespace Pairwise.Fuzz;

/// <summary>The file protocol and what its users exchange.</summary>
internal static class XftpTargets
{
    public static IReadOnlyList<FuzzTarget> All { get; } =
    [
        new("xftp command and response", [typeof(XftpCodec), typeof(XftpErrorCodec)], () => Corpus.Bytes("xftp.json", "encoded", "input"), input =>
            FuzzTarget.Stable(XftpCodec.TryDecode(input, out XftpCommand? command, out _), command, XftpCodec.Encode, bytes => XftpCodec.TryDecode(bytes, out XftpCommand? again, out _) ? again : null)
            | XftpCodec.TryDecode(input, out XftpResponse? _, out _)
            | XftpErrorCodec.TryDecode(input, out _)),
        new("xftp block", [typeof(XftpTransmission)], () => Corpus.Bytes("xftp.json"), Block) { Cost = 2 },
        new("xftp hello", [typeof(XftpClientHello), typeof(XftpServerHandshake), typeof(XftpClientHandshake)], () => Corpus.Bytes("xftp.json"), input =>
            XftpClientHello.TryDecode(input, out _) | XftpServerHandshake.TryDecode(input, out _) | XftpClientHandshake.TryDecode(input, out _))
        { MayRefuseEverySeed = true },
        new("xftp file header", [typeof(FileHeader)], () => Corpus.Bytes("xftp.json"), input => FileHeader.TryRead(input, out _, out _)),
        new("xftp file description", [typeof(FileDescriptionCodec)], () => Corpus.Texts("xftp.json"), input => FileDescriptionCodec.TryDecode(input, out _)) { Cost = 2 },
        new("xftp link", [typeof(FileLink), typeof(FileWebLink), typeof(FileSize)], () => Corpus.Texts("xftp.json"), input =>
        {
            var text = Encoding.UTF8.GetString(input);
            return FileLink.TryParse(text, out _) | FileWebLink.TryParse(text, out _) | FileWebLink.TryDecodeFragment(text, out _) | FileSize.TryParse(input, out _);
        })
        { Cost = 2 },
    ];

    private static bool Block(byte[] input)
    {
        var format = new TransmissionFormat(SmpVersions.Current, new byte[32]);
        var block = Padding.Fits(input.Length, XftpLimits.BlockSize) ? Padding.Pad(input, XftpLimits.BlockSize) : input;
        if (!XftpTransmission.TryOpen(block, format, out var transmission))
        {
            return false;
        }

        transmission.TryDecodeCommand(out XftpCommand? _, out _);
        transmission.TryDecodeResponse(out _, out _);
        return true;
    }
}
