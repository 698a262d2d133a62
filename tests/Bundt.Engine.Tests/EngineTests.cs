using System.Text;
using Bundt.Engine.Containers;
using Bundt.Linux;
using Microsoft.Extensions.Logging.Abstractions;

namespace Bundt.Engine.Tests;

[TestFixture]
public sealed class EngineTests
{
    private string _root = "";
    private FakeProcesses _processes = null!;
    private TestImages _images = null!;
    private ContainerEngine? _engine;

    [SetUp]
    public async Task Open()
    {
        _root = Directory.CreateTempSubdirectory("bundt-engine-").FullName;
        _processes = new FakeProcesses();
        _images = new TestImages(Path.Combine(_root, "layer"));
        _engine = await OpenAsync();
    }

    [TearDown]
    public async Task Close()
    {
        if (_engine is not null)
        {
            await _engine.DisposeAsync();
        }

        _processes.Dispose();
        Directory.Delete(_root, true);
    }

    [Test]
    public async Task A_container_runs_from_created_to_exited_with_its_code()
    {
        var (container, warnings) = await CreateAsync(new() { Image = "cake", Cmd = ["true"] });
        Assert.That(container.State.Status, Is.EqualTo(ContainerStatus.Created));
        Assert.That(warnings, Is.Empty);
        Assert.That(container.Settings.NetworkMode, Is.EqualTo("none"));
        var waiting = container.WaitAsync(WaitCondition.NextExit, default);

        await container.StartAsync(default);
        Assert.That(container.State.Status, Is.EqualTo(ContainerStatus.Running));
        Assert.That(container.State.Pid, Is.EqualTo(_processes.Launched[0].InitPid));

        _processes.Launched[0].End(3, oomKills: 1);
        var end = await waiting;
        Assert.That((end.Status, end.ExitCode, end.OomKilled, end.Pid), Is.EqualTo((ContainerStatus.Exited, 3, true, 0)));
        Assert.That(end.FinishedAt, Is.GreaterThanOrEqualTo(end.StartedAt!.Value));
        await container.Aftermath;
        Assert.That(_images.Leases, Is.Zero);
        Assert.That(_processes.Cgroups, Is.Empty);
        Assert.That(Directory.EnumerateDirectories(Path.Combine(_root, "run/containers")), Is.Empty);
    }

    [Test]
    public async Task A_second_start_is_not_modified_and_a_restart_runs_again()
    {
        var container = await StartedAsync();
        Assert.That(Kind(() => container.StartAsync(default)), Is.EqualTo(FailureKind.NotModified));

        _processes.Launched[0].End(1);
        await container.WaitAsync(WaitCondition.NotRunning, default);
        await container.StartAsync(default);

        Assert.That(container.State.Status, Is.EqualTo(ContainerStatus.Running));
        Assert.That(File.Exists(Path.Combine(_root, "containers", container.Id, "exit")), Is.False);
    }

    [Test]
    public async Task A_failed_start_leaves_it_created_with_the_reason_and_tells_who_waits()
    {
        _processes.Fail = _ => new BundtException(FailureKind.CommandNotFound, Phase.Exec, "exec: \"foo\": executable file not found in $PATH");
        var (container, _) = await CreateAsync(new() { Image = "cake", Cmd = ["foo"] });
        var waiting = container.WaitAsync(WaitCondition.NextExit, default);

        var failure = (await Assert.ThrowsAsync<BundtException>(() => container.StartAsync(default)))!;

        Assert.That(failure.Kind, Is.EqualTo(FailureKind.CommandNotFound));
        Assert.That(failure.Message, Does.StartWith("failed to create task for container: exec: \"foo\": executable file not found in $PATH"));
        Assert.That((await waiting).ExitCode, Is.EqualTo(127));
        Assert.That(container.State.Status, Is.EqualTo(ContainerStatus.Created));
        Assert.That(container.State.Error, Is.EqualTo(failure.Message));
        Assert.That(_images.Leases, Is.Zero);

        await ReopenAsync();
        Assert.That(_engine!.Find(container.Id).State.ExitCode, Is.EqualTo(127));
    }

