using Bundt.Runtime.Launch;

namespace Bundt.Engine.Launch;

/// <summary>What the engine needs of the runtime and the kernel. Tests put a monitor of their own in its place.</summary>
internal interface IContainerProcesses
{
    LaunchedProcess Launch(LaunchRequest request);

    LaunchedProcess Exec(ExecRequest request);

    void SetFrozen(string id, bool frozen);

    void Kill(string id);

    void RemoveCgroup(string id);

    IReadOnlyList<string> ListCgroups();
}

/// <summary>The real ones.</summary>
internal sealed class KernelProcesses : IContainerProcesses
{
    public LaunchedProcess Launch(LaunchRequest request) => ContainerLauncher.Launch(request);

    public LaunchedProcess Exec(ExecRequest request) => ContainerLauncher.Exec(request);

    public void SetFrozen(string id, bool frozen) => ContainerCgroup.SetFrozen(id, frozen);

    public void Kill(string id) => ContainerCgroup.Kill(id);

    public void RemoveCgroup(string id) => ContainerCgroup.Remove(id);

    public IReadOnlyList<string> ListCgroups() => ContainerCgroup.List();
}
