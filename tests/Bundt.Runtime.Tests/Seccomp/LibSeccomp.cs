using System.Runtime.InteropServices;
using Bundt.Linux.Seccomp;

namespace Bundt.Runtime.Tests.Seccomp;

/// <summary>libseccomp as an oracle.</summary>
internal static unsafe partial class LibSeccomp
{
    public static bool IsPresent => NativeLibrary.TryLoad("libseccomp.so.2", out _);

    public static string? NameOf(uint audit, int number)
    {
        var name = seccomp_syscall_resolve_num_arch(audit, number);
        return name == 0 ? null : Marshal.PtrToStringUTF8(name);
    }

    /// <summary>The number, or null where the architecture has no such call of its own.</summary>
    public static int? NumberOf(uint audit, string name)
    {
        var number = seccomp_syscall_resolve_name_arch(audit, name);
        return number >= 0 ? number : null;
    }

    public static byte[] Compile(FilterSource source)
    {
        var context = seccomp_init(source.Default.Value);
        try
        {
            foreach (var name in source.Architectures)
            {
                var token = seccomp_arch_resolve_name(name["SCMP_ARCH_".Length..].ToLowerInvariant());
                var added = seccomp_arch_add(context, token);
                Assert.That(added, Is.Zero.Or.EqualTo(-17), "architecture " + name);
            }

            foreach (var rule in source.Rules)
            {
                if (rule.Action == source.Default)
                {
                    continue;
                }

                foreach (var name in rule.Names)
                {
                    Add(context, rule, name);
                }
            }

            return Export(context);
        }
        finally
        {
            seccomp_release(context);
        }
    }

    private static void Add(nint context, FilterRule rule, string name)
    {
        var number = seccomp_syscall_resolve_name(name);
        if (number == -1)
        {
            return;
        }

        var arguments = stackalloc Argument[6];
        for (var i = 0; i < rule.Conditions.Count; i++)
        {
            var condition = rule.Conditions[i];
            arguments[i] = new Argument
            {
                Index = (uint)condition.Argument,
                Operator = condition.Comparison switch
                {
                    SeccompComparison.NotEqual => 1,
                    SeccompComparison.Less => 2,
                    SeccompComparison.LessOrEqual => 3,
                    SeccompComparison.Equal => 4,
                    SeccompComparison.GreaterOrEqual => 5,
                    SeccompComparison.Greater => 6,
                    _ => 7,
                },
                First = condition.Comparison == SeccompComparison.MaskedEqual ? condition.Mask : condition.Value,
                Second = condition.Comparison == SeccompComparison.MaskedEqual ? condition.Value : 0,
            };
        }

        var result = seccomp_rule_add_array(context, rule.Action.Value, number, (uint)rule.Conditions.Count, arguments);
        Assert.That(result, Is.Zero, $"libseccomp refuses {name}");
    }

    private static byte[] Export(nint context)
    {
        var path = Path.GetTempFileName();
        try
        {
            using (var file = File.OpenHandle(path, FileMode.Open, FileAccess.Write))
            {
                Assert.That(seccomp_export_bpf(context, (int)file.DangerousGetHandle()), Is.Zero);
            }

            return File.ReadAllBytes(path);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Argument
    {
        public uint Index;
        public int Operator;
        public ulong First;
        public ulong Second;
    }

    [LibraryImport("libseccomp.so.2")]
    private static partial nint seccomp_init(uint action);

    [LibraryImport("libseccomp.so.2")]
    private static partial void seccomp_release(nint context);

    [LibraryImport("libseccomp.so.2", StringMarshalling = StringMarshalling.Utf8)]
    private static partial uint seccomp_arch_resolve_name(string name);

    [LibraryImport("libseccomp.so.2")]
    private static partial int seccomp_arch_add(nint context, uint token);

    [LibraryImport("libseccomp.so.2", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int seccomp_syscall_resolve_name(string name);

    [LibraryImport("libseccomp.so.2", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int seccomp_syscall_resolve_name_arch(uint token, string name);

    [LibraryImport("libseccomp.so.2")]
    private static partial nint seccomp_syscall_resolve_num_arch(uint token, int number);

    [LibraryImport("libseccomp.so.2")]
    private static partial int seccomp_rule_add_array(nint context, uint action, int number, uint count, Argument* arguments);

    [LibraryImport("libseccomp.so.2")]
    private static partial int seccomp_export_bpf(nint context, int fd);
}
