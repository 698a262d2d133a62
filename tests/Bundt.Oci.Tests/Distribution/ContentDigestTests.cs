using System.Text;
using Bundt.Oci.Distribution;

namespace Bundt.Oci.Tests.Distribution;

public sealed class ContentDigestTests
{
    private const string Hex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    [Test]
    public void The_digest_of_nothing_is_the_known_one()
    {
        Assert.That(ContentDigest.Sha256([]), Is.EqualTo("sha256:" + Hex));
        Assert.That(ContentDigest.ComputeLike("sha512:" + new string('0', 128), []), Does.StartWith("sha512:cf83e1357eefb8bd"));
    }

    [TestCase("sha256:" + Hex, true)]
    [TestCase("sha256:E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855", false)]
    [TestCase("SHA256:" + Hex, false)]
    [TestCase("sha256:" + Hex + "0", false)]
    [TestCase("sha256:" + Hex + "\n", false)]
    [TestCase(" sha256:" + Hex, false)]
    [TestCase("sha512:" + Hex, false)]
    [TestCase("sha512:" + Hex + Hex, true)]
    [TestCase("md5:d41d8cd98f00b204e9800998ecf8427e", false)]
    [TestCase("sha256:../../../../../../../../../../../../../../../../../../../etc/passwd", false)]
    [TestCase("sha256", false)]
    [TestCase("", false)]
    [TestCase(null, false)]
    public void Only_canonical_digests_are_valid(string? text, bool valid)
    {
        Assert.That(ContentDigest.IsValid(text), Is.EqualTo(valid));
        if (valid)
        {
            Assert.That(ContentDigest.Require(text), Is.EqualTo(text));
        }
        else
        {
            Assert.That(() => ContentDigest.Require(text), Throws.TypeOf<FormatException>().With.Message.StartsWith("invalid digest"));
        }
    }

    [TestCase("sha256:")]
    [TestCase("sha512:")]
    public void Hashing_in_parts_gives_the_digest_of_the_whole(string algorithm)
    {
        string like = algorithm + new string('0', algorithm == "sha256:" ? 64 : 128);
        using var hash = ContentDigest.StartLike(like);
        hash.AppendData("one pass"u8);
        hash.AppendData(" in parts"u8);
        Assert.That(ContentDigest.Finish(hash), Is.EqualTo(ContentDigest.ComputeLike(like, Encoding.ASCII.GetBytes("one pass in parts"))));
    }
}
