using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Bundt.Integration.Tests.Fixtures;

/// <summary>An authority of the test's own, and what it has signed.</summary>
public static class TestCertificates
{
    /// <summary>Writes ca.crt and client.cert with client.key, and beside the directory server.pem with server.key and other.crt, an authority that has signed nothing.</summary>
    /// <param name="directory">Where.</param>
    /// <param name="host">The server's name.</param>
    public static void Write(string directory, string host)
    {
        var beside = Path.GetDirectoryName(directory)!;
        using var authority = Authority("test authority");
        using var other = Authority("another authority");
        File.WriteAllText(Path.Combine(directory, "ca.crt"), authority.ExportCertificatePem());
        File.WriteAllText(Path.Combine(beside, "other.crt"), other.ExportCertificatePem());
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(host);
        names.AddIpAddress(IPAddress.Loopback);
        Sign(authority, host, "1.3.6.1.5.5.7.3.1", names.Build(), Path.Combine(beside, "server.pem"), Path.Combine(beside, "server.key"));
        Sign(authority, "client", "1.3.6.1.5.5.7.3.2", null, Path.Combine(directory, "client.cert"), Path.Combine(directory, "client.key"));
    }

    private static X509Certificate2 Authority(string name)
    {
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }

    private static void Sign(X509Certificate2 authority, string name, string usage, X509Extension? names, string certificateFile, string keyFile)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(usage)], false));
        if (names is not null)
        {
            request.CertificateExtensions.Add(names);
        }

        using var signed = request.Create(authority, authority.NotBefore, authority.NotAfter, RandomNumberGenerator.GetBytes(8));
        File.WriteAllText(certificateFile, signed.ExportCertificatePem());
        File.WriteAllText(keyFile, key.ExportPkcs8PrivateKeyPem());
    }
}
