using System.IO.Pipelines;
using System.Text;
using Bundt.Daemon.Server;

namespace Bundt.Daemon.Streams;

/// <summary>The heads of answers after which the connection carries raw bytes. Their constant parts are made once.</summary>
internal static class SwitchAnswer
{
    private static readonly byte[] s_common = Encoding.ASCII.GetBytes(
        $"Api-Version: {ApiVersion.Newest}\r\nDocker-Experimental: false\r\nOstype: linux\r\nServer: {ServerHeader.Text}\r\n");

    private static readonly byte[] s_upgradedRaw = Docker("101 UPGRADED", "application/vnd.docker.raw-stream", true);
    private static readonly byte[] s_upgradedMultiplexed = Docker("101 UPGRADED", "application/vnd.docker.multiplexed-stream", true);
    private static readonly byte[] s_plainRaw = Docker("200 OK", "application/vnd.docker.raw-stream", false);
    private static readonly byte[] s_plainMultiplexed = Docker("200 OK", "application/vnd.docker.multiplexed-stream", false);

    private static readonly byte[] s_frames = [.. "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: bundt\r\n"u8, .. s_common];

    /// <summary>Attach and exec: 101, or a bare 200 for old clients that ask for no upgrade.</summary>
    public static void WriteDocker(PipeWriter output, bool upgrade, bool multiplexed) => HijackedStream.WriteBytes(output, (upgrade, multiplexed) switch
    {
        (true, true) => s_upgradedMultiplexed,
        (true, false) => s_upgradedRaw,
        (false, true) => s_plainMultiplexed,
        _ => s_plainRaw,
    });

    /// <summary>Our own framed session.</summary>
    public static void WriteFrames(PipeWriter output, string id, IReadOnlyList<string> warnings)
    {
        HijackedStream.WriteBytes(output, s_frames);
        HijackedStream.WriteBytes(output, "Bundt-Id: "u8);
        WriteText(output, id);
        foreach (string warning in warnings)
        {
            HijackedStream.WriteBytes(output, "\r\nBundt-Warning: "u8);
            WriteText(output, warning);
        }

        HijackedStream.WriteBytes(output, "\r\n\r\n"u8);
    }

    private static void WriteText(PipeWriter output, string text)
    {
        // A header's value is one line whatever a name of the user's put into it.
        Span<byte> bytes = output.GetSpan(Encoding.UTF8.GetMaxByteCount(text.Length));
        int length = Encoding.UTF8.GetBytes(text, bytes);
        bytes[..length].Replace((byte)'\r', (byte)' ');
        bytes[..length].Replace((byte)'\n', (byte)' ');
        output.Advance(length);
    }

    private static byte[] Docker(string status, string mediaType, bool upgrade) =>
    [
        .. Encoding.ASCII.GetBytes($"HTTP/1.1 {status}\r\nContent-Type: {mediaType}\r\n"),
        .. s_common,
        .. upgrade ? "Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n"u8 : "\r\n"u8,
    ];
}
