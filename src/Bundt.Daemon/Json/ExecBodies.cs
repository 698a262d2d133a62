using System.Text.Json.Serialization;

namespace Bundt.Daemon.Json;

/// <summary>The body of POST /containers/{id}/exec.</summary>
internal sealed record ExecBody
{
    public string? User { get; init; }

    public bool Privileged { get; init; }

    public bool Tty { get; init; }

    public IReadOnlyList<int>? ConsoleSize { get; init; }

    public bool AttachStdin { get; init; }

    public bool AttachStderr { get; init; }

    public bool AttachStdout { get; init; }

    public bool Detach { get; init; }

    public string? DetachKeys { get; init; }

    public IReadOnlyList<string>? Env { get; init; }

    public string? WorkingDir { get; init; }

    [JsonConverter(typeof(StringListConverter))]
    public IReadOnlyList<string>? Cmd { get; init; }
}

/// <summary>The body of POST /exec/{id}/start.</summary>
internal sealed record ExecStartBody
{
    public bool Detach { get; init; }

    public bool Tty { get; init; }

    public IReadOnlyList<int>? ConsoleSize { get; init; }
}

/// <summary>The answer of GET /exec/{id}/json.</summary>
internal sealed record ExecInspect
{
    [JsonPropertyName("ID")]
    public required string Id { get; init; }

    public bool Running { get; init; }

    public int? ExitCode { get; init; }

    public required ExecProcess ProcessConfig { get; init; }

    public bool OpenStdin { get; init; }

    public bool OpenStderr { get; init; }

    public bool OpenStdout { get; init; }

    public bool CanRemove { get; init; }

    [JsonPropertyName("ContainerID")]
    public required string ContainerId { get; init; }

    public string DetachKeys { get; init; } = "";

    public int Pid { get; init; }
}

/// <summary>An exec's process.</summary>
internal sealed record ExecProcess
{
    [JsonPropertyName("tty")]
    public bool Tty { get; init; }

    [JsonPropertyName("entrypoint")]
    public required string Entrypoint { get; init; }

    [JsonPropertyName("arguments")]
    public required IReadOnlyList<string> Arguments { get; init; }

    [JsonPropertyName("privileged")]
    public bool Privileged { get; init; }

    [JsonPropertyName("user")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? User { get; init; }
}
