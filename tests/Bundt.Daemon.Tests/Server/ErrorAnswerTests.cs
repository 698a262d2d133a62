using Bundt.Daemon.Json;
using Bundt.Daemon.Server;
using Bundt.Linux;

namespace Bundt.Daemon.Tests.Server;

internal sealed class ErrorAnswerTests
{
    [TestCase(FailureKind.InvalidArgument, 400)]
    [TestCase(FailureKind.NotFound, 404)]
    [TestCase(FailureKind.Conflict, 409)]
    [TestCase(FailureKind.NotModified, 304)]
    [TestCase(FailureKind.Forbidden, 403)]
    [TestCase(FailureKind.Unauthorized, 401)]
    [TestCase(FailureKind.Unavailable, 503)]
    [TestCase(FailureKind.NotImplemented, 501)]
    [TestCase(FailureKind.Internal, 500)]
    public void Every_kind_has_its_status(FailureKind kind, int status) =>
        Assert.That(ErrorAnswer.Describe(new BundtException(kind, Phase.Request, "x")).Status, Is.EqualTo(status));

    [Test]
    public void The_docker_cli_finds_the_words_that_make_its_exit_code()
    {
        var missing = new BundtException(Phase.Exec, "execve", "nope", Errno.ENOENT, kind: FailureKind.CommandNotFound);
        var refused = new BundtException(Phase.Exec, "execve", "/etc/passwd", Errno.EACCES, kind: FailureKind.CommandNotExecutable);
        Assert.That(ErrorAnswer.Describe(missing).Body.Message, Does.Contain("executable file not found"));
        Assert.That(ErrorAnswer.Describe(refused).Body.Message, Does.Contain("permission denied"));
        Assert.That(ErrorAnswer.Describe(missing).Status, Is.EqualTo(400));
    }

    [Test]
    public void The_kernels_answer_is_named()
    {
        ErrorDetail detail = ErrorAnswer.Describe(new BundtException(Phase.Mount, "mount proc", "/proc", Errno.EPERM, "try that")).Body.Bundt!;
        Assert.That(detail, Is.EqualTo(new ErrorDetail
        {
            Phase = "Mount",
            Operation = "mount proc",
            Path = "/proc",
            Errno = "EPERM",
            Hint = "try that",
            Kind = "Internal",
        }));
    }
}
