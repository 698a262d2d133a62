using System.Globalization;

namespace Bundt.Cli.CommandLine;

/// <summary>Conversions of option values, for the generated tables.</summary>
internal static class OptionValues
{
    /// <summary>Go's spellings of truth.</summary>
    public static bool TryTruth(string value, out bool truth)
    {
        truth = value is "1" or "t" or "T" or "true" or "TRUE" or "True";
        return truth || value is "0" or "f" or "F" or "false" or "FALSE" or "False";
    }

    /// <summary>A value that <see cref="TryTruth"/> has accepted.</summary>
    public static bool Truth(string value) => TryTruth(value, out bool truth) && truth;

    /// <summary>A whole number of 32 bits.</summary>
    /// <exception cref="UsageException">It is none.</exception>
    public static int? Int(string option, string value) =>
        int.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int number) ? number : throw Invalid(option, value);

    /// <summary>A whole number of 64 bits.</summary>
    /// <exception cref="UsageException">It is none.</exception>
    public static long? Long(string option, string value) =>
        long.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number) ? number : throw Invalid(option, value);

    /// <summary>One more value of a list option.</summary>
    public static IEnumerable<string> Append(IEnumerable<string> values, string value)
    {
        List<string> list = values as List<string> ?? [.. values];
        list.Add(value);
        return list;
    }

    /// <summary>What Docker says of a number that is none.</summary>
    public static UsageException Invalid(string option, string value) =>
        new($"invalid argument \"{value}\" for \"--{option}\" flag: strconv.ParseInt: parsing \"{value}\": invalid syntax");
}
