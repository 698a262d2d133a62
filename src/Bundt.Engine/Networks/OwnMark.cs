using System.Security.Cryptography;
using System.Text;
using Bundt.Linux.Files;
using Bundt.Linux.Network;

namespace Bundt.Engine.Networks;

/// <summary>
/// What a daemon writes on the interfaces that it makes on the host (their alias), by which the next daemon of the same root directory knows them again. Those
/// of other daemons, and of other programs, it never removes.
/// </summary>
internal sealed class OwnMark(string identity)
{
    private const string FileName = "identity";
    private const int IdentityBytes = 8;

    private readonly string _prefix = $"bundt {identity} ";

    /// <summary>That of a root directory: `ROOT/identity`, random, made when it is first asked for.</summary>
    public static OwnMark Of(string root)
    {
        var path = Path.Combine(root, FileName);
        if (File.Exists(path) && File.ReadAllText(path).Trim() is { Length: 2 * IdentityBytes } known)
        {
            return new OwnMark(known);
        }

        var made = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(IdentityBytes));
        using var directory = DirectoryFd.OpenHost(root);
        AtomicFile.Replace(directory, FileName, Encoding.UTF8.GetBytes(made + "\n"), durable: true);
        return new OwnMark(made);
    }

    /// <summary>The name of this daemon's table of the packet filter: that of no other which shares its network namespace.</summary>
    public string Table => "bundt-" + identity;

    /// <summary>The alias of what belongs to a network, a container, or all networks on a parent of that name.</summary>
    public string For(string id) => _prefix + id;

    /// <summary>Who an interface belongs to; null: it is not of our making.</summary>
    public string? IdOn(NetworkLink link) => link.Alias.StartsWith(_prefix, StringComparison.Ordinal) ? link.Alias[_prefix.Length..] : null;
}
