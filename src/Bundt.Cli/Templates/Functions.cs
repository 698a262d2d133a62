using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Bundt.Cli.Output;

namespace Bundt.Cli.Templates;

/// <summary>The functions of Go's templates and docker's additions.</summary>
internal static class Functions
{
    private static readonly JsonWriterOptions s_compact = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Their names.</summary>
    public static readonly HashSet<string> Names =
    [
        "and", "or", "not", "eq", "ne", "lt", "le", "gt", "ge", "index", "len", "slice", "print", "println", "printf",
        "json", "join", "split", "upper", "lower", "title", "truncate", "pad",
    ];

    /// <summary>Calls one.</summary>
    /// <exception cref="TemplateException">The arguments do not fit.</exception>
    public static object? Call(string name, object?[] arguments)
    {
        (int minimum, int maximum) = Arity(name);
        if (arguments.Length < minimum || arguments.Length > maximum)
        {
            throw new TemplateException($"wrong number of args for {name}: want {(arguments.Length < minimum ? "at least " + minimum : "at most " + maximum)} got {arguments.Length}");
        }

        return name switch
        {
            "not" => !TemplateValues.IsTrue(arguments[0]),
            "eq" => arguments[1..].Any(other => Compare(arguments[0], other) == 0),
            "ne" => Compare(arguments[0], arguments[1]) != 0,
            "lt" => Compare(arguments[0], arguments[1]) < 0,
            "le" => Compare(arguments[0], arguments[1]) <= 0,
            "gt" => Compare(arguments[0], arguments[1]) > 0,
            "ge" => Compare(arguments[0], arguments[1]) >= 0,
            "index" => arguments[1..].Aggregate(arguments[0], Index),
            "len" => Length(arguments[0]),
            "slice" => Slice(arguments),
            "print" => string.Concat(arguments.Select(TemplateValues.ToText)),
            "println" => string.Join(' ', arguments.Select(TemplateValues.ToText)) + "\n",
            "printf" => Printf(arguments),
            "json" => Json(arguments[0]),
            "join" => string.Join(TemplateValues.ToText(arguments[1]), TemplateValues.Enumerate(arguments[0]).Select(static p => TemplateValues.ToText(p.Value))),
            "split" => (IReadOnlyList<object?>)[.. TemplateValues.ToText(arguments[0]).Split(TemplateValues.ToText(arguments[1]))],
            "upper" => TemplateValues.ToText(arguments[0]).ToUpperInvariant(),
            "lower" => TemplateValues.ToText(arguments[0]).ToLowerInvariant(),
            "title" => CultureInfo.InvariantCulture.TextInfo.ToTitleCase(TemplateValues.ToText(arguments[0])),
            "truncate" => TemplateValues.ToText(arguments[0]) is string text && Whole(arguments[1]) is int length && text.Length > length ? text[..length] : TemplateValues.ToText(arguments[0]),
            "pad" => TemplateValues.ToText(arguments[0]) is { Length: > 0 } padded ? new string(' ', Whole(arguments[1])) + padded + new string(' ', Whole(arguments[2])) : "",
            _ => throw new TemplateException($"wrong number of args for {name}: want at least 1 got 0"),
        };
    }

