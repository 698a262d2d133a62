using Bundt.Integration.Tests.Fixtures;

namespace Bundt.Integration.Tests;

/// <summary>make install and make uninstall.</summary>
public sealed class SetupTests
{
    private readonly string _destination = Path.Combine(Paths.Work, "dest");

    private Result Make(params IEnumerable<string> arguments) =>
        new Command("make", ["--no-print-directory", "-C", Paths.Repository, $"DESTDIR={_destination}", "PREFIX=/usr", .. arguments]).With("MAKEFLAGS", null).With("MAKELEVEL", null).Within(600).Run();

    [Test]
    public void What_is_installed_runs_from_there_and_uninstall_takes_all_of_it_away()
    {
        Make("install").Ok();
        string[] expected = ["usr/bin/bundt", "usr/bin/bundtd", "usr/bin/bundt-runtime", "usr/libexec/bundt-launcher", "usr/lib/systemd/system/bundt.service", "usr/lib/systemd/system/bundt.socket"];
        Assert.That(expected.Where(f => !File.Exists(Path.Combine(_destination, f))), Is.Empty);
        Assert.That(File.ReadAllText(Path.Combine(_destination, expected[4])), Does.Contain("ExecStart=/usr/bin/bundtd\n").And.Contain("KillMode=process").And.Not.Contain("@PREFIX@"));
        Assert.That(new Command(Path.Combine(_destination, expected[0]), "--version").Run().Ok().Stdout, Does.Contain("0.1.0"));

        Make("uninstall").Ok();
        Assert.That(Directory.EnumerateFiles(_destination, "*", SearchOption.AllDirectories), Is.Empty);
    }

    [Test]
    public void A_second_make_does_nothing() =>
        Assert.That(new Command("make", "--no-print-directory", "-C", Paths.Repository).With("MAKEFLAGS", null).With("MAKELEVEL", null).Within(600).Run().Ok().Stdout, Is.Empty);

    [Test]
    public void The_programs_are_ahead_of_time_and_two_of_them_static()
    {
        foreach (var program in new[] { "bundt", "bundt-runtime" })
        {
            Assert.That(new Command("readelf", "-l", Paths.Program(program)).Run().Ok().Stdout, Does.Not.Contain("INTERP"), program);
        }
        Assert.That(new FileInfo(Path.Combine(Paths.Out, "libexec", "bundt-launcher")).Length, Is.LessThan(300_000));
    }
}
