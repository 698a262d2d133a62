using System.Text.Json;

namespace Bundt.Cli.Http;

/// <summary>The daemon said no: its status, its one sentence, and what it adds for bundt (a hint).</summary>
internal sealed class ApiException(int status, string message, string? hint = null, string? kind = null) : Exception(message)
{
    /// <summary>HTTP status.</summary>
    public int Status { get; } = status;

    /// <summary>A way out, or null.</summary>
    public string? Hint { get; } = hint;

    /// <summary>
    /// The exit code that docker's users expect of a failed start: 127 for a missing command, 126 for one that cannot be executed, else 125. Our daemon
    /// tells the kind of the failure; of another daemon the text must do.
    /// </summary>
    public int StartExitCode
    {
        get
        {
            if (kind is not null)
            {
                return kind.Equals("CommandNotFound", StringComparison.OrdinalIgnoreCase) ? 127
                    : kind.Equals("CommandNotExecutable", StringComparison.OrdinalIgnoreCase) ? 126 : 125;
            }

            bool Says(string text) => Message.Contains(text, StringComparison.OrdinalIgnoreCase);
            return Says("executable file not found") || Says("no such file or directory") ? 127 : Says("permission denied") || Says("is a directory") ? 126 : 125;
        }
    }

    /// <summary>The daemon has no such image, or not for the platform asked for: it can be pulled.</summary>
    public bool ImageIsMissing => Status == 404
        && (Message.StartsWith("No such image", StringComparison.OrdinalIgnoreCase) || Message.StartsWith("image with reference", StringComparison.OrdinalIgnoreCase));

    /// <summary>Reads an error body: Docker's <c>{"message":…}</c>, with our member "bundt" where there is one.</summary>
    public static ApiException Parse(int status, ReadOnlySpan<byte> body)
    {
        string? message = null;
        string? hint = null;
        string? kind = null;
        try
        {
            var reader = new Utf8JsonReader(body);
            string? member = null;
            while (reader.Read())
            {
                if (reader.TokenType == JsonTokenType.PropertyName)
                {
                    member = reader.GetString();
                }
                else if (reader.TokenType == JsonTokenType.String)
                {
                    if (member == "message" && reader.CurrentDepth == 1)
                    {
                        message = reader.GetString();
                    }
                    else if (member == "hint" && reader.CurrentDepth == 2)
                    {
                        hint = reader.GetString();
                    }
                    else if (member == "kind" && reader.CurrentDepth == 2)
                    {
                        kind = reader.GetString();
                    }
                }
            }
        }
        catch (JsonException)
        {
            // Not our daemon's JSON: the text itself is the message.
            message = System.Text.Encoding.UTF8.GetString(body).Trim();
        }

        return new ApiException(status, string.IsNullOrEmpty(message) ? $"the daemon answered with status {status}" : message, string.IsNullOrEmpty(hint) ? null : hint, string.IsNullOrEmpty(kind) ? null : kind);
    }
}
