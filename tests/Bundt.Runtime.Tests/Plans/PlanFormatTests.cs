using System.Globalization;
using System.Text.RegularExpressions;
using Bundt.Runtime.Launch;
using Bundt.Runtime.Plans;

namespace Bundt.Runtime.Tests.Plans;

/// <summary>PlanFormat.cs and native/plan.h say the same.</summary>
public sealed partial class PlanFormatTests
{
    private static readonly string s_header = CommentPattern().Replace(File.ReadAllText(Path.Combine(Repository.Root, "native/plan.h")), "");

    [Test]
    public void Operation_codes_are_the_headers()
    {
        var expected = Enumerators("plan_code", "OP_");
        var ours = Enum.GetValues<PlanCode>().ToDictionary(code => code.ToString().ToUpperInvariant(), code => (int)code);
        Assert.That(ours, Is.EquivalentTo(expected));
    }

    [Test]
    public void Report_details_are_the_headers()
    {
        var expected = Enumerators("report_detail", "DETAIL_").Values;
        Assert.That(Enum.GetValues<PlanReportDetail>().Select(detail => (int)detail), Is.EquivalentTo(expected));
    }

    [TestCase("PLAN_VERSION", (long)PlanFormat.Version)]
    [TestCase("PLAN_FD_BASE", PlanFormat.FdBase)]
    [TestCase("PLAN_MAX_SLOTS", PlanFormat.MaxSlots)]
    [TestCase("PLAN_MAX_MESSAGE", PlanFormat.MaxMessage)]
    [TestCase("PLAN_MAX_OPS", PlanFormat.MaxOperations)]
    [TestCase("PLAN_OFFSET", PlanFormat.Offset)]
    public void Constants_are_the_headers(string name, long value) =>
        Assert.That(Regex.Match(s_header, $@"#define {name} (\d+)").Groups[1].Value, Is.EqualTo(value.ToString(CultureInfo.InvariantCulture)));

    [Test]
    public void The_magic_is_its_text() =>
        Assert.That(BitConverter.GetBytes(PlanFormat.Magic), Is.EqualTo("BUNDTPLN"u8.ToArray()));

    [Test]
    public void Structures_have_the_sizes_that_their_fields_add_up_to()
    {
        Assert.That(SizeOf("plan_header"), Is.EqualTo(PlanFormat.HeaderSize));
        Assert.That(SizeOf("plan_op"), Is.EqualTo(PlanFormat.OperationSize));
    }

    private static Dictionary<string, int> Enumerators(string name, string prefix)
    {
        var body = Regex.Match(s_header, $@"enum {name} \{{([^}}]*)\}}").Groups[1].Value;
        var result = new Dictionary<string, int>();
        var next = 0;
        foreach (var item in body.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var parts = item.Split('=', StringSplitOptions.TrimEntries);
            next = parts.Length > 1 ? int.Parse(parts[1], CultureInfo.InvariantCulture) : next;
            result.Add(parts[0][prefix.Length..].Replace("_", "", StringComparison.Ordinal), next++);
        }

        return result;
    }

    private static int SizeOf(string name)
    {
        var body = Regex.Match(s_header, $@"struct {name} \{{([^}}]*)\}}").Groups[1].Value;
        var size = 0;
        foreach (Match field in FieldPattern().Matches(body))
        {
            var width = field.Groups[1].Value switch { "8" => 1, "16" => 2, "32" => 4, _ => 8 };
            foreach (var declarator in field.Groups[2].Value.Split(','))
            {
                var count = Regex.Match(declarator, @"\[(\d+)\]");
                size += width * (count.Success ? int.Parse(count.Groups[1].Value, CultureInfo.InvariantCulture) : 1);
            }
        }

        return size;
    }

    [GeneratedRegex(@"/\*.*?\*/", RegexOptions.Singleline)]
    private static partial Regex CommentPattern();

    [GeneratedRegex(@"u?int(\d+)_t ([^;]*);")]
    private static partial Regex FieldPattern();
}
