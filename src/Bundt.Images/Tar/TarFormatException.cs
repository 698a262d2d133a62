namespace Bundt.Images.Tar;

/// <summary>The bytes are no tar archive, a damaged or a malicious one. The message is one clear sentence.</summary>
internal sealed class TarFormatException(string message) : FormatException(message);
