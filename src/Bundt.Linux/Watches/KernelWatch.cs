using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Bundt.Linux.Watches;

/// <summary>What changed below a watched directory (inotify(7); several may be set).</summary>
[Flags]
public enum DirectoryChanges : uint
{
    /// <summary>Bytes were written to a file (IN_MODIFY).</summary>
    Written = 0x2,
    /// <summary>A file that was open for writing was closed: its content is whole (IN_CLOSE_WRITE).</summary>
    Closed = 0x8,
    /// <summary>A name was moved away (IN_MOVED_FROM).</summary>
    MovedFrom = 0x40,
    /// <summary>A name was moved here (IN_MOVED_TO).</summary>
    MovedTo = 0x80,
    /// <summary>A name was made (IN_CREATE).</summary>
    Created = 0x100,
    /// <summary>The directory itself is gone, or events were lost: look for yourself (IN_DELETE_SELF, IN_IGNORED, IN_Q_OVERFLOW).</summary>
    Unknown = 0x400 | 0x8000 | 0x4000,
}

/// <summary>
/// One thread that waits in epoll for everything the kernel announces by descriptors that .NET's own loop does not know: changes in
/// directories (inotify) and ends of processes (pidfd). Callbacks run on that thread and must be short.
/// </summary>
public sealed unsafe partial class KernelWatch : IDisposable
{
    private const ulong WakeToken = 0;
    private const ulong InotifyToken = 1;

    private readonly SafeFileHandle _epoll;
    private readonly SafeFileHandle _inotify;
    private readonly SafeFileHandle _wake;
    private readonly Lock _directoriesLock = new();
    private readonly Dictionary<int, List<DirectorySubscription>> _directories = [];
    private readonly ConcurrentDictionary<ulong, ProcessSubscription> _processes = new();
    private readonly ConcurrentDictionary<ulong, ReadableSubscription> _readable = new();
    private ulong _lastToken = InotifyToken;
    private volatile bool _stopping;

