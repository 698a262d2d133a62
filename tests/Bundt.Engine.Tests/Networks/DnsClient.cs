using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Bundt.Engine.Tests.Networks;

/// <summary>A DNS client and its reader, written for the tests alone, so that a fault of ours cannot cancel itself out.</summary>
internal static class DnsClient
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    public static byte[] Query(string name, int type, int id = 0x1234, int @class = 1, int? udpSize = null, int opcode = 0)
    {
        var message = new List<byte>();
        void Put(int value) => message.AddRange([(byte)(value >> 8), (byte)value]);
        Put(id);
        Put((opcode << 11) | 0x0100);
        Put(1);
        Put(0);
        Put(0);
        Put(udpSize is null ? 0 : 1);
        message.AddRange(Name(name));
        Put(type);
        Put(@class);
        if (udpSize is { } size)
        {
            message.Add(0);
            Put(41);
            Put(size);
            message.AddRange([0, 0, 0x80, 0, 0, 0]);
        }

        return [.. message];
    }

    public static byte[] Name(string name) =>
        [.. name.Split('.', StringSplitOptions.RemoveEmptyEntries).SelectMany(l => (byte[])[(byte)l.Length, .. Encoding.ASCII.GetBytes(l)]), 0];

    public static async Task<byte[]> AskAsync(IPEndPoint server, byte[] query, string from)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(IPAddress.Parse(from), 0));
        await socket.ConnectAsync(server);
        await socket.SendAsync(query);
        var buffer = new byte[65536];
        using var patience = new CancellationTokenSource(Patience);
        return buffer[..await socket.ReceiveAsync(buffer, patience.Token)];
    }

    public static async Task<Socket> ConnectAsync(IPEndPoint server, string from)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Parse(from), 0));
        await socket.ConnectAsync(server);
        return socket;
    }

    public static byte[] Framed(byte[] message) => [(byte)(message.Length >> 8), (byte)message.Length, .. message];

    /// <summary>The next message of a stream, empty at its end.</summary>
    public static async Task<byte[]> ReadAsync(Socket socket)
    {
        using var patience = new CancellationTokenSource(Patience);
        using var stream = new NetworkStream(socket, ownsSocket: false);
        try
        {
            var prefix = new byte[2];
            await stream.ReadExactlyAsync(prefix, patience.Token);
            var message = new byte[BinaryPrimitives.ReadUInt16BigEndian(prefix)];
            await stream.ReadExactlyAsync(message, patience.Token);
            return message;
        }
        catch (IOException)
        {
            return [];
        }
    }

    /// <summary>"CODE[ TC]: record record": addresses and names in the order of the answer.</summary>
    public static string Describe(byte[] message)
    {
        var text = new StringBuilder();
        var at = 12;
        for (var i = 0; i < Word(message, 4); i++)
        {
            ReadName(message, ref at);
            at += 4;
        }

        for (var i = 0; i < Word(message, 6); i++)
        {
            ReadName(message, ref at);
            var type = Word(message, at);
            Assert.That(BinaryPrimitives.ReadUInt32BigEndian(message.AsSpan(at + 4)), Is.EqualTo(600u));
            var length = Word(message, at + 8);
            at += 10;
            var data = at;
            text.Append(' ').Append(type == 12 ? ReadName(message, ref data) : new IPAddress(message.AsSpan(at, length)).ToString());
            at += length;
        }

        var flags = Word(message, 2);
        return (flags & 15).ToString(CultureInfo.InvariantCulture) + ((flags & 0x200) != 0 ? " TC" : "") + ":" + text;
    }

    public static int Word(byte[] message, int at) => BinaryPrimitives.ReadUInt16BigEndian(message.AsSpan(at));

    private static string ReadName(byte[] message, ref int at)
    {
        var labels = new List<string>();
        for (var behind = -1; ;)
        {
            if (message[at] >= 0xC0)
            {
                behind = behind < 0 ? at + 2 : behind;
                at = Word(message, at) & 0x3FFF;
            }
            else if (message[at] == 0)
            {
                at = behind < 0 ? at + 1 : behind;
                return string.Join('.', labels);
            }
            else
            {
                labels.Add(Encoding.ASCII.GetString(message, at + 1, message[at]));
                at += 1 + message[at];
            }
        }
    }
}
