using Pairwise.Server.Interop;

namespace Pairwise.Server.Tests;

public sealed class RuntimeOptionsTests
{
    [Theory]
    [InlineData("start", "start")]
    [InlineData("start +RTS -N -RTS", "start")]
    [InlineData("start +RTS -N -A16m", "start")]
    [InlineData("+RTS -N -RTS start --skip-warnings", "start --skip-warnings")]
    [InlineData("start +RTS -N -RTS --log-level +RTS -s -RTS debug", "start --log-level debug")]
    [InlineData("start --RTS +RTS -N", "start +RTS -N")]
    [InlineData("start -- +RTS -N", "start -- +RTS -N")]
    [InlineData("start -RTS", "start")]
    [InlineData("start -N", "start -N")]
    public void Options_for_the_runtime_of_the_official_programs_are_left_out(string line, string expected) =>
        Assert.Equal(expected.Split(' '), RuntimeOptions.LeaveOut(line.Split(' ')));
}
