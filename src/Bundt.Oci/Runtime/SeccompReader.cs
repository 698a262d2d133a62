namespace Bundt.Oci.Runtime;

/// <summary>Reads "linux.seccomp".</summary>
public static class SeccompReader
{
    internal static LinuxSeccomp? Read(ref FieldReader reader)
    {
        if (!reader.BeginObject())
        {
            return null;
        }

        string? action = null, listenerPath = null, listenerMetadata = null;
        uint? errno = null;
        IReadOnlyList<string> architectures = [], flags = [];
        var rules = new List<SeccompRule>();
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
            else if (reader.Is("architectures"u8))
            {
                architectures = reader.GetStrings();
            }
            else if (reader.Is("flags"u8))
            {
                flags = reader.GetStrings();
            }
            else if (reader.Is("listenerPath"u8))
            {
                listenerPath = reader.GetString();
            }
            else if (reader.Is("listenerMetadata"u8))
            {
                listenerMetadata = reader.GetString();
            }
            else if (reader.Is("syscalls"u8))
            {
                if (!reader.BeginArray())
                {
                    continue;
                }

                while (reader.NextElement())
                {
                    rules.Add(ReadRule(ref reader));
                }
            }
            else
            {
                reader.Skip();
            }
        }

        return new LinuxSeccomp
        {
            DefaultAction = action ?? throw reader.Error("defaultAction is missing"),
            DefaultErrnoRet = errno,
            Architectures = architectures,
            Flags = flags,
            ListenerPath = string.IsNullOrEmpty(listenerPath) ? null : listenerPath,
            ListenerMetadata = string.IsNullOrEmpty(listenerMetadata) ? null : listenerMetadata,
            Syscalls = rules,
        };
    }

    private static SeccompRule ReadRule(ref FieldReader reader)
    {
        if (!reader.BeginObject())
        {
            throw reader.Error("must be an object, not null");
        }

        IReadOnlyList<string> names = [];
        string? action = null;
        uint? errno = null;
        IReadOnlyList<SeccompArg> args = [];
        while (reader.NextField())
        {
            if (reader.Is("names"u8))
            {
                names = reader.GetStrings();
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
                args = ReadArgs(ref reader);
            }
            else
            {
                reader.Skip();
            }
        }

        return new SeccompRule
        {
            Names = names,
            Action = action ?? throw reader.Error("action is missing"),
            ErrnoRet = errno,
            Args = args,
        };
    }

    /// <summary>Reads "args" of a rule; Docker's own format has the same.</summary>
    public static IReadOnlyList<SeccompArg> ReadArgs(ref FieldReader reader)
    {
        var args = new List<SeccompArg>();
        if (!reader.BeginArray())
        {
            return args;
        }

        while (reader.NextElement())
        {
            if (!reader.BeginObject())
            {
                throw reader.Error("must be an object, not null");
            }

            var index = 0;
            ulong value = 0, valueTwo = 0;
            string? op = null;
            while (reader.NextField())
            {
                if (reader.Is("index"u8))
                {
                    index = reader.GetInteger32(0, 5) ?? 0;
                }
                else if (reader.Is("value"u8))
                {
                    value = reader.GetUnsigned() ?? 0;
                }
                else if (reader.Is("valueTwo"u8))
                {
                    valueTwo = reader.GetUnsigned() ?? 0;
                }
                else if (reader.Is("op"u8))
                {
                    op = reader.GetString();
                }
                else
                {
                    reader.Skip();
                }
            }

            args.Add(new SeccompArg(index, value, valueTwo, op ?? throw reader.Error("op is missing")));
        }

        return args;
    }
}
