namespace Bundt.Engine.Volumes;

/// <summary>Names of volumes and containers: [a-zA-Z0-9][a-zA-Z0-9_.-]+, so that a name is always one harmless path component.</summary>
internal static class VolumeName
{
    private const int Longest = 255;

    public static bool IsValid(string name) =>
        name.Length is >= 2 and <= Longest
        && char.IsAsciiLetterOrDigit(name[0])
        && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '.' or '-');
}
