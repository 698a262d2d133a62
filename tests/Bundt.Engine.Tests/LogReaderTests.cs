using System.Text;
using Bundt.Engine.Logs;
using Bundt.Linux.Watches;

namespace Bundt.Engine.Tests;

[TestFixture]
public sealed class LogReaderTests
{
    private static readonly DateTimeOffset s_start = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);
    private string _directory = "";
    private KernelWatch _watch = null!;
    private int _clock;

    [SetUp]
    public void MakeDirectory()
    {
        _directory = Directory.CreateTempSubdirectory("bundt-log-").FullName;
        _watch = new KernelWatch();
        _clock = 0;
    }

    [TearDown]
    public void RemoveDirectory()
    {
        _watch.Dispose();
        Directory.Delete(_directory, true);
    }

    [Test]
    public async Task All_bytes_come_back_in_order_and_by_stream()
    {
        Append((1, "one\n"), (1, "tw"), (2, "err\n"), (1, "o\n"));

        Assert.That(await TextAsync(new LogOptions(true, true)), Is.EqualTo("1:one\ntw|2:err\n|1:o\n"));
        Assert.That(await TextAsync(new LogOptions(true, false)), Is.EqualTo("1:one\ntw|1:o\n").Or.EqualTo("1:one\ntwo\n"));
        Assert.That(await TextAsync(new LogOptions(false, true)), Is.EqualTo("2:err\n"));
    }

    [Test]
    public async Task No_log_yet_reads_as_empty() => Assert.That(await TextAsync(new LogOptions(true, true)), Is.Empty);

    [Test]
    public async Task Rotated_files_are_read_oldest_first()
    {
        Append((1, "a\n"));
        Rotate();
        Append((1, "b\n"));
        Rotate();
        Append((1, "c\n"));

        Assert.That(await BytesAsync(new LogOptions(true, true)), Is.EqualTo("a\nb\nc\n"));
    }

    [Test]
    public async Task Numbers_that_a_killed_rotation_left_out_hide_nothing()
    {
        Append((1, "a\n"));
        Rotate();
        Append((1, "b\n"));
        Rotate();
        Append((1, "c\n"));
        var current = LogFiles.Current(_directory);
        File.Move(current + ".2", current + ".3");
        Assert.That(await BytesAsync(new LogOptions(true, true)), Is.EqualTo("a\nb\nc\n"));

        File.Move(current + ".1", current + ".2");
        File.Move(current, current + ".1");
        Assert.That(await BytesAsync(new LogOptions(true, true)), Is.EqualTo("a\nb\nc\n"), "nothing bears the current name");
    }

    [Test]
    public void The_files_of_one_moment_are_opened_while_the_log_is_rotated()
    {
        var stop = false;
        var written = 0;
        var writer = new Thread(() =>
        {
            while (!Volatile.Read(ref stop))
            {
                Rotate();
                File.WriteAllBytes(LogFiles.Current(_directory), BitConverter.GetBytes(++written));
            }
        });
        File.WriteAllBytes(LogFiles.Current(_directory), BitConverter.GetBytes(0));
        writer.Start();
        try
        {
            SpinWait.SpinUntil(() => Volatile.Read(ref written) > 6);
            for (var round = 0; round < 2000; round++)
            {
                // The one that is just being made is empty.
                var numbers = LogFiles.OpenAll(_directory).ConvertAll(ReadNumber).Where(number => number >= 0).ToList();
                Assert.That(numbers, Is.EqualTo(Enumerable.Range(numbers.FirstOrDefault(), numbers.Count)), "a file is missing or doubled");
                Assert.That(numbers, Has.Count.GreaterThan(3));
            }
        }
        finally
        {
            Volatile.Write(ref stop, true);
            writer.Join();
        }

        static int ReadNumber(Microsoft.Win32.SafeHandles.SafeFileHandle file)
        {
            using (file)
            {
                var bytes = new byte[4];
                return RandomAccess.Read(file, bytes, 0) == 4 ? BitConverter.ToInt32(bytes) : -1;
            }
        }
    }

    [Test]
    public async Task A_torn_frame_at_the_end_is_cut()
    {
        Append((1, "whole\n"));
        var frame = Frame(1, "torn\n");
        File.AppendAllBytes(LogFiles.Current(_directory), frame[..(frame.Length - 2)]);

        Assert.That(await BytesAsync(new LogOptions(true, true)), Is.EqualTo("whole\n"));
    }

    [Test]
    public async Task Garbage_ends_a_file_but_not_the_log()
    {
        Append((1, "a\n"));
        File.AppendAllBytes(LogFiles.Current(_directory), new byte[64]);
        Rotate();
        Append((1, "b\n"));

        Assert.That(await BytesAsync(new LogOptions(true, true)), Is.EqualTo("a\nb\n"));
    }

    [TestCase(0, "")]
    [TestCase(1, "5\n")]
    [TestCase(2, "4\n5\n")]
    [TestCase(4, "2\n3\n4\n5\n")]
    [TestCase(5, "1\n2\n3\n4\n5\n")]
    [TestCase(99, "1\n2\n3\n4\n5\n")]
    public async Task Tail_counts_lines_over_frames_and_files(int tail, string expected)
    {
        Append((1, "1\n2"));
        Rotate();
        Append((1, "\n3\n"));
        Rotate();
        Append((1, "4"), (1, "\n5\n"));

        Assert.That(await BytesAsync(new LogOptions(true, true, Tail: tail)), Is.EqualTo(expected));
    }

    [TestCase(null)]
    [TestCase(1)]
    public async Task What_is_written_after_the_reading_has_begun_is_not_read_unless_followed(int? tail)
    {
        Append((1, "before\n"));
        var read = new List<string>();
        await foreach (var frame in LogReader.ReadAsync(_directory, new LogOptions(true, true, Tail: tail), _watch, null, default))
        {
            read.Add(Encoding.UTF8.GetString(frame.Bytes.Span));
            Append((1, "after\n"));
            Rotate();
            Append((1, "after\n"));
        }

        Assert.That(read, Is.EqualTo(new[] { "before\n" }));
    }

    [Test]
    public async Task Tail_counts_an_unfinished_line()
    {
        Append((1, "1\n2\n3"));

        Assert.That(await BytesAsync(new LogOptions(true, true, Tail: 1)), Is.EqualTo("3"));
    }

    [Test]
    public async Task Tail_of_two_interleaved_streams_gives_whole_lines_of_each()
    {
        Append((1, "out1\n"), (1, "out"), (2, "err1\n"), (1, "2\n"), (2, "err2\n"));

        Assert.That(await TextAsync(new LogOptions(true, true, Tail: 3)), Is.EqualTo("1:out|2:err1\n|1:2\n|2:err2\n"));
        Assert.That(await BytesAsync(new LogOptions(true, true, Tail: 2)), Is.EqualTo("err1\nerr2\n"));
        Assert.That(await BytesAsync(new LogOptions(true, false, Tail: 1)), Is.EqualTo("out2\n"));
    }

    [Test]
    public async Task Since_and_until_cut_by_the_time_of_the_frame()
    {
        Append((1, "0\n"), (1, "1\n"), (1, "2\n"), (1, "3\n"));

        Assert.That(await BytesAsync(new LogOptions(true, true, Since: s_start.AddSeconds(1), Until: s_start.AddSeconds(2))), Is.EqualTo("1\n2\n"));
    }

    [Test]
    public async Task Timestamps_stand_before_each_line_with_the_time_of_its_first_byte()
    {
        Append((1, "a\nb"), (2, "x\n"), (1, "c\nrest"));

        Assert.That(await BytesAsync(new LogOptions(true, true, Timestamps: true)), Is.EqualTo(
            "2026-01-02T03:04:05.000000000Z a\n2026-01-02T03:04:06.000000000Z x\n2026-01-02T03:04:05.000000000Z bc\n2026-01-02T03:04:07.000000000Z rest"));
    }

    [Test]
    public async Task Follow_loses_and_doubles_nothing_over_many_rotations_and_ends_with_the_container()
    {
        const int Lines = 5000;
        var ended = new TaskCompletionSource();
        var reading = Task.Run(() => BytesAsync(new LogOptions(true, true, Follow: true), ended.Task));
        var expected = new StringBuilder();
        for (var i = 0; i < Lines; i++)
        {
            expected.Append(i).Append('\n');
            Append((1, $"{i}\n"));
            if (i % 100 == 99)
            {
                Rotate(keep: 1000);
            }
        }

        ended.SetResult();
        Assert.That(await reading, Is.EqualTo(expected.ToString()));
    }

    [Test]
    public async Task Follow_shows_a_line_when_it_is_written_and_ends_at_once_when_the_container_ends()
    {
        var ended = new TaskCompletionSource();
        Append((1, "first\n"));
        await using var reader = LogReader.ReadAsync(_directory, new LogOptions(true, true, Follow: true), _watch, ended.Task, default).GetAsyncEnumerator();
        Assert.That(await reader.MoveNextAsync(), Is.True);

        var next = reader.MoveNextAsync().AsTask();
        Assert.That(next.IsCompleted, Is.False);
        Append((1, "second\n"));
        Assert.That(await next, Is.True);
        Assert.That(Encoding.UTF8.GetString(reader.Current.Bytes.Span), Is.EqualTo("second\n"));

        Append((1, "last\n"));
        ended.SetResult();
        Assert.That(await reader.MoveNextAsync(), Is.True);
        Assert.That(Encoding.UTF8.GetString(reader.Current.Bytes.Span), Is.EqualTo("last\n"));
        Assert.That(await reader.MoveNextAsync(), Is.False);
    }

    [Test]
    public async Task Until_ends_a_follow_without_any_output()
    {
        var never = new TaskCompletionSource();
        var options = new LogOptions(true, true, Follow: true, Until: DateTimeOffset.UtcNow.AddMilliseconds(50));

        Assert.That(await BytesAsync(options, never.Task).WaitAsync(TimeSpan.FromSeconds(10)), Is.Empty);
    }

    [Test]
    public async Task A_cancelled_follow_throws()
    {
        using var cancellation = new CancellationTokenSource();
        var reading = LogReader.ReadAsync(_directory, new LogOptions(true, true, Follow: true), _watch, new TaskCompletionSource().Task, cancellation.Token)
            .GetAsyncEnumerator().MoveNextAsync().AsTask();
        cancellation.Cancel();

        await Assert.ThrowsAsync<TaskCanceledException>(() => reading);
    }

    [Test]
    public async Task A_note_of_the_monitor_is_shown_on_stderr()
    {
        Append((1, "a\n"), (LogFrame.Note, "4096 bytes dropped\n"));

        Assert.That(await TextAsync(new LogOptions(true, true)), Is.EqualTo("1:a\n|2:4096 bytes dropped\n"));
    }

    [Test]
    public async Task What_comes_after_a_position_is_read_whatever_was_rotated()
    {
        Append((1, "abc"), (2, "xy"));
        Rotate();
        AppendPosition(3, 2);
        Append((1, "def"), (1, "ghi"));
        Rotate();
        AppendPosition(9, 2);
        Append((2, "z"));

        Assert.That(await LocatedAsync(0, 0), Is.EqualTo("1@0,0:abc|2@3,0:xy|1@3,2:defghi|2@9,2:z"));
        Assert.That(await LocatedAsync(4, 1), Is.EqualTo("2@3,1:y|1@4,2:efghi|2@9,2:z"));
        Assert.That(await LocatedAsync(6, 2), Is.EqualTo("1@6,2:ghi|2@9,2:z"));
        Assert.That(await LocatedAsync(9, 2), Is.EqualTo("2@9,2:z"));
        Assert.That(await LocatedAsync(9, 3), Is.Empty);

        File.Delete(LogFiles.Current(_directory) + ".2");
        Assert.That(await LocatedAsync(2, 0), Does.Match(@"^3@3,2:bundt: 1 bytes of stdout are lost: [^|]*\n\|3@3,2:bundt: 2 bytes of stderr are lost: [^|]*\n\|1@3,2:defghi\|2@9,2:z$"));
    }

    [Test]
    public async Task A_position_is_no_output()
    {
        Append((1, "a\n"));
        AppendPosition(2, 0);
        Append((1, "b\n"), (2, "c\n"));

        Assert.That(await TextAsync(new LogOptions(true, true)), Is.EqualTo("1:a\n|1:b\n|2:c\n"));
        Assert.That(await TextAsync(new LogOptions(true, true, Tail: 2)), Is.EqualTo("1:b\n|2:c\n"));
    }

    [Test]
    public async Task A_reader_that_is_slower_than_the_rotation_is_told_what_it_lost()
    {
        var ended = new TaskCompletionSource();
        Append((1, "first\n"));
        await using var reader = LogReader.ReadAsync(_directory, new LogOptions(true, true, Follow: true), _watch, ended.Task, default).GetAsyncEnumerator();
        Assert.That(await reader.MoveNextAsync(), Is.True);
        for (var file = 0; file < 3; file++)
        {
            Rotate(keep: 2);
            AppendPosition(6 + 5 * file, 0);
            Append((1, $"gone{file}"));
        }

        ended.SetResult();
        var rest = new StringBuilder();
        while (await reader.MoveNextAsync())
        {
            rest.Append(reader.Current.Stream).Append(':').Append(Encoding.UTF8.GetString(reader.Current.Bytes.Span)).Append('|');
        }

        Assert.That(rest.ToString(), Is.EqualTo("2:bundt: 5 bytes of stdout are lost: the log was rotated before they were read\n|1:gone1|1:gone2|"));
    }

    [Test]
    public async Task A_follow_says_where_it_has_caught_up_before_it_waits()
    {
        Append((1, "abc\n"), (2, "de\n"));
        await using var reader = LogReader.ReadAsync(
            _directory, new LogOptions(true, true, Follow: true, Tail: 0) { Located = true }, _watch, new TaskCompletionSource().Task, default).GetAsyncEnumerator();

        Assert.That(await reader.MoveNextAsync(), Is.True);
        Assert.That((reader.Current.Stream, reader.Current.Bytes.Length, reader.Current.At), Is.EqualTo(((byte)0, 0, new OutputPosition(4, 3))));
    }

    [Test]
    public async Task Frames_larger_than_the_buffer_pass_unharmed()
    {
        var large = new string('x', 700_000);
        Append((1, large), (1, "\n"));

        Assert.That(await BytesAsync(new LogOptions(true, true)), Is.EqualTo(large + "\n"));
    }

    private byte[] Frame(byte stream, string text)
    {
        var payload = Encoding.UTF8.GetBytes(text);
        var bytes = new byte[LogFrame.HeaderSize + payload.Length];
        new LogFrame(UnixTime.ToNanoseconds(s_start.AddSeconds(_clock++)), payload.Length, stream).Write(bytes);
        payload.CopyTo(bytes, LogFrame.HeaderSize);
        return bytes;
    }

    private void Append(params (byte Stream, string Text)[] frames)
    {
        using var file = File.Open(LogFiles.Current(_directory), FileMode.Append, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete);
        foreach (var (stream, text) in frames)
        {
            file.Write(Frame(stream, text));
        }
    }

    private void AppendPosition(long stdout, long stderr)
    {
        var bytes = new byte[LogFrame.HeaderSize + 16];
        new LogFrame(UnixTime.ToNanoseconds(s_start.AddSeconds(_clock)), 16, LogFrame.Position).Write(bytes);
        System.Buffers.Binary.BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(16), stdout);
        System.Buffers.Binary.BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(24), stderr);
        using var file = File.Open(LogFiles.Current(_directory), FileMode.Append, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete);
        file.Write(bytes);
    }

    private async Task<string> LocatedAsync(long stdout, long stderr)
    {
        var parts = new List<string>();
        var options = new LogOptions(true, true) { Located = true, From = new OutputPosition(stdout, stderr) };
        await foreach (var frame in LogReader.ReadAsync(_directory, options, _watch, null, default))
        {
            parts.Add($"{frame.Stream}@{frame.At!.Value.Stdout},{frame.At.Value.Stderr}:{Encoding.UTF8.GetString(frame.Bytes.Span)}");
        }

        return string.Join('|', parts);
    }

    private void Rotate(int keep = 5)
    {
        var current = LogFiles.Current(_directory);
        for (var number = keep - 1; number >= 1; number--)
        {
            var from = number == 1 ? current : $"{current}.{number - 1}";
            if (File.Exists(from))
            {
                File.Move(from, $"{current}.{number}", true);
            }
        }

        File.WriteAllBytes(current, []);
    }

    private async Task<string> BytesAsync(LogOptions options, Task? ended = null)
    {
        var text = new StringBuilder();
        await foreach (var frame in LogReader.ReadAsync(_directory, options, _watch, ended, default))
        {
            text.Append(Encoding.UTF8.GetString(frame.Bytes.Span));
        }

        return text.ToString();
    }

    private async Task<string> TextAsync(LogOptions options)
    {
        var parts = new List<string>();
        await foreach (var frame in LogReader.ReadAsync(_directory, options, _watch, null, default))
        {
            parts.Add($"{frame.Stream}:{Encoding.UTF8.GetString(frame.Bytes.Span)}");
        }

        return string.Join('|', parts);
    }
}
