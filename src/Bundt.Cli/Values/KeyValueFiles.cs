using Bundt.Cli.CommandLine;

namespace Bundt.Cli.Values;

/// <summary>Environment and labels: as options, and from files with one entry per line.</summary>
internal static class KeyValueFiles
{
    /// <summary>
    /// <c>--env-file</c> entries first, then <c>-e</c>. A bare KEY takes this client's value; where there is none, <c>-e KEY</c> goes on bare (which
    /// removes what the image sets) and the file's line is dropped.
    /// </summary>
    public static List<string> Environment(IEnumerable<string> files, IEnumerable<string> options)
    {
        List<string> result = [];
        foreach (string file in files)
        {
            foreach (string line in Lines(file))
            {
                int equals = line.IndexOf('=', StringComparison.Ordinal);
                string key = equals < 0 ? line : line[..equals];
                if (key.Length == 0)
                {
                    throw new UsageException($"invalid env file ({file}): no variable name on line '{line}'");
                }

                if (key.AsSpan().ContainsAny(" \t"))
                {
                    throw new UsageException($"invalid env file ({file}): variable '{key}' contains whitespaces");
                }

                if (equals >= 0)
                {
                    result.Add(line);
                }
                else if (System.Environment.GetEnvironmentVariable(key) is string value)
                {
                    result.Add(key + "=" + value);
                }
            }
        }

        foreach (string option in options)
        {
            if (option.Length == 0 || option[0] == '=')
            {
                throw new UsageException($"invalid argument \"{option}\" for \"-e, --env\" flag: invalid environment variable: {option}");
            }

            result.Add(option.Contains('=', StringComparison.Ordinal) ? option
                : System.Environment.GetEnvironmentVariable(option) is string value ? option + "=" + value : option);
        }

        return result;
    }

    /// <summary>Labels of files and options as a map; the last of a name counts.</summary>
    public static Dictionary<string, string> Labels(IEnumerable<string> files, IEnumerable<string> options) =>
        Map([.. files.SelectMany(Lines), .. options], "-l, --label");

    /// <summary>"key=value" entries as a map; a bare key has an empty value.</summary>
    public static Dictionary<string, string> Map(IEnumerable<string> entries, string option)
    {
        var map = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (string entry in entries)
        {
            int equals = entry.IndexOf('=', StringComparison.Ordinal);
            if (equals == 0 || entry.Length == 0)
            {
                throw new UsageException($"invalid argument \"{entry}\" for \"{option}\" flag: it must be key=value");
            }

            map[equals < 0 ? entry : entry[..equals]] = equals < 0 ? "" : entry[(equals + 1)..];
        }

        return map;
    }

    private static IEnumerable<string> Lines(string file)
    {
        string[] lines;
        try
        {
            lines = File.ReadAllLines(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"open {file}: {(e is FileNotFoundException or DirectoryNotFoundException ? "no such file or directory" : e is UnauthorizedAccessException ? "permission denied" : "cannot be read")}");
        }

        return lines.Select(static line => line.TrimStart()).Where(static line => line.Length > 0 && line[0] != '#');
    }
}
