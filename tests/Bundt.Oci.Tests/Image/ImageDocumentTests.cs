using System.Text;
using Bundt.Oci.Distribution;
using Bundt.Oci.Image;
using CsCheck;

namespace Bundt.Oci.Tests.Image;

public sealed class ImageDocumentTests
{
    private const string D1 = "sha256:1111111111111111111111111111111111111111111111111111111111111111";
    private const string D2 = "sha256:2222222222222222222222222222222222222222222222222222222222222222";

    private const string ConfigMember = "\"config\":{\"mediaType\":\"application/vnd.oci.image.config.v1+json\",\"digest\":\"" + D1 + "\",\"size\":10}";
    private const string LayersMember = "\"layers\":[{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar+gzip\",\"digest\":\"" + D2 + "\",\"size\":20}]";
    private const string ManifestsMember = "\"manifests\":[{\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",\"digest\":\"" + D1 + "\",\"size\":10,\"platform\":{\"os\":\"linux\",\"architecture\":\"amd64\"}}]";
    private const string Manifest = "{\"schemaVersion\":2," + ConfigMember + "," + LayersMember + "}";
    private const string Index = "{\"schemaVersion\":2," + ManifestsMember + "}";

    private static ReadOnlyMemory<byte> Bytes(string json) => Encoding.UTF8.GetBytes(json);

    [Test]
    public void A_manifest_is_read()
    {
        ImageManifest manifest = ImageManifest.Parse(Bytes(Manifest));
        Assert.Multiple(() =>
        {
            Assert.That(manifest.MediaType, Is.EqualTo(MediaTypes.OciManifest));
            Assert.That(manifest.Config.Digest, Is.EqualTo(D1));
            Assert.That(manifest.Layers, Has.Count.EqualTo(1));
            Assert.That(manifest.Layers[0].Digest, Is.EqualTo(D2));
            Assert.That(manifest.Layers[0].Size, Is.EqualTo(20));
        });
    }

    [TestCase(MediaTypes.OciManifest)]
    [TestCase(MediaTypes.DockerManifest)]
    [TestCase("application/vnd.oci.image.manifest.v1+json; charset=utf-8")]
    [TestCase("application/json")]
    public void The_announced_type_decides_where_the_document_is_silent(string announced)
    {
        ImageManifest manifest = ImageManifest.Parse(Bytes(Manifest), announced);
        Assert.That(manifest.MediaType, Is.EqualTo(announced == MediaTypes.DockerManifest ? MediaTypes.DockerManifest : MediaTypes.OciManifest));
    }

    [TestCase("{\"schemaVersion\":2," + ConfigMember + "," + LayersMember + "," + ManifestsMember + "}", null, "could mean two things")]
    [TestCase("{\"schemaVersion\":2," + ConfigMember + "," + ManifestsMember + "}", MediaTypes.OciManifest, "could mean two things")]
    [TestCase(Manifest, MediaTypes.OciIndex, "not those of")]
    [TestCase(Index, MediaTypes.OciManifest, "not those of")]
    [TestCase("{\"schemaVersion\":2,\"mediaType\":\"" + MediaTypes.OciIndex + "\"," + ConfigMember + "," + LayersMember + "}", null, "not those of")]
    [TestCase("{\"schemaVersion\":2,\"mediaType\":\"" + MediaTypes.OciManifest + "\"," + ConfigMember + "," + LayersMember + "}", MediaTypes.DockerManifest, "calls itself")]
    [TestCase("{\"schemaVersion\":2,\"mediaType\":\"text/plain\"," + ConfigMember + "," + LayersMember + "}", null, "is not known")]
    [TestCase(Manifest, "text/html", "is not the type of an image")]
    [TestCase("{" + ConfigMember + "," + LayersMember + "}", null, "schemaVersion")]
    [TestCase("{\"schemaVersion\":3," + ConfigMember + "," + LayersMember + "}", null, "schemaVersion 3")]
    [TestCase("{\"schemaVersion\":1,\"fsLayers\":[],\"history\":[]}", null, "schema 1")]
    [TestCase("{\"schemaVersion\":2,\"schemaVersion\":2," + ConfigMember + "," + LayersMember + "}", null, "not valid JSON")]
    [TestCase("{\"schemaVersion\":2," + ConfigMember + "," + LayersMember + ",\"Layers\":[]}", null, "twice")]
    [TestCase("{\"schemaVersion\":2," + LayersMember + "}", null, "\"config\" is missing")]
    [TestCase("{\"schemaVersion\":2," + ConfigMember + "}", null, "\"layers\" is missing")]
    [TestCase("{\"schemaVersion\":2," + ConfigMember + ",\"layers\":{}}", null, "must be an array")]
    [TestCase("{\"schemaVersion\":2," + ConfigMember + ",\"layers\":[null]}", null, "not a JSON object")]
    [TestCase("{\"schemaVersion\":2," + ConfigMember + ",\"layers\":[{\"mediaType\":\"a\",\"digest\":\"sha256:../../etc\",\"size\":1}]}", null, "invalid digest")]
    [TestCase("{\"schemaVersion\":2," + ConfigMember + ",\"layers\":[{\"mediaType\":\"a\",\"digest\":\"" + D1 + "\",\"size\":-1}]}", null, "negative")]
    [TestCase("{\"schemaVersion\":2," + ConfigMember + ",\"layers\":[{\"mediaType\":\"a\",\"digest\":\"" + D1 + "\",\"size\":1.5}]}", null, "whole number")]
    [TestCase("{\"schemaVersion\":2," + ConfigMember + ",\"layers\":[{\"mediaType\":\"a\",\"digest\":\"" + D1 + "\",\"size\":99999999999999999999}]}", null, "whole number")]
    [TestCase("{\"schemaVersion\":2,\"config\":\"x\"," + LayersMember + "}", null, "not a JSON object")]
    [TestCase("{\"schemaVersion\":\"2\"," + ConfigMember + "," + LayersMember + "}", null, "whole number")]
    [TestCase("[]", null, "not a JSON object")]
    [TestCase("", null, "not valid JSON")]
    [TestCase("null", null, "not a JSON object")]
    [TestCase("{\"schemaVersion\":2} trailing", null, "not valid JSON")]
    public void What_could_mean_two_things_or_nothing_is_refused_in_one_sentence(string json, string? announced, string because) =>
        Assert.That(() => ImageDocument.Parse(Bytes(json), announced), Throws.TypeOf<FormatException>().With.Message.Contains(because).And.Message.Not.Contains("\n"));

