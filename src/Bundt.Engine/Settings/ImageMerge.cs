using Bundt.Linux;
using Bundt.Oci.Image;

namespace Bundt.Engine.Settings;

/// <summary>Merges an image's configuration into what the user asked for, by Docker's rules (moby daemon/commit.go, merge).</summary>
internal static class ImageMerge
{
    /// <summary>The configuration that the container has from then on.</summary>
    /// <exception cref="BundtException">InvalidArgument: neither the image nor the user names a command.</exception>
    public static ImageRunConfig Merge(ContainerSettings settings, ImageRunConfig image)
    {
        var entrypoint = settings.Entrypoint;
        var command = settings.Cmd;
        if (entrypoint is not { Count: > 0 })
        {
            // A new entrypoint throws the image's command away; only without one is it inherited.
            command = command is { Count: > 0 } ? command : image.Cmd;
            entrypoint ??= image.Entrypoint;
        }

        if (entrypoint is [""])
        {
            entrypoint = null;
        }

        if (entrypoint is not { Count: > 0 } && command is not { Count: > 0 })
        {
            throw new BundtException(FailureKind.InvalidArgument, Phase.Request, "no command specified", "the image has none: give one after its name");
        }

        return new ImageRunConfig
        {
            User = settings.User.Length > 0 ? settings.User : image.User,
            Env = [.. settings.Env, .. image.Env.Where(e => !settings.Env.Any(own => Key(own) == Key(e)))],
            Entrypoint = entrypoint,
            Cmd = command,
            WorkingDir = settings.WorkingDir.Length > 0 ? settings.WorkingDir : image.WorkingDir,
            Labels = Union(image.Labels, settings.Labels),
            Volumes = [.. settings.Volumes.Union(image.Volumes)],
            ExposedPorts = [.. settings.ExposedPorts.Union(image.ExposedPorts)],
            StopSignal = settings.StopSignal ?? image.StopSignal,
        };
    }

    /// <summary>The name of an environment variable: all of it when there is no "=".</summary>
    public static string Key(string variable)
    {
        var equals = variable.IndexOf('=', StringComparison.Ordinal);
        return equals < 0 ? variable : variable[..equals];
    }

    /// <summary>What is executed.</summary>
    public static IReadOnlyList<string> Command(ImageRunConfig effective) => [.. effective.Entrypoint ?? [], .. effective.Cmd ?? []];

    private static Dictionary<string, string> Union(IReadOnlyDictionary<string, string> below, IReadOnlyDictionary<string, string> above)
    {
        var all = new Dictionary<string, string>(below);
        foreach (var (key, value) in above)
        {
            all[key] = value;
        }

        return all;
    }
}