    [Test]
    public async Task With_auto_remove_nothing_is_left_after_the_end()
    {
        var container = await StartedAsync(new() { Image = "cake", Cmd = ["true"], AutoRemove = true, Volumes = ["/data"] });
        var removed = container.WaitAsync(WaitCondition.Removed, default);
        Assert.That(_engine!.Volumes.List(), Has.Count.EqualTo(1));

        _processes.Launched[0].End(7);

        Assert.That((await removed).ExitCode, Is.EqualTo(7));
        Assert.That(KindOf(() => _engine!.Find(container.Id)), Is.EqualTo(FailureKind.NotFound));
        Assert.That(_engine.Volumes.List(), Is.Empty);
        await _engine.TrashEmptied();
        Assert.That(Directory.EnumerateFileSystemEntries(Path.Combine(_root, "trash")), Is.Empty);
        Assert.That(Directory.EnumerateFileSystemEntries(Path.Combine(_root, "containers")), Is.Empty);
        Assert.That(Directory.EnumerateDirectories(Path.Combine(_root, "run/containers")), Is.Empty);
    }

    [Test]
    public async Task With_auto_remove_a_failed_start_removes_it()
    {
        _processes.Fail = _ => new BundtException(FailureKind.Internal, Phase.Mount, "mount proc");
        var (container, _) = await CreateAsync(new() { Image = "cake", Cmd = ["foo"], AutoRemove = true });
        var removed = container.WaitAsync(WaitCondition.Removed, default);

        await Assert.ThrowsAsync<BundtException>(() => container.StartAsync(default));

        Assert.That((await removed).ExitCode, Is.EqualTo(128));
        Assert.That(_engine!.List(), Is.Empty);
    }

    [Test]
    public async Task Names_are_unique_until_they_are_given_back()
    {
        var (first, _) = await _engine!.CreateAsync("cake1", new() { Image = "cake", Cmd = ["true"] }, default);
        var failure = (await Assert.ThrowsAsync<BundtException>(() => _engine.CreateAsync("/cake1", new() { Image = "cake", Cmd = ["true"] }, default)))!;
        Assert.That(failure.Message, Does.StartWith($"Conflict. The container name \"/cake1\" is already in use by container \"{first.Id}\"."));

        await first.RenameAsync("cake2", default);
        var (second, _) = await _engine.CreateAsync("cake1", new() { Image = "cake", Cmd = ["true"] }, default);

        Assert.That(_engine.Find("cake2"), Is.SameAs(first));
        Assert.That(_engine.Find("/cake1"), Is.SameAs(second));
        Assert.That(Kind(() => second.RenameAsync("cake2", default)), Is.EqualTo(FailureKind.Conflict));
        Assert.That(Kind(() => _engine.CreateAsync("-x", new() { Image = "cake", Cmd = ["true"] }, default)), Is.EqualTo(FailureKind.InvalidArgument));
        Assert.That(_engine.Find(first.Id[..12]), Is.SameAs(first));
        Assert.That(KindOf(() => _engine.Find("")), Is.EqualTo(FailureKind.NotFound));
    }

    [Test]
    public async Task A_running_container_is_removed_by_force_alone()
    {
        var container = await StartedAsync();
        Assert.That(Kind(() => container.RemoveAsync(false, false, default)), Is.EqualTo(FailureKind.Conflict));

        await container.RemoveAsync(true, false, default);

        Assert.That(_engine!.List(), Is.Empty);
        Assert.That((await container.WaitAsync(WaitCondition.NextExit, default)).ExitCode, Is.EqualTo(137));
    }

    [Test]
    public async Task Attachments_made_before_the_start_get_everything_from_the_first_byte()
    {
        var (container, _) = await CreateAsync(new() { Image = "cake", Cmd = ["true"], OpenStdin = true });
        await using var one = await container.AttachAsync(new AttachOptions(true, true, true), default);
        await using var two = await container.AttachAsync(new AttachOptions(false, false, true), default);
        await container.StartAsync(default);
        var fake = _processes.Launched[0];
        Assert.That(fake.Monitor.AttachFlags, Is.EqualTo(7));

        fake.Send(16, "hello");
        fake.Send(1, "out");
        fake.Send(2, "err");
        await one.WriteStdinAsync("abc"u8.ToArray(), default);
        await one.CloseStdinAsync(default);
        Assert.That(fake.Receive(), Is.EqualTo(((byte)33, "abc"u8.ToArray())));
        Assert.That(fake.Receive().Type, Is.EqualTo(34));

        Assert.That(await ReadAsync(one), Is.EqualTo("1out"));
        Assert.That(await ReadAsync(one), Is.EqualTo("2err"));
        Assert.That(await ReadAsync(two), Is.EqualTo("2err"));
        fake.End(5);
        Assert.That(await ReadAsync(one), Is.Null);
        Assert.That(container.State.ExitCode, Is.EqualTo(5));
        Assert.That(await ReadAsync(two), Is.Null);
    }

