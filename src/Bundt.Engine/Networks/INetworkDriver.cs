using Bundt.Linux;
using Microsoft.Win32.SafeHandles;

namespace Bundt.Engine.Networks;

/// <summary>Makes networks of a kind, and connects containers to them.</summary>
internal interface INetworkDriver
{
    /// <summary>Says what is wrong about a network that is to be made.</summary>
    /// <exception cref="BundtException">It cannot be beside one of the others.</exception>
    void Check(Network network, IEnumerable<Network> others);

    /// <summary>Sees to it that the host has what the network needs. What is there already is left.</summary>
    /// <exception cref="BundtException">The kernel refuses; Conflict: what is there is something else.</exception>
    void Ensure(Network network);

    /// <summary>Removes what the host has of it, as far as we made it and none of the others needs it.</summary>
    /// <exception cref="BundtException">The kernel refuses.</exception>
    void Remove(Network network, IEnumerable<Network> others);

    /// <summary>Connects a container: an interface in its network namespace, with addresses and routes.</summary>
    /// <param name="network">The network.</param>
    /// <param name="endpoint">The container's place in it.</param>
    /// <param name="networkNamespace">The container's network namespace.</param>
    /// <param name="routes">It is the way to everywhere else.</param>
    /// <exception cref="BundtException">The kernel refuses; nothing is left.</exception>
    void Connect(Network network, Endpoint endpoint, SafeFileHandle networkNamespace, bool routes);

    /// <summary>Disconnects a container.</summary>
    /// <param name="endpoint">Its place in the network.</param>
    /// <param name="networkNamespace">Its network namespace; null: the container has ended, and whatever is in there ends with it.</param>
    /// <exception cref="BundtException">The kernel refuses.</exception>
    void Disconnect(Endpoint endpoint, SafeFileHandle? networkNamespace);
}
