using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;

namespace Bundt.Cli.Tests;

/// <summary>The client as a process of its own, since it works on its own stdio, terminal and signals.</summary>
internal sealed partial class BundtProcess : IDisposable
{
    private readonly Process _process;
    private readonly Task<string> _error;

    private BundtProcess(Process process)
    {
        _process = process;
        _error = process.StartInfo.RedirectStandardError ? process.StandardError.ReadToEndAsync() : Task.FromResult("");
    }

    public int Id => _process.Id;

    public Stream Input => _process.StandardInput.BaseStream;

    public Stream Output => _process.StandardOutput.BaseStream;

    public static BundtProcess Start(FakeDaemon daemon, params string[] arguments)
    {
        ProcessStartInfo start = Describe(daemon, arguments);
        start.RedirectStandardInput = start.RedirectStandardOutput = start.RedirectStandardError = true;
        return new BundtProcess(Process.Start(start)!);
    }

    /// <summary>With this file as all three of stdio.</summary>
    public static BundtProcess StartOn(string terminal, FakeDaemon daemon, params string[] arguments)
    {
        ProcessStartInfo plain = Describe(daemon, arguments);
        var start = new ProcessStartInfo("/bin/sh", ["-c", "t=$1; shift; exec \"$@\" <\"$t\" >\"$t\" 2>\"$t\"", "sh", terminal, plain.FileName, .. plain.ArgumentList]);
        start.Environment["BUNDT_HOST"] = plain.Environment["BUNDT_HOST"];
        start.Environment.Remove("BUNDT_ROOT");
        return new BundtProcess(Process.Start(start)!);
    }

    public static async Task<(int Code, string Output, string Error)> RunAsync(FakeDaemon daemon, string input, params string[] arguments)
    {
        using BundtProcess process = Start(daemon, arguments);
        if (input.Length > 0)
        {
            await process.Input.WriteAsync(Encoding.UTF8.GetBytes(input));
        }

        process.Input.Close();
        string output = await new StreamReader(process.Output).ReadToEndAsync();
        return (await process.WaitAsync(), output, await process._error);
    }

    public void Signal(int number) => _ = kill(_process.Id, number);

    public async Task<int> WaitAsync()
    {
        await _process.WaitForExitAsync();
        return _process.ExitCode;
    }

    public Task<string> ErrorAsync() => _error;

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        _process.Dispose();
    }

    private static ProcessStartInfo Describe(FakeDaemon daemon, string[] arguments)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath is string own && Path.GetFileName(own).StartsWith("dotnet", StringComparison.Ordinal) ? own : "dotnet", [Path.Combine(AppContext.BaseDirectory, "bundt.dll"), .. arguments]);
        start.Environment["BUNDT_HOST"] = "unix://" + daemon.Path;
        start.Environment.Remove("BUNDT_ROOT");
        return start;
    }

    [LibraryImport("libc")]
    private static partial int kill(int pid, int signal);
}