    [Test]
    public async Task Attachments_end_when_the_start_fails_or_the_container_goes()
    {
        _processes.Fail = _ => new BundtException(FailureKind.Internal, Phase.Mount, "mount proc");
        var (container, _) = await CreateAsync(new() { Image = "cake", Cmd = ["true"] });
        await using var one = await container.AttachAsync(new AttachOptions(false, true, true), default);
        await Assert.ThrowsAsync<BundtException>(() => container.StartAsync(default));
        Assert.That(await ReadAsync(one), Is.Null);

        await using var two = await container.AttachAsync(new AttachOptions(false, true, true), default);
        await container.RemoveAsync(false, false, default);
        Assert.That(await ReadAsync(two), Is.Null);
    }

    [Test]
    public async Task A_new_daemon_adopts_what_runs_and_finds_the_exit_code_of_what_has_ended_meanwhile()
    {
        var running = await StartedAsync();
        var ended = await StartedAsync();
        var removed = await StartedAsync(new() { Image = "cake", Cmd = ["true"], AutoRemove = true });
        await _engine!.DisposeAsync();
        _processes.Launched[1].End(42);
        _processes.Launched[2].End(43);

        _engine = await OpenAsync();
        Assert.That(_engine.Find(running.Id).State.Status, Is.EqualTo(ContainerStatus.Running));
        Assert.That(_engine.Find(running.Id).State.Pid, Is.EqualTo(_processes.Launched[0].InitPid));
        Assert.That(_engine.Find(ended.Id).State.ExitCode, Is.EqualTo(42));
        await UntilAsync(() => _engine.List().All(c => c.Id != removed.Id));

        var waiting = _engine.Find(running.Id).WaitAsync(WaitCondition.NotRunning, default);
        _processes.Launched[0].End(9);
        Assert.That((await waiting).ExitCode, Is.EqualTo(9));
    }

    [Test]
    public async Task A_killed_monitor_leaves_its_container_running_and_its_end_is_seen()
    {
        var container = await StartedAsync();
        var fake = _processes.Launched[0];
        var waiting = container.WaitAsync(WaitCondition.NotRunning, default);

        fake.KillMonitor();
        await UntilAsync(() => container.State.Error == "monitor-lost");
        Assert.That(container.State.Status, Is.EqualTo(ContainerStatus.Running));

        fake.KillInit();
        var end = await waiting;
        Assert.That(end.ExitCode, Is.EqualTo(137).Or.EqualTo(255));
        Assert.That(end.Error, Is.EqualTo("monitor-lost"));
        await container.Aftermath;

        await ReopenAsync();
        Assert.That(_engine!.Find(container.Id).State.ExitCode, Is.EqualTo(end.ExitCode));
    }

    [Test]
    public async Task Another_boot_means_exited()
    {
        var container = await StartedAsync();
        await _engine!.DisposeAsync();
        File.WriteAllText(Path.Combine(_root, "containers", container.Id, "monitor"), _processes.Launched[0].Describe("another"));

        _engine = await OpenAsync();

        var state = _engine.Find(container.Id).State;
        Assert.That((state.Status, state.ExitCode, state.Error), Is.EqualTo((ContainerStatus.Exited, 255, "the host was rebooted")));
    }

    [Test]
    public async Task A_half_made_start_is_created_again_and_what_it_left_is_removed()
    {
        var (container, _) = await CreateAsync(new() { Image = "cake", Cmd = ["true"] });
        await _engine!.DisposeAsync();
        File.WriteAllText(Path.Combine(_root, "containers", container.Id, "monitor"), "version 1\n");
        Directory.CreateDirectory(Path.Combine(_root, "run/containers", container.Id));
        _processes.Cgroups.Add(container.Id);
        _processes.Cgroups.Add("somebody-else");

        _engine = await OpenAsync();

        Assert.That(_engine.Find(container.Id).State.Status, Is.EqualTo(ContainerStatus.Created));
        Assert.That(Directory.EnumerateDirectories(Path.Combine(_root, "run/containers")), Is.Empty);
        Assert.That(_processes.Cgroups, Is.EquivalentTo(["somebody-else"]));
    }

