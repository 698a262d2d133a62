namespace Bundt.Linux.Cgroups;

/// <summary>A rule of access to devices.</summary>
/// <param name="Allow">Allow or deny.</param>
/// <param name="Type">'a' all, 'c' character, 'b' block.</param>
/// <param name="Major">Major number; null: all.</param>
/// <param name="Minor">Minor number; null: all.</param>
/// <param name="Access">Letters of "rwm".</param>
public sealed record DeviceRule(bool Allow, char Type, long? Major, long? Minor, string Access);
