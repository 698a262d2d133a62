using Bundt.Daemon.Routes;
using Bundt.Linux;
using Bundt.Oci.Image;

namespace Bundt.Daemon.Tests.Routes;

internal sealed class ReferenceTests
{
    [TestCase("busybox", "latest", "busybox:latest", false)]
    [TestCase("docker.io/library/busybox", "", "busybox:latest", true)]
    [TestCase("127.0.0.1:5000/shop/web", "1", "127.0.0.1:5000/shop/web:1", false)]
    [TestCase("127.0.0.1:5000/shop/web:1", "", "127.0.0.1:5000/shop/web:1", false)]
    public void Name_and_tag_of_a_pull_are_joined(string name, string tag, string familiar, bool all)
    {
        (Oci.Distribution.ImageReference reference, bool allTags) = ImageTransferRoutes.NameOf(name, tag);
        Assert.That(allTags, Is.EqualTo(all));
        Assert.That(reference.Familiar, Is.EqualTo(familiar).Or.EqualTo(familiar.Replace(":latest", "", StringComparison.Ordinal)));
    }

    [Test]
    public void A_tag_may_be_a_digest()
    {
        string digest = "sha256:" + new string('a', 64);
        Assert.That(ImageTransferRoutes.NameOf("busybox", digest).Reference.Digest, Is.EqualTo(digest));
    }

    [Test]
    public void A_malformed_name_is_the_clients_fault() =>
        Assert.That(() => ImageTransferRoutes.NameOf("Busy Box", "x"), Throws.TypeOf<BundtException>().With.Property("Kind").EqualTo(FailureKind.InvalidArgument));

    [Test]
    public void Platforms_are_read()
    {
        Assert.That(ImageTransferRoutes.PlatformOf(""), Is.Null);
        Assert.That(ImageTransferRoutes.PlatformOf("linux/arm64/v8"), Is.EqualTo(new Platform("linux", "arm64")));
        Assert.That(ImageTransferRoutes.PlatformOf("arm64"), Is.EqualTo(new Platform("linux", "arm64")));
        Assert.That(() => ImageTransferRoutes.PlatformOf("linux/"), Throws.TypeOf<BundtException>());
    }

    [Test]
    public void The_streams_to_attach_are_read()
    {
        Assert.That(BundtRoutes.ParseAttach(""), Is.Null);
        Assert.That(BundtRoutes.ParseAttach("stdin,stderr"), Is.EqualTo(new Engine.AttachOptions(true, false, true)));
        Assert.That(() => BundtRoutes.ParseAttach("stdinn"), Throws.TypeOf<BundtException>());
    }
}
