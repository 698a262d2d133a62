using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using CommandLine;

namespace Bundt.Cli.CommandLine;

/// <summary>CommandLineParser, set up so that it takes the normaliser's spelling literally and prints nothing itself.</summary>
internal static class LibraryParser
{
    /// <summary>Fills an option class by reflection over its attributes.</summary>
    /// <exception cref="UsageException">A value does not fit its option.</exception>
    public static object Parse<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.All)] T>(string[] tokens)
        where T : class
    {
        using Parser parser = QuietParser();
        ParserResult<T> result = parser.ParseArguments<T>(tokens);
        return result.Value ?? throw Explain(result.Errors.First(), tokens);
    }

    // The library asks Console for the window's width, and Console then writes the terminal's start sequence (keypad_xmit): without TERM it knows none.
    private static Parser QuietParser()
    {
        string? terminal = Environment.GetEnvironmentVariable("TERM");
        Environment.SetEnvironmentVariable("TERM", null);
        try
        {
            return NewParser();
        }
        finally
        {
            Environment.SetEnvironmentVariable("TERM", terminal);
        }
    }

    private static Parser NewParser() => new(static settings =>
    {
        settings.HelpWriter = null;
        settings.GetoptMode = true;
        settings.PosixlyCorrect = true;
        settings.AllowMultiInstance = true;
        settings.AutoHelp = false;
        settings.AutoVersion = false;
        settings.ParsingCulture = CultureInfo.InvariantCulture;
    });

    private static UsageException Explain(Error error, string[] tokens)
    {
        if (error is BadFormatConversionError bad)
        {
            string prefix = "--" + bad.NameInfo.LongName + "=";
            string value = tokens.LastOrDefault(t => t.StartsWith(prefix, StringComparison.Ordinal)) ?? prefix;
            return OptionValues.Invalid(bad.NameInfo.LongName, value[prefix.Length..]);
        }

        return error switch
        {
            NamedError named => new UsageException($"invalid use of --{named.NameInfo.LongName} ({error.Tag})"),
            TokenError token => new UsageException($"unknown flag: {token.Token}"),
            _ => new UsageException("invalid command line: " + error.Tag),
        };
    }
}
