using System.Buffers.Binary;
using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using Bundt.Engine.Launch;
using Bundt.Engine.Monitors;
using Bundt.Linux;
using Bundt.Linux.Locks;
using Bundt.Linux.Processes;
using Bundt.Runtime.Launch;
using Microsoft.Win32.SafeHandles;

namespace Bundt.Engine.Tests;

/// <summary>
/// Monitors and containers made of two sleeping processes each: the test plays the monitor and writes its files as native/monitor.h says.
/// </summary>
internal sealed class FakeProcesses : IContainerProcesses, IDisposable
{
    public List<FakeContainer> Launched { get; } = [];

    public Func<LaunchRequest, Exception?> Fail { get; set; } = _ => null;

    public HashSet<string> Cgroups { get; } = [];

    public LaunchedProcess Launch(LaunchRequest request)
    {
        if (Fail(request) is { } failure)
        {
            throw failure;
        }

        var container = new FakeContainer(request, request.Monitor);
        lock (Launched)
        {
            Launched.Add(container);
            Cgroups.Add(request.Id);
        }

        return container.Handed();
    }

    public LaunchedProcess Exec(ExecRequest request)
    {
        var container = new FakeContainer(null, request.Monitor) { Exec = request };
        lock (Launched)
        {
            Launched.Add(container);
        }

        return container.Handed();
    }

    public bool MountsAhead => false;

    public SafeFileHandle? MountOverlay(OverlayRoot root) => throw new NotSupportedException();

    public SafeFileHandle MakeNetworkNamespace() => throw new NotSupportedException();

    public void SetFrozen(string id, bool frozen)
    {
    }

    public void Kill(string id)
    {
        foreach (var container in Launched.Where(l => l.Request?.Id == id))
        {
            container.KillInit();
            container.End(137);
        }
    }

    public void RemoveCgroup(string id)
    {
        lock (Launched)
        {
            Cgroups.Remove(id);
        }
    }

    /// <summary>Told whose cgroup is to be removed; answers whether a process is in it.</summary>
    public Func<string, bool> IsPopulated { get; set; } = _ => false;

    public bool TryRemoveEmptyCgroup(string id) => !IsPopulated(id);

    public IReadOnlyList<string> ListCgroups() => [.. Cgroups];

    public void Dispose() => Launched.ForEach(l => l.Dispose());
}

/// <summary>One container under a fake monitor.</summary>
internal sealed class FakeContainer : IDisposable
{
    private readonly MonitorSettings _monitor;
    private readonly Orphan _init = new();
    private readonly Orphan _monitorProcess = new();
    private readonly SafeFileHandle _lock;
    private readonly Socket? _client;
    private readonly Socket? _handed;
    private readonly DateTimeOffset _started = DateTimeOffset.UtcNow;
    private bool _ended;

    public FakeContainer(LaunchRequest? request, MonitorSettings monitor)
    {
        Request = request;
        _monitor = monitor;
        var record = Path.Combine(monitor.StateDirectory, MonitorRecord.FileName);
        _lock = File.OpenHandle(record, FileMode.Create, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        OfdLock.TryTake(_lock);
        RandomAccess.Write(_lock, Encoding.UTF8.GetBytes(Describe(BootId)), 0);
        if (monitor.AttachFlags != 0)
        {
            using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            var path = Path.Combine(Path.GetTempPath(), $"bundt-fake-{Guid.NewGuid():N}");
            listener.Bind(new UnixDomainSocketEndPoint(path));
            listener.Listen();
            _handed = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            _handed.Connect(new UnixDomainSocketEndPoint(path));
            _client = listener.Accept();
            File.Delete(path);
        }

    }

    public static string BootId { get; } = File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim();

    public LaunchRequest? Request { get; }

    public ExecRequest? Exec { get; init; }

    public MonitorSettings Monitor => _monitor;

    public int InitPid => _init.Id;

    public LaunchedProcess Handed() => new()
    {
        Pid = _init.Id,
        StartTime = _init.StartTime,
        MonitorPid = _monitorProcess.Id,
        MonitorPidFd = PidFd.TryOpen(_monitorProcess.Id, _monitorProcess.StartTime)!.Handle,
        Attached = _handed,
    };

    public string Describe(string bootId) =>
        $"version 1\nmonitor-pid {_monitorProcess.Id}\nmonitor-start {_monitorProcess.StartTime}\nboot-id {bootId}\n"
        + $"init-pid {_init.Id}\ninit-start {_init.StartTime}\nstarted {UnixTime.ToNanoseconds(_started)}\nend\n";

    public void Send(byte type, string text)
    {
        var payload = Encoding.UTF8.GetBytes(text);
        var message = new byte[8 + payload.Length];
        message[0] = type;
        BinaryPrimitives.WriteInt32BigEndian(message.AsSpan(4), payload.Length);
        payload.CopyTo(message, 8);
        _client!.Send(message);
    }

    public (byte Type, byte[] Payload) Receive()
    {
        var header = new byte[8];
        Fill(header);
        var payload = new byte[BinaryPrimitives.ReadInt32BigEndian(header.AsSpan(4))];
        Fill(payload);
        return (header[0], payload);
    }

    /// <summary>What a monitor does at the end: exit record, end of attach, its own exit.</summary>
    public void End(int status, int oomKills = 0)
    {
        lock (this)
        {
            if (_ended)
            {
                return;
            }

            _ended = true;
            WriteExit(status, oomKills);
            _client?.Dispose();
            KillInit();
            KillMonitor();
        }
    }

    public void WriteExit(int status, int oomKills = 0)
    {
        var path = Path.Combine(_monitor.StateDirectory, ExitRecord.FileName);
        File.WriteAllText(
            path + ".new",
            $"version 1\nstatus {status}\nsignal 0\ncore 0\noom-kill {oomKills}\nstarted {UnixTime.ToNanoseconds(_started)}\nfinished {UnixTime.ToNanoseconds(DateTimeOffset.UtcNow)}\nlog-dropped 0\nend\n");
        File.Move(path + ".new", path);
    }

    public void KillInit() => _init.Kill();

    public void KillMonitor()
    {
        _lock.Dispose();
        _monitorProcess.Kill();
    }

    public void Dispose()
    {
        KillInit();
        KillMonitor();
        _client?.Dispose();
        _handed?.Dispose();
    }

    private void Fill(byte[] bytes)
    {
        for (var done = 0; done < bytes.Length;)
        {
            var count = _client!.Receive(bytes.AsSpan(done));
            done += count > 0 ? count : throw new IOException("closed");
        }
    }

    /// <summary>A sleeping process that is not this one's child: .NET would compete with the engine for its end.</summary>
    private sealed class Orphan
    {
        public Orphan()
        {
            using var shell = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", "sleep 1000 >/dev/null 2>&1 & echo $!"]) { RedirectStandardOutput = true })!;
            Id = int.Parse(shell.StandardOutput.ReadLine()!, System.Globalization.CultureInfo.InvariantCulture);
            shell.WaitForExit();
            StartTime = PidFd.ReadStartTime(Id)!.Value;
        }

        public int Id { get; }

        public ulong StartTime { get; }

        public void Kill()
        {
            using var pidFd = PidFd.TryOpen(Id, StartTime);
            if (pidFd is not null)
            {
                pidFd.Signal(9);
                pidFd.WaitForEnd(5000);
            }
        }
    }
}
