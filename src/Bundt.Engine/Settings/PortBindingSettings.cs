namespace Bundt.Engine;

/// <summary>A port of the container that is to be published. Texts as Docker's client sends them.</summary>
/// <param name="Port">"80/tcp".</param>
/// <param name="HostAddress">Address of the host; "": all.</param>
/// <param name="HostPort">"8080"; "8000-8010": the first of these that is free; "": any that is free.</param>
public sealed record PortBindingSettings(string Port, string HostAddress, string HostPort);
