using System.Security.Cryptography;

namespace Bundt.Oci.Distribution;

/// <summary>
/// Content digests as text, "sha256:" and 64 lower-case hexadecimal digits (OCI image-spec, descriptor.md, "Digests").
/// Anything else is refused before it can become part of a path, so a valid digest never holds a slash, a dot-dot or a blank.
/// </summary>
public static class ContentDigest
{
    /// <summary>Whether the text is a sha256 or sha512 digest in canonical form.</summary>
    public static bool IsValid(string? text)
    {
        if (text is null)
        {
            return false;
        }

        int colon = text.IndexOf(':', StringComparison.Ordinal);
        if (colon < 0 || HexLength(text.AsSpan(0, colon)) is not { } length || text.Length - colon - 1 != length)
        {
            return false;
        }

        return IsHex(text.AsSpan(colon + 1));
    }

    /// <summary>Whether the text consists of lower-case hexadecimal digits alone.</summary>
    internal static bool IsHex(ReadOnlySpan<char> text) => !text.ContainsAnyExcept(s_hex);

    private static readonly System.Buffers.SearchValues<char> s_hex = System.Buffers.SearchValues.Create("0123456789abcdef");

    private static readonly System.Buffers.SearchValues<char> s_algorithm = System.Buffers.SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789+._-");

    /// <summary>Answers the text itself if it is a valid digest.</summary>
    /// <exception cref="FormatException">It is not; the sentence says what is wrong with it.</exception>
    public static string Require(string? text)
    {
        if (IsValid(text))
        {
            return text!;
        }

        string shown = text is null ? "" : text.Length > 160 ? text[..160] + "…" : text;
        int colon = shown.IndexOf(':', StringComparison.Ordinal);
        if (colon <= 0 || shown.AsSpan(0, colon).ContainsAnyExcept(s_algorithm))
        {
            throw new FormatException($"invalid digest \"{shown}\": expected algorithm:hexadecimal");
        }

        throw HexLength(shown.AsSpan(0, colon)) is not { } length
            ? new FormatException($"invalid digest \"{shown}\": unsupported digest algorithm (sha256 and sha512 are known)")
            : new FormatException($"invalid digest \"{shown}\": {shown[..colon]} has {length} lower-case hexadecimal digits");
    }

    /// <summary>The algorithm of a valid digest ("sha256").</summary>
    public static string AlgorithmOf(string digest) => digest[..digest.IndexOf(':', StringComparison.Ordinal)];

    /// <summary>The hexadecimal digits of a valid digest.</summary>
    public static string HexOf(string digest) => digest[(digest.IndexOf(':', StringComparison.Ordinal) + 1)..];

    /// <summary>The first twelve digits, as people see ids.</summary>
    public static string ShortOf(string digest) => HexOf(digest)[..12];

    /// <summary>The sha256 digest of some bytes.</summary>
    public static string Sha256(ReadOnlySpan<byte> content)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(content, hash);
        return "sha256:" + Convert.ToHexStringLower(hash);
    }

    /// <summary>Computes over some bytes the digest with the same algorithm as a given valid one, to compare the two.</summary>
    public static string ComputeLike(string digest, ReadOnlySpan<byte> content) => AlgorithmOf(digest) == "sha512"
        ? "sha512:" + Convert.ToHexStringLower(SHA512.HashData(content))
        : Sha256(content);

    /// <summary>An incremental hash with the algorithm of a valid digest.</summary>
    public static IncrementalHash StartLike(string digest) =>
        IncrementalHash.CreateHash(AlgorithmOf(digest) == "sha512" ? HashAlgorithmName.SHA512 : HashAlgorithmName.SHA256);

    /// <summary>Ends an incremental hash and writes its result as a digest.</summary>
    public static string Finish(IncrementalHash hash) =>
        (hash.AlgorithmName == HashAlgorithmName.SHA512 ? "sha512:" : "sha256:") + Convert.ToHexStringLower(hash.GetHashAndReset());

    private static int? HexLength(ReadOnlySpan<char> algorithm) => algorithm switch
    {
        "sha256" => 64,
        "sha512" => 128,
        _ => null,
    };
}
