using System.Buffers.Binary;
using System.Buffers.Text;
using System.Text;
using Bundt.Linux.Sockets;
using Bundt.Linux.Terminals;

namespace Bundt.Cli.Streams;

/// <summary>
/// Copies between this client's stdio and a container's streams: one poll loop on one thread. Never waits for one stream while another could go on.
/// Frames go both ways, with the header of native/monitor.h. Outlives its connection: after a lost one, <see cref="Run"/> goes on with the next, and
/// the position says where.
/// </summary>
internal sealed class StreamSession : IDisposable
{
    private const int HeaderSize = 8;
    private const byte FrameStdout = 1;
    private const byte FrameStderr = 2;
    private const byte FrameSystemError = 3;
    private const byte FrameExit = 17;
    private const byte FramePosition = 19;
    private const byte FrameStdin = 33;
    private const byte FrameStdinEnd = 34;
    private const byte FrameResize = 35;
    private const byte FrameSignal = 37;
    private const int StdinChunk = 32 * 1024;

    /// <summary>Who sends so many SIGINT or SIGTERM gets out, whatever the container does with them (docker's client does the same).</summary>
    private const int MostSignals = 3;

    // HUP INT QUIT USR1 USR2 ALRM TERM WINCH; SIGTSTP, SIGCONT, SIGTTIN and SIGTTOU keep their meaning for job control.
    private static readonly int[] s_signals = [1, 2, 3, 10, 12, 14, 15, 28];

    private readonly StreamRequest _request;
    private readonly OutputSink _stdout = new(1);
    private readonly OutputSink _stderr = new(2);
    private readonly byte[] _input = new byte[128 * 1024];
    private readonly byte[] _header = new byte[HeaderSize];
    private readonly byte[] _control = new byte[32];
    private SignalPipe? _signals;
    private RawMode? _raw;
    private int _headerLength;
    private int _payloadLeft;
    private int _controlLength;
    private byte[] _toSend = [];
    private int _sendStart;
    private int _sendEnd;
    private bool _stdinOpen;
    private int _insisted;
    private (int Rows, int Columns) _size;

    /// <summary>Prepares a session; nothing is touched yet.</summary>
    public StreamSession(StreamRequest request)
    {
        _request = request;
        _stdinOpen = request.Stdin;
    }

    /// <summary>How far in the container's output this session is.</summary>
    public OutputPosition Position { get; private set; }

    /// <summary>The exit code, once <see cref="StreamEnd.Exited"/> was answered.</summary>
    public int? ExitCode { get; private set; }

    /// <summary>The signal, once <see cref="StreamEnd.Interrupted"/> was answered.</summary>
    public int Signal { get; private set; }

    /// <summary>Starts catching signals. Call it when the request is on its way: the daemon works meanwhile.</summary>
    public void CatchSignals() => _signals ??= new SignalPipe(s_signals);

    /// <summary>Makes the terminal raw, if the session has one.</summary>
    public void EnterRawMode()
    {
        if (_request.Tty && _request.Stdin)
        {
            _raw ??= RawMode.TryEnter(0);
        }
    }

