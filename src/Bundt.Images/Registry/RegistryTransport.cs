using System.Net;
using System.Net.Security;

namespace Bundt.Images.Registry;

/// <summary>
/// The connections to registries, shared by all pulls of a daemon. Redirects, cookies, compression and credentials are off: the client decides about each itself.
/// </summary>
internal sealed class RegistryTransport : IDisposable
{
    private readonly HttpMessageInvoker _verified;
    private readonly HttpMessageInvoker _unverified;
    private readonly HttpMessageInvoker _local;

    public RegistryTransport(RegistryTimings timings)
    {
        Timings = timings;
        _verified = Create(timings, verify: true, useProxy: true);
        _unverified = Create(timings, verify: false, useProxy: true);
        _local = Create(timings, verify: false, useProxy: false);
    }

    /// <summary>The deadlines.</summary>
    public RegistryTimings Timings { get; }

    /// <summary>The connections for an address: those without a proxy for this machine, those without verification only where that is allowed.</summary>
    public HttpMessageInvoker For(Uri address, bool verify) => RegistryHost.IsLoopback(address.Host) ? _local : verify ? _verified : _unverified;

    public void Dispose()
    {
        _verified.Dispose();
        _unverified.Dispose();
        _local.Dispose();
    }

    private static HttpMessageInvoker Create(RegistryTimings timings, bool verify, bool useProxy)
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
        if (!verify)
        {
#pragma warning disable CA5359 // Asked for by "insecure-registries", and for loopback, where nobody is in between. Bytes are verified by digest all the same.
            handler.SslOptions = new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = static (_, _, _, _) => true };
#pragma warning restore CA5359
        }

        return new HttpMessageInvoker(handler, disposeHandler: true);
    }
}
