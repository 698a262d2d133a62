namespace Bundt.Oci.Runtime;

/// <summary>Size of a terminal in characters.</summary>
/// <param name="Height">Rows.</param>
/// <param name="Width">Columns.</param>
public readonly record struct ConsoleSize(int Height, int Width);