    /// <summary>Copies until the container ends, the user detaches, a signal comes or the connection is lost.</summary>
    /// <param name="socket">The connection, behind the 101.</param>
    /// <param name="first">Bytes of the stream that came with the head.</param>
    public StreamEnd Run(UnixSocket socket, ReadOnlySpan<byte> first)
    {
        CatchSignals();
        EnterRawMode();
        _headerLength = _payloadLeft = _controlLength = 0;
        _sendStart = _sendEnd = 0;
        SendSize(socket, force: false);
        if (!_stdinOpen)
        {
            EndStdin(socket);
        }

        if (Take(first) is StreamEnd early)
        {
            return Finish(early);
        }

        try
        {
            return Finish(Loop(socket));
        }
        catch
        {
            _raw?.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _raw?.Dispose();
        _signals?.Dispose();
        _stdout.Dispose();
        _stderr.Dispose();
    }

    private StreamEnd Loop(UnixSocket socket)
    {
        Span<PollEntry> entries = stackalloc PollEntry[5];
        byte[] typed = new byte[StdinChunk];
        while (true)
        {
            bool sending = _sendEnd > _sendStart;
            bool blocked = _stdout.IsPending || _stderr.IsPending;
            entries[0] = new PollEntry(socket.Descriptor, (short)((blocked ? 0 : PollEntry.In) | (sending ? PollEntry.Out : 0)));
            if (blocked && !sending)
            {
                // The hang-up of a socket that is not read cannot be masked; it would turn the wait into a spin.
                entries[0] = new PollEntry(-1, 0);
            }

            entries[1] = new PollEntry(_stdinOpen && !sending ? 0 : -1, PollEntry.In);
            entries[2] = new PollEntry(_signals!.Descriptor, PollEntry.In);
            entries[3] = _stdout.Entry;
            entries[4] = _stderr.Entry;
            _ = PollEntry.Wait(entries, -1);

            if (entries[3].Saw(PollEntry.Out | PollEntry.Gone))
            {
                _stdout.Continue();
            }

            if (entries[4].Saw(PollEntry.Out | PollEntry.Gone))
            {
                _stderr.Continue();
            }

            if (entries[2].Saw(PollEntry.In) && _signals.Read() is > 0 and int signal && OnSignal(socket, signal))
            {
                return StreamEnd.Interrupted;
            }

            if (entries[0].Saw(PollEntry.Out))
            {
                ContinueSending(socket);
            }

            if (entries[1].Saw(PollEntry.In | PollEntry.Gone) && OnStdin(socket, typed))
            {
                return StreamEnd.Detached;
            }

            if (!blocked && entries[0].Saw(PollEntry.In | PollEntry.Gone))
            {
                int n = socket.Read(_input);
                if (n == 0)
                {
                    return StreamEnd.Lost;
                }

                if (Take(_input.AsSpan(0, n)) is StreamEnd end)
                {
                    return end;
                }
            }
        }
    }

    private StreamEnd Finish(StreamEnd end)
    {
        if (end != StreamEnd.Lost)
        {
            _raw?.Dispose();
            _stdout.Drain();
            _stderr.Drain();
        }

        return end;
    }

    private StreamEnd? Take(ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            if (_headerLength < HeaderSize)
            {
                int n = Math.Min(HeaderSize - _headerLength, bytes.Length);
                bytes[..n].CopyTo(_header.AsSpan(_headerLength));
                _headerLength += n;
                bytes = bytes[n..];
                if (_headerLength < HeaderSize)
                {
                    return null;
                }

                _payloadLeft = checked((int)BinaryPrimitives.ReadUInt32BigEndian(_header.AsSpan(4)));
                _controlLength = 0;
            }

            int part = Math.Min(_payloadLeft, bytes.Length);
            Output(_header[0], bytes[..part]);
            _payloadLeft -= part;
            bytes = bytes[part..];
            if (_payloadLeft == 0)
            {
                _headerLength = 0;
                if (_header[0] == FramePosition)
                {
                    Position = OutputPosition.Read(_control.AsSpan(0, _controlLength));
                }
                else if (_header[0] == FrameExit)
                {
                    ExitCode = Utf8Parser.TryParse(_control.AsSpan(0, _controlLength), out int code, out _) ? code : 255;
                    return StreamEnd.Exited;
                }
            }
        }

        return null;
    }

    private void Output(byte type, ReadOnlySpan<byte> bytes)
    {
        switch (type)
        {
            case FrameStdout:
                Position = Position with { Stdout = Position.Stdout + bytes.Length };
                if (_request.Stdout)
                {
                    _stdout.Write(bytes);
                }

                break;
            case FrameStderr:
                Position = Position with { Stderr = Position.Stderr + bytes.Length };
                if (_request.Stderr)
                {
                    _stderr.Write(bytes);
                }

                break;
            case FrameSystemError:
                _stderr.Write(bytes);
                break;
            case FrameExit or FramePosition:
                int n = Math.Min(bytes.Length, _control.Length - _controlLength);
                bytes[..n].CopyTo(_control.AsSpan(_controlLength));
                _controlLength += n;
                break;
            default:
                // A later daemon may have more to say.
                break;
        }
    }

