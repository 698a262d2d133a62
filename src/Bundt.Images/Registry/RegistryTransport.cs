using System.Collections.Concurrent;
using System.Net;

namespace Bundt.Images.Registry;

/// <summary>
/// The connections to registries, shared by all pulls of a daemon. Redirects, cookies, compression and credentials are off: the client decides about each itself.
/// </summary>
internal sealed class RegistryTransport : IDisposable
{
    private readonly HttpMessageInvoker _verified;
    private readonly HttpMessageInvoker _unverified;
    private readonly HttpMessageInvoker _local;

    /// <summary>Connections of hosts that have a directory of certificates, and what it held when they were made.</summary>
    private readonly ConcurrentDictionary<(string Directory, bool Verify), (string Stamp, HttpMessageInvoker Invoker)> _certified = new();

    private readonly string _certificates;

    /// <param name="timings">The deadlines.</param>
    /// <param name="certificates">Docker's directory of certificates by host (/etc/docker/certs.d).</param>
    public RegistryTransport(RegistryTimings timings, string certificates)
    {
        Timings = timings;
        _certificates = certificates;
        _verified = Create(timings, verify: true, useProxy: true);
        _unverified = Create(timings, verify: false, useProxy: true);
        _local = Create(timings, verify: false, useProxy: false);
    }

    /// <summary>The deadlines.</summary>
    public RegistryTimings Timings { get; }

    /// <summary>
    /// The connections for an address: those without a proxy for this machine, those without verification only where that is allowed, those with
    /// certificates of their own where a directory has some.
    /// </summary>
    /// <exception cref="Linux.BundtException">The certificates for this host are malformed.</exception>
    public HttpMessageInvoker For(Uri address, bool verify)
    {
        bool local = RegistryHost.IsLoopback(address.Host);
        verify &= !local;
        return RegistryCertificates.DirectoryFor(_certificates, address) is { } directory ? Certified(directory, verify, useProxy: !local)
            : local ? _local
            : verify ? _verified
            : _unverified;
    }

    public void Dispose()
    {
        foreach ((_, HttpMessageInvoker invoker) in _certified.Values)
        {
            invoker.Dispose();
        }

        _verified.Dispose();
        _unverified.Dispose();
        _local.Dispose();
    }

    private HttpMessageInvoker Certified(string directory, bool verify, bool useProxy)
    {
        string stamp = RegistryCertificates.StampOf(directory);
        if (_certified.TryGetValue((directory, verify), out var known) && known.Stamp == stamp)
        {
            return known.Invoker;
        }

        HttpMessageInvoker invoker = Create(Timings, verify, useProxy, RegistryCertificates.Read(directory));
        _certified[(directory, verify)] = (stamp, invoker); // the one before may be in use: its connections end when they are idle
        return invoker;
    }

    private static HttpMessageInvoker Create(RegistryTimings timings, bool verify, bool useProxy, RegistryCertificates? certificates = null)
    {
        SocketsHttpHandler handler = new()
        {
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            ConnectTimeout = timings.Connect,
            MaxConnectionsPerServer = 32,
            MaxResponseHeadersLength = 64,
            MaxResponseDrainSize = 64 * 1024,
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            UseCookies = false,
            UseProxy = useProxy,
        };
        if (certificates is not null)
        {
            handler.SslOptions.ClientCertificates = certificates.ClientCertificates;
            handler.SslOptions.RemoteCertificateValidationCallback = (_, certificate, chain, errors) => certificates.IsTrusted(certificate, chain, errors);
        }

        if (!verify)
        {
#pragma warning disable CA5359 // Asked for by "insecure-registries", and for loopback, where nobody is in between. Bytes are verified by digest all the same.
            handler.SslOptions.RemoteCertificateValidationCallback = static (_, _, _, _) => true;
#pragma warning restore CA5359
        }

        return new HttpMessageInvoker(handler, disposeHandler: true);
    }
}
