using System.Text;
using Bundt.Daemon.Json;
using Bundt.Daemon.Server;
using Bundt.Daemon.Streams;
using Bundt.Engine;
using Bundt.Linux;
using Microsoft.AspNetCore.Http;

namespace Bundt.Daemon.Routes;

/// <summary>/exec and /containers/{id}/exec.</summary>
internal sealed class ExecRoutes(ContainerEngine engine)
{
    /// <summary>The handler of a method and path, or null.</summary>
    public Func<ApiRequest, Task>? Find(string method, ApiPath path) => (method, path.Count, path[0], path[2]) switch
    {
        ("POST", 3, "containers", "exec") => CreateAsync,
        ("POST", 3, "exec", "start") => StartAsync,
        ("POST", 3, "exec", "resize") => ResizeAsync,
        ("GET", 3, "exec", "json") => InspectAsync,
        _ => null,
    };

    /// <summary>From Docker's body to the engine's settings.</summary>
    /// <exception cref="BundtException">InvalidArgument.</exception>
    public static ExecSettings ToSettings(ExecBody body) => body.Cmd is not { Count: > 0 }
        ? throw ApiRequest.Malformed("No exec command specified")
        : new ExecSettings
        {
            Cmd = body.Cmd,
            Env = body.Env ?? [],
            User = body.User ?? "",
            WorkingDir = body.WorkingDir ?? "",
            Tty = body.Tty,
            AttachStdin = body.AttachStdin,
            AttachStdout = body.AttachStdout,
            AttachStderr = body.AttachStderr,
            Privileged = body.Privileged,
            ConsoleSize = CreateMapping.Size(body.ConsoleSize),
            DetachKeys = body.DetachKeys ?? "",
        };

    private async Task CreateAsync(ApiRequest request)
    {
        Container container = engine.Find(request.Path[1]);
        ExecBody body = (await request.ReadJsonAsync(ApiJson.Wire.ExecBody))!;
        if (body.DetachKeys is { Length: > 0 } keys)
        {
            DetachKeys.Parse(keys);
        }

        Exec exec = container.CreateExec(ToSettings(body));
        await request.AnswerJsonAsync(new IdAnswer(exec.Id), ApiJson.Wire.IdAnswer, StatusCodes.Status201Created);
    }

    private async Task StartAsync(ApiRequest request)
    {
        Exec exec = engine.FindExec(request.Path[1]);
        ExecStartBody body = await request.ReadJsonAsync(ApiJson.Wire.ExecStartBody, optional: true) ?? new ExecStartBody();
        ExecSettings settings = exec.Settings;
        (int Rows, int Columns) size = body.ConsoleSize is null ? settings.ConsoleSize : CreateMapping.Size(body.ConsoleSize);
        if (body.Detach)
        {
            await exec.StartAsync(null, size, CancellationToken.None);
            await request.AnswerAsync(StatusCodes.Status200OK);
            return;
        }

        if (exec.Running || exec.ExitCode is not null)
        {
            throw new BundtException(FailureKind.Conflict, Phase.Exec, $"exec {exec.Id} has already been started");
        }

        DetachKeys? keys = settings.Tty ? DetachKeys.Parse(settings.DetachKeys) : null;
        await using HijackedStream client = request.Hijack();
        SwitchAnswer.WriteDocker(client.Output, request.WantsUpgrade, ContainerStreamRoutes.SaysMultiplexed(request, settings.Tty));

        // Not flushed: with the first output, or the failure, it is one write. Clients wait for the head only to read on.
        Attachment? attachment;
        try
        {
            attachment = await exec.StartAsync(
                new AttachOptions(settings.AttachStdin, settings.AttachStdout, settings.AttachStderr), size, CancellationToken.None);
        }
        catch (BundtException failure)
        {
            // The head is out as far as the protocol goes: like dockerd, say it in the stream; the exit code stands in inspect.
            WriteFailure(client, failure, settings.Tty);
            await client.FlushAsync();
            return;
        }

        await client.FlushAsync();
        if (attachment is null)
        {
            return;
        }

        await using (attachment)
        {
            var session = new RawSession(client, ProcessStreams.Of(attachment))
            {
                Framed = !settings.Tty,
                Stdin = settings.AttachStdin,
                CloseStdin = !settings.Tty,
                Keys = keys,
            };
            await session.RunAsync();
        }
    }

    private static void WriteFailure(HijackedStream client, BundtException failure, bool tty)
    {
        byte[] text = Encoding.UTF8.GetBytes(ErrorAnswer.Describe(failure).Body.Message + "\r\n");
        if (tty)
        {
            HijackedStream.WriteBytes(client.Output, text);
        }
        else
        {
            client.WriteFrame(1, text);
        }
    }

    private async Task ResizeAsync(ApiRequest request)
    {
        Exec exec = engine.FindExec(request.Path[1]);
        await exec.ResizeAsync(request.QueryInt("h") ?? 0, request.QueryInt("w") ?? 0, request.Aborted);
        await request.AnswerAsync(StatusCodes.Status200OK);
    }

    private Task InspectAsync(ApiRequest request)
    {
        Exec exec = engine.FindExec(request.Path[1]);
        ExecSettings settings = exec.Settings;
        return request.AnswerJsonAsync(
            new ExecInspect
            {
                Id = exec.Id,
                Running = exec.Running,
                ExitCode = exec.ExitCode,
                ProcessConfig = new ExecProcess
                {
                    Tty = settings.Tty,
                    Entrypoint = settings.Cmd[0],
                    Arguments = [.. settings.Cmd.Skip(1)],
                    Privileged = settings.Privileged,
                    User = settings.User.Length == 0 ? null : settings.User,
                },
                OpenStdin = settings.AttachStdin,
                OpenStdout = settings.AttachStdout,
                OpenStderr = settings.AttachStderr,
                ContainerId = exec.Container.Id,
                DetachKeys = settings.DetachKeys,
                Pid = exec.Pid,
            },
            ApiJson.Wire.ExecInspect);
    }
}
