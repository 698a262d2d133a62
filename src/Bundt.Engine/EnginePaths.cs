namespace Bundt.Engine;

/// <summary>Where things lie below the root and run directories.</summary>
internal sealed record EnginePaths(string Root, string Run)
{
    public string Containers => Path.Combine(Root, "containers");

    public string Images => Path.Combine(Root, "images");

    public string Volumes => Path.Combine(Root, "volumes");

    public string Networks => Path.Combine(Root, "networks");

    public string Trash => Path.Combine(Root, "trash");

    /// <summary>Locked as long as a daemon has the root directory.</summary>
    public string Lock => Path.Combine(Root, "lock");

    public string RunContainers => Path.Combine(Run, "containers");

    public string Container(string id) => Path.Combine(Containers, id);

    /// <summary>Where the container's monitor listens.</summary>
    public string RunContainer(string id) => Path.Combine(RunContainers, id);

    /// <summary>Where an exec's monitor listens and keeps its records: below the container's, so that it goes with it.</summary>
    public string RunExec(string container, string exec) => Path.Combine(RunContainers, container, exec);
}
