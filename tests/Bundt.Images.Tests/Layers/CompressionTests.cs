using System.Diagnostics;
using Bundt.Images.Compression;
using Bundt.Linux;

namespace Bundt.Images.Tests.Layers;

[TestFixture]
public sealed class CompressionTests
{
    private static readonly byte[] s_data = [.. Enumerable.Range(0, 700_000).Select(i => (byte)((i * 31) ^ (i >> 7)))];

    [TestCase("gzip")]
    [TestCase("zstd")]
    [TestCase("xz")]
    [TestCase("bzip2")]
    public void Every_compression_is_recognised_and_read_over_all_its_members(string program)
    {
        var half = s_data.Length / 2;
        byte[] joined = [.. Compress(program, s_data[..half]), .. Compress(program, s_data[half..])];
        var source = new PeekStream(new MemoryStream(joined));
        var target = new MemoryStream();
        using (var inflated = Inflater.Open(source))
        {
            inflated.CopyTo(target);
        }

        Assert.That(target.ToArray().AsSpan().SequenceEqual(s_data));
    }

    [Test]
    public void A_zstd_stream_may_begin_with_a_skippable_frame()
    {
        byte[] skippable = [0x5e, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4, .. Compress("zstd", s_data)];
        using var inflated = Inflater.Open(new PeekStream(new MemoryStream(skippable)));
        var target = new MemoryStream();
        inflated.CopyTo(target);
        Assert.That(target.ToArray().AsSpan().SequenceEqual(s_data));
    }

    [TestCase("zstd")]
    [TestCase("xz")]
    [TestCase("bzip2")]
    public async Task A_cut_archive_is_refused(string program) => await RefusesAsync(program, bytes => bytes[..(bytes.Length / 2)]);

    [Test]
    public async Task A_cut_gzip_archive_is_refused_though_its_reader_says_nothing() => await RefusesAsync("gzip", bytes => bytes[..(bytes.Length / 2)]);

    [TestCase("gzip")]
    [TestCase("zstd")]
    [TestCase("xz")]
    [TestCase("bzip2")]
    public async Task A_damaged_archive_is_refused(string program) => await RefusesAsync(program, bytes =>
    {
        for (var i = bytes.Length / 2; i < (bytes.Length / 2) + 20; i++)
        {
            bytes[i] ^= 0x55;
        }

        return bytes;
    });

    [TestCase("gzip")]
    [TestCase("zstd")]
    [TestCase("xz")]
    [TestCase("bzip2")]
    public async Task An_archive_in_any_compression_is_loaded(string program)
    {
        TestStore.RequireRoot();
        using var test = new TestStore();
        var archive = TestArchive.Docker(["x"], new TestTar().File("a", "content").Bytes());
        Assert.That((await test.LoadAsync(Compress(program, archive))).Single().Name, Is.EqualTo("x:latest"));
    }

    private static async Task RefusesAsync(string program, Func<byte[], byte[]> damage)
    {
        TestStore.RequireRoot();
        using var test = new TestStore();
        var noise = new byte[300_000];
        new Random(7).NextBytes(noise);
        var archive = TestArchive.Docker(["x"], new TestTar().File("a", Convert.ToBase64String(noise)).Bytes());
        await Assert.ThatAsync(() => test.LoadAsync(damage(Compress(program, archive))), Throws.TypeOf<BundtException>().With.Property("Kind").EqualTo(FailureKind.InvalidArgument));
        using var partial = test.OpenDirectory("partial");
        Assert.That(partial.Entries(), Is.Empty);
    }

    private static byte[] Compress(string program, byte[] data)
    {
        Process process;
        try
        {
            process = Process.Start(new ProcessStartInfo(program, ["-c", "-q"]) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Ignore($"needs {program}");
            throw;
        }

        using (process)
        {
            var output = new MemoryStream();
            var feed = Task.Run(() =>
            {
                process.StandardInput.BaseStream.Write(data);
                process.StandardInput.Close();
            });
            process.StandardOutput.BaseStream.CopyTo(output);
            feed.GetAwaiter().GetResult();
            process.WaitForExit();
            return output.ToArray();
        }
    }
}
