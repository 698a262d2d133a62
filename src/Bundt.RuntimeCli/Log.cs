using System.Buffers;
using System.Globalization;
using System.Text.Json;
using Bundt.Linux;
using Bundt.Linux.Processes;
using Bundt.Linux.Terminals;

namespace Bundt.RuntimeCli;

/// <summary>
/// What is said about the run itself: on stderr, and in the file of --log, whose last error containerd, CRI-O and Docker read. With --log the
/// file alone gets warnings and the lines of --debug.
/// </summary>
internal sealed class Log
{
    private readonly string? _path;
    private readonly bool _json;
    private readonly bool _debug;

    /// <summary>Before the options are known.</summary>
    public Log()
    {
    }

    public Log(string? path, string? format, bool debug)
    {
        _path = path is not null && path.StartsWith("file:", StringComparison.Ordinal) && path.Length > 5 ? path[5..] : path;
        _debug = debug;
        _json = format switch
        {
            null or "text" => false,
            "json" => true,
            _ => throw CommandOptions.Usage($"--log-format must be text or json, not {format}"),
        };
        if (_path is not null)
        {
            // A file that cannot be written is found out now.
            Append([]);
        }
    }

    public void Error(string message)
    {
        if (_path is not null)
        {
            Append(Line("error", message));
        }

        Streams.Error(_json && _path is null ? Line("error", message) : System.Text.Encoding.UTF8.GetBytes("bundt-runtime: " + message + "\n"));
    }

    public void Warn(string message)
    {
        if (_path is not null)
        {
            Append(Line("warning", message));
        }
        else
        {
            Streams.Error(_json ? Line("warning", message) : System.Text.Encoding.UTF8.GetBytes("bundt-runtime: warning: " + message + "\n"));
        }
    }

    /// <summary>
    /// For a process that outlives us and has our stderr: what stands there stands in its output. So without --log only somebody at a terminal is warned.
    /// </summary>
    public void WarnAside(string message)
    {
        if (_path is not null || Terminal.IsTerminal(StandardStream.Error))
        {
            Warn(message);
        }
    }

    public void Debug(string message)
    {
        if (!_debug)
        {
            return;
        }

        if (_path is not null)
        {
            Append(Line("debug", message));
        }
        else
        {
            Streams.Error(Line("debug", message));
        }
    }

    private void Append(byte[] line)
    {
        try
        {
            File.AppendAllBytes(_path!, line);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CommandOptions.Usage($"cannot write the log {_path}: {BundtException.Reason(e)}");
        }
    }

    private byte[] Line(string level, string message)
    {
        var time = DateTime.UtcNow.ToString("yyyy-MM-ddTHH:mm:ss.fffffffZ", CultureInfo.InvariantCulture);
        if (!_json)
        {
            return System.Text.Encoding.UTF8.GetBytes($"time=\"{time}\" level={level} msg=\"{Quoted(message)}\"\n");
        }

        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("level", level);
            json.WriteString("msg", message);
            json.WriteString("time", time);
            json.WriteEndObject();
        }

        return [.. buffer.WrittenSpan, (byte)'\n'];
    }

    // One line, whatever a config has in its names.
    private static string Quoted(string message) => message
        .Replace("\\", "\\\\", StringComparison.Ordinal)
        .Replace("\"", "\\\"", StringComparison.Ordinal)
        .Replace("\n", "\\n", StringComparison.Ordinal);
}
