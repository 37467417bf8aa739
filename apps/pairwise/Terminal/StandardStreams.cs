using Microsoft.Win32.SafeHandles;
using Pairwise.Terminal.Interop;

namespace Pairwise.Terminal;

/// <summary>
/// Standard input and output as plain files. The runtime's own console streams would change the terminal's settings
/// behind the line editor's back.
/// </summary>
internal static class StandardStreams
{
    public static FileStream OpenInput() => new(new SafeFileHandle(0, ownsHandle: false), FileAccess.Read, bufferSize: 0);

    public static Stream OpenOutput() => new DescriptorWriter(1);
}
