using System.Globalization;
using System.Text;
using Bundt.Oci.Runtime;
using Bundt.Runtime.Seccomp;

namespace Bundt.Runtime.Tests.Seccomp;

public sealed class FilterCacheTests
{
    private string _directory = "";

    [SetUp]
    public void MakeDirectory() => _directory = Directory.CreateTempSubdirectory("bundt-filters").FullName;

    [TearDown]
    public void RemoveDirectory() => Directory.Delete(_directory, recursive: true);

    [Test]
    public void The_second_container_gets_the_first_ones_program_and_a_changed_profile_its_own()
    {
        var filters = new FilterCache(_directory + "/filters");
        var first = filters.Compile(Profile("getpid")).ToArray();
        Assert.That(first, Is.EqualTo(SeccompCompiler.Compile(Profile("getpid")).ToArray()));
        Assert.That(Directory.GetFiles(_directory + "/filters"), Has.Length.EqualTo(1));
        Assert.That(filters.Compile(Profile("getpid")).ToArray(), Is.EqualTo(first));
        Assert.That(filters.Compile(Profile("getppid")).ToArray(), Is.Not.EqualTo(first));
        Assert.That(Directory.GetFiles(_directory + "/filters"), Has.Length.EqualTo(2));
    }

    [Test]
    public void A_file_of_another_profile_or_a_cut_one_is_not_believed()
    {
        var filters = new FilterCache(_directory + "/filters");
        var own = filters.Compile(Profile("getpid")).ToArray();
        var file = Directory.GetFiles(_directory + "/filters").Single();
        filters.Compile(Profile("getppid"));
        var other = Directory.GetFiles(_directory + "/filters").Single(path => path != file);
        File.Copy(other, file, overwrite: true);
        Assert.That(filters.Compile(Profile("getpid")).ToArray(), Is.EqualTo(own), "the name of one, the content of another");
        File.WriteAllBytes(file, File.ReadAllBytes(file)[..^3]);
        Assert.That(filters.Compile(Profile("getpid")).ToArray(), Is.EqualTo(own));
    }

    [Test]
    public void It_does_not_grow_for_ever_and_a_directory_that_cannot_be_written_does_no_harm()
    {
        var filters = new FilterCache(_directory + "/filters");
        for (var i = 0; i < 200; i++)
        {
            filters.Compile(Profile("getpid", i));
        }

        Assert.That(Directory.GetFiles(_directory + "/filters"), Has.Length.LessThanOrEqualTo(64));
        Assert.That(new FilterCache("/proc/filters").Compile(Profile("getpid")).IsEmpty, Is.False);
    }

    private static LinuxSeccomp Profile(string call, int errno = 1) => RuntimeConfigReader.Read(Encoding.UTF8.GetBytes(
        """{"ociVersion":"1.2.0","linux":{"seccomp":{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["CALL"],"action":"SCMP_ACT_ERRNO","errnoRet":7}]}}}"""
            .Replace("CALL", call, StringComparison.Ordinal).Replace("7", errno.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal))).Linux!.Seccomp!;
}
