using System.Runtime.InteropServices;

namespace Bundt.Oci.Image;

/// <summary>An operating system and architecture (OCI image-spec, image-index.md), with Go's names.</summary>
public sealed record Platform(string Os, string Architecture, string? Variant = null)
{
    /// <summary>The platform of this machine.</summary>
    public static Platform Current { get; } = new("linux", RuntimeInformation.OSArchitecture switch
    {
        System.Runtime.InteropServices.Architecture.X64 => "amd64",
        System.Runtime.InteropServices.Architecture.X86 => "386",
        System.Runtime.InteropServices.Architecture.Arm64 => "arm64",
        System.Runtime.InteropServices.Architecture.Arm => "arm",
        System.Runtime.InteropServices.Architecture.Armv6 => "arm",
        System.Runtime.InteropServices.Architecture.S390x => "s390x",
        System.Runtime.InteropServices.Architecture.Ppc64le => "ppc64le",
        System.Runtime.InteropServices.Architecture.LoongArch64 => "loong64",
        System.Runtime.InteropServices.Architecture.RiscV64 => "riscv64",
        var other => other.ToString().ToLowerInvariant(),
    }, RuntimeInformation.OSArchitecture switch
    {
        System.Runtime.InteropServices.Architecture.Arm => "v7",
        System.Runtime.InteropServices.Architecture.Armv6 => "v6",
        _ => null,
    });

    /// <summary>Parses "linux/amd64", "linux/arm/v7", "arm64" or "linux"; what is left out is this machine's.</summary>
    /// <exception cref="FormatException">One clear sentence.</exception>
    public static Platform Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        string[] parts = text.Split('/');
        if (parts.Length > 3 || Array.Exists(parts, part => part.Length is 0 or > 64 || part.AsSpan().ContainsAnyExcept(s_characters)))
        {
            throw new FormatException($"\"{text}\" is not a platform: expected os/architecture[/variant], such as linux/amd64 or linux/arm/v7");
        }

        if (parts.Length > 1)
        {
            return new Platform(parts[0], parts[1], parts.Length == 3 ? parts[2] : null).Normalized();
        }

        string single = parts[0].ToLowerInvariant();
        if (single is "linux" or "windows" or "darwin" or "freebsd" or "macos" or "openbsd" or "netbsd")
        {
            return (Current with { Os = single }).Normalized();
        }

        Platform guess = new Platform(Current.Os, single).Normalized();
        return IsKnownArchitecture(guess.Architecture)
            ? guess
            : throw new FormatException($"\"{text}\" is not a platform: unknown operating system or architecture");
    }

    /// <summary>The canonical spelling: x86_64 is amd64, aarch64 is arm64, armhf is arm/v7, arm64/v8 is arm64 (as containerd's platforms package has it).</summary>
    public Platform Normalized()
    {
        string os = Os.ToLowerInvariant() switch { "macos" => "darwin", "" => Current.Os, var other => other };
        string variant = (Variant ?? "").ToLowerInvariant();
        (string architecture, string? normal) = Architecture.ToLowerInvariant() switch
        {
            "x86_64" or "x86-64" or "amd64" => ("amd64", variant is "v1" or "" ? null : variant),
            "i386" or "i486" or "i586" or "i686" or "386" => ("386", variant.Length == 0 ? null : variant),
            "aarch64" or "arm64" => ("arm64", variant is "8" or "v8" or "" ? null : variant),
            "armhf" => ("arm", "v7"),
            "armel" => ("arm", "v6"),
            "arm" => ("arm", variant switch { "" or "7" => "v7", "5" or "6" or "8" => "v" + variant, _ => variant }),
            var other => (other, variant.Length == 0 ? null : variant),
        };
        return new Platform(os, architecture, normal);
    }

    /// <summary>
    /// How well an image for <paramref name="candidate"/> runs on this platform: 0 is exact, more is worse, null is not at all.
    /// An arm/v7 machine also runs v6 and v5; arm64 runs the 32-bit variants; amd64/v3 runs v2 and v1; amd64 runs 386.
    /// </summary>
    public int? Distance(Platform candidate)
    {
        ArgumentNullException.ThrowIfNull(candidate);
        Platform mine = Normalized();
        Platform other = candidate.Normalized();
        if (mine.Os != other.Os)
        {
            return null;
        }

        int index = mine.Runs().ToList().IndexOf(other);
        return index < 0 ? null : index;
    }

    /// <summary>"linux/arm/v7".</summary>
    public override string ToString() => Variant is null or "" ? $"{Os}/{Architecture}" : $"{Os}/{Architecture}/{Variant}";

    private static readonly System.Buffers.SearchValues<char> s_characters =
        System.Buffers.SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-");

    /// <summary>What a normalised platform runs, best first.</summary>
    private IEnumerable<Platform> Runs()
    {
        yield return this;
        switch (Architecture)
        {
            case "amd64":
                for (int level = Number(Variant) - 1; level >= 1; level--)
                {
                    yield return this with { Variant = level == 1 ? null : $"v{level}" };
                }

                yield return this with { Architecture = "386", Variant = null };
                break;
            case "arm":
                for (int version = Number(Variant) - 1; version >= 5; version--)
                {
                    yield return this with { Variant = $"v{version}" };
                }

                break;
            case "arm64":
                if (Variant is not null)
                {
                    yield return this with { Variant = null };
                }

                for (int version = 8; version >= 5; version--)
                {
                    yield return this with { Architecture = "arm", Variant = $"v{version}" };
                }

                break;
            default:
                break;
        }
    }

    private static int Number(string? variant) => variant is ['v', >= '1' and <= '9'] ? variant[1] - '0' : 0;

    private static bool IsKnownArchitecture(string name) =>
        name is "amd64" or "386" or "arm64" or "arm" or "ppc64le" or "ppc64" or "s390x" or "riscv64" or "loong64" or "mips64le" or "mips64" or "mips" or "mipsle" or "wasm";
}
