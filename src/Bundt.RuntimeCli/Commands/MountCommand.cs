using Bundt.Linux;
using Bundt.Linux.Processes;
using Bundt.Oci.Runtime;
using Bundt.Runtime.Containers;

namespace Bundt.RuntimeCli.Commands;

/// <summary>mounts add and mounts remove, as crun has them.</summary>
internal static class MountCommand
{
    public static int Run(Invocation invocation, CommandOptions options)
    {
        if (options.Arguments is not [("add" or "remove") and var action, { } id, { } file])
        {
            throw CommandOptions.Usage("mounts takes add or remove, a container ID, and a file with an array of mounts");
        }

        var mounts = Read(file);

        // Who goes into the container for us becomes our child.
        Subreaper.Become();
        OciContainer.Open(invocation.Root, id).ChangeMounts(mounts, action == "add", invocation.Log.Warn);
        return 0;
    }

    private static IReadOnlyList<RuntimeMount> Read(string path)
    {
        var json = InputFile.Read(path);
        try
        {
            return RuntimeConfigReader.ReadMounts(json);
        }
        catch (FormatException e)
        {
            throw new BundtException(FailureKind.InvalidArgument, Phase.Request, $"{path}: {e.Message}", null, e);
        }
    }
}
