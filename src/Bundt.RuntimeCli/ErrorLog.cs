using System.Buffers;
using System.Globalization;
using System.Text.Json;

namespace Bundt.RuntimeCli;

/// <summary>The file of --log: containerd, CRI-O and Docker read the last error from it.</summary>
internal sealed class ErrorLog
{
    private readonly string? _path;
    private readonly bool _json;

    public ErrorLog(string? path, string? format)
    {
        _path = path;
        _json = format switch
        {
            null or "text" => false,
            "json" => true,
            _ => throw CommandOptions.Usage($"--log-format must be text or json, not {format}"),
        };
    }

    public void Error(string message)
    {
        if (_path is null)
        {
            return;
        }

        var time = DateTime.UtcNow.ToString("yyyy-MM-ddTHH:mm:ss.fffffffZ", CultureInfo.InvariantCulture);
        try
        {
            if (_json)
            {
                var buffer = new ArrayBufferWriter<byte>();
                using (var json = new Utf8JsonWriter(buffer))
                {
                    json.WriteStartObject();
                    json.WriteString("level", "error");
                    json.WriteString("msg", message);
                    json.WriteString("time", time);
                    json.WriteEndObject();
                }

                File.AppendAllBytes(_path, [.. buffer.WrittenSpan, (byte)'\n']);
            }
            else
            {
                File.AppendAllText(_path, $"time=\"{time}\" level=error msg=\"{Quoted(message)}\"\n");
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Streams.Error($"bundt-runtime: cannot write {_path}: {e.Message}\n");
        }
    }

    // One line, whatever a config has in its names.
    private static string Quoted(string message) => message
        .Replace("\\", "\\\\", StringComparison.Ordinal)
        .Replace("\"", "\\\"", StringComparison.Ordinal)
        .Replace("\n", "\\n", StringComparison.Ordinal);
}
