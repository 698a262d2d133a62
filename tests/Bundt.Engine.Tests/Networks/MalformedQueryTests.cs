using System.Net;
using Bundt.Engine.Networks.Names;
using static Bundt.Engine.Tests.Networks.DnsClient;

namespace Bundt.Engine.Tests.Networks;

[TestFixture]
public sealed class MalformedQueryTests
{
    private static readonly NamedEndpoint s_web = new() { Names = ["web"], Addresses = [IPAddress.Parse("10.0.0.1")], Forwards = false };

    private static IEnumerable<TestCaseData> Cases()
    {
        TestCaseData Case(string name, byte[] query, string expected) => new TestCaseData(query, expected).SetArgDisplayNames(name);
        byte[] Changed(int at, params byte[] bytes)
        {
            var query = Query("web", 1);
            bytes.CopyTo(query, at);
            return query;
        }

        yield return Case("nothing", [], "silence");
        yield return Case("half a header", Query("web", 1)[..11], "silence");
        yield return Case("a response", Changed(2, 0x81), "silence");
        yield return Case("header alone", Query("web", 1)[..12], "1:");
        yield return Case("no question", Changed(4, 0, 0), "1:");
        yield return Case("two questions", [.. Changed(4, 0, 2), 3, 119, 101, 98, 0, 0, 1, 0, 1], "1:");
        yield return Case("question cut off", Query("web", 1)[..^1], "1:");
        yield return Case("name cut off", Query("web", 1)[..15], "1:");
        yield return Case("pointer to itself", [.. Query("web", 1)[..12], 0xC0, 12, 0, 1, 0, 1], "1:");
        yield return Case("pointer to the header", [.. Query("web", 1)[..12], 0xC0, 0, 0, 1, 0, 1], "1:");
        yield return Case("label of 64", [.. Query("web", 1)[..12], 64, .. new byte[64], 0, 0, 1, 0, 1], "1:");
        yield return Case("extended label", [.. Query("web", 1)[..12], 0x80, 0, 0, 1, 0, 1], "1:");
        yield return Case("name of 256", [.. Query("web", 1)[..12], .. Enumerable.Repeat((byte[])[1, 97], 128).SelectMany(l => l), 0, 0, 1, 0, 1], "1:");
        yield return Case("name of 255", [.. Query("web", 1)[..12], .. Enumerable.Repeat((byte[])[1, 97], 127).SelectMany(l => l), 0, 0, 1, 0, 1], "2:");
        yield return Case("a dot in a label", [.. Query("web", 1)[..12], 3, 46, 46, 46, 0, 0, 1, 0, 1], "2:");
        yield return Case("the root", Query("", 1), "2:");
        yield return Case("more records than there are", Changed(10, 0xFF, 0xFF), "1:");
        yield return Case("a record that goes beyond", [.. Changed(10, 0, 1), 0, 0, 1, 0, 1, 0, 0, 0, 0, 0xFF, 0xFF], "1:");
        yield return Case("two OPT records", [.. Changed(10, 0, 2), 0, 0, 41, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 41, 4, 0, 0, 0, 0, 0, 0, 0], "1:");
        yield return Case("OPT record with a name", [.. Changed(10, 0, 1), 0xC0, 12, 0, 41, 4, 0, 0, 0, 0, 0, 0, 0], "1:");
        yield return Case("OPT record as an answer", [.. Changed(6, 0, 1), 0, 0, 41, 4, 0, 0, 0, 0, 0, 0, 0], "1:");
        yield return Case("update", Query("web", 1, opcode: 5), "4:");
        yield return Case("opcode 15", Query("web", 1, opcode: 15), "4:");
        yield return Case("class CH", Query("version.bind", 16, @class: 3), "4:");
        yield return Case("class ANY", Query("web", 1, @class: 255), "4:");
        yield return Case("AXFR", Query("shop", 252), "4:");
        yield return Case("IXFR", Query("shop", 251), "4:");
    }

    [TestCaseSource(nameof(Cases))]
    public void It_is_told_or_passed_over(byte[] query, string expected) => Assert.That(Answer(query), Is.EqualTo(expected));

    [Test]
    public void Nothing_throws_and_every_answer_is_well_formed([Values(1, 2, 3, 4)] int seed)
    {
        var random = new Random(seed);
        var answered = 0;
        for (var i = 0; i < 50_000; i++)
        {
            var query = Mutate(random);
            try
            {
                answered += Answer(query) == "silence" ? 0 : 1;
                DnsMessage.Answers(query, Query("web", 1));
            }
            catch (Exception e) when (e is not AssertionException)
            {
                Assert.Fail($"{Convert.ToHexString(query)}: {e}");
            }
        }

        Assert.That(answered, Is.GreaterThan(10_000));
    }

    /// <summary>A good query with some of its bytes changed, left out or repeated; now and then nothing but noise.</summary>
    internal static byte[] Mutate(Random random)
    {
        string[] names = ["web", "web.shop", "1.0.0.10.in-addr.arpa", string.Concat(Enumerable.Repeat("1.", 32)) + "ip6.arpa", "a.b.c.d.e.f", ""];
        int[] types = [1, 12, 28, 255, random.Next(65536)];
        var query = Query(names[random.Next(names.Length)], types[random.Next(types.Length)], udpSize: random.Next(2) == 0 ? null : random.Next(65536));
        for (var i = random.Next(4); i > 0 && query.Length > 0; i--)
        {
            var at = random.Next(query.Length);
            switch (random.Next(4))
            {
                case 0:
                    query[at] = (byte)random.Next(256);
                    break;
                case 1:
                    query[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 2:
                    query = query[..at];
                    break;
                default:
                    query = [.. query[..at], .. query[random.Next(at + 1)..]];
                    break;
            }
        }

        if (random.Next(20) == 0)
        {
            query = new byte[random.Next(600)];
            random.NextBytes(query);
        }

        return query;
    }

    private static string Answer(byte[] query)
    {
        var zone = new NameZone("shop");
        zone.Replace([s_web]);
        var response = new byte[4096];
        var outcome = new NameResolver(zone).Answer(query, s_web, host: false, datagram: true, response, out var length);
        return outcome == NameResolver.Outcome.Silence ? "silence" : Describe(response[..length]);
    }
}
