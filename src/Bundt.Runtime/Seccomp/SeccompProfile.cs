using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Bundt.Linux.Capabilities;
using Bundt.Oci.Runtime;

namespace Bundt.Runtime.Seccomp;

/// <summary>
/// A seccomp profile in Docker's format (moby/profiles): an OCI filter whose rules may depend on capabilities, architecture and kernel.
/// </summary>
public sealed class SeccompProfile
{
    private readonly ConcurrentDictionary<CapabilitySet, LinuxSeccomp> _resolved = new();
    private readonly string _defaultAction;
    private readonly uint? _defaultErrno;
    private readonly IReadOnlyList<string> _flags;
    private readonly IReadOnlyDictionary<string, IReadOnlyList<string>> _subArchitectures;
    private readonly IReadOnlyList<string> _architectures;
    private readonly IReadOnlyList<ProfileRule> _rules;

    internal SeccompProfile(
        string defaultAction,
        uint? defaultErrno,
        IReadOnlyList<string> flags,
        IReadOnlyList<string> architectures,
        IReadOnlyDictionary<string, IReadOnlyList<string>> subArchitectures,
        IReadOnlyList<ProfileRule> rules)
    {
        _defaultAction = defaultAction;
        _defaultErrno = defaultErrno;
        _flags = flags;
        _architectures = architectures;
        _subArchitectures = subArchitectures;
        _rules = rules;
    }

    /// <summary>Docker's default profile.</summary>
    public static SeccompProfile Docker { get; } = DockerProfile.Create();

    /// <summary>Reads a profile that a user gave as a file: Docker's format or the plain "linux.seccomp" of the runtime specification.</summary>
    /// <exception cref="FormatException">One sentence that names the field.</exception>
    public static SeccompProfile Parse(ReadOnlySpan<byte> json) => SeccompProfileReader.Read(json);

    /// <summary>
    /// The filter for a process with this bounding set on this machine. The same object for the same set, so that its compiled form can be
    /// found again by reference.
    /// </summary>
    public LinuxSeccomp Resolve(CapabilitySet bounding) =>
        _resolved.GetOrAdd(bounding, static (set, profile) => profile.Resolve(set, NativeArchitecture(), KernelVersion()), this);

    internal LinuxSeccomp Resolve(CapabilitySet bounding, string architecture, Version kernel)
    {
        var rules = new List<SeccompRule>(_rules.Count);
        foreach (var rule in _rules)
        {
            if (Includes(rule.Includes, bounding, architecture, kernel) && !Excludes(rule.Excludes, bounding, architecture, kernel))
            {
                rules.Add(rule.Rule);
            }
        }

        var native = ScmpName(architecture);
        return new LinuxSeccomp
        {
            DefaultAction = _defaultAction,
            DefaultErrnoRet = _defaultErrno,
            Flags = _flags,
            Architectures = _subArchitectures.TryGetValue(native, out var sub) ? [native, .. sub] : _architectures,
            Syscalls = rules,
        };
    }

    private static bool Includes(ProfileGate gate, CapabilitySet bounding, string architecture, Version kernel) =>
        (gate.Architectures.Count == 0 || gate.Architectures.Contains(architecture))
        && gate.Capabilities.All(name => Holds(bounding, name))
        && (gate.MinKernel is null || kernel >= gate.MinKernel);

    private static bool Excludes(ProfileGate gate, CapabilitySet bounding, string architecture, Version kernel) =>
        gate.Architectures.Contains(architecture)
        || gate.Capabilities.Any(name => Holds(bounding, name))
        || (gate.MinKernel is not null && kernel >= gate.MinKernel);

    private static bool Holds(CapabilitySet set, string name) => CapabilityNames.TryParse(name, out var number) && set.Contains(number);

    private static string NativeArchitecture() => RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? "arm64" : "amd64";

    private static string ScmpName(string architecture) => architecture switch
    {
        "amd64" => "SCMP_ARCH_X86_64",
        "arm64" => "SCMP_ARCH_AARCH64",
        _ => architecture,
    };

    // "6.18.44-fc-v595": the numbers in front.
    private static Version KernelVersion() => Environment.OSVersion.Version;
}
