using System.Globalization;
using Pairwise.Chat;

namespace Pairwise.Terminal.Views;

/// <summary>
/// Turns the many small steps of a transfer into a few lines with percent, rate and time left: one for each tenth, and
/// one every few seconds when it is slow; none for what is over at once. Owned by the loop that shows events.
/// </summary>
internal sealed class FileMeter(TimeProvider time)
{
    private const int Step = 10;

    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Slow = TimeSpan.FromSeconds(10);

    private readonly Dictionary<ChatFileId, Course> _courses = [];

    /// <summary>The line for a step, or null when it is too early for one.</summary>
    public string? Next(ChatFile file)
    {
        if (file.Total <= 0) return null;
        var now = time.GetTimestamp();
        if (!_courses.TryGetValue(file.Id, out var course)) _courses.Add(file.Id, course = new Course(now, file.Done));
        var percent = (int)(file.Done * 100 / file.Total);
        var elapsed = time.GetElapsedTime(course.Started, now);
        var isDue = percent >= course.ShownPercent + Step || time.GetElapsedTime(course.ShownAt, now) >= Slow;
        if (elapsed < Quiet || !isDue || percent >= 100) return null;

        course.ShownPercent = percent - (percent % Step);
        course.ShownAt = now;
        var rate = (file.Done - course.First) / elapsed.TotalSeconds;
        var left = rate > 0 ? string.Create(CultureInfo.InvariantCulture, $", {Math.Ceiling((file.Total - file.Done) / rate):0} s left") : "";
        var verb = file.State <= FileState.SendError ? "sending" : "receiving";
        return string.Create(CultureInfo.InvariantCulture, $"{verb} {FileText.Of(file)}: {percent}% of {FileText.Size(file.Size)}, {FileText.Size((long)rate)}/s{left}");
    }

    /// <summary>Forgets a transfer that is over.</summary>
    public void Forget(ChatFile file) => _courses.Remove(file.Id);

    private sealed class Course(long started, long first)
    {
        public long Started { get; } = started;

        public long First { get; } = first;

        public long ShownAt { get; set; } = started;

        public int ShownPercent { get; set; }
    }
}