    /// <summary>Compact JSON of a value; a row's members are sorted, as docker's are.</summary>
    public static string Json(object? value)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, s_compact))
        {
            Write(json, value);
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private static (int Minimum, int Maximum) Arity(string name) => name switch
    {
        "not" or "len" or "json" or "upper" or "lower" or "title" => (1, 1),
        "ne" or "lt" or "le" or "gt" or "ge" or "join" or "split" or "truncate" => (2, 2),
        "eq" => (2, int.MaxValue),
        "slice" => (1, 3),
        "pad" => (3, 3),
        "print" or "println" => (0, int.MaxValue),
        _ => (1, int.MaxValue),
    };

    private static void Write(Utf8JsonWriter json, object? value)
    {
        switch (value)
        {
            case null:
                json.WriteNullValue();
                break;
            case JsonElement element:
                element.WriteTo(json);
                break;
            case string text:
                json.WriteStringValue(text);
                break;
            case bool truth:
                json.WriteBooleanValue(truth);
                break;
            case long number:
                json.WriteNumberValue(number);
                break;
            case double number:
                json.WriteNumberValue(number);
                break;
            case Row row:
                json.WriteStartObject();
                foreach ((string key, string field) in row.Fields.OrderBy(static f => f.Key, StringComparer.Ordinal))
                {
                    json.WriteString(key, field);
                }

                json.WriteEndObject();
                break;
            default:
                json.WriteStartArray();
                foreach ((_, object? element) in TemplateValues.Enumerate(value))
                {
                    Write(json, element);
                }

                json.WriteEndArray();
                break;
        }
    }

    private static int Compare(object? left, object? right)
    {
        left = TemplateValues.Plain(left);
        right = TemplateValues.Plain(right);
        return (left, right) switch
        {
            (long a, long b) => a.CompareTo(b),
            (long or double, long or double) => Convert.ToDouble(left, CultureInfo.InvariantCulture).CompareTo(Convert.ToDouble(right, CultureInfo.InvariantCulture)),
            (string a, string b) => string.CompareOrdinal(a, b),
            (bool a, bool b) => a.CompareTo(b),
            (null, null) => 0,
            (null, _) => -1,
            (_, null) => 1,
            _ => throw new TemplateException("incompatible types for comparison"),
        };
    }

    private static object? Index(object? target, object? key)
    {
        switch (TemplateValues.Plain(target))
        {
            case JsonElement { ValueKind: JsonValueKind.Object } map:
                return map.TryGetProperty(TemplateValues.ToText(key), out JsonElement value) ? TemplateValues.Plain(value) : "";
            case JsonElement list when Whole(key) is int i:
                return i >= 0 && i < list.GetArrayLength() ? TemplateValues.Plain(list[i]) : throw new TemplateException($"error calling index: index out of range: {i}");
            case IReadOnlyList<object?> list when Whole(key) is int i:
                return i >= 0 && i < list.Count ? list[i] : throw new TemplateException($"error calling index: index out of range: {i}");
            case null:
                return "";
            default:
                throw new TemplateException("error calling index: can't index item of this type");
        }
    }

    private static long Length(object? value) => TemplateValues.Plain(value) switch
    {
        string text => Encoding.UTF8.GetByteCount(text),
        null => 0,
        JsonElement { ValueKind: JsonValueKind.Array } list => list.GetArrayLength(),
        JsonElement map => map.EnumerateObject().Count(),
        IReadOnlyList<object?> list => list.Count,
        _ => throw new TemplateException("error calling len: len of this type"),
    };

    private static object Slice(object?[] arguments)
    {
        string text = TemplateValues.ToText(arguments[0]);
        int from = arguments.Length > 1 ? Whole(arguments[1]) : 0;
        int to = arguments.Length > 2 ? Whole(arguments[2]) : text.Length;
        return from >= 0 && from <= to && to <= text.Length ? text[from..to] : throw new TemplateException("error calling slice: index out of range");
    }

    private static string Printf(object?[] arguments)
    {
        string format = TemplateValues.ToText(arguments[0]);
        var text = new StringBuilder();
        int next = 1;
        for (int i = 0; i < format.Length; i++)
        {
            if (format[i] != '%' || i + 1 == format.Length)
            {
                _ = text.Append(format[i]);
                continue;
            }

            int start = ++i;
            while (i < format.Length - 1 && (char.IsAsciiDigit(format[i]) || format[i] is '-' or '.'))
            {
                i++;
            }

            if (format[i] == '%')
            {
                _ = text.Append('%');
                continue;
            }

            if (next >= arguments.Length)
            {
                _ = text.Append("%!").Append(format[i]).Append("(MISSING)");
                continue;
            }

            object? argument = arguments[next++];
            string item = format[i] == 'q' ? Json(TemplateValues.ToText(argument)) : TemplateValues.ToText(argument);
            string width = format[start..i];
            bool left = width.StartsWith('-');
            string[] numbers = width.TrimStart('-').Split('.');
            if (numbers.Length > 1 && int.TryParse(numbers[1], out int limit) && item.Length > limit)
            {
                item = item[..limit];
            }

            _ = int.TryParse(numbers[0], out int columns);
            _ = text.Append(left ? item.PadRight(columns) : item.PadLeft(columns));
        }

        return text.ToString();
    }

    private static int Whole(object? value) => TemplateValues.Plain(value) is long number and >= (long)int.MinValue and <= (long)int.MaxValue ? (int)number : throw new TemplateException($"expected integer; found {TemplateValues.ToText(value)}");
}
