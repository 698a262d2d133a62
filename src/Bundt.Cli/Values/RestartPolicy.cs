using System.Globalization;
using Bundt.Cli.CommandLine;

namespace Bundt.Cli.Values;

/// <summary>A <c>--restart no|always|unless-stopped|on-failure[:max]</c>.</summary>
internal readonly record struct RestartPolicy(string Name, int MaximumRetryCount)
{
    /// <summary>Reads one; null is "no".</summary>
    /// <exception cref="UsageException">It is none.</exception>
    public static RestartPolicy Parse(string? text)
    {
        if (string.IsNullOrEmpty(text))
        {
            return new RestartPolicy("no", 0);
        }

        int colon = text.IndexOf(':', StringComparison.Ordinal);
        string name = colon < 0 ? text : text[..colon];
        int count = 0;
        if (name.Length == 0)
        {
            throw new UsageException("invalid restart policy format: no policy provided before colon");
        }

        if (colon >= 0 && !int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out count))
        {
            throw new UsageException("invalid restart policy format: maximum retry count must be an integer");
        }

        if (name is not ("no" or "always" or "unless-stopped" or "on-failure"))
        {
            throw new UsageException($"invalid restart policy: unknown policy '{name}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'");
        }

        return new RestartPolicy(name, count);
    }
}
