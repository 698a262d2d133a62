using Bundt.Linux;
using Bundt.Oci.Runtime;
using Bundt.Runtime.Containers;
using Bundt.Runtime.Spec;

namespace Bundt.RuntimeCli.Commands;

/// <summary>spec, plan and features.</summary>
internal static class BundleCommands
{
    public static int Spec(Invocation invocation, CommandOptions options)
    {
        var path = ConfigPath(options);
        if (File.Exists(path))
        {
            throw new BundtException(FailureKind.Conflict, Phase.Request, $"{path} exists already", "Remove it first.");
        }

        try
        {
            File.WriteAllBytes(path, RuntimeConfigWriter.Write(BundleSpec.Create(options.Flag("rootless"))));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BundtException(FailureKind.InvalidArgument, Phase.Request, $"cannot write {path}: {BundtException.Reason(e)}", null, e);
        }

        return 0;
    }

    public static int Plan(Invocation invocation, CommandOptions options)
    {
        var plan = OciContainer.Plan("plan", new CreateOptions
        {
            Bundle = Invocation.BundleOf(options),
            ConfigPath = ConfigPath(options),
            CgroupDriver = invocation.CgroupDriver,
            WaitForStart = false,
        });
        Streams.Out(plan.Print());
        return 0;
    }

    public static int Features(Invocation invocation, CommandOptions options)
    {
        Streams.Out([.. RuntimeFeatures.Describe(), (byte)'\n']);
        return 0;
    }

    private static string ConfigPath(CommandOptions options) => Path.GetFullPath(options.Value("config") ?? "config.json", Invocation.BundleOf(options));
}
