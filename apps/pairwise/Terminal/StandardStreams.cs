using Microsoft.Win32.SafeHandles;

namespace Pairwise.Terminal;

/// <summary>
/// Standard input and output as plain files. The runtime's own console streams would change the terminal's settings
/// behind the line editor's back.
/// </summary>
internal static class StandardStreams
{
    public static FileStream OpenInput() => Open(0, FileAccess.Read);

    public static FileStream OpenOutput() => Open(1, FileAccess.Write);

    private static FileStream Open(int descriptor, FileAccess access) =>
        new(new SafeFileHandle(descriptor, ownsHandle: false), access, bufferSize: 0);
}
