using Bundt.Cli.CommandLine;

namespace Bundt.Cli.Requests;

/// <summary>Which of a container's streams this client is attached to.</summary>
internal readonly record struct AttachedStreams(bool Stdin, bool Stdout, bool Stderr)
{
    /// <summary>None: detached.</summary>
    public bool IsNone => !Stdin && !Stdout && !Stderr;

    /// <summary>From <c>-a</c>, <c>-i</c> and <c>-d</c>: without -a output always, and stdin with -i.</summary>
    /// <exception cref="UsageException">A stream has no such name, or -a and -d contradict each other.</exception>
    public static AttachedStreams Choose(IEnumerable<string> attach, bool interactive, bool detach)
    {
        bool any = false;
        var result = default(AttachedStreams);
        foreach (string name in attach)
        {
            any = true;
            result = name.ToLowerInvariant() switch
            {
                "stdin" => result with { Stdin = true },
                "stdout" => result with { Stdout = true },
                "stderr" => result with { Stderr = true },
                _ => throw new UsageException($"invalid argument \"{name}\" for \"-a, --attach\" flag: valid streams are STDIN, STDOUT and STDERR"),
            };
        }

        if (any && detach)
        {
            throw new UsageException("conflicting options: cannot specify both --attach and --detach");
        }

        return detach ? default : any ? result : new AttachedStreams(interactive, true, true);
    }

    /// <summary>As the query of our run endpoint wants it.</summary>
    public override string ToString() => string.Join(',', new[] { Stdin ? "stdin" : "", Stdout ? "stdout" : "", Stderr ? "stderr" : "" }.Where(static s => s.Length > 0));
}
