using System.Globalization;
using System.Text;

namespace Bundt.Runtime.Plans;

/// <summary>Prints a plan for people: one line per operation, slots by name, bytes by their count.</summary>
internal static class PlanPrinter
{
    internal static string Print(LaunchPlan plan)
    {
        var text = new StringBuilder();
        for (var i = 0; i < plan.Operations.Count; i++)
        {
            Print(text, plan, i);
        }

        return text.ToString();
    }

    private static void Print(StringBuilder text, LaunchPlan plan, int index)
    {
        var operation = plan.Operations[index];
        var section = operation.Section switch
        {
            PlanSection.Supervisor => "supervisor",
            PlanSection.Joiner => "joiner",
            _ => "init",
        };
        text.Append(CultureInfo.InvariantCulture, $"{index,3} {section,-10} {PlanWords.Of(operation.Code),-14}");
        Slot(text, " ", plan, operation.A);
        if (operation.S is not null)
        {
            text.Append(' ').Append(Quote(operation.S));
        }

        if (operation.T is not null)
        {
            text.Append(" -> ").Append(Quote(operation.T));
        }

        if (operation.Strings is not null)
        {
            text.Append(" [").AppendJoin(' ', operation.Strings.Select(Quote)).Append(']');
        }

        if (operation.Environment is not null)
        {
            text.Append(CultureInfo.InvariantCulture, $" with {operation.Environment.Count} variables");
        }

        if (!operation.Block.IsEmpty)
        {
            text.Append(' ').Append(IsText(operation.Block.Span) ? Quote(Encoding.UTF8.GetString(operation.Block.Span).TrimEnd('\n')) : $"<{operation.Block.Length} bytes>");
        }

        Value(text, "x", operation.X);
        Value(text, "y", operation.Y);
        Value(text, "z", operation.Z);
        if (operation.Flags != 0)
        {
            text.Append(CultureInfo.InvariantCulture, $" flags={operation.Flags}");
        }

        if (operation.Tolerate != PlanTolerate.None)
        {
            text.Append(" tolerate=").Append(operation.Tolerate.ToString().Replace(", ", "|", StringComparison.Ordinal));
        }

        Slot(text, " => ", plan, operation.B);
        if (operation.Subject is not null && operation.Subject != operation.S)
        {
            text.Append(" # ").Append(operation.Subject);
        }

        text.Append('\n');
    }

    private static void Slot(StringBuilder text, string before, LaunchPlan plan, int slot)
    {
        if (slot >= 0)
        {
            text.Append(before).Append('$').Append(plan.SlotNames[slot]).Append('.').Append(slot);
        }
    }

    private static void Value(StringBuilder text, string name, ulong value)
    {
        if (value != 0)
        {
            var signed = (long)value;
            text.Append(' ').Append(name).Append('=');
            if (signed is > -1000 and < 0)
            {
                text.Append(signed);
            }
            else
            {
                text.Append(value < 1000 ? value.ToString(CultureInfo.InvariantCulture) : "0x" + value.ToString("x", CultureInfo.InvariantCulture));
            }
        }
    }

    private static bool IsText(ReadOnlySpan<byte> bytes) => bytes.IndexOfAnyExceptInRange((byte)' ', (byte)'~') is var at && (at < 0 || at == bytes.Length - 1 && bytes[at] == '\n');

    private static string Quote(string text) =>
        text.Length > 0 && !text.AsSpan().ContainsAny(" \t\n\"'") ? text : "\"" + text.Replace("\n", "\\n", StringComparison.Ordinal) + "\"";
}
