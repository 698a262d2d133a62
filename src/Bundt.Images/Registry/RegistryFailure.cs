namespace Bundt.Images.Registry;

/// <summary>Why a registry did not give what was asked.</summary>
internal enum RegistryFailureKind
{
    /// <summary>No connection, or it broke before an answer: another endpoint or another try may help.</summary>
    Unreachable,

    /// <summary>The registry answered that it cannot now (5xx, 429): another try may help.</summary>
    Busy,

    /// <summary>It does not know the repository, tag or blob.</summary>
    NotFound,

    /// <summary>It says that access is denied, which may also mean that the repository does not exist.</summary>
    Denied,

    /// <summary>It wants credentials, or refused those that it got.</summary>
    Unauthorized,

    /// <summary>Its answer breaks the protocol or our rules.</summary>
    Protocol,
}

/// <summary>A failed exchange with a registry. Stays inside this part: <see cref="PullErrors"/> turns it into what users see.</summary>
internal sealed class RegistryFailure(RegistryFailureKind kind, string message, string? hint = null, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>What kind of failure.</summary>
    public RegistryFailureKind Kind { get; } = kind;

    /// <summary>The registry's error code ("MANIFEST_UNKNOWN"), or null.</summary>
    public string? Code { get; init; }

    /// <summary>The registry's own words ("manifest unknown: manifest unknown"), or null.</summary>
    public string? Said { get; init; }

    /// <summary>A way out, or null.</summary>
    public string? Hint { get; } = hint;

    /// <summary>How long the registry asks to be left alone, or null.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>The host does not speak TLS, or its certificate is not trusted.</summary>
    public bool IsTls { get; init; }

    /// <summary>Whether the same request may succeed a moment later.</summary>
    public bool IsTransient => Kind is RegistryFailureKind.Unreachable or RegistryFailureKind.Busy && !IsTls;
}