    [Test]
    public async Task A_half_made_restart_keeps_the_exit_code_of_the_life_before()
    {
        var container = await StartedAsync();
        _processes.Launched[0].End(6);
        await container.WaitAsync(WaitCondition.NotRunning, default);
        await container.Aftermath;
        await _engine!.DisposeAsync();
        var directory = new ContainerDirectory(Path.Combine(_root, "containers", container.Id));
        directory.BeginLife(hasState: true);

        _engine = await OpenAsync();

        var state = _engine.Find(container.Id).State;
        Assert.That((state.Status, state.ExitCode), Is.EqualTo((ContainerStatus.Exited, 6)));
    }

    [Test]
    public async Task A_half_made_create_is_cleaned_away_with_its_anonymous_volumes()
    {
        var (container, _) = await CreateAsync(new() { Image = "cake", Cmd = ["true"], Volumes = ["/data"] });
        await _engine!.DisposeAsync();
        File.Delete(Path.Combine(_root, "containers", container.Id, "container.json"));

        _engine = await OpenAsync();

        Assert.That(_engine.List(), Is.Empty);
        Assert.That(_engine.Volumes.List(), Is.Empty);
        await _engine.TrashEmptied();
        Assert.That(Directory.EnumerateFileSystemEntries(Path.Combine(_root, "containers")), Is.Empty);
    }

    [TestCase("torn")]
    [TestCase("a directory")]
    [TestCase("\"mounts\":[]")]
    [TestCase("\"env\":[]")]
    [TestCase("\"image\":\"cake\"")]
    public async Task A_damaged_record_quarantines_its_container_and_no_other(string damage)
    {
        var (damaged, _) = await CreateAsync(new() { Image = "cake", Cmd = ["true"] });
        var (sound, _) = await CreateAsync(new() { Image = "cake", Cmd = ["true"] });
        await _engine!.DisposeAsync();
        var record = Path.Combine(_root, "containers", damaged.Id, "container.json");
        var text = File.ReadAllText(record);
        switch (damage)
        {
            case "torn":
                File.WriteAllText(record, text[..20]);
                break;
            case "a directory":
                File.Delete(record);
                Directory.CreateDirectory(record);
                break;
            default:
                File.WriteAllText(record, text.Replace(damage, damage[..(damage.IndexOf(':', StringComparison.Ordinal) + 1)] + "null", StringComparison.Ordinal));
                Assert.That(File.ReadAllText(record), Is.Not.EqualTo(text));
                break;
        }

        _engine = await OpenAsync();

        Assert.That(_engine.Find(sound.Id).State.Status, Is.EqualTo(ContainerStatus.Created));
        var dead = _engine.Find(damaged.Id);
        Assert.That(dead.State.Status, Is.EqualTo(ContainerStatus.Dead));
        Assert.That(Kind(() => dead.StartAsync(default)), Is.EqualTo(FailureKind.Conflict));
        await dead.RemoveAsync(false, false, default);
        Assert.That(_engine.List(), Has.Count.EqualTo(1));
    }

    [Test]
    public async Task A_container_that_runs_goes_on_whatever_of_its_files_is_damaged()
    {
        var state = await StartedAsync();
        var record = await StartedAsync();
        await _engine!.DisposeAsync();
        File.WriteAllText(Path.Combine(_root, "containers", state.Id, "state.json"), "garbage");
        File.WriteAllText(Path.Combine(_root, "containers", record.Id, "container.json"), "garbage");

        _engine = await OpenAsync();

        Assert.That(_engine.Find(state.Id).State.Status, Is.EqualTo(ContainerStatus.Running));
        Assert.That(_processes.Cgroups, Is.EquivalentTo([state.Id, record.Id]));
        var dead = _engine.Find(record.Id);
        Assert.That(dead.State.Error, Is.EqualTo("damaged record: not readable at line 1, byte 0"));
        Assert.That(Kind(() => dead.StartAsync(default)), Is.EqualTo(FailureKind.Conflict));
        Assert.That(Kind(() => dead.RemoveAsync(false, false, default)), Is.EqualTo(FailureKind.Conflict), "it runs");
        await dead.RemoveAsync(true, false, default);
        Assert.That(_processes.Cgroups, Is.EqualTo(new[] { state.Id }));
    }

    [Test]
    public void A_second_daemon_is_refused() =>
        Assert.That(Kind(() => OpenAsync()), Is.EqualTo(FailureKind.Conflict));

