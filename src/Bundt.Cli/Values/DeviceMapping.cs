using Bundt.Cli.CommandLine;

namespace Bundt.Cli.Values;

/// <summary>A <c>--device host[:container][:permissions]</c>.</summary>
internal readonly record struct DeviceMapping(string OnHost, string InContainer, string Permissions)
{
    /// <summary>Reads one.</summary>
    /// <exception cref="UsageException">It is none; in docker's words.</exception>
    public static DeviceMapping Parse(string text)
    {
        string[] parts = text.Split(':');
        if (parts.Length > 3 || parts[0].Length == 0)
        {
            throw new UsageException($"invalid device specification: {text}");
        }

        string inside = parts[0];
        string permissions = "rwm";
        if (parts.Length == 2 && IsMode(parts[1]))
        {
            permissions = parts[1];
        }
        else if (parts.Length >= 2)
        {
            inside = parts[1];
        }

        if (parts.Length == 3)
        {
            permissions = parts[2];
            if (!IsMode(permissions))
            {
                throw new UsageException($"invalid device specification: {text}: bad mode specified: {permissions}");
            }
        }

        foreach (string path in (ReadOnlySpan<string>)[parts[0], inside])
        {
            if (!path.StartsWith('/'))
            {
                throw new UsageException($"invalid argument \"{text}\" for \"--device\" flag: {path} is not an absolute path");
            }
        }

        return new DeviceMapping(parts[0], inside, permissions);
    }

    private static bool IsMode(string text) => text.Length is > 0 and <= 3 && text.AsSpan().IndexOfAnyExcept("rwm") < 0 && text.Distinct().Count() == text.Length;
}
