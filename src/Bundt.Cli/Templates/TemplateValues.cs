using System.Globalization;
using System.Text.Json;
using Bundt.Cli.Output;

namespace Bundt.Cli.Templates;

/// <summary>What templates can do with values: texts, truth, long, double, null, lists, rows and JSON.</summary>
internal static class TemplateValues
{
    /// <summary>JSON scalars become plain values; objects and arrays stay.</summary>
    public static object? Plain(object? value) => value is not JsonElement json ? value : json.ValueKind switch
    {
        JsonValueKind.String => json.GetString(),
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        JsonValueKind.Number => json.TryGetInt64(out long whole) ? (object)whole : json.GetDouble(),
        JsonValueKind.Null or JsonValueKind.Undefined => null,
        _ => json,
    };

    /// <summary>A field of a row or of a JSON object.</summary>
    /// <exception cref="TemplateException">There is none.</exception>
    public static object? Field(object? target, string name, object?[] arguments)
    {
        if (target is Row row)
        {
            if (name == "Label" && arguments.Length == 1)
            {
                return row.LabelMap.TryGetValue(ToText(arguments[0]), out string? label) ? label : "";
            }

            return row.Fields.TryGetValue(name, out string? text) ? text : throw new TemplateException($"can't evaluate field {name}");
        }

        if (Plain(target) is JsonElement { ValueKind: JsonValueKind.Object } json)
        {
            // Go's name of what is "Id" in JSON: people write either.
            return json.TryGetProperty(name, out JsonElement value) || (name == "ID" && json.TryGetProperty("Id", out value)) ? Plain(value) : throw new TemplateException($"map has no entry for key \"{name}\"");
        }

        throw new TemplateException(target is null ? $"nil pointer evaluating {name}" : $"can't evaluate field {name} in a value that has no fields");
    }

    /// <summary>Go's idea of truth: not zero, not empty.</summary>
    public static bool IsTrue(object? value) => Plain(value) switch
    {
        null => false,
        bool truth => truth,
        string text => text.Length > 0,
        long number => number != 0,
        double number => number != 0,
        JsonElement { ValueKind: JsonValueKind.Array } list => list.GetArrayLength() > 0,
        JsonElement map => map.EnumerateObject().MoveNext(),
        IReadOnlyList<object?> list => list.Count > 0,
        _ => true,
    };

    /// <summary>Keys and values of a list, a map (by sorted keys) or a number.</summary>
    /// <exception cref="TemplateException">It has none.</exception>
    public static IEnumerable<(object? Key, object? Value)> Enumerate(object? value)
    {
        switch (Plain(value))
        {
            case null:
                return [];
            case JsonElement { ValueKind: JsonValueKind.Array } list:
                return list.EnumerateArray().Select(static (element, i) => ((object?)(long)i, Plain(element)));
            case JsonElement map:
                return map.EnumerateObject().OrderBy(static p => p.Name, StringComparer.Ordinal).Select(static p => ((object?)p.Name, Plain(p.Value)));
            case IReadOnlyList<object?> list:
                return list.Select(static (element, i) => ((object?)(long)i, element));
            case long count:
                return Enumerable.Range(0, (int)count).Select(static i => ((object?)(long)i, (object?)(long)i));
            default:
                throw new TemplateException($"range can't iterate over {ToText(value)}");
        }
    }

    /// <summary>As Go prints it.</summary>
    public static string ToText(object? value) => Plain(value) switch
    {
        null => "<no value>",
        string text => text,
        bool truth => truth ? "true" : "false",
        long number => number.ToString(CultureInfo.InvariantCulture),
        double number => number.ToString(CultureInfo.InvariantCulture),
        JsonElement { ValueKind: JsonValueKind.Array } list => "[" + string.Join(' ', list.EnumerateArray().Select(static e => Inner(e))) + "]",
        JsonElement map => "map[" + string.Join(' ', map.EnumerateObject().OrderBy(static p => p.Name, StringComparer.Ordinal).Select(static p => p.Name + ":" + Inner(p.Value))) + "]",
        IReadOnlyList<object?> list => "[" + string.Join(' ', list.Select(Inner)) + "]",
        Row row => "{" + string.Join(' ', row.Fields.Values) + "}",
        object other => other.ToString() ?? "",
    };

    private static string Inner(object? value) => Plain(value) is null ? "<nil>" : ToText(value);
}
