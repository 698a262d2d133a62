using System.Globalization;
using System.Text.Json;
using Bundt.Cli.CommandLine;
using Bundt.Cli.Http;
using Bundt.Cli.Options;
using Bundt.Cli.Output;
using Bundt.Cli.Requests;

namespace Bundt.Cli.Commands;

/// <summary>Commands that move containers from one state to another.</summary>
internal static class LifecycleCommands
{
    /// <summary><c>create</c>.</summary>
    public static int Create(CreateOptions options, DaemonClient client)
    {
        AttachedStreams attach = AttachedStreams.Choose(options.Attach, options.Interactive, detach: false);
        ReadOnlyMemory<byte> body = CreateBody.Write(options, attach);
        using ContainerIdFile? idFile = options.Cidfile is null ? null : ContainerIdFile.Claim(options.Cidfile);
        string query = string.Join('&', new[]
        {
            options.Name is null ? "" : "name=" + DaemonClient.Escape(options.Name),
            options.Platform is null ? "" : "platform=" + DaemonClient.Escape(options.Platform),
        }.Where(static part => part.Length > 0));
        string target = "/containers/create" + (query.Length > 0 ? "?" + query : "");
        if (options.Pull == "always")
        {
            PullCommand.Pull(client, options.Image, options.Platform, 2, options.Quiet);
        }

        CreateAnswer answer;
        try
        {
            answer = CreateAnswer.Read(client.Fetch("POST", target, body.Span));
        }
        catch (ApiException e) when (e.ImageIsMissing && options.Pull is null or "missing")
        {
            StandardStreams.Error($"Unable to find image '{ImageName.WithTag(options.Image)}' locally\n");
            PullCommand.Pull(client, options.Image, options.Platform, 2, options.Quiet);
            answer = CreateAnswer.Read(client.Fetch("POST", target, body.Span));
        }

        idFile?.Write(answer.Id);
        foreach (string warning in answer.Warnings)
        {
            Failure.Warn(warning);
        }

        StandardStreams.OutLine(answer.Id);
        return 0;
    }

    /// <summary><c>stop</c>.</summary>
    public static int Stop(StopOptions options, DaemonClient client) =>
        ForEach.Name(options.Containers, client, name => ("POST", $"/containers/{DaemonClient.Escape(name)}/stop{StopQuery(options.Signal, options.Timeout ?? options.Time)}"));

    /// <summary><c>restart</c>.</summary>
    public static int Restart(RestartOptions options, DaemonClient client) =>
        ForEach.Name(options.Containers, client, name => ("POST", $"/containers/{DaemonClient.Escape(name)}/restart{StopQuery(options.Signal, options.Timeout ?? options.Time)}"), inTurn: true);

    /// <summary><c>kill</c>.</summary>
    public static int Kill(KillOptions options, DaemonClient client) =>
        ForEach.Name(options.Containers, client, name => ("POST", $"/containers/{DaemonClient.Escape(name)}/kill?signal={DaemonClient.Escape(options.Signal ?? "KILL")}"));

    /// <summary><c>pause</c>.</summary>
    public static int Pause(PauseOptions options, DaemonClient client) =>
        ForEach.Name(options.Containers, client, static name => ("POST", $"/containers/{DaemonClient.Escape(name)}/pause"));

    /// <summary><c>unpause</c>.</summary>
    public static int Unpause(UnpauseOptions options, DaemonClient client) =>
        ForEach.Name(options.Containers, client, static name => ("POST", $"/containers/{DaemonClient.Escape(name)}/unpause"));

    /// <summary><c>rm</c>.</summary>
    public static int Remove(RemoveOptions options, DaemonClient client) =>
        ForEach.Name(options.Containers, client, name => ("DELETE", $"/containers/{DaemonClient.Escape(name)}?force={(options.Force ? 1 : 0)}&v={(options.Volumes ? 1 : 0)}"));

    /// <summary><c>rename</c>.</summary>
    public static int Rename(RenameOptions options, DaemonClient client)
    {
        if (options.NewName.Trim().Length == 0)
        {
            throw new UsageException("the new name must not be empty");
        }

        _ = client.Fetch("POST", $"/containers/{DaemonClient.Escape(options.Container)}/rename?name={DaemonClient.Escape(options.NewName)}");
        return 0;
    }

    /// <summary><c>wait</c>: asks again where a killed daemon left it without an answer.</summary>
    public static int Wait(WaitOptions options, DaemonClient client)
    {
        int code = 0;
        foreach (string name in options.Containers)
        {
            try
            {
                StandardStreams.OutLine(WaitForExit(client, name).ToString(CultureInfo.InvariantCulture));
                StandardStreams.Flush();
            }
            catch (ApiException e)
            {
                Failure.Report(e);
                code = Failure.Code;
            }
        }

        return code;
    }

    /// <summary>Waits until a container does not run.</summary>
    /// <returns>Its exit code.</returns>
    public static int WaitForExit(DaemonClient client, string name)
    {
        while (true)
        {
            try
            {
                return ExitCode(client.Fetch("POST", $"/containers/{DaemonClient.Escape(name)}/wait"));
            }
            catch (ConnectionLostException)
            {
                // Connecting again starts a daemon where none runs.
            }
        }
    }

    /// <summary>Reads the answer of wait.</summary>
    public static int ExitCode(byte[] body)
    {
        if (body.Length == 0)
        {
            throw new ConnectionLostException();
        }

        using var answer = JsonDocument.Parse(body);
        return answer.RootElement.TryGetProperty("Error", out JsonElement error) && error.ValueKind == JsonValueKind.Object
            && error.TryGetProperty("Message", out JsonElement message) && message.GetString() is { Length: > 0 } text
            ? throw new ApiException(500, text)
            : answer.RootElement.GetProperty("StatusCode").GetInt32();
    }

    private static string StopQuery(string? signal, int? seconds)
    {
        string query = string.Join('&', new[]
        {
            signal is null ? "" : "signal=" + DaemonClient.Escape(signal),
            seconds is int s ? "t=" + s.ToString(CultureInfo.InvariantCulture) : "",
        }.Where(static part => part.Length > 0));
        return query.Length > 0 ? "?" + query : "";
    }
}
