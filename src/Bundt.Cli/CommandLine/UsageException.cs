namespace Bundt.Cli.CommandLine;

/// <summary>The command line is wrong. The message is one sentence without a full stop; <see cref="Command"/> says whose help to point to.</summary>
internal sealed class UsageException(string message, string? command = null) : Exception(message)
{
    /// <summary>The command whose help page explains it, or null when the one that is being run.</summary>
    public string? Command { get; } = command;
}
