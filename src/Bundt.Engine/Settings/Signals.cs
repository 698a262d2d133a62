using Bundt.Linux;
using Bundt.Linux.Processes;

namespace Bundt.Engine.Settings;

/// <summary>Signals that users name.</summary>
internal static class Signals
{
    public const int Kill = SignalNames.Kill;

    /// <summary>"KILL", "SIGKILL", "9", "RTMIN+3" as a number.</summary>
    /// <exception cref="BundtException">InvalidArgument.</exception>
    public static int Parse(string text) => SignalNames.TryParse(text, out var signal)
        ? signal
        : throw new BundtException(FailureKind.InvalidArgument, Phase.Request, $"invalid signal: {text}");
}
