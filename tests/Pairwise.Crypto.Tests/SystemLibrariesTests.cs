using Pairwise.Crypto.Interop;

namespace Pairwise.Crypto.Tests;

public sealed class SystemLibrariesTests
{
    [Fact]
    public void Nothing_is_said_where_all_libraries_are_there() => Assert.Null(SystemLibraries.DescribeAbsent());

    [Fact]
    public void Absent_libraries_are_named_with_their_packages() => Assert.Equal(
        "This machine lacks libabsent.so.1, libabsent.so.2: install what has it (on Debian and Ubuntu: apt-get install absent1).",
        SystemLibraries.DescribeAbsent(("libabsent.so.1", "absent1"), ("libabsent.so.2", "absent1")));
}
