using Bundt.Cli.Options;
using Bundt.Cli.Values;
using Bundt.Linux.Terminals;

namespace Bundt.Cli.Requests;

/// <summary>The body of an exec.</summary>
internal static class ExecBody
{
    /// <summary>Writes it.</summary>
    public static ReadOnlyMemory<byte> Write(ExecOptions options) => JsonBody.Write(json =>
    {
        json.Text("User", options.User);
        json.Flag("Privileged", options.Privileged);
        json.Flag("Tty", options.Tty);
        json.Flag("AttachStdin", options.Interactive && !options.Detach);
        json.Flag("AttachStdout", !options.Detach);
        json.Flag("AttachStderr", !options.Detach);
        json.Flag("Detach", options.Detach);
        json.Text("DetachKeys", options.DetachKeys);
        json.Texts("Env", KeyValueFiles.Environment(options.EnvFile, options.Env));
        json.Text("WorkingDir", options.Workdir);
        json.Texts("Cmd", options.Arguments);
        if (options.Tty && Terminal.Size(1) is ( > 0, > 0) size)
        {
            json.WriteStartArray("ConsoleSize");
            json.WriteNumberValue(size.Rows);
            json.WriteNumberValue(size.Columns);
            json.WriteEndArray();
        }
    });
}
