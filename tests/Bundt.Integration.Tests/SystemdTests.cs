using System.Globalization;
using System.Text.RegularExpressions;
using Bundt.Integration.Tests.Fixtures;

namespace Bundt.Integration.Tests;

/// <summary>The systemd units and what the daemon does with a socket that a service manager has opened; no systemd need be running.</summary>
public sealed class SystemdTests
{
    private readonly string _directory = Directory.CreateDirectory(Path.Combine(Paths.Work, "systemd")).FullName;

    [Test]
    public void The_units_are_such_as_systemd_reads_without_a_word()
    {
        if (!File.Exists("/usr/bin/systemd-analyze"))
        {
            Assert.Ignore("needs systemd-analyze (package systemd)");
        }

        var units = Path.Combine(_directory, "units");
        new Command("make", "--no-print-directory", "-C", Paths.Repository, $"PREFIX={_directory}", $"UNITDIR={units}", "install")
            .With("MAKEFLAGS", null).With("MAKELEVEL", null).With("DESTDIR", null).Within(600).Run().Ok();
        var said = new Command("systemd-analyze", "verify", "--recursive-errors=no", "--man=no", Path.Combine(units, "bundt.service"), Path.Combine(units, "bundt.socket")).Run().Ok();
        Assert.That(said.Stdout + said.Stderr, Is.Empty);
    }

    [Test]
    public void A_socket_that_was_passed_is_served_and_left_in_its_place_for_the_next_daemon()
    {
        if (!File.Exists("/usr/bin/systemd-socket-activate"))
        {
            Assert.Ignore("needs systemd-socket-activate (package systemd)");
        }

        var socket = Path.Combine(_directory, "s");
        string[] daemon = [Paths.Program("bundtd"), "--bridge", "none", "--root", Path.Combine(_directory, "root"), "--run", Path.Combine(_directory, "run"), "--socket", Path.Combine(_directory, "unused")];
        for (var life = 0; life < 2; life++)
        {
            // It opens the socket, waits for the first client, and becomes the daemon (LISTEN_FDS=1, the socket as descriptor 3).
            File.Delete(socket);
            using var activated = new Command("systemd-socket-activate", ["-l", socket, .. daemon]).Start();
            try
            {
                Eventually.True(() => File.Exists(socket), "systemd-socket-activate does not listen");
                var version = new Command(Paths.Program("bundt"), "version").With("BUNDT_HOST", $"unix://{socket}").Run().Ok();
                Assert.That(version.Stdout, Does.Contain("Server:"));
                Assert.That(File.Exists(daemon[^1]), Is.False, "it listens on a socket of its own as well");

                // SIGTERM: the socket stays the service manager's.
                new Command("/bin/kill", "-TERM", activated.Id.ToString(CultureInfo.InvariantCulture)).Run().Ok();
                Assert.That(activated.WaitForExit(15_000), Is.True);
                Assert.That(activated.ExitCode, Is.Zero);
                Assert.That(File.Exists(socket), Is.True, "the daemon has removed a socket that is not its own");
            }
            finally
            {
                if (!activated.HasExited)
                {
                    activated.Kill();
                }
            }
        }
    }

    [Test]
    public void A_socket_that_was_passed_to_another_process_is_not_taken()
    {
        var socket = Path.Combine(_directory, "own");
        using var daemon = new Command(Paths.Program("bundtd"), "--bridge", "none", "--root", Path.Combine(_directory, "root2"), "--run", Path.Combine(_directory, "run2"), "--socket", socket)
            .With("LISTEN_FDS", "1").With("LISTEN_PID", "1").Start();
        try
        {
            Eventually.True(() => File.Exists(socket), "it does not listen on its own socket", 20);
            Assert.That(new Command(Paths.Program("bundt"), "version").With("BUNDT_HOST", $"unix://{socket}").Run().Ok().Stdout, Does.Match(new Regex("Server:")));
        }
        finally
        {
            daemon.Kill();
            daemon.WaitForExit();
        }
    }
}
