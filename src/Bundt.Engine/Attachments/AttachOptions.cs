namespace Bundt.Engine;

/// <summary>What an attach wants.</summary>
public sealed record AttachOptions(bool Stdin, bool Stdout, bool Stderr);
