using System.Text;
using System.Text.Json;
using Bundt.Oci.Runtime;

namespace Bundt.Runtime.Plans;

/// <summary>
/// System calls that an agent decides on (config-linux.md, "Seccomp notify"). The supervisor connects to the agent before anything else, and
/// hands it the filter's listener as soon as there is one: from then on the process may wait for the agent's word with any call.
/// </summary>
internal static class ListenerPlan
{
    private const string Notify = "SCMP_ACT_NOTIFY";
    private const string StateVersion = "0.2.0"; // the specification's own example, which agents look for
    private const string PidPlace = "1000000000";

    private static readonly byte[] s_allowEverything = [6, 0, 0, 0, 0, 0, 0xff, 0x7f]; // BPF_RET | BPF_K, SECCOMP_RET_ALLOW

    /// <summary>The filter, made where none is needed but for its listener.</summary>
    internal static ReadOnlyMemory<byte> Filter(LinuxSeccomp? seccomp, ReadOnlyMemory<byte> compiled)
    {
        if (seccomp is null)
        {
            return compiled;
        }

        if (seccomp.DefaultAction == Notify)
        {
            throw PlanScope.Invalid("linux.seccomp.defaultAction: SCMP_ACT_NOTIFY cannot be used as default action");
        }

        if (seccomp.ListenerPath is null && seccomp.Syscalls.Any(rule => rule.Action == Notify))
        {
            throw PlanScope.Invalid("linux.seccomp.listenerPath is missing: SCMP_ACT_NOTIFY needs an agent");
        }

        return compiled.IsEmpty && seccomp.ListenerPath is not null ? s_allowEverything : compiled;
    }

    /// <summary>Connects to the agent, if there is one.</summary>
    internal static void Connect(PlanScope scope)
    {
        if (scope.Linux.Seccomp?.ListenerPath is { } path)
        {
            scope.Agent = scope.Plan.NewSlot("agent");
            scope.Plan.Prepare.Connect(scope.Agent, path);
        }
    }

    /// <summary>Hands the listener to the agent. The container's state holds the process's own pid.</summary>
    internal static void HandOver(PlanScope scope, Func<string, HookState>? describe)
    {
        if (scope.Agent >= 0)
        {
            var (state, pidAt) = describe?.Invoke("creating") ?? throw Unsupported();
            var (json, places) = Message(scope, state.Span, pidAt);
            scope.Plan.Supervise.SendListener(scope.Agent, json, places.Process, places.State);
        }
    }

    /// <summary>Hands the listener of an exec's process to the agent.</summary>
    internal static void HandOver(PlanScope scope, Func<ReadOnlyMemory<byte>>? describe)
    {
        if (scope.Agent >= 0)
        {
            var (json, places) = Message(scope, (describe?.Invoke() ?? throw Unsupported()).Span, pidAt: null);
            scope.Plan.Supervise.SendListener(scope.Agent, json, places.Process, places.Process);
        }
    }

    // ContainerProcessState. Where a pid goes that only the launcher knows, ten digits stand.
    private static (byte[] Json, (int Process, int State) PidAt) Message(PlanScope scope, ReadOnlySpan<byte> state, int? pidAt)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteString("ociVersion", StateVersion);
            json.WriteStartArray("fds");
            json.WriteStringValue("seccompFd");
            json.WriteEndArray();
            json.WritePropertyName("pid");
            json.WriteRawValue(PidPlace);
            json.WriteString("metadata", scope.Linux.Seccomp?.ListenerMetadata ?? "");
            json.WritePropertyName("state");
            json.WriteRawValue(state, skipInputValidation: true);
            json.WriteEndObject();
        }

        var message = stream.ToArray();
        if (message.Length > PlanFormat.MaxMessage)
        {
            throw PlanScope.Invalid($"linux.seccomp.listenerMetadata and the annotations are too long: an agent gets at most {PlanFormat.MaxMessage} bytes");
        }

        var process = message.AsSpan().IndexOf(Encoding.ASCII.GetBytes("\"pid\":" + PidPlace)) + "\"pid\":".Length;
        return (message, (process, pidAt is { } at ? message.Length - 1 - state.Length + at : process));
    }

    private static Linux.BundtException Unsupported() => new(
        Linux.FailureKind.NotImplemented, Linux.Phase.Request, "linux.seccomp.listenerPath is supported for containers of the OCI runtime alone");
}
