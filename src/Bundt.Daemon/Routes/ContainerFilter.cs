using System.Globalization;
using System.Text.RegularExpressions;
using Bundt.Daemon.Json;
using Bundt.Daemon.Server;
using Bundt.Engine;
using Bundt.Images;
using Bundt.Linux;

namespace Bundt.Daemon.Routes;

/// <summary>The filters of the container list (moby daemon/list.go).</summary>
internal sealed class ContainerFilter
{
    /// <summary>A name filter is a pattern of the user's: it may not run for long.</summary>
    private static readonly TimeSpan s_patternTime = TimeSpan.FromMilliseconds(100);

    private readonly Filters _filters;
    private readonly HashSet<string>? _ancestors;
    private readonly List<Regex> _names = [];
    private readonly Container? _before;
    private readonly Container? _since;

    private ContainerFilter(Filters filters, ContainerEngine engine)
    {
        _filters = filters;
        foreach (string status in filters["status"])
        {
            if (status is not ("created" or "running" or "paused" or "restarting" or "removing" or "exited" or "dead"))
            {
                throw ApiRequest.Malformed($"invalid filter 'status={status}'");
            }
        }

        foreach (string code in filters["exited"])
        {
            if (!int.TryParse(code, NumberStyles.None, CultureInfo.InvariantCulture, out _))
            {
                throw ApiRequest.Malformed($"invalid filter 'exited={code}'");
            }
        }

        foreach (string health in filters["health"])
        {
            if (health is not ("none" or "starting" or "healthy" or "unhealthy"))
            {
                throw ApiRequest.Malformed($"invalid filter 'health={health}'");
            }
        }

        foreach (string name in filters["name"])
        {
            _names.Add(Pattern(name));
        }

        _before = filters["before"] is [.., string before] ? engine.Find(before) : null;
        _since = filters["since"] is [.., string since] ? engine.Find(since) : null;
        _ancestors = filters.Has("ancestor") ? Ancestors(filters["ancestor"], engine.Images) : null;
    }

    /// <summary>Whether the filters speak of containers that do not run.</summary>
    public bool AsksForStopped => _filters.Has("status") || _filters.Has("exited") || _before is not null || _since is not null;

    /// <summary>The filters of a request.</summary>
    /// <exception cref="BundtException">InvalidArgument; NotFound for the container of before or since.</exception>
    public static ContainerFilter Of(ApiRequest request, ContainerEngine engine) => new(
        Filters.Of(
            request, "ancestor", "before", "exited", "id", "isolation", "label", "label!", "name", "status", "health", "since", "volume", "network",
            "is-task", "publish", "expose"),
        engine);

    /// <summary>Whether a container satisfies all of them.</summary>
    public bool Matches(Container container)
    {
        if (_filters.IsEmpty)
        {
            return true;
        }

        ContainerState state = container.State;
        return _filters.Any("id", id => container.Id.StartsWith(id, StringComparison.Ordinal))
            && MatchesName(container.Name)
            && _filters.Any("status", status => status == ContainerDescription.StateName(state.Status))
            && _filters.Any("exited", code => state.Status == ContainerStatus.Exited && code == state.ExitCode.ToString(CultureInfo.InvariantCulture))
            && _filters.Any("health", static health => health == "none")
            && _filters.Any("isolation", static isolation => isolation is "default" or "")
            && _filters.Flag("is-task") is not true
            && _filters.MatchLabels(container.Effective.Labels)
            && (_ancestors is null || _ancestors.Contains(container.ImageId))
            && (_before is null || (container.Created < _before.Created && container != _before))
            && (_since is null || (container.Created > _since.Created && container != _since))
            && _filters.Any("network", network => IsInNetwork(container, network))
            && _filters.Any("volume", volume => HasVolume(container, volume))
            && _filters.Any("publish", range => HasPort(container, range, static port => port.PublicPort))
            && _filters.Any("expose", range => HasPort(container, range, static port => port.PrivatePort) || container.Effective.ExposedPorts.Contains(range.Contains('/', StringComparison.Ordinal) ? range : range + "/tcp"));
    }

    // "80", "80/udp", "8000-8010/tcp"
    private static bool HasPort(Container container, string range, Func<SummaryPort, int?> of)
    {
        string[] parts = range.Split('/');
        string[] ends = parts[0].Split('-');
        if (parts.Length > 2 || ends.Length > 2 || !ushort.TryParse(ends[0], out ushort first) || !ushort.TryParse(ends[^1], out ushort last))
        {
            throw ApiRequest.Malformed($"invalid filter: \"{range}\" is no port or range of ports");
        }

        return ContainerDescription.SummaryPorts(container).Any(port => of(port) >= first && of(port) <= last && port.Type == (parts.Length == 2 ? parts[1] : "tcp"));
    }

    private static bool IsInNetwork(Container container, string network)
    {
        if (container.Endpoints is { Count: > 0 } endpoints)
        {
            return endpoints.Any(endpoint => endpoint.NetworkName == network || (network.Length > 0 && endpoint.NetworkId.StartsWith(network, StringComparison.Ordinal)));
        }

        string name = ContainerDescription.NetworkName(container.Settings);
        return network == name || (network.Length > 0 && PredefinedNetworks.IdOf(name).StartsWith(network, StringComparison.Ordinal));
    }

    private static bool HasVolume(Container container, string volume)
    {
        foreach (MountPoint point in container.MountPoints)
        {
            if (point.Name == volume || point.Destination == volume || point.Source == volume)
            {
                return true;
            }
        }

        return false;
    }

    private static HashSet<string> Ancestors(IReadOnlyList<string> names, ImageStore images)
    {
        HashSet<string> ids = [];
        foreach (string name in names)
        {
            try
            {
                StoredImage image = images.Find(name);
                ids.Add(image.Id);
                foreach (StoredImage other in images.List())
                {
                    if (IsParent(image.Config.DiffIds, other.Config.DiffIds))
                    {
                        ids.Add(other.Id);
                    }
                }
            }
            catch (BundtException exception) when (exception.Kind == FailureKind.NotFound)
            {
                // moby: an image that is not here has no descendants
            }
        }

        return ids;
    }

    private static bool IsParent(IReadOnlyList<string> parent, IReadOnlyList<string> child)
    {
        if (parent.Count == 0 || child.Count <= parent.Count)
        {
            return false;
        }

        for (int i = 0; i < parent.Count; i++)
        {
            if (parent[i] != child[i])
            {
                return false;
            }
        }

        return true;
    }

    private static Regex Pattern(string text)
    {
        try
        {
            return new Regex(text, RegexOptions.CultureInvariant, s_patternTime);
        }
        catch (ArgumentException)
        {
            return new Regex(Regex.Escape(text), RegexOptions.CultureInvariant, s_patternTime);
        }
    }

    private bool MatchesName(string name)
    {
        if (_names.Count == 0)
        {
            return true;
        }

        foreach (Regex pattern in _names)
        {
            // Docker's names begin with a slash, and people write patterns with and without it.
            if (pattern.IsMatch("/" + name) || pattern.IsMatch(name))
            {
                return true;
            }
        }

        return false;
    }
}
