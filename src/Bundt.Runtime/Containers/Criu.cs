using System.Globalization;
using System.Text.Json;
using Bundt.Linux;
using Bundt.Linux.Processes;
using Bundt.Oci.Runtime;
using Bundt.Runtime.Plans;
using Microsoft.Win32.SafeHandles;

namespace Bundt.Runtime.Containers;

/// <summary>
/// Runs CRIU. It knows a container by its first process and the mounts that lead out of it: binds are named by their destination, and their
/// sources are found again in the config at the restore.
/// </summary>
internal sealed class Criu
{
    // What the container's stdio was, as runc keeps it: pipes are replaced by the restorer's own.
    private const string DescriptorsName = "descriptors.json";
    private const string NetworkKey = "extRootNetNS";
    private const int InheritedFrom = 100;

    private readonly CriuOptions _options;
    private readonly RuntimeConfig _config;
    private readonly string _program;

    internal Criu(CriuOptions options, RuntimeConfig config)
    {
        _options = options;
        _config = config;
        _program = options.Program ?? HelperProgram.Find("criu")
            ?? throw new BundtException(FailureKind.NotFound, Phase.Request, "checkpoint and restore need criu, which is not in the PATH", "Install criu.");
    }

    /// <summary>Writes a container's images.</summary>
    internal void Dump(int pid)
    {
        Make(_options.Images);
        KeepDescriptors(pid);
        var arguments = Common(_options.PreDump ? "pre-dump" : "dump");
        arguments.AddRange(["--tree", pid.ToString(CultureInfo.InvariantCulture)]);
        if (_options.LeaveRunning && !_options.PreDump)
        {
            arguments.Add("--leave-running");
        }

        if (_options.Parent is { } parent)
        {
            arguments.AddRange(["--prev-images-dir", parent, "--track-mem"]);
        }
        else if (_options.PreDump)
        {
            arguments.Add("--track-mem");
        }

        foreach (var mount in Binds())
        {
            arguments.AddRange(["--external", $"mnt[{mount.Destination}]:{mount.Destination}"]);
        }

        if (JoinedNetwork() is not null && new FileInfo(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/ns/net")).LinkTarget is { } link)
        {
            arguments.AddRange(["--external", $"net[{link.TrimEnd(']')[5..]}]:{NetworkKey}"]);
        }

        Run(arguments, "dump.log", null, []);
    }

    /// <summary>Brings the processes back. The caller is in a mount namespace in which the root is a mount point.</summary>
    /// <param name="rootfs">Absolute path of the root filesystem.</param>
    /// <param name="bundle">Where relative sources of binds count from.</param>
    /// <param name="pidFile">A path that does not exist; gets the pid of the first process.</param>
    /// <param name="cgroup">Where they live; null: with us.</param>
    internal int Restore(string rootfs, string bundle, string pidFile, SafeFileHandle? cgroup)
    {
        var arguments = Common("restore");
        arguments.AddRange(["--root", rootfs, "--restore-detached", "--pidfile", pidFile]);
        foreach (var mount in Binds())
        {
            arguments.AddRange(["--external", $"mnt[{mount.Destination}]:{Path.GetFullPath(mount.Source ?? "", bundle)}"]);
        }

        var inherited = new List<ChildDescriptor>();
        using var network = JoinedNetwork() is { } path ? File.OpenHandle(path) : null;
        if (network is not null)
        {
            arguments.AddRange(["--inherit-fd", $"fd[{InheritedFrom}]:{NetworkKey}"]);
            inherited.Add(new ChildDescriptor(network, InheritedFrom));
        }

        var descriptors = Descriptors();
        for (var i = 0; i < descriptors.Count; i++)
        {
            if (descriptors[i].StartsWith("pipe:", StringComparison.Ordinal))
            {
                arguments.AddRange(["--inherit-fd", $"fd[{i}]:{descriptors[i]}"]);
            }
        }

        Run(arguments, "restore.log", cgroup, [.. inherited]);
        return int.TryParse(File.ReadAllText(pidFile), NumberStyles.None, CultureInfo.InvariantCulture, out var pid)
            ? pid
            : throw new BundtException(FailureKind.Internal, Phase.Launch, "criu does not say which process it has restored");
    }

    private List<string> Common(string verb)
    {
        List<string> arguments =
        [
            "criu", verb, "--images-dir", _options.Images, "--work-dir", _options.Work ?? _options.Images, "-v4", "--log-file", verb == "restore" ? "restore.log" : "dump.log",
            "--manage-cgroups=" + (_options.ManageCgroups ?? "ignore"),
        ];
        arguments.AddRange(_options.Flags);
        return arguments;
    }

    private IEnumerable<RuntimeMount> Binds() => _config.Mounts.Where(MountPlan.IsBind);

    private string? JoinedNetwork() => _config.Linux?.Namespaces.FirstOrDefault(ns => ns.Type == NamespaceType.Network)?.Path;

    private void Run(List<string> arguments, string log, SafeFileHandle? cgroup, ReadOnlySpan<ChildDescriptor> descriptors)
    {
        Make(_options.Work ?? _options.Images);
        using var program = Open(_program);
        using var process = ChildProcess.Start(program, cgroup, [.. arguments], [.. OwnEnvironment.Variables()], descriptors);
        if (process.Reap() != 0)
        {
            var path = Path.Combine(_options.Work ?? _options.Images, log);

            // Behind the cause stand those whom it stopped: "… failed with -1".
            var why = File.Exists(path)
                ? File.ReadLines(path).LastOrDefault(line =>
                    line.Contains(" Error ", StringComparison.Ordinal) && !line.Contains("FAILED", StringComparison.Ordinal) && !line.Contains("failed with", StringComparison.Ordinal))
                : null;
            throw new BundtException(
                FailureKind.Internal, Phase.Run, $"criu {arguments[1]} failed{(why is null ? "" : ": " + why[(why.IndexOf("Error ", StringComparison.Ordinal) + 6)..])}",
                $"See {path}.");
        }
    }

    private static void Make(string directory)
    {
        try
        {
            Directory.CreateDirectory(directory);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BundtException(FailureKind.InvalidArgument, Phase.Request, $"cannot make the directory {directory}: {BundtException.Reason(e)}", null, e);
        }
    }

    private static SafeFileHandle Open(string program)
    {
        try
        {
            return File.OpenHandle(program);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BundtException(FailureKind.InvalidArgument, Phase.Request, $"cannot start {program}: {BundtException.Reason(e)}", null, e);
        }
    }

    private void KeepDescriptors(int pid)
    {
        var buffer = new System.Buffers.ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartArray();
            for (var fd = 0; fd <= 2; fd++)
            {
                json.WriteStringValue(new FileInfo(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/fd/{fd}")).LinkTarget ?? "");
            }

            json.WriteEndArray();
        }

        File.WriteAllBytes(Path.Combine(_options.Images, DescriptorsName), buffer.WrittenSpan);
    }

    private IReadOnlyList<string> Descriptors()
    {
        var path = Path.Combine(_options.Images, DescriptorsName);
        return File.Exists(path) ? new FieldReader(File.ReadAllBytes(path)).GetStrings() : [];
    }
}
