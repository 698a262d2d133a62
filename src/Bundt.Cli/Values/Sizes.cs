using System.Globalization;

namespace Bundt.Cli.Values;

/// <summary>Sizes as docker reads and prints them (docker/go-units): "64m" is binary when read, "4.26MB" decimal when printed.</summary>
internal static class Sizes
{
    private static readonly string[] s_decimal = ["B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"];

    /// <summary>Reads "512", "64m", "1.5g", "2GiB", "10 kb" in bytes.</summary>
    public static bool TryParse(string text, out long bytes)
    {
        bytes = 0;
        int digits = text.AsSpan().LastIndexOfAnyInRange('0', '9');
        int point = text.LastIndexOf('.');
        int end = Math.Max(digits, point) + 1;
        if (digits < 0 || text[0] is '-' or '+'
            || !double.TryParse(text.AsSpan(0, end), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double number))
        {
            return false;
        }

        string unit = text[end..].TrimStart(' ').ToLowerInvariant();
        if (unit.Length > 3 || (unit.Length > 1 && unit[1..] is not ("b" or "ib")) || (unit.Length == 2 && unit[0] == 'b'))
        {
            return false;
        }

        int power = unit.Length == 0 ? 0 : "bkmgtp".IndexOf(unit[0], StringComparison.Ordinal);
        double value = number * Math.Pow(1024, power);
        if (power < 0 || value > long.MaxValue)
        {
            return false;
        }

        bytes = (long)value;
        return true;
    }

    /// <summary>"4.26MB": decimal, with this many significant digits.</summary>
    public static string Format(long bytes, int precision = 3)
    {
        double size = bytes;
        int unit = 0;
        while (size >= 1000 && unit < s_decimal.Length - 1)
        {
            size /= 1000;
            unit++;
        }

        return Significant(size, precision) + s_decimal[unit];
    }

    // Go's %.3g, for numbers below 1000.
    private static string Significant(double number, int precision)
    {
        int whole = number < 1 ? (number == 0 ? 1 : 0) : (int)Math.Floor(Math.Log10(number)) + 1;
        string text = number.ToString("F" + Math.Max(0, precision - whole), CultureInfo.InvariantCulture);
        return text.Contains('.', StringComparison.Ordinal) ? text.TrimEnd('0').TrimEnd('.') : text;
    }
}