    [Test]
    public async Task A_stop_that_is_ignored_ends_in_a_kill_and_a_stop_under_way_survives_the_daemon()
    {
        var container = await StartedAsync();
        // A sleeping process dies of SIGTERM: the fake's init is stopped by name of the signal 0-effect WINCH.
        var stopping = container.StopAsync("WINCH", 1, default);
        Assert.That(File.ReadAllText(Path.Combine(_root, "containers", container.Id, "state.json")), Does.Contain("stopDeadline"));
        await _engine!.DisposeAsync();
        _ = stopping.ContinueWith(t => t.Exception, TaskScheduler.Default);

        _engine = await OpenAsync();

        Assert.That((await _engine.Find(container.Id).WaitAsync(WaitCondition.NotRunning, default).WaitAsync(TimeSpan.FromSeconds(20))).ExitCode, Is.EqualTo(137));
    }

    [Test]
    public async Task A_stop_may_wait_longer_than_a_timer_can_and_survives_the_daemon()
    {
        var container = await StartedAsync();
        var stopping = container.StopAsync("WINCH", int.MaxValue, default);
        Assert.That(stopping.IsFaulted, Is.False, stopping.Exception?.Message);

        await ReopenAsync();

        Assert.That(_engine!.Find(container.Id).State.Status, Is.EqualTo(ContainerStatus.Running));
        _processes.Launched[0].End(0);
        await _engine.Find(container.Id).WaitAsync(WaitCondition.NotRunning, default);
    }

    [Test]
    public async Task Containers_made_at_once_get_ids_of_their_own()
    {
        var made = await Task.WhenAll(Enumerable.Range(0, 8).Select(
            _ => Task.Run(() => CreateAsync(new() { Image = "cake", Cmd = ["true"], NetworkMode = "none", UsernsMode = "auto" }))));

        Assert.That(made.Select(m => m.Container.Record.UserNamespace!.First), Is.Unique);
    }

    [Test]
    public async Task An_image_of_another_platform_than_the_one_asked_for_is_as_good_as_none()
    {
        Assert.That(Kind(() => CreateAsync(new() { Image = "cake", Cmd = ["true"], Platform = "linux/s390x" })), Is.EqualTo(FailureKind.NotFound));
        Assert.That(Kind(() => CreateAsync(new() { Image = "cake", Cmd = ["true"], Platform = "linux/" })), Is.EqualTo(FailureKind.InvalidArgument));
        var (_, warnings) = await CreateAsync(new() { Image = "cake", Cmd = ["true"], NetworkMode = "none", Platform = Oci.Image.Platform.Current.Architecture });
        Assert.That(warnings, Is.Empty);
    }

    [Test]
    public async Task An_anonymous_volume_that_another_container_uses_outlives_its_own()
    {
        var own = await StartedAsync(new() { Image = "cake", Cmd = ["true"], Volumes = ["/data"], AutoRemove = true });
        var volume = own.MountPoints.Single().Name!;
        var (other, _) = await CreateAsync(new() { Image = "cake", Cmd = ["true"], Mounts = [new("volume", volume, "/data", Inherited: true)] });
        var removed = own.WaitAsync(WaitCondition.Removed, default);

        _processes.Launched[0].End(0);

        await removed.WaitAsync(TimeSpan.FromSeconds(20));
        Assert.That(_engine!.List(), Is.EqualTo(new[] { other }));
        Assert.That(_engine.Volumes.Find(volume).Name, Is.EqualTo(volume));
    }

    [Test]
    public async Task Pause_and_unpause_change_the_state_and_survive_the_daemon()
    {
        var container = await StartedAsync();
        await container.PauseAsync(default);
        Assert.That(container.State.Status, Is.EqualTo(ContainerStatus.Paused));
        Assert.That(Kind(() => container.PauseAsync(default)), Is.EqualTo(FailureKind.Conflict));
        Assert.That(KindOf(() => container.CreateExec(new ExecSettings { Cmd = ["x"] })), Is.EqualTo(FailureKind.Conflict));

        await ReopenAsync();
        container = _engine!.Find(container.Id);
        Assert.That(container.State.Status, Is.EqualTo(ContainerStatus.Paused));
        await container.UnpauseAsync(default);
        Assert.That(container.State.Status, Is.EqualTo(ContainerStatus.Running));
    }

