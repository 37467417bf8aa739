using Pairwise.Chat.Commands;

namespace Pairwise.Chat.Tests.Commands;

public sealed class FileCommandParserTests
{
    private const string Arguments = "key=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= nonce=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    public static TheoryData<string, string> Commands => new()
    {
        { "/file @bob photo.jpg", "SendFile { Name = bob, File = photo.jpg }" },
        { "/f @'alice smith' /a path/with spaces.bin", "SendFile { Name = alice smith, File = /a path/with spaces.bin }" },
        { "/image @bob a.png", "SendImage { Name = bob, File = a.png }" },
        { "/img @bob a.png", "SendImage { Name = bob, File = a.png }" },
        { "/voice @bob 7 v.m4a", "SendVoice { Name = bob, Seconds = 7, File = v.m4a }" },
        { "/video @bob 65 f.mp4 p.jpg", "SendVideo { Name = bob, Seconds = 65, Paths = f.mp4 p.jpg }" },
        { "/freceive 1", "ReceiveFile { File = 1, IsApproved = False, IsEncrypted = , IsInlineWanted = False, Path =  }" },
        { "/fr 12 in/", "ReceiveFile { File = 12, IsApproved = False, IsEncrypted = , IsInlineWanted = False, Path = in/ }" },
        { "/fr 1 approved_relays=on encrypt=off inline=on a b", "ReceiveFile { File = 1, IsApproved = True, IsEncrypted = False, IsInlineWanted = True, Path = a b }" },
        { "/fr 1 encrypt=on", "ReceiveFile { File = 1, IsApproved = False, IsEncrypted = True, IsInlineWanted = False, Path =  }" },
        { "/f bob photo.jpg", "SendFile { Name = bob, File = photo.jpg }" },
        { "/ff bob 3", "ForwardFile { Name = bob, File = 3, IsImage = False }" },
        { $"/f @bob {Arguments} a b", "SendFile { Name = bob, File = [secret] a b }" },
        { $"/f @bob  {Arguments.Replace(" ", "  ", StringComparison.Ordinal)}/a b", "SendFile { Name = bob, File = [secret] /a b }" },
        { $"/_upload 1 {Arguments} a", "UploadStandalone { User = 1, File = [secret] a }" },
        { $"/_download 1 simplex:/file#x {Arguments} a", "DownloadStandalone { User = 1, Link = simplex:/file#x, File = [secret] a }" },
        { "/f @bob key=AAAA nonce=BBBB", "SendFile { Name = bob, File = key=AAAA nonce=BBBB }" },
        { $"/f @bob {Arguments[..^1]}", $"SendFile {{ Name = bob, File = {Arguments[..^1]} }}" },
        { "/_set_file_to_receive 1", "ReceiveFileLater { File = 1, IsApproved = False, IsEncrypted =  }" },
        { "/_set_file_to_receive 1 approved_relays=on encrypt=off", "ReceiveFileLater { File = 1, IsApproved = True, IsEncrypted = False }" },
        { "/fcancel 3", "CancelFile { File = 3 }" },
        { "/fc 3", "CancelFile { File = 3 }" },
        { "/fstatus 3", "ShowFile { File = 3 }" },
        { "/fs 3", "ShowFile { File = 3 }" },
        { "/ff @bob 3", "ForwardFile { Name = bob, File = 3, IsImage = False }" },
        { "/imgf @bob 3", "ForwardFile { Name = bob, File = 3, IsImage = True }" },
        { "/fd @bob rcv1.xftp", "SendFileDescription { Name = bob, Path = rcv1.xftp }" },
        { "/fexport 3 copy.jpg", "ExportFile { File = 3, Path = copy.jpg }" },
        { "/xftp", "ShowFileServers { }" },
        { "/xftp test xftp://x@y", "TestServer { Address = xftp://x@y }" },
        { "/smp test smp://x@y", "TestServer { Address = smp://x@y }" },
        { "/get servers summary 1", "CountFileServers { User = 1 }" },
        { "/reset servers stats", "ResetFileServers { }" },
        { "/_upload 1 a b.bin", "UploadStandalone { User = 1, File = a b.bin }" },
        { "/_download 1 simplex:/file#x a b.bin", "DownloadStandalone { User = 1, Link = simplex:/file#x, File = a b.bin }" },
        { "/_download info simplex:/file#x", "ShowFileLink { Link = simplex:/file#x }" },
        { "/_files_folder /a b", "SetFilesFolder { Folder = /a b }" },
        { "/_files_encrypt off", "SetFilesEncryption { IsOn = False }" },
        { "/help files", "ShowFileHelp { }" },
        { "/hf", "ShowFileHelp { }" },
    };

    [Theory]
    [MemberData(nameof(Commands))]
    public void Commands_are_read(string text, string expected)
    {
        Assert.True(ChatCommandParser.TryParse(text, out var command, out _));
        Assert.Equal(expected, command.ToString()!.Replace("ChatFileId { Value = ", "", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("/file")]
    [InlineData("/file bob")]
    [InlineData("/_set_file_to_receive")]
    [InlineData("/_set_file_to_receive 1 in/")]
    [InlineData("/f @bob")]
    [InlineData("/voice @bob long v.m4a")]
    [InlineData("/voice @bob 7")]
    [InlineData("/fr")]
    [InlineData("/fr one")]
    [InlineData("/fr -1")]
    [InlineData("/fr 99999999999999999999")]
    [InlineData("/fr 1 encrypt=maybe")]
    [InlineData("/fc 1 2")]
    [InlineData("/fs")]
    [InlineData("/ff @bob")]
    [InlineData("/fexport 1")]
    [InlineData("/_files_encrypt")]
    [InlineData("/_send 1 json {}")]
    [InlineData("/_send @1 yaml x")]
    public void Mistakes_are_answered_with_the_right_form(string text)
    {
        Assert.False(ChatCommandParser.TryParse(text, out _, out var fault));
        Assert.NotEmpty(fault);
    }

    [Fact]
    public void Every_command_of_the_help_is_known()
    {
        foreach (var entry in FileCommandParser.Help.Where(entry => entry.Syntax.StartsWith('/')))
            Assert.NotNull(FileCommandParser.Parse(entry.Syntax.Split(' ')[0], ""));
    }
}
