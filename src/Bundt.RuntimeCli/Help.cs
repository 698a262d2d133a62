using System.Reflection;

namespace Bundt.RuntimeCli;

/// <summary>What --help and --version print.</summary>
internal static class Help
{
    /// <summary>The newest version of the runtime specification that is implemented.</summary>
    public const string SpecVersion = "1.3.0";

    public const string Text = """
        bundt-runtime: an OCI runtime

        Usage: bundt-runtime [GLOBAL OPTION]... COMMAND [OPTION]... [ARGUMENT]...

          create ID            make a container whose process waits for start
          start ID             let it execute its command
          run ID               create and start; in the foreground unless --detach
              -b, --bundle DIR        the bundle (the current directory)
              -f, --config FILE       config.json elsewhere
              -d, --detach            run only: do not wait for the end
              --keep                  run only: do not delete the container at its end
              --pid-file FILE, --console-socket SOCKET, --pidfd-socket SOCKET, --preserve-fds N
              --no-pivot, --no-new-keyring, --no-subreaper
          exec ID COMMAND...   run a further process in a container
              -e, --env K=V, --cwd DIR, -u, --user UID[:GID], -g, --additional-gids GID, -t, --tty, -c, --cap CAP
              -p, --process FILE      the whole process object in place of the options
              -d, --detach, --pid-file FILE, --console-socket SOCKET, --pidfd-socket SOCKET, --preserve-fds N
              --cgroup PATH           a cgroup below the container's
              --no-new-privs, --apparmor PROFILE, --process-label LABEL, --ignore-paused
          state ID             its state as JSON
          list                 all containers: -q, --quiet; -f, --format table|json
          ps ID [PS OPTION]... its processes: -f, --format table|json
          kill ID [SIGNAL]     TERM, unless given; -a, --all: to all its processes
          pause ID, resume ID  freeze and thaw
          delete ID            -f, --force: kill it first
              -r, --regex             kill and delete: all containers whose id matches ID, a POSIX extended regular expression
          update ID            change its limits
              -r, --resources FILE    linux.resources as JSON; - is stdin
              --memory, --memory-reservation, --memory-swap BYTES; --pids-limit N; --blkio-weight N
              --cpu-share, --cpu-quota, --cpu-period, --cpu-burst, --cpu-idle, --cpuset-cpus, --cpuset-mems
          mounts add|remove ID FILE
                               mount in a running container what FILE says, an array as in config.json; or take it away
          events ID            its statistics and OOM events as JSON lines: --stats (once), --interval 5s
          checkpoint ID        write its processes' state by CRIU, and end it
              --image-path DIR (./checkpoint), --work-path DIR, --parent-path DIR, --pre-dump, --leave-running
          restore ID           bring it back; as run: --bundle, --detach, --keep, --pid-file
              --image-path DIR, --work-path DIR
              both: --tcp-established, --ext-unix-sk, --shell-job, --file-locks, --link-remap, --manage-cgroups-mode MODE …
          spec                 write a config.json: -b, --bundle DIR; --rootless
          features             what this runtime can do, as JSON
          plan                 print the launch plan of a bundle without running it: -b, --bundle DIR

        --root DIR             the containers' state (/run/bundt-runtime)
        --log FILE             also write errors there, and warnings there alone; --log-format text|json; --debug
        --systemd-cgroup       let systemd make cgroups; --cgroup-manager cgroupfs|systemd|disabled
        --version, --help

        """;

    public static string Version
    {
        get
        {
            var version = typeof(Help).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+') ?? ["0"];
            return $"bundt-runtime version {version[0]}\ncommit: {(version.Length > 1 ? version[1] : "unknown")}\nspec: {SpecVersion}\n+SYSTEMD +SELINUX +APPARMOR +CAP +SECCOMP +EBPF\n";
        }
    }
}
