using Pairwise.Crypto;

namespace Pairwise.Agent.Files;

/// <summary>
/// A file on its way, in either direction: 12 random bytes, known on this device only, in text base64url. Whoever asks
/// for a transfer makes the id, so that it can be stored before the transfer begins.
/// </summary>
public readonly record struct FileTransferId
{
    private readonly string? _text;

    private FileTransferId(string text) => _text = text;

    /// <summary>A fresh random id.</summary>
    public static FileTransferId Generate(IRandomSource random) => new(LocalId.Generate(random));

    /// <summary>Reads the text form; false for anything that is not 12 bytes of base64url.</summary>
    public static bool TryParse(string? text, out FileTransferId id)
    {
        var isValid = LocalId.TryParse(text, out var valid);
        id = isValid ? new FileTransferId(valid) : default;
        return isValid;
    }

    internal static FileTransferId FromStore(string text) => new(text);

    public override string ToString() => _text ?? string.Empty;
}