    [Test]
    public void Limits_hold()
    {
        string layer = LayersMember[10..^1];
        string many = "{\"schemaVersion\":2," + ConfigMember + ",\"layers\":[" + string.Join(',', Enumerable.Repeat(layer, 501)) + "]}";
        string deep = "{\"schemaVersion\":2,\"x\":" + new string('[', 100_000) + "}";
        Assert.Multiple(() =>
        {
            Assert.That(() => ImageDocument.Parse(Bytes(many)), Throws.TypeOf<FormatException>().With.Message.Contains("limit of 500"));
            Assert.That(() => ImageDocument.Parse(Bytes(deep)), Throws.TypeOf<FormatException>());
            Assert.That(() => ImageDocument.Parse(new byte[ImageDocument.MaxBytes + 1]), Throws.TypeOf<FormatException>().With.Message.Contains("limit"));
        });
    }

    [Test]
    public void An_index_gives_the_entry_of_the_platform()
    {
        static string Entry(string digit, string platform) =>
            "{\"mediaType\":\"" + MediaTypes.OciManifest + "\",\"digest\":\"sha256:" + new string(digit[0], 64) + "\",\"size\":1" + (platform.Length == 0 ? "" : ",\"platform\":" + platform) + "}";
        string json = "{\"schemaVersion\":2,\"mediaType\":\"" + MediaTypes.OciIndex + "\",\"manifests\":["
            + Entry("0", "{\"os\":\"unknown\",\"architecture\":\"unknown\"}") + ","
            + Entry("1", "{\"os\":\"linux\",\"architecture\":\"arm\",\"variant\":\"v6\"}") + ","
            + Entry("2", "{\"os\":\"linux\",\"architecture\":\"arm\",\"variant\":\"v7\"}") + ","
            + Entry("3", "{\"os\":\"linux\",\"architecture\":\"386\"}") + ","
            + Entry("4", "{\"os\":\"linux\",\"architecture\":\"amd64\"}") + "]}";
        ImageIndex index = ImageIndex.Parse(Bytes(json));
        string? Chosen(string platform) => index.Choose(Platform.Parse(platform))?.Digest[7..8];
        Assert.Multiple(() =>
        {
            Assert.That(Chosen("linux/amd64"), Is.EqualTo("4"));
            Assert.That(Chosen("linux/386"), Is.EqualTo("3"));
            Assert.That(Chosen("linux/arm/v7"), Is.EqualTo("2"));
            Assert.That(Chosen("linux/arm/v6"), Is.EqualTo("1"));
            Assert.That(Chosen("linux/arm64"), Is.EqualTo("2"));
            Assert.That(Chosen("linux/s390x"), Is.Null);
            Assert.That(Chosen("windows/amd64"), Is.Null);
            Assert.That(string.Join(' ', index.Platforms), Is.EqualTo("linux/arm/v6 linux/arm/v7 linux/386 linux/amd64"));
        });
    }

    [Test]
    public void What_is_written_reads_back_equal()
    {
        Descriptor config = new(MediaTypes.OciConfig, D1, 5);
        Descriptor layer = new(MediaTypes.OciLayerZstd, D2, 7) { Annotations = new Dictionary<string, string> { ["b"] = "é\"", ["a"] = "1" }, Urls = ["https://x/y"] };
        ImageManifest manifest = ImageManifest.Parse(new ImageManifest(MediaTypes.OciManifest, config, [layer]).ToBytes());
        ImageIndex index = ImageIndex.Parse(new ImageIndex(MediaTypes.OciIndex, [config with { MediaType = MediaTypes.OciManifest, Platform = new Platform("linux", "arm", "v7") }]).ToBytes());
        Assert.Multiple(() =>
        {
            Assert.That(manifest.Config.Digest, Is.EqualTo(D1));
            Assert.That(manifest.Layers[0].Annotations["b"], Is.EqualTo("é\""));
            Assert.That(manifest.Layers[0].Urls, Is.EqualTo(new[] { "https://x/y" }));
            Assert.That(index.Manifests[0].Platform, Is.EqualTo(new Platform("linux", "arm", "v7")));
        });
    }

    [Test]
    public void Arbitrarily_damaged_documents_never_throw_anything_but_a_format_error()
    {
        byte[][] seeds = [[.. Bytes(Manifest).Span], [.. Bytes(Index).Span]];
        Gen.Select(Gen.Int[0, 1], Gen.Select(Gen.Int[0, 400], Gen.Byte).Array[1, 6]).Sample((which, edits) =>
        {
            byte[] bytes = [.. seeds[which]];
            foreach ((int at, byte value) in edits)
            {
                bytes[at % bytes.Length] = value;
            }

            try
            {
                ImageDocument.Parse(bytes);
            }
            catch (FormatException)
            {
                // Refused, as it may be.
            }
        }, iter: 20_000);
    }
}
