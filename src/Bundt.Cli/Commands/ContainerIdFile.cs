using System.Text;
using Bundt.Cli.CommandLine;
using Bundt.Linux;
using Bundt.Linux.Sockets;

namespace Bundt.Cli.Commands;

/// <summary>A <c>--cidfile</c>: claimed before the container is made, so that two never share one; gone again if no id came.</summary>
internal sealed class ContainerIdFile : IDisposable
{
    private readonly string _path;
    private readonly int _fd;
    private bool _written;

    private ContainerIdFile(string path, int fd)
    {
        _path = path;
        _fd = fd;
    }

    /// <summary>Makes the file.</summary>
    /// <exception cref="UsageException">It exists already.</exception>
    public static ContainerIdFile Claim(string path)
    {
        try
        {
            return new ContainerIdFile(path, Descriptors.OpenWrite(path, exclusive: true));
        }
        catch (BundtException e) when (e.Errno == Errno.EEXIST)
        {
            throw new UsageException($"container ID file found, make sure the other container isn't running or delete {path}");
        }
    }

    /// <summary>Writes the id.</summary>
    public void Write(string id)
    {
        if (!_written)
        {
            _ = Descriptors.Write(_fd, Encoding.ASCII.GetBytes(id));
            _written = true;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Descriptors.Close(_fd);
        if (!_written)
        {
            File.Delete(_path);
        }
    }
}