    /// <summary>Starts the thread.</summary>
    public KernelWatch()
    {
        _epoll = Checked(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
        _inotify = Checked(inotify_init1(IN_CLOEXEC | IN_NONBLOCK), "inotify_init1");
        _wake = Checked(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd");
        Add(_inotify, InotifyToken, EPOLLIN);
        Add(_wake, WakeToken, EPOLLIN);
        new Thread(Loop) { IsBackground = true, Name = "kernel-watch" }.Start();
    }

    /// <summary>
    /// Calls back with each change and the name it concerns ("" for the directory itself) until the result is disposed. Changes after this
    /// method's return are not missed; equal ones may come as one.
    /// </summary>
    /// <param name="path">Host path of a directory that no container can exchange.</param>
    /// <param name="changes">Which changes.</param>
    /// <param name="callback">Called on the watch's thread.</param>
    public IDisposable WatchDirectory(string path, DirectoryChanges changes, Action<DirectoryChanges, string> callback)
    {
        ArgumentNullException.ThrowIfNull(callback);
        lock (_directoriesLock)
        {
            var watch = AddInotify(path, (uint)changes | IN_ONLYDIR | IN_MASK_ADD);
            if (!_directories.TryGetValue(watch, out var subscriptions))
            {
                _directories.Add(watch, subscriptions = []);
            }

            var subscription = new DirectorySubscription(this, watch, path, changes, callback);
            subscriptions.Add(subscription);
            return subscription;
        }
    }

    /// <summary>Calls back once when the process has ended (the pidfd becomes readable), unless the result is disposed before.</summary>
    /// <param name="pidFd">The pidfd; must stay open until then.</param>
    /// <param name="callback">Called on the watch's thread.</param>
    public IDisposable WatchProcess(SafeFileHandle pidFd, Action callback)
    {
        ArgumentNullException.ThrowIfNull(callback);
        var token = Interlocked.Increment(ref _lastToken);
        var subscription = new ProcessSubscription(this, token, pidFd, callback);
        _processes[token] = subscription;
        Add(pidFd, token, EPOLLIN | EPOLLONESHOT);
        return subscription;
    }

    /// <summary>Calls back whenever a descriptor is readable, until the result is disposed; the callback reads all that there is.</summary>
    /// <param name="descriptor">It must stay open until then, and must not block.</param>
    /// <param name="callback">Called on the watch's thread.</param>
    public IDisposable WatchReadable(SafeFileHandle descriptor, Action callback)
    {
        ArgumentNullException.ThrowIfNull(callback);
        var subscription = new ReadableSubscription(this, Interlocked.Increment(ref _lastToken), descriptor, callback);
        _readable[subscription.Token] = subscription;
        Add(descriptor, subscription.Token, EPOLLIN);
        return subscription;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_stopping)
        {
            return;
        }

        _stopping = true;
        ulong one = 1;
        _ = write(_wake, &one, sizeof(ulong));
    }

    private void Loop()
    {
        const int Count = 64;
        var events = stackalloc byte[Count * EpollEvent.LargestSize];
        var buffer = new byte[64 * 1024];
        while (!_stopping)
        {
            var ready = epoll_wait(_epoll, events, Count, -1);
            for (var i = 0; i < ready; i++)
            {
                var token = EpollEvent.Token(events, i);
                if (token == InotifyToken)
                {
                    ReadInotify(buffer);
                }
                else if (_readable.TryGetValue(token, out var readable))
                {
                    readable.Callback();
                }
                else if (token != WakeToken && _processes.TryRemove(token, out var process))
                {
                    process.Ended();
                }
            }
        }

        _epoll.Dispose();
        _inotify.Dispose();
        _wake.Dispose();
    }

    private void ReadInotify(byte[] buffer)
    {
        while (true)
        {
            nint length;
            fixed (byte* bytes = buffer)
            {
                length = read(_inotify, bytes, (nuint)buffer.Length);
            }

            if (length <= 0)
            {
                return;
            }

            for (var offset = 0; offset < length;)
            {
                var watch = BitConverter.ToInt32(buffer, offset);
                var mask = BitConverter.ToUInt32(buffer, offset + 4);
                var nameLength = BitConverter.ToInt32(buffer, offset + 12);
                var name = buffer.AsSpan(offset + 16, nameLength);
                var end = name.IndexOf((byte)0);
                Dispatch(watch, mask, Encoding.UTF8.GetString(end < 0 ? name : name[..end]));
                offset += 16 + nameLength;
            }
        }
    }

    private void Dispatch(int watch, uint mask, string name)
    {
        DirectorySubscription[] receivers;
        lock (_directoriesLock)
        {
            if ((mask & IN_Q_OVERFLOW) != 0)
            {
                receivers = [.. _directories.Values.SelectMany(s => s)];
            }
            else if (_directories.TryGetValue(watch, out var subscriptions))
            {
                receivers = [.. subscriptions];
                if ((mask & IN_IGNORED) != 0)
                {
                    _directories.Remove(watch);
                }
            }
            else
            {
                return;
            }
        }

        foreach (var receiver in receivers)
        {
            receiver.Changed((DirectoryChanges)mask, name);
        }
    }

    private void Forget(DirectorySubscription subscription)
    {
        lock (_directoriesLock)
        {
            if (!_directories.TryGetValue(subscription.Watch, out var subscriptions) || !subscriptions.Remove(subscription))
            {
                return;
            }

            if (subscriptions.Count == 0)
            {
                _directories.Remove(subscription.Watch);
                if (!_inotify.IsClosed)
                {
                    _ = inotify_rm_watch(_inotify, subscription.Watch);
                }

                return;
            }

            // The others' mask only: a busy log must not wake those who wait for an exit. The path may be gone or moved by now; then so be it.
            var mask = subscriptions.Aggregate(0u, (m, s) => m | (uint)s.Changes);
            var handle = Encoding.UTF8.GetBytes(subscription.Path + "\0");
            fixed (byte* path = handle)
            {
                _ = inotify_add_watch(_inotify, path, mask | IN_ONLYDIR);
            }
        }
    }

    private void Forget(ProcessSubscription subscription)
    {
        if (_processes.TryRemove(subscription.Token, out _))
        {
            Unregister(subscription.PidFd);
        }
    }

    private int AddInotify(string path, uint mask)
    {
        var bytes = Encoding.UTF8.GetBytes(path + "\0");
        fixed (byte* pointer = bytes)
        {
            var watch = inotify_add_watch(_inotify, pointer, mask);
            return watch >= 0 ? watch : throw BundtException.Last(Phase.Run, "inotify_add_watch", path, "fs.inotify.max_user_watches limits watches");
        }
    }

    private void Add(SafeFileHandle descriptor, ulong token, uint events)
    {
        var watched = stackalloc byte[EpollEvent.LargestSize];
        EpollEvent.Set(watched, events, token);
        if (epoll_ctl(_epoll, EPOLL_CTL_ADD, descriptor, watched) != 0)
        {
            throw BundtException.Last(Phase.Run, "epoll_ctl");
        }
    }

    private static SafeFileHandle Checked(int descriptor, string operation) =>
        descriptor >= 0 ? new SafeFileHandle(descriptor, ownsHandle: true) : throw BundtException.Last(Phase.Run, operation);

    private sealed class DirectorySubscription(
        KernelWatch owner, int watch, string path, DirectoryChanges changes, Action<DirectoryChanges, string> callback) : IDisposable
    {
        public int Watch => watch;

        public string Path => path;

        public DirectoryChanges Changes => changes;

        public void Changed(DirectoryChanges what, string name)
        {
            if ((what & (changes | DirectoryChanges.Unknown)) != 0)
            {
                callback(what, name);
            }
        }

        public void Dispose() => owner.Forget(this);
    }

    private sealed class ReadableSubscription(KernelWatch owner, ulong token, SafeFileHandle descriptor, Action callback) : IDisposable
    {
        public ulong Token => token;

        public Action Callback => callback;

        public void Dispose()
        {
            if (owner._readable.TryRemove(token, out _))
            {
                owner.Unregister(descriptor);
            }
        }
    }

    private sealed class ProcessSubscription(KernelWatch owner, ulong token, SafeFileHandle pidFd, Action callback) : IDisposable
    {
        public ulong Token => token;

        public SafeFileHandle PidFd => pidFd;

        public void Ended()
        {
            owner.Unregister(pidFd);
            callback();
        }

        public void Dispose() => owner.Forget(this);
    }

    private void Unregister(SafeFileHandle pidFd)
    {
        try
        {
            _ = epoll_ctl(_epoll, EPOLL_CTL_DEL, pidFd, null);
        }
        catch (ObjectDisposedException)
        {
            // Closed by its owner this very moment: the kernel has forgotten it already.
        }
    }

    /// <summary>struct epoll_event: u32 events and u64 data, 12 bytes (packed) on x86-64, 16 elsewhere.</summary>
    private static class EpollEvent
    {
        public const int LargestSize = 16;

        private static readonly int s_dataOffset = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 4 : 8;

        public static void Set(byte* target, uint events, ulong token)
        {
            *(uint*)target = events;
            *(ulong*)(target + s_dataOffset) = token;
        }

        public static ulong Token(byte* array, int index) => *(ulong*)(array + (index * (s_dataOffset + 8)) + s_dataOffset);
    }

    private const int EPOLL_CLOEXEC = 0x80000;
    private const int EPOLL_CTL_ADD = 1;
    private const int EPOLL_CTL_DEL = 2;
    private const uint EPOLLIN = 1;
    private const uint EPOLLONESHOT = 1u << 30;
    private const int EFD_CLOEXEC = 0x80000;
    private const int EFD_NONBLOCK = 0x800;
    private const int IN_CLOEXEC = 0x80000;
    private const int IN_NONBLOCK = 0x800;
    private const uint IN_ONLYDIR = 0x01000000;
    private const uint IN_MASK_ADD = 0x20000000;
    private const uint IN_Q_OVERFLOW = 0x4000;
    private const uint IN_IGNORED = 0x8000;

    [LibraryImport("libc", SetLastError = true)]
    private static partial int epoll_create1(int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int epoll_ctl(SafeFileHandle epoll, int operation, SafeFileHandle descriptor, byte* what);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int epoll_wait(SafeFileHandle epoll, byte* events, int count, int milliseconds);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int eventfd(uint initial, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int inotify_init1(int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int inotify_add_watch(SafeFileHandle inotify, byte* path, uint mask);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int inotify_rm_watch(SafeFileHandle inotify, int watch);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint read(SafeFileHandle descriptor, byte* buffer, nuint length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint write(SafeFileHandle descriptor, void* buffer, nuint length);
}
