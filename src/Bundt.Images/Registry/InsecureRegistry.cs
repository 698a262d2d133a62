using System.Net;
using Bundt.Linux;

namespace Bundt.Images.Registry;

/// <summary>One entry of "insecure-registries" in daemon.json, or of --insecure-registry.</summary>
public static class InsecureRegistry
{
    /// <summary>Answers the entry if it is a host, host:port or CIDR block, as dockerd has them.</summary>
    /// <exception cref="BundtException">InvalidArgument, one sentence.</exception>
    public static string Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (text.Contains("://", StringComparison.Ordinal))
        {
            throw new BundtException(FailureKind.InvalidArgument, Phase.Request, $"insecure registry {text} should not contain '://'");
        }

        bool isHost = text.Length > 0 && Uri.TryCreate($"https://{text}/", UriKind.Absolute, out Uri? address) && address.AbsolutePath == "/" && address.UserInfo.Length == 0;
        return isHost || IPNetwork.TryParse(text, out _)
            ? text
            : throw new BundtException(FailureKind.InvalidArgument, Phase.Request, $"insecure registry \"{text}\" is neither host[:port] nor a CIDR block");
    }
}
