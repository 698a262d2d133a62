using System.Buffers;
using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;

namespace Bundt.Daemon.Logging;

/// <summary>
/// Writes log lines to standard error, one write per line, as logfmt (<c>time=… level=… source=… msg="…"</c>). Under journald, which stamps
/// lines itself, a syslog priority (<c>&lt;6&gt;</c>, sd-daemon(3)) stands in place of time and level.
/// </summary>
internal sealed class LogfmtLoggerProvider : ILoggerProvider
{
    private readonly SafeFileHandle _handle = new(2, ownsHandle: false);
    private readonly FileStream _error;
    private readonly Lock _gate = new();
    private readonly bool _journal = Environment.GetEnvironmentVariable("JOURNAL_STREAM") is { Length: > 0 };

    public LogfmtLoggerProvider() => _error = new FileStream(_handle, FileAccess.Write, bufferSize: 0);

    public ILogger CreateLogger(string categoryName) => new Logger(this, categoryName);

    public void Dispose() => _error.Dispose();

    /// <summary>One line.</summary>
    public static string Format(bool journal, DateTimeOffset time, LogLevel level, string source, string message, Exception? exception)
    {
        var line = new StringBuilder(128);
        if (journal)
        {
            line.Append('<').Append(Priority(level)).Append('>');
        }
        else
        {
            line.Append("time=").Append(time.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.fff'Z'", CultureInfo.InvariantCulture))
                .Append(" level=").Append(Name(level)).Append(' ');
        }

        line.Append("source=").Append(source).Append(" msg=");
        AppendQuoted(line, message);
        if (exception is not null)
        {
            line.Append(" error=");
            AppendQuoted(line, exception.ToString());
        }

        return line.Append('\n').ToString();
    }

    private static void AppendQuoted(StringBuilder line, string text)
    {
        line.Append('"');
        foreach (char c in text)
        {
            switch (c)
            {
                case '"' or '\\':
                    line.Append('\\').Append(c);
                    break;
                case '\n':
                    line.Append("\\n");
                    break;
                case < ' ' or (char)127:
                    line.Append(CultureInfo.InvariantCulture, $"\\x{(int)c:x2}"); // no control sequences of a container's in an administrator's terminal
                    break;
                default:
                    line.Append(c);
                    break;
            }
        }

        line.Append('"');
    }

    private static char Priority(LogLevel level) => level switch
    {
        LogLevel.Critical => '2',
        LogLevel.Error => '3',
        LogLevel.Warning => '4',
        LogLevel.Information => '6',
        _ => '7',
    };

    private static string Name(LogLevel level) => level switch
    {
        LogLevel.Critical => "fatal",
        LogLevel.Error => "error",
        LogLevel.Warning => "warn",
        LogLevel.Information => "info",
        _ => "debug",
    };

    private void Write(string line)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(Encoding.UTF8.GetMaxByteCount(line.Length));
        int length = Encoding.UTF8.GetBytes(line, buffer);
        try
        {
            lock (_gate)
            {
                _error.Write(buffer, 0, length);
            }
        }
        catch (IOException)
        {
            // nobody reads standard error any more: not a reason to fail
        }

        ArrayPool<byte>.Shared.Return(buffer);
    }

    private sealed class Logger(LogfmtLoggerProvider owner, string source) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            owner.Write(Format(owner._journal, DateTimeOffset.UtcNow, logLevel, source, formatter(state, exception), exception));
    }
}
