using System.Text;
using Bundt.Linux.Processes;

namespace Bundt.RuntimeCli;

/// <summary>What is said to the caller.</summary>
internal static class Streams
{
    public static void Out(ReadOnlySpan<byte> bytes) => StandardStream.Write(StandardStream.Output, bytes);

    public static void Out(string text) => Out(Encoding.UTF8.GetBytes(text));

    public static void Error(ReadOnlySpan<byte> bytes) => StandardStream.Write(StandardStream.Error, bytes);
}