    [Test]
    public async Task An_exec_has_its_own_streams_and_exit_code()
    {
        var container = await StartedAsync(new() { Image = "cake", Cmd = ["true"], Env = ["A=1"] });
        var exec = container.CreateExec(new ExecSettings { Cmd = ["ls"], Env = ["B=2"], User = "5:6", AttachStdout = true });
        await using var attachment = await exec.StartAsync(new AttachOptions(false, true, true), default, default);
        var fake = _processes.Launched[1];

        Assert.That(exec.Running, Is.True);
        Assert.That(container.ExecIds, Is.EqualTo(new[] { exec.Id }));
        Assert.That(fake.Exec!.Process.Env, Is.SupersetOf(new[] { "A=1", "B=2", "HOME=/" }));
        Assert.That((fake.Exec.Process.User.Uid, fake.Exec.Process.User.Gid), Is.EqualTo((5u, 6u)));
        Assert.That(Kind(() => exec.StartAsync(null, default, default)), Is.EqualTo(FailureKind.Conflict));
        fake.Send(1, "file");
        Assert.That(await ReadAsync(attachment!), Is.EqualTo("1file"));
        fake.End(2);
        Assert.That(await ReadAsync(attachment!), Is.Null);
        Assert.That(exec.ExitCode, Is.EqualTo(2));
        Assert.That(_engine!.FindExec(exec.Id[..10]), Is.SameAs(exec));
        Assert.That(container.ExecIds, Is.Empty);
    }

    [Test]
    public async Task Execs_and_their_exit_codes_survive_the_daemon()
    {
        var container = await StartedAsync();
        var running = container.CreateExec(new ExecSettings { Cmd = ["a"] });
        var ended = container.CreateExec(new ExecSettings { Cmd = ["b"] });
        await running.StartAsync(null, default, default);
        await ended.StartAsync(null, default, default);
        await _engine!.DisposeAsync();
        _processes.Launched[2].End(4);

        _engine = await OpenAsync();
        Assert.That(_engine.FindExec(ended.Id).ExitCode, Is.EqualTo(4));
        var adopted = _engine.FindExec(running.Id);
        Assert.That((adopted.Running, adopted.Settings.Cmd[0]), Is.EqualTo((true, "a")));
        _processes.Launched[1].End(6);
        Assert.That(await adopted.WaitAsync(default), Is.EqualTo(6));
    }

    [Test]
    public async Task Events_tell_a_life_in_Dockers_words()
    {
        var container = await StartedAsync();
        _processes.Launched[0].End(0);
        await container.WaitAsync(WaitCondition.NotRunning, default);
        await container.RemoveAsync(false, false, default);

        var actions = new List<string>();
        await foreach (var e in _engine!.Events.ReadAsync(DateTimeOffset.UnixEpoch, DateTimeOffset.UtcNow, default))
        {
            actions.Add(e.Action);
            Assert.That(e.Attributes["name"], Is.EqualTo(container.Name));
        }

        Assert.That(actions, Is.EqualTo(new[] { "create", "start", "die", "destroy" }));
    }

    [Test]
    public async Task An_empty_volume_is_filled_from_the_image_and_a_used_one_is_not()
    {
        Directory.CreateDirectory(Path.Combine(_images.Layer, "data/sub"));
        File.WriteAllText(Path.Combine(_images.Layer, "data/sub/file"), "from the image");
        await CreateAsync(new() { Image = "cake", Cmd = ["true"], Binds = ["vol:/data", "bare:/data2:nocopy"] });
        var volume = _engine!.Volumes.Find("vol");
        Assert.That(File.ReadAllText(Path.Combine(volume.MountPoint, "sub/file")), Is.EqualTo("from the image"));

        File.WriteAllText(Path.Combine(volume.MountPoint, "sub/file"), "mine");
        await CreateAsync(new() { Image = "cake", Cmd = ["true"], Binds = ["vol:/data"] });
        Assert.That(File.ReadAllText(Path.Combine(volume.MountPoint, "sub/file")), Is.EqualTo("mine"));
        Assert.That(KindOf(() => _engine.Volumes.Remove("vol", false)), Is.EqualTo(FailureKind.Conflict));
    }

