using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Bundt.Linux;

namespace Bundt.Images.Registry;

/// <summary>
/// What a directory below /etc/docker/certs.d says about one registry, as dockerd reads it: *.crt are authorities that are trusted beside the system's,
/// *.cert with *.key of the same name is a certificate to show to the registry.
/// </summary>
internal sealed class RegistryCertificates
{
    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";

    private readonly X509Certificate2Collection _authorities = [];

    private RegistryCertificates()
    {
    }

    /// <summary>Shown to a registry that asks for one.</summary>
    public X509Certificate2Collection ClientCertificates { get; } = [];

    /// <summary>The directory for a registry's address; null when there is none.</summary>
    /// <param name="root">/etc/docker/certs.d.</param>
    /// <param name="address">Of the registry.</param>
    public static string? DirectoryFor(string root, Uri address)
    {
        if (address.Scheme != Uri.UriSchemeHttps || address.Host.Length == 0 || address.Host.StartsWith('.'))
        {
            return null;
        }

        string named = Path.Combine(root, address.Authority);
        string full = Path.Combine(root, $"{address.Host}:{address.Port}");
        return Directory.Exists(named) ? named : Directory.Exists(full) ? full : null;
    }

    /// <summary>Tells one content of a directory from another without reading it.</summary>
    public static string StampOf(string directory) => string.Join('|', Files(directory).Select(file => $"{file.Name} {file.Length} {file.LastWriteTimeUtc.Ticks}"));

    /// <summary>Reads a directory.</summary>
    /// <exception cref="BundtException">A file cannot be read or is not what its name says.</exception>
    public static RegistryCertificates Read(string directory)
    {
        RegistryCertificates certificates = new();
        foreach (FileInfo file in Files(directory))
        {
            string pair = file.FullName[..^file.Extension.Length];
            try
            {
                switch (file.Extension)
                {
                    case ".crt":
                        certificates._authorities.ImportFromPemFile(file.FullName);
                        break;
                    case ".cert":
                        certificates.ClientCertificates.Add(X509Certificate2.CreateFromPemFile(file.FullName, Existing(pair + ".key", $"the key of the client certificate {file.FullName}")));
                        break;
                    case ".key":
                        _ = Existing(pair + ".cert", $"the client certificate of the key {file.FullName}");
                        break;
                    default:
                        break; // dockerd passes them over too
                }
            }
            catch (Exception error) when (error is CryptographicException or IOException or UnauthorizedAccessException)
            {
                throw new BundtException(FailureKind.InvalidArgument, Phase.Pull, $"{file.FullName} is not a certificate or key in PEM that can be used", inner: error);
            }
        }

        return certificates;
    }

    /// <summary>Whether a registry's certificate is trusted: by the system, or by the authorities of the directory.</summary>
    public bool IsTrusted(X509Certificate? shown, X509Chain? chain, SslPolicyErrors errors)
    {
        if (errors != SslPolicyErrors.RemoteCertificateChainErrors || _authorities.Count == 0 || shown is not X509Certificate2 certificate)
        {
            return errors == SslPolicyErrors.None;
        }

        using X509Chain own = new();
        own.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        own.ChainPolicy.CustomTrustStore.AddRange(_authorities);
        own.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        own.ChainPolicy.DisableCertificateDownloads = true;
        own.ChainPolicy.ApplicationPolicy.Add(new Oid(ServerAuthentication));
        foreach (X509ChainElement element in chain?.ChainElements ?? Enumerable.Empty<X509ChainElement>())
        {
            own.ChainPolicy.ExtraStore.Add(element.Certificate);
        }

        return own.Build(certificate);
    }

    private static IEnumerable<FileInfo> Files(string directory) => new DirectoryInfo(directory).EnumerateFiles().OrderBy(file => file.Name, StringComparer.Ordinal);

    private static string Existing(string path, string what) => File.Exists(path)
        ? path
        : throw new BundtException(FailureKind.InvalidArgument, Phase.Pull, $"{what} is missing: {path}", "Authorities are named *.crt, client certificates *.cert");
}
