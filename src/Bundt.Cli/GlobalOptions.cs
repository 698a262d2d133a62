using Bundt.Cli.CommandLine;

namespace Bundt.Cli;

/// <summary>What stands before the command.</summary>
/// <param name="Host">-H, --host.</param>
/// <param name="Root">--root.</param>
/// <param name="Run">--run.</param>
/// <param name="Version">-v, --version.</param>
/// <param name="Help">-h, --help.</param>
internal sealed record GlobalOptions(string? Host, string? Root, string? Run, bool Version, bool Help)
{
    /// <summary>Reads them up to the first word.</summary>
    /// <exception cref="UsageException">One of them is unknown or lacks its value.</exception>
    public static GlobalOptions Read(ReadOnlySpan<string> arguments, out ReadOnlySpan<string> rest)
    {
        var options = new GlobalOptions(null, null, null, false, false);
        int i = 0;
        for (; i < arguments.Length && arguments[i].StartsWith('-'); i++)
        {
            string token = arguments[i];
            int equals = token.StartsWith("--", StringComparison.Ordinal) ? token.IndexOf('=', StringComparison.Ordinal) : -1;
            string name = equals < 0 ? token : token[..equals];
            if (name is "-v" or "--version")
            {
                options = options with { Version = true };
                continue;
            }

            if (name is "-h" or "--help")
            {
                options = options with { Help = true };
                continue;
            }

            bool attached = name.StartsWith("-H", StringComparison.Ordinal) && name.Length > 2;
            string value = equals >= 0 ? token[(equals + 1)..] : attached ? token[2..]
                : name is not ("-H" or "--host" or "--root" or "--run") ? throw new UsageException($"unknown flag: {name}", "")
                : i + 1 < arguments.Length ? arguments[++i] : throw new UsageException($"flag needs an argument: {name}", "");
            options = name switch
            {
                "--root" => options with { Root = value },
                "--run" => options with { Run = value },
                "--host" => options with { Host = value },
                _ when name == "-H" || attached => options with { Host = value },
                _ => throw new UsageException($"unknown flag: {name}", ""),
            };
        }

        rest = arguments[i..];
        return options;
    }
}
