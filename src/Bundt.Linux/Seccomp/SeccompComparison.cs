namespace Bundt.Linux.Seccomp;

/// <summary>How an argument is compared.</summary>
public enum SeccompComparison
{
    /// <summary>Equal.</summary>
    Equal,
    /// <summary>Not equal.</summary>
    NotEqual,
    /// <summary>Less.</summary>
    Less,
    /// <summary>Less or equal.</summary>
    LessOrEqual,
    /// <summary>Greater or equal.</summary>
    GreaterOrEqual,
    /// <summary>Greater.</summary>
    Greater,
    /// <summary>Equal under a mask.</summary>
    MaskedEqual,
}
