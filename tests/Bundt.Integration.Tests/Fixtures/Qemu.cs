namespace Bundt.Integration.Tests.Fixtures;

/// <summary>Debian's cloud kernel in an emulated PC: what the machine's own kernel and user-mode-linux lack.</summary>
public static class Qemu
{
    /// <summary>Runs a script of tests/vm in it, as "SCRIPT OUT FIXTURES". The test is ignored where the machine lacks what that needs.</summary>
    /// <param name="script">Its name.</param>
    /// <param name="target">The target of make that installs what is needed.</param>
    /// <param name="needs">Programs that the script needs, with their Debian packages.</param>
    public static Result Run(string script, string target, params ReadOnlySpan<(string File, string Package)> needs)
    {
        foreach (var (file, package) in (ReadOnlySpan<(string, string)>)[("/usr/bin/qemu-system-x86_64", "qemu-system-x86"), .. needs])
        {
            if (!File.Exists(file))
            {
                Assert.Ignore($"needs {file} (package {package}): make {target} installs it");
            }
        }

        if (!Directory.EnumerateFiles("/boot", "vmlinuz-*cloud*").Any())
        {
            Assert.Ignore($"needs a kernel of package linux-image-cloud-amd64 in /boot: make {target} installs it");
        }

        Fixture.Archive("busybox");
        var result = new Command(Path.Combine(Paths.Repository, "tests/vm/vm-run"), "-b", "qemu", "-t", "300",
            "--", Path.Combine(Paths.Repository, "tests/vm", script), Paths.Out, Paths.Fixtures).Within(330).Run();
        TestContext.Progress.WriteLine($"the virtual machine took {result.Time.TotalSeconds:0} s");
        return result;
    }

    /// <summary>That a check of the script has passed, and was made at all.</summary>
    public static void Passed(Result result, string check) =>
        Assert.That(result.Lines.Where(l => l == $"ok {check}" || l.StartsWith($"not ok {check}:", StringComparison.Ordinal)), Is.EqualTo(new[] { $"ok {check}" }), () => $"{result}");
}
