using System.Net.Sockets;
using Bundt.Daemon.Server;
using Bundt.Linux;
using Mono.Unix.Native;

namespace Bundt.Daemon.Tests.Server;

internal sealed class DaemonSocketTests
{
    [Test]
    public void A_dead_daemons_socket_is_replaced_and_a_living_ones_is_not()
    {
        string directory = Directory.CreateTempSubdirectory("bundtd-").FullName;
        string path = Path.Combine(directory, "s");
        File.WriteAllText(path, "");
        using (DaemonSocket.Open(path))
        {
            Assert.That(Syscall.stat(path, out Stat stat), Is.Zero);
            Assert.That((int)stat.st_mode & 0x1ff, Is.EqualTo(0x1b0), "mode 0660");
            var failure = Assert.Throws<BundtException>(() => DaemonSocket.Open(path))!;
            Assert.That(failure.Kind, Is.EqualTo(FailureKind.Conflict));
        }

        Directory.Delete(directory, recursive: true);
    }

    [Test]
    public void A_path_too_long_for_the_kernel_is_named()
    {
        string directory = Directory.CreateTempSubdirectory("bundtd-").FullName;
        var failure = Assert.Throws<BundtException>(() => DaemonSocket.Open(Path.Combine(directory, new string('x', 100))))!;
        Assert.That(failure.Message, Does.Contain("longer than 107"));
        Directory.Delete(directory);
    }
}
