namespace Bundt.Engine;

/// <summary>A --mount.</summary>
/// <param name="Type">"bind", "volume", "tmpfs".</param>
/// <param name="Source">Host path or volume name; null for an anonymous volume or tmpfs.</param>
/// <param name="Target">Absolute path in the container.</param>
/// <param name="ReadOnly">Read-only.</param>
/// <param name="Propagation">"rprivate" …; "" for the default.</param>
/// <param name="NoCopy">Do not fill a new volume from the image.</param>
/// <param name="TmpfsSize">Bytes, 0: unlimited.</param>
/// <param name="TmpfsMode">Mode, 0: 1777.</param>
/// <param name="VolumeDriverLabels">Labels of a volume that is made.</param>
/// <param name="CreateMountpoint">Create a missing bind source.</param>
/// <param name="NonRecursive">bind-nonrecursive.</param>
/// <param name="Inherited">It comes from another container (--volumes-from): a mount of the container's own at the same path goes before.</param>
public sealed record MountSettings(
    string Type, string? Source, string Target, bool ReadOnly = false, string Propagation = "", bool NoCopy = false,
    long TmpfsSize = 0, int TmpfsMode = 0, IReadOnlyDictionary<string, string>? VolumeDriverLabels = null,
    bool CreateMountpoint = false, bool NonRecursive = false, bool Inherited = false);
