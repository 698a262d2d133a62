using System.Diagnostics;
using System.Text;

namespace Bundt.Integration.Tests.Fixtures;

/// <summary>How a program ended and what it wrote.</summary>
public sealed record Result(string CommandLine, int ExitCode, string Stdout, string Stderr, TimeSpan Time)
{
    /// <summary>Stdout without the last line's end.</summary>
    public string Text => Stdout.TrimEnd('\n', '\r');

    /// <summary>Stdout's lines.</summary>
    public string[] Lines => Text.Length == 0 ? [] : Text.Split('\n');

    /// <summary>This result, if the program ended with 0; else the test fails with all that it said.</summary>
    public Result Ok() => Exits(0);

    /// <summary>This result, if the program ended with that code; else the test fails with all that it said.</summary>
    public Result Exits(int code)
    {
        Assert.That(ExitCode, Is.EqualTo(code), $"{this}");
        return this;
    }

    /// <inheritdoc/>
    public override string ToString() => $"$ {CommandLine}\nexit code {ExitCode} after {Time.TotalSeconds:0.0} s\nstdout: {Short(Stdout)}\nstderr: {Short(Stderr)}";

    private static string Short(string text) => text.Length <= 4000 ? text : $"{text[..2000]}\n… {text.Length} characters …\n{text[^2000..]}";
}

/// <summary>A program about to be run, and its end awaited. Never through a shell.</summary>
public sealed class Command
{
    private readonly ProcessStartInfo _start;
    private TimeSpan _limit = TimeSpan.FromSeconds(60);
    private byte[]? _stdin;
    private bool _holdsInput;

    /// <summary>The program and its arguments.</summary>
    public Command(string program, params IEnumerable<string> arguments)
    {
        _start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
    }

    /// <summary>Sets a variable; null removes it.</summary>
    public Command With(string variable, string? value)
    {
        _start.Environment[variable] = value;
        return this;
    }

    /// <summary>What the program reads; without it, an empty stdin.</summary>
    public Command Input(string text) => Input(Encoding.UTF8.GetBytes(text));

    /// <summary>What the program reads.</summary>
    public Command Input(byte[] bytes)
    {
        _stdin = bytes;
        return this;
    }

    /// <summary>Its input does not end before it does: script(1) types an end of file that is the program's or is not, as chance has it.</summary>
    public Command HoldInput()
    {
        _holdsInput = true;
        return this;
    }

    /// <summary>The directory it starts in.</summary>
    public Command In(string directory)
    {
        _start.WorkingDirectory = directory;
        return this;
    }

    /// <summary>Seconds until it is killed and the test fails (60).</summary>
    public Command Within(double seconds)
    {
        _limit = TimeSpan.FromSeconds(seconds);
        return this;
    }

    /// <summary>Runs it to its end.</summary>
    public Result Run() => RunAsync().GetAwaiter().GetResult();

    /// <summary>Runs it to its end.</summary>
    public async Task<Result> RunAsync()
    {
        var line = string.Join(' ', new[] { Path.GetFileName(_start.FileName) }.Concat(_start.ArgumentList));
        var clock = Stopwatch.StartNew();
        using var process = Start();
        var stdout = process.StandardOutput.ReadToEndAsync();
        var stderr = process.StandardError.ReadToEndAsync();
        var stdin = WriteInputAsync(process);
        using var limit = new CancellationTokenSource(_limit);
        try
        {
            await process.WaitForExitAsync(limit.Token).ConfigureAwait(false);
            await Task.WhenAll(stdout, stderr).WaitAsync(limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            var said = await Task.WhenAny(Task.WhenAll(stdout, stderr), Task.Delay(2000)).ConfigureAwait(false);
            var texts = said is Task<string[]> done ? string.Join("\nstderr: ", done.Result) : "(its output is still open)";
            throw new TimeoutException($"$ {line}\nhas not ended after {_limit.TotalSeconds} s\nstdout: {texts}");
        }
        await stdin.ConfigureAwait(false);
        return new Result(line, process.ExitCode, stdout.Result, stderr.Result, clock.Elapsed);
    }

    /// <summary>Starts it and leaves it running: the caller owns the process, its three streams included.</summary>
    public Process Start() => Process.Start(_start)!;

    private async Task WriteInputAsync(Process process)
    {
        try
        {
            if (_stdin is not null)
            {
                await process.StandardInput.BaseStream.WriteAsync(_stdin).ConfigureAwait(false);
            }
            if (!_holdsInput)
            {
                process.StandardInput.Close();
            }
        }
        catch (IOException)
        {
            // It has ended without reading everything, as it may.
        }
    }
}
