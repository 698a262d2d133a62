using System.Text;
using Bundt.Linux.Sockets;

namespace Bundt.Linux.Processes;

/// <summary>Asks a program of the user's: a question on its stdin, the answer from its stdout. Its stderr is ours.</summary>
public static class HelperProgram
{
    /// <summary>Bytes of an answer that are read.</summary>
    private const int MaxAnswer = 1 << 20;

    /// <summary>Where a program lies in PATH; null: nowhere.</summary>
    /// <param name="name">Without a slash.</param>
    public static string? Find(string name)
    {
        foreach (string directory in (Environment.GetEnvironmentVariable("PATH") ?? "/usr/local/bin:/usr/bin:/bin").Split(':'))
        {
            string path = Path.Combine(directory.Length == 0 ? "." : directory, name);
            if (File.Exists(path) && (new FileInfo(path).UnixFileMode & (UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute)) != 0)
            {
                return path;
            }
        }

        return null;
    }

    /// <summary>Runs it to its end, in our own environment.</summary>
    /// <param name="program">File to execute.</param>
    /// <param name="arguments">All arguments, the name it sees first.</param>
    /// <param name="question">What it reads; short enough for a pipe's buffer (64 KiB).</param>
    /// <returns>Its exit code, or 128 and its signal, and what it wrote.</returns>
    /// <exception cref="BundtException">It could not be executed, or says more than a megabyte.</exception>
    public static (int ExitCode, string Answer) Ask(string program, IReadOnlyList<string> arguments, string question)
    {
        using DescriptorPair input = DescriptorPair.Pipe();
        using DescriptorPair output = DescriptorPair.Pipe();
        int pid = DetachedProgram.Spawn(program, arguments, OwnEnvironment.Variables(), Number(output.Second), -1, session: false, input: Number(input.First), error: 2);
        input.First.Dispose();
        output.Second.Dispose();
        _ = Descriptors.Write(Number(input.Second), Encoding.UTF8.GetBytes(question));
        input.Second.Dispose();
        byte[] answer = new byte[MaxAnswer];
        int length = 0;
        int n;
        while (length < MaxAnswer && (n = Descriptors.Read(Number(output.First), answer.AsSpan(length))) > 0)
        {
            length += n;
        }

        output.First.Dispose();
        int code = DetachedProgram.Wait(pid);
        return length == MaxAnswer
            ? throw new BundtException(FailureKind.Internal, Phase.Request, $"{program} says more than {MaxAnswer} bytes")
            : (code, Encoding.UTF8.GetString(answer, 0, length));
    }

    private static int Number(Microsoft.Win32.SafeHandles.SafeFileHandle handle) => (int)handle.DangerousGetHandle();
}
