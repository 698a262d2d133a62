using System.Globalization;
using Bundt.Oci.Runtime;

namespace Bundt.Runtime.Seccomp;

/// <summary>
/// Reads a profile file: Docker's format (archMap, includes, excludes, "name" beside "names", minKernel) of which the runtime
/// specification's "linux.seccomp" is a part.
/// </summary>
internal static class SeccompProfileReader
{
    internal static SeccompProfile Read(ReadOnlySpan<byte> json)
    {
        var reader = new FieldReader(json);
        string? action = null;
        uint? errno = null;
        IReadOnlyList<string> flags = [], architectures = [];
        var subArchitectures = new Dictionary<string, IReadOnlyList<string>>();
        var rules = new List<ProfileRule>();
        if (!reader.BeginObject())
        {
            throw reader.Error("must be an object, not null");
        }

        while (reader.NextField())
        {
            if (reader.Is("defaultAction"u8))
            {
                action = reader.GetString();
            }
            else if (reader.Is("defaultErrnoRet"u8))
            {
                errno = reader.GetUnsigned32();
            }
            else if (reader.Is("flags"u8))
            {
                flags = reader.GetStrings();
            }
            else if (reader.Is("architectures"u8))
            {
                architectures = reader.GetStrings();
            }
            else if (reader.Is("archMap"u8))
            {
                ReadArchitectureMap(ref reader, subArchitectures);
            }
            else if (reader.Is("syscalls"u8))
            {
                if (reader.BeginArray())
                {
                    while (reader.NextElement())
                    {
                        rules.Add(ReadRule(ref reader));
                    }
                }
            }
            else
            {
                reader.Skip();
            }
        }

        if (action is null)
        {
            throw reader.Error("defaultAction is missing");
        }

        reader.End();
        return new SeccompProfile(action, errno, flags, architectures, subArchitectures, rules);
    }

    private static void ReadArchitectureMap(ref FieldReader reader, Dictionary<string, IReadOnlyList<string>> map)
    {
        if (!reader.BeginArray())
        {
            return;
        }

        while (reader.NextElement())
        {
            if (!reader.BeginObject())
            {
                continue;
            }

            string? architecture = null;
            IReadOnlyList<string> sub = [];
            while (reader.NextField())
            {
                if (reader.Is("architecture"u8))
                {
                    architecture = reader.GetString();
                }
                else if (reader.Is("subArchitectures"u8))
                {
                    sub = reader.GetStrings();
                }
                else
                {
                    reader.Skip();
                }
            }

            map[architecture ?? throw reader.Error("architecture is missing")] = sub;
        }
    }

    private static ProfileRule ReadRule(ref FieldReader reader)
    {
        if (!reader.BeginObject())
        {
            throw reader.Error("must be an object, not null");
        }

        IReadOnlyList<string> names = [];
        string? action = null;
        uint? errno = null;
        IReadOnlyList<SeccompArg> args = [];
        ProfileGate includes = ProfileGate.None, excludes = ProfileGate.None;
        while (reader.NextField())
        {
            if (reader.Is("names"u8))
            {
                names = reader.GetStrings();
            }
            else if (reader.Is("name"u8))
            {
                names = reader.GetString() is { Length: > 0 } name ? [name] : names;
            }
            else if (reader.Is("action"u8))
            {
                action = reader.GetString();
            }
            else if (reader.Is("errnoRet"u8))
            {
                errno = reader.GetUnsigned32();
            }
            else if (reader.Is("args"u8))
            {
                args = SeccompReader.ReadArgs(ref reader);
            }
            else if (reader.Is("includes"u8))
            {
                includes = ReadGate(ref reader);
            }
            else if (reader.Is("excludes"u8))
            {
                excludes = ReadGate(ref reader);
            }
            else
            {
                reader.Skip();
            }
        }

        var rule = new SeccompRule { Names = names, Action = action ?? throw reader.Error("action is missing"), ErrnoRet = errno, Args = args };
        return new ProfileRule(rule, includes, excludes);
    }

    private static ProfileGate ReadGate(ref FieldReader reader)
    {
        IReadOnlyList<string> capabilities = [], architectures = [];
        Version? kernel = null;
        if (reader.BeginObject())
        {
            while (reader.NextField())
            {
                if (reader.Is("caps"u8))
                {
                    capabilities = reader.GetStrings();
                }
                else if (reader.Is("arches"u8))
                {
                    architectures = reader.GetStrings();
                }
                else if (reader.Is("minKernel"u8))
                {
                    kernel = ReadVersion(ref reader);
                }
                else
                {
                    reader.Skip();
                }
            }
        }

        return new ProfileGate(capabilities, architectures, kernel);
    }

    private static Version? ReadVersion(ref FieldReader reader)
    {
        var text = reader.GetString();
        if (string.IsNullOrEmpty(text))
        {
            return null;
        }

        var dot = text.IndexOf('.');
        return dot > 0
            && int.TryParse(text.AsSpan(0, dot), NumberStyles.None, CultureInfo.InvariantCulture, out var major)
            && int.TryParse(text.AsSpan(dot + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var minor)
                ? new Version(major, minor)
                : throw reader.Error($"must be a version such as 4.8, not \"{text}\"");
    }
}
