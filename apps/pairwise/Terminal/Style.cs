namespace Pairwise.Terminal;

/// <summary>Colours that yield: without a terminal, or with <c>NO_COLOR</c> set, every style is the plain text.</summary>
internal sealed class Style(bool isColoured)
{
    /// <summary>The style for a destination, by its kind and the environment (https://no-color.org).</summary>
    public static Style For(bool isTerminal) =>
        new(isTerminal && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR")) && Environment.GetEnvironmentVariable("TERM") != "dumb");

    public string Name(string text) => Wrap("36", text);

    public string Own(string text) => Wrap("32", text);

    public string Faint(string text) => Wrap("90", text);

    public string Strong(string text) => Wrap("1", text);

    public string Error(string text) => Wrap("31", text);

    public string Notice(string text) => Wrap("33", text);

    private string Wrap(string code, string text) => isColoured && text.Length > 0 ? $"\e[{code}m{text}\e[0m" : text;
}
