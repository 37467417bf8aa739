using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Pairwise.Load;

/// <summary>The options of a suite as they stand on the command line: "--name value" or "--name=value", repeatable; flags have no value.</summary>
internal sealed class SuiteOptions
{
    private static readonly string[] Flags = ["all", "help"];

    private readonly List<(string Name, string Value)> _options = [];

    private SuiteOptions()
    {
    }

    internal static bool TryParse(ReadOnlySpan<string> arguments, [NotNullWhen(true)] out SuiteOptions? options, [NotNullWhen(false)] out string? fault)
    {
        options = new SuiteOptions();
        fault = null;
        for (var i = 0; i < arguments.Length; i++)
        {
            var argument = arguments[i];
            if (!argument.StartsWith("--", StringComparison.Ordinal) || argument.Length == 2)
            {
                fault = $"'{argument}' is no option; options look like --name value";
            }
            else if (argument.IndexOf('=', StringComparison.Ordinal) is > 0 and var equals)
            {
                options._options.Add((argument[2..equals], argument[(equals + 1)..]));
            }
            else if (Flags.Contains(argument[2..], StringComparer.Ordinal))
            {
                options._options.Add((argument[2..], ""));
            }
            else if (i + 1 < arguments.Length)
            {
                options._options.Add((argument[2..], arguments[++i]));
            }
            else
            {
                fault = $"'{argument}' has no value";
            }

            if (fault is not null)
            {
                options = null;
                return false;
            }
        }

        return true;
    }

    /// <summary>All values of an option, in order.</summary>
    internal IReadOnlyList<string> All(string name) => [.. _options.Where(option => option.Name == name).Select(option => option.Value)];

    /// <summary>Whether a flag was given.</summary>
    internal bool Has(string flag) => _options.Exists(option => option.Name == flag);

    /// <summary>The last value of an option, or of the environment variable, or null.</summary>
    internal string? Text(string name, string? environmentVariable = null)
    {
        var values = All(name);
        if (values.Count > 0)
            return values[^1];
        return environmentVariable is null ? null : Environment.GetEnvironmentVariable(environmentVariable) is { Length: > 0 } text ? text : null;
    }

    /// <summary>A positive number.</summary>
    /// <exception cref="SuiteException">The value is no such number.</exception>
    internal double Number(string name, double otherwise)
    {
        if (Text(name) is not { } text)
            return otherwise;
        return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && number > 0
            ? number
            : throw new SuiteException($"--{name} wants a positive number, not '{text}'");
    }

    /// <summary>A positive whole number.</summary>
    /// <exception cref="SuiteException">The value is no such number.</exception>
    internal int Count(string name, int otherwise) => Text(name) is { } text ? ParseCount(text) : otherwise;

    /// <summary>A positive whole number.</summary>
    /// <exception cref="SuiteException">The text is no such number.</exception>
    internal static int ParseCount(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0
            ? number
            : throw new SuiteException($"'{text}' is not a positive whole number");

    /// <summary>Refuses options that the suite does not know.</summary>
    /// <exception cref="SuiteException">There is one.</exception>
    internal void AllowOnly(params ReadOnlySpan<string> names)
    {
        foreach (var (name, _) in _options)
        {
            if (!names.Contains(name))
                throw new SuiteException($"there is no option --{name} here; there are: {string.Join(", ", names.ToArray().Select(known => "--" + known))}");
        }
    }
}

/// <summary>A suite cannot go on; the message is one sentence for the user.</summary>
internal sealed class SuiteException(string message) : Exception(message);
