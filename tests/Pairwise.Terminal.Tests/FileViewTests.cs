using Pairwise.Chat;
using Pairwise.Chat.Protocol;
using Pairwise.Terminal;
using Pairwise.Terminal.Views;
using Pairwise.TestKit;
using Pairwise.Wire;

namespace Pairwise.Terminal.Tests;

/// <summary>What a person reads about files.</summary>
public sealed class FileViewTests
{
    private static readonly Contact Bob = new(new ContactId(1), "bob", new Profile("bob", ""), ContactState.Connected, true, new VersionRange(1, 16), DateTimeOffset.UnixEpoch);

    private readonly ManualTime _time = new();
    private readonly EventView _view;

    public FileViewTests() => _view = new EventView(Style.For(isTerminal: false), showsTime: false, _time);

    [Fact]
    public void Offer_says_how_large_it_is_and_how_to_get_it() => Assert.Equal(
        ["bob> sends file photo.jpg (1.2 MiB / 1234567 bytes)", "use /fr 7 [<dir>/ | <path>] to receive it"],
        _view.Lines(new ChatEvent.MessageReceived(Bob, Item("file", FileState.ReceiveInvitation))));

    [Fact]
    public void Caption_comes_before_the_offer() => Assert.Equal(
        ["bob> image; at sea", "bob> sends file photo.jpg (1.2 MiB / 1234567 bytes)", "use /fr 7 [<dir>/ | <path>] to receive it"],
        _view.Lines(new ChatEvent.MessageReceived(Bob, Item("image; at sea", FileState.ReceiveInvitation))));

    [Theory]
    [InlineData("", true, "bob> file 7 (photo.jpg) [deleted]")]
    [InlineData("at sea", false, "bob> at sea file 7 (photo.jpg) [edited]")]
    public void Change_says_which_file_it_is_about(string text, bool isDeleted, string expected) => Assert.Equal(
        [expected],
        _view.Lines(new ChatEvent.MessageUpdated(Bob, Item(text, FileState.ReceiveInvitation) with { IsDeleted = isDeleted, IsEdited = !isDeleted })));

    [Fact]
    public void Completion_tells_how_to_read_what_is_encrypted() => Assert.Equal(
        ["completed receiving file 7 (photo.jpg) from bob (encrypted; /fexport 7 PATH writes a readable copy)"],
        _view.Lines(new ChatEvent.FileCompleted(Bob, Item("file", FileState.ReceiveComplete))));

    [Fact]
    public void Progress_is_a_line_for_each_tenth_with_rate_and_time_left()
    {
        var lines = new List<string>();
        for (var percent = 0; percent <= 100; percent++)
        {
            lines.AddRange(_view.Lines(new ChatEvent.FileProgress(Bob, Item("file", FileState.ReceiveTransfer, percent * 1024 * 1024))));
            _time.Advance(TimeSpan.FromSeconds(0.5));
        }

        Assert.Equal(9, lines.Count);
        Assert.Equal("receiving file 7 (photo.jpg): 10% of 1.2 MiB, 2.0 MiB/s, 45 s left", lines[0]);
    }

    [Fact]
    public void Preferences_of_a_contact_are_told_with_what_follows_from_them() => Assert.Equal(
        ["bob updated preferences for you:", "Voice messages: off (you allow: default (yes), contact allows: no)"],
        _view.Lines(new ChatEvent.ContactUpdated(Bob, Bob with { Profile = Bob.Profile with { Preferences = """{"voice":{"allow":"no"}}""" } })));

    [Fact]
    public void Quick_transfer_tells_no_progress()
    {
        for (var percent = 0; percent <= 100; percent++)
            Assert.Empty(_view.Lines(new ChatEvent.FileProgress(Bob, Item("file", FileState.ReceiveTransfer, percent * 1024 * 1024))));
    }

    [Theory]
    [InlineData(FileState.ReceiveInvitation, "receiving file 7 (photo.jpg) not accepted yet, use /fr 7 to receive file")]
    [InlineData(FileState.ReceiveAccepted, "receiving file 7 (photo.jpg) just started")]
    [InlineData(FileState.ReceiveTransfer, "receiving file 7 (photo.jpg) progress 50% of 1.2 MiB, waiting: the relay is away")]
    [InlineData(FileState.SendComplete, "sending file 7 (photo.jpg) complete")]
    [InlineData(FileState.SendError, "sending file 7 (photo.jpg) error: the relay is away")]
    public void Status_is_one_line(FileState state, string expected) =>
        Assert.Equal(expected, FileText.Status(Item("file", state, 50 * 1024 * 1024, "the relay is away").File!));

    [Fact]
    public void Every_state_has_its_words()
    {
        foreach (var state in Enum.GetValues<FileState>())
        {
            Assert.NotEmpty(FileText.Status(Item("file", state).File!));
            Assert.NotEmpty(FileText.InTail(Item("file", state).File!));
        }
    }

    [Theory]
    [InlineData(1023, "1023 bytes")]
    [InlineData(1024, "1.0 KiB")]
    [InlineData(5L << 30, "5.0 GiB")]
    public void Sizes_are_as_people_say_them(long bytes, string expected) => Assert.Equal(expected, FileText.Size(bytes));

    private static ChatItem Item(string text, FileState state, long done = 0, string? error = null) =>
        new(new ChatItemId(1), state <= FileState.SendError ? ItemDirection.Sent : ItemDirection.Received, text, DateTimeOffset.UnixEpoch, ItemStatus.Received, null, false, false)
        {
            File = new ChatFile(new ChatFileId(7), "photo.jpg", 1_234_567, state, "/in/photo.jpg", true, false, error) { Done = done, Total = 100 * 1024 * 1024 },
        };
}
