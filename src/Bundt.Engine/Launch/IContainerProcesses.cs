using Bundt.Engine.Networks;
using Bundt.Linux.Mounts;
using Bundt.Linux.Namespaces;
using Bundt.Runtime.Launch;
using Microsoft.Win32.SafeHandles;

namespace Bundt.Engine.Launch;

/// <summary>What the engine needs of the runtime and the kernel. Tests put a monitor of their own in its place.</summary>
internal interface IContainerProcesses
{
    LaunchedProcess Launch(LaunchRequest request);

    LaunchedProcess Exec(ExecRequest request);

    /// <summary>Whether roots can be mounted ahead of their containers.</summary>
    bool MountsAhead { get; }

    /// <summary>A root mounted ahead of its container; null where that fails.</summary>
    SafeFileHandle? MountOverlay(OverlayRoot root);

    /// <summary>A network namespace ahead of its container.</summary>
    SafeFileHandle MakeNetworkNamespace();

    void SetFrozen(string id, bool frozen);

    void Kill(string id);

    void RemoveCgroup(string id);

    /// <summary>Removes it if no process is in it; true when there is none (any more).</summary>
    bool TryRemoveEmptyCgroup(string id);

    IReadOnlyList<string> ListCgroups();
}

/// <summary>The real ones.</summary>
internal sealed class KernelProcesses : IContainerProcesses
{
    public LaunchedProcess Launch(LaunchRequest request) => ContainerLauncher.Launch(request);

    public LaunchedProcess Exec(ExecRequest request) => ContainerLauncher.Exec(request);

    public bool MountsAhead => OverlayMount.IsSupported;

    public SafeFileHandle? MountOverlay(OverlayRoot root) => OverlayMount.TryMake(root.Lowers, root.Upper, root.Work, root.Options);

    public SafeFileHandle MakeNetworkNamespace() => NetworkNamespace.Create(ContainerInterface.WithoutIpv6);

    public void SetFrozen(string id, bool frozen) => ContainerCgroup.SetFrozen(id, frozen);

    public void Kill(string id) => ContainerCgroup.Kill(id);

    public void RemoveCgroup(string id) => ContainerCgroup.Remove(id);

    public bool TryRemoveEmptyCgroup(string id) => ContainerCgroup.TryRemoveEmpty(id);

    public IReadOnlyList<string> ListCgroups() => ContainerCgroup.List();
}
