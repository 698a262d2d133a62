using Bundt.Linux.Files;
using CsCheck;

namespace Bundt.Linux.Tests.Files;

[TestFixture]
public sealed class UnixNameTests
{
    [Test]
    public void Any_bytes_without_zero_survive_the_round_trip() =>
        Gen.Byte[1, 255].Array[0, 40].Sample(bytes => UnixName.Encode(UnixName.Decode(bytes)).AsSpan().SequenceEqual(bytes));

    [Test]
    public void Mono_reads_the_same_bytes() =>
        Gen.Byte[1, 255].Array[1, 40].Sample(bytes => Mono.Unix.UnixEncoding.Instance.GetBytes(UnixName.Decode(bytes)).AsSpan().SequenceEqual(bytes));

    [TestCase(new byte[] { 0xED, 0xA0, 0x80 }, TestName = "A_surrogate_written_as_utf8_survives")]
    [TestCase(new byte[] { 0xC0, 0xAF }, TestName = "An_overlong_slash_stays_two_bytes")]
    public void Broken_utf8_survives(byte[] bytes) => Assert.That(UnixName.Encode(UnixName.Decode(bytes)), Is.EqualTo(bytes));

    [Test]
    public void Half_a_surrogate_pair_is_no_name() =>
        Assert.That(() => UnixName.Encode(new string('\ud800', 1)), Throws.TypeOf<BundtException>().With.Property("Kind").EqualTo(FailureKind.InvalidArgument));
}