    // True when the user detached.
    private bool OnStdin(UnixSocket socket, byte[] typed)
    {
        int n = Descriptors.Read(0, typed);
        if (n < 0)
        {
            return false;
        }

        if (n == 0)
        {
            _stdinOpen = false;
            EndStdin(socket);
            return false;
        }

        if (_request.DetachKeys is DetachKeys keys && _request.Tty)
        {
            byte[] passed = new byte[n + 64];
            bool detached = keys.Filter(typed.AsSpan(0, n), passed, out int length);
            if (length > 0)
            {
                SendFrame(socket, FrameStdin, passed.AsSpan(0, length));
            }

            return detached;
        }

        SendFrame(socket, FrameStdin, typed.AsSpan(0, n));
        return false;
    }

    // True when this client shall end.
    private bool OnSignal(UnixSocket socket, int number)
    {
        if (number == 28)
        {
            SendSize(socket, force: true);
            return false;
        }

        bool insists = number is 2 or 15 && ++_insisted == MostSignals;
        if (!_request.SignalProxy || insists)
        {
            Signal = number;
            return true;
        }

        string name = number switch { 1 => "SIGHUP", 2 => "SIGINT", 3 => "SIGQUIT", 10 => "SIGUSR1", 12 => "SIGUSR2", 14 => "SIGALRM", _ => "SIGTERM" };
        if (_request.Kill is not null && _request.Stdin)
        {
            // A frame would wait behind stdin that the container does not read.
            _request.Kill(name);
        }
        else
        {
            SendFrame(socket, FrameSignal, Encoding.ASCII.GetBytes(name));
        }

        return false;
    }

    private void SendSize(UnixSocket socket, bool force)
    {
        if (!_request.Tty)
        {
            return;
        }

        (int rows, int columns) = Terminal.Size(1) is ( > 0, > 0) size ? size : Terminal.Size(0);
        if (rows == 0 || columns == 0 || (!force && _size == (rows, columns)))
        {
            return;
        }

        _size = (rows, columns);
        Span<byte> payload = stackalloc byte[4];
        BinaryPrimitives.WriteUInt16BigEndian(payload, (ushort)rows);
        BinaryPrimitives.WriteUInt16BigEndian(payload[2..], (ushort)columns);
        SendFrame(socket, FrameResize, payload);
    }

    private void EndStdin(UnixSocket socket)
    {
        if (_request.Stdin)
        {
            SendFrame(socket, FrameStdinEnd, []);
        }
    }

    private void SendFrame(UnixSocket socket, byte type, ReadOnlySpan<byte> payload)
    {
        byte[] frame = new byte[HeaderSize + payload.Length];
        frame[0] = type;
        BinaryPrimitives.WriteUInt32BigEndian(frame.AsSpan(4), (uint)payload.Length);
        payload.CopyTo(frame.AsSpan(HeaderSize));
        Send(socket, frame);
    }

    // A vanished daemon shows at the next read; what was typed into the void is lost, as with every terminal.
    private void Send(UnixSocket socket, ReadOnlySpan<byte> bytes)
    {
        if (_sendEnd == _sendStart)
        {
            int n = socket.TryWrite(bytes);
            if (n < 0 || n == bytes.Length)
            {
                return;
            }

            bytes = bytes[n..];
        }

        byte[] waiting = new byte[_sendEnd - _sendStart + bytes.Length];
        _toSend.AsSpan(_sendStart, _sendEnd - _sendStart).CopyTo(waiting);
        bytes.CopyTo(waiting.AsSpan(_sendEnd - _sendStart));
        _toSend = waiting;
        _sendStart = 0;
        _sendEnd = waiting.Length;
    }

    private void ContinueSending(UnixSocket socket)
    {
        int n = socket.TryWrite(_toSend.AsSpan(_sendStart, _sendEnd - _sendStart));
        _sendStart = n < 0 ? _sendEnd : _sendStart + n;
    }
}
