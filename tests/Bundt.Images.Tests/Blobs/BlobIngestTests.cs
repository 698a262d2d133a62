using Bundt.Images.Blobs;
using Bundt.Linux;
using Bundt.Linux.Files;
using Bundt.Oci.Distribution;

namespace Bundt.Images.Tests.Blobs;

[TestFixture]
public sealed class BlobIngestTests
{
    private static readonly byte[] s_content = [.. Enumerable.Range(0, 400_000).Select(i => (byte)(i * 7))];
    private static readonly string s_digest = ContentDigest.Sha256(s_content);

    private string _path = "";
    private DirectoryFd _root = null!;
    private BlobStore _blobs = null!;

    [SetUp]
    public void Open()
    {
        _path = Directory.CreateTempSubdirectory("bundt-blobs-").FullName;
        _root = DirectoryFd.OpenHost(_path);
        _blobs = BlobStore.Open(_root);
    }

    [TearDown]
    public void Close()
    {
        _blobs.Dispose();
        _root.Dispose();
        using var parent = DirectoryFd.OpenHost(Path.GetTempPath());
        parent.RemoveTree(Path.GetFileName(_path));
    }

    [Test]
    public async Task A_blob_is_invisible_until_it_is_complete()
    {
        using (var ingest = await BeginAsync())
        {
            using var tee = ingest.Tee(new MemoryStream(s_content));
            var buffer = new byte[100_000];
            tee.ReadExactly(buffer);
            Assert.That(_blobs.Contains(s_digest), Is.False);
            tee.CopyTo(Stream.Null);
            Assert.That(_blobs.Contains(s_digest), Is.False);
            ingest.Commit();
        }

        Assert.That(_blobs.Read(s_digest), Is.EqualTo(s_content));
        using var again = await BeginAsync();
        Assert.That(again.IsPresent);
    }

    [Test]
    public async Task A_broken_download_goes_on_where_it_stopped_even_in_a_new_daemon()
    {
        using (var first = await BeginAsync())
        {
            using var tee = first.Tee(new MemoryStream(s_content[..150_000]));
            await Assert.ThatAsync(() => tee.CopyToAsync(Stream.Null), Throws.TypeOf<BundtException>().With.Property("Kind").EqualTo(FailureKind.Unavailable));
        }

        _blobs.Dispose();
        _blobs = BlobStore.Open(_root);
        _blobs.RemoveLeftovers(TimeSpan.FromDays(1));
        using var second = await BeginAsync();
        Assert.That(second.Offset, Is.EqualTo(150_000));
        var whole = new MemoryStream();
        using (var tee = second.Tee(new MemoryStream(s_content[150_000..])))
        {
            await tee.CopyToAsync(whole);
        }

        second.Commit();
        Assert.That(whole.ToArray().AsSpan().SequenceEqual(s_content), "the reader sees the whole blob");
        Assert.That(_blobs.Contains(s_digest));
    }

    [Test]
    public async Task A_source_that_begins_anew_is_taken_from_the_start()
    {
        using (var first = await BeginAsync())
        {
            using var tee = first.Tee(new MemoryStream(s_content[..1000]));
            Assert.That(() => tee.CopyTo(Stream.Null), Throws.TypeOf<BundtException>());
        }

        using var second = await BeginAsync();
        second.Restart();
        await second.CopyAsync(new MemoryStream(s_content), CancellationToken.None);
        Assert.That(_blobs.Contains(s_digest));
    }

    [Test]
    public async Task Wrong_bytes_are_thrown_away()
    {
        var wrong = s_content.ToArray();
        wrong[5] ^= 1;
        using (var ingest = await BeginAsync())
        {
            await Assert.ThatAsync(() => ingest.CopyAsync(new MemoryStream(wrong), CancellationToken.None), Throws.TypeOf<BundtException>().With.Message.Contains("has the digest"));
        }

        using var next = await BeginAsync();
        Assert.That(next.Offset, Is.Zero);
        Assert.That(_blobs.Contains(s_digest), Is.False);
    }

    [Test]
    public async Task One_byte_too_many_is_refused_before_it_is_written()
    {
        using var ingest = await BeginAsync();
        await Assert.ThatAsync(() => ingest.CopyAsync(new MemoryStream([.. s_content, 1]), CancellationToken.None), Throws.TypeOf<BundtException>().With.Message.Contains("more than its"));
    }

    [Test]
    public async Task A_second_ingest_of_the_same_blob_waits_for_the_first()
    {
        var first = await BeginAsync();
        var second = BeginAsync();
        Assert.That(second.IsCompleted, Is.False);
        await first.CopyAsync(new MemoryStream(s_content), CancellationToken.None);
        first.Dispose();
        using var got = await second;
        Assert.That(got.IsPresent);
    }

    [TestCase("sha256:../../../etc/passwd")]
    [TestCase("sha256:ABCDEF")]
    [TestCase("md5:d41d8cd98f00b204e9800998ecf8427e")]
    [TestCase("")]
    public void What_is_no_digest_never_becomes_a_path(string digest)
    {
        Assert.That(() => _blobs.Contains(digest), Throws.TypeOf<BundtException>().With.Property("Kind").EqualTo(FailureKind.InvalidArgument));
        Assert.That(() => _blobs.BeginIngestAsync(digest, 1, CancellationToken.None), Throws.TypeOf<BundtException>());
    }

    [Test]
    public void Leftovers_of_a_crash_go_and_downloads_stay()
    {
        File.WriteAllText(Path.Combine(_path, "blobs/sha256/.new-1-1"), "half");
        File.WriteAllText(Path.Combine(_path, "partial/new-abc"), "half");
        File.WriteAllText(Path.Combine(_path, "partial", s_digest.Replace(':', '-')), "half");
        _blobs.RemoveLeftovers(TimeSpan.FromDays(1));
        Assert.That(Directory.GetFiles(_path, "*", SearchOption.AllDirectories).Select(Path.GetFileName), Is.EquivalentTo(new[] { "oci-layout", s_digest.Replace(':', '-') }));
        _blobs.RemoveLeftovers(TimeSpan.Zero);
        Assert.That(Directory.GetFiles(Path.Combine(_path, "partial")), Is.Empty);
    }

    private Task<BlobIngest> BeginAsync() => _blobs.BeginIngestAsync(s_digest, s_content.Length, CancellationToken.None);
}