    [Test]
    public async Task Containers_that_share_a_new_volume_all_find_it_filled()
    {
        for (var i = 0; i < 200; i++)
        {
            Directory.CreateDirectory(Path.Combine(_images.Layer, $"data/{i}"));
            File.WriteAllText(Path.Combine(_images.Layer, $"data/{i}/file"), "from the image");
        }

        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            await CreateAsync(new() { Image = "cake", Cmd = ["true"], Binds = ["vol:/data"] });
            Assert.That(Directory.GetFiles(_engine!.Volumes.Find("vol").MountPoint, "file", SearchOption.AllDirectories), Has.Length.EqualTo(200));
        })));
    }

    [Test]
    public async Task A_volume_whose_filling_was_broken_off_is_filled_anew()
    {
        Directory.CreateDirectory(Path.Combine(_images.Layer, "data"));
        File.WriteAllText(Path.Combine(_images.Layer, "data/file"), "from the image");
        var volume = _engine!.Volumes.Create("vol", new Dictionary<string, string>(), new Dictionary<string, string>());
        File.WriteAllText(Path.Combine(volume.MountPoint, "half"), "");
        File.WriteAllText(Path.Combine(_root, "volumes/vol/filling"), "");

        await ReopenAsync();
        await CreateAsync(new() { Image = "cake", Cmd = ["true"], Binds = ["vol:/data"] });

        Assert.That(Directory.GetFiles(volume.MountPoint).Select(Path.GetFileName), Is.EqualTo(new[] { "file" }));
        Assert.That(File.Exists(Path.Combine(_root, "volumes/vol/filling")), Is.False);
    }

    [Test]
    public async Task What_an_image_links_to_outside_is_not_followed()
    {
        var outside = Directory.CreateDirectory(Path.Combine(_root, "outside"));
        File.WriteAllText(Path.Combine(outside.FullName, "secret"), "secret");
        File.CreateSymbolicLink(Path.Combine(_images.Layer, "data"), outside.FullName);
        Directory.CreateDirectory(Path.Combine(_images.Layer, "up"));
        File.CreateSymbolicLink(Path.Combine(_images.Layer, "up/data"), "../../../../../../../.." + outside.FullName);

        await CreateAsync(new() { Image = "cake", Cmd = ["true"], Binds = ["vol1:/data", "vol2:/up/data"] });

        Assert.That(Directory.EnumerateFileSystemEntries(_engine!.Volumes.Find("vol1").MountPoint), Is.Empty);
        Assert.That(Directory.EnumerateFileSystemEntries(_engine.Volumes.Find("vol2").MountPoint), Is.Empty);
    }

    [Test]
    public async Task A_launcher_that_had_not_written_its_record_when_the_daemon_died_is_waited_for()
    {
        var container = await StartedAsync();
        await _engine!.DisposeAsync();
        var record = Path.Combine(_root, "containers", container.Id, "monitor");
        File.Move(record, record + ".later");
        _processes.IsPopulated = id =>
        {
            Assert.That(id, Is.EqualTo(container.Id));
            File.Move(record + ".later", record);
            return true;
        };
        _engine = await OpenAsync();

        Assert.That(_engine.Find(container.Id).State.Status, Is.EqualTo(ContainerStatus.Running));
    }

    [Test]
    public async Task Damage_in_the_trash_does_not_stop_a_daemon()
    {
        var container = await StartedAsync(new() { Image = "cake", Cmd = ["true"], AutoRemove = true });
        await _engine!.DisposeAsync();
        _processes.Launched[0].End(7);
        var damaged = Path.Combine(_root, "trash", container.Id + ".01234567");
        Directory.Move(Path.Combine(_root, "containers", container.Id), damaged);
        File.Delete(Path.Combine(damaged, "container.json"));
        Directory.CreateDirectory(Path.Combine(damaged, "container.json"));

        _engine = await OpenAsync();

        Assert.That(_engine.List(), Is.Empty);
        await _engine.TrashEmptied();
        Assert.That(Directory.Exists(damaged), Is.False);
    }

    [TestCase(false)]
    [TestCase(true)]
    public async Task A_removal_of_which_nobody_was_told_is_taken_back_by_the_next_daemon(bool nameIsTaken)
    {
        var container = await StartedAsync(new() { Image = "cake", Cmd = ["true"], AutoRemove = true });
        await _engine!.DisposeAsync();
        _processes.Launched[0].End(7);
        var home = Path.Combine(_root, "containers", container.Id);
        var aside = Path.Combine(_root, "aside");
        Directory.Move(home, aside);
        if (nameIsTaken)
        {
            _engine = await OpenAsync();
            await _engine.CreateAsync(container.Name, new() { Image = "cake", Cmd = ["true"] }, default);
            await _engine.DisposeAsync();
        }

        Directory.Move(aside, Path.Combine(_root, "trash", container.Id + ".01234567"));
        _engine = await OpenAsync();

        if (nameIsTaken)
        {
            Assert.That(_engine.List().Select(c => (c.Name, c.State.Status)), Is.EqualTo(new[] { (container.Name, ContainerStatus.Created) }));
        }
        else
        {
            var back = _engine.Find(container.Id);
            Assert.That((back.State.Status, back.State.ExitCode), Is.EqualTo((ContainerStatus.Exited, 7)));
            await back.RemoveAsync(false, false, default);
        }

        await _engine.TrashEmptied();
        Assert.That(Directory.Exists(home), Is.False);
    }

    [Test]
    public async Task Bad_settings_leave_nothing_behind()
    {
        Assert.That(Kind(() => CreateAsync(new() { Image = "none" })), Is.EqualTo(FailureKind.NotFound));
        Assert.That(Kind(() => CreateAsync(new() { Image = "cake" })), Is.EqualTo(FailureKind.InvalidArgument));
        Assert.That(Kind(() => CreateAsync(new() { Image = "cake", Cmd = ["x"], Resources = new() { Memory = 1 } })), Is.EqualTo(FailureKind.InvalidArgument));
        Assert.That(Kind(() => CreateAsync(new() { Image = "cake", Cmd = ["x"], NetworkMode = "web" })), Is.EqualTo(FailureKind.InvalidArgument));
        Assert.That(_engine!.List(), Is.Empty);
        await _engine.TrashEmptied();
        Assert.That(Directory.EnumerateFileSystemEntries(Path.Combine(_root, "containers")), Is.Empty);
    }

    private static FailureKind? Kind(Func<Task> action)
    {
        try
        {
            action().GetAwaiter().GetResult();
            return null;
        }
        catch (BundtException e)
        {
            return e.Kind;
        }
    }

    private static FailureKind? KindOf(Action action) => Kind(() =>
    {
        action();
        return Task.CompletedTask;
    });

    private static async Task<string?> ReadAsync(Attachment attachment) =>
        await attachment.ReadAsync(new CancellationTokenSource(TimeSpan.FromSeconds(20)).Token) is { } frame ? frame.Stream + Encoding.UTF8.GetString(frame.Bytes.Span) : null;

    private static async Task UntilAsync(Func<bool> condition)
    {
        for (var deadline = DateTime.UtcNow.AddSeconds(20); !condition();)
        {
            Assert.That(DateTime.UtcNow, Is.LessThan(deadline), "timed out");
            await Task.Yield();
        }
    }

    [Test]
    public async Task A_run_with_rm_whose_daemon_died_before_its_start_leaves_nothing_and_a_create_waits_for_its_start()
    {
        var settings = new ContainerSettings { Image = "cake", Cmd = ["true"], AutoRemove = true, Volumes = ["/data"] };
        await _engine!.CreateForStartAsync("half", settings, default);
        await _engine.CreateForStartAsync("kept", settings with { AutoRemove = false, Volumes = [] }, default);
        await _engine.CreateAsync("waits", settings with { Volumes = [] }, default);
        await _engine.DisposeAsync();
        _engine = await OpenAsync();

        Assert.That(() => _engine.List().Select(c => c.Name).Order(), Is.EqualTo((string[])["kept", "waits"]).After(5000, 5));
        Assert.That(_engine.Volumes.List(), Is.Empty);
        Assert.That(() => Directory.GetDirectories(Path.Combine(_root, "containers")), Has.Length.EqualTo(2).After(5000, 5));
    }

    private Task<ContainerEngine> OpenAsync() => ContainerEngine.OpenAsync(
        new EngineOptions { Root = _root, Run = Path.Combine(_root, "run") }, NullLogger.Instance, _processes, _images, default);

    private async Task ReopenAsync()
    {
        await _engine!.DisposeAsync();
        _engine = await OpenAsync();
    }

    private Task<(Container Container, IReadOnlyList<string> Warnings)> CreateAsync(ContainerSettings settings) =>
        _engine!.CreateAsync(null, settings, default);

    private async Task<Container> StartedAsync(ContainerSettings? settings = null)
    {
        var (container, _) = await CreateAsync(settings ?? new() { Image = "cake", Cmd = ["true"] });
        await container.StartAsync(default);
        return container;
    }
}
