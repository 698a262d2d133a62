using System.Buffers;
using System.Text;
using Bundt.Daemon.Streams;
using Bundt.Linux;

namespace Bundt.Daemon.Tests.Streams;

internal sealed class DetachKeysTests
{
    [TestCase("", "ab\u0010\u0011cd", "ab", true)]
    [TestCase("", "a\u0010b", "a\u0010b", false)]
    [TestCase("", "a\u0010\u0010\u0011", "a\u0010", true)]
    [TestCase("", "\u0010", "", false)]
    [TestCase("ctrl-a,d", "x\u0001d", "x", true)]
    [TestCase("DEL", "x\u007f", "x", true)]
    public void Keys_are_found_and_what_only_looked_like_them_is_passed_on(string keys, string typed, string passed, bool detached)
    {
        for (int cut = 0; cut <= typed.Length; cut++)
        {
            DetachKeys scanner = DetachKeys.Parse(keys);
            var output = new ArrayBufferWriter<byte>();
            bool seen = scanner.Pass(Encoding.ASCII.GetBytes(typed[..cut]), output) || scanner.Pass(Encoding.ASCII.GetBytes(typed[cut..]), output);
            Assert.That(seen, Is.EqualTo(detached));
            Assert.That(Encoding.ASCII.GetString(output.WrittenSpan), Is.EqualTo(passed));
        }
    }

    [TestCase("ctrl-1")]
    [TestCase("shift-a")]
    [TestCase("ctrl-p,")]
    public void Unknown_keys_are_refused(string keys) => Assert.That(() => DetachKeys.Parse(keys), Throws.TypeOf<BundtException>());
}
