using Bundt.Images.Blobs;
using Bundt.Linux;
using Bundt.Oci.Distribution;
using Bundt.Oci.Image;

namespace Bundt.Images.Registry;

/// <summary>Brings images from registries into the store: name → manifest → configuration → layers, everything verified on the way.</summary>
internal sealed class ImagePuller(RegistryOptions registries, RegistryTransport transport)
{
    /// <summary>An index may point to an index; more than this deep is a riddle, not an image.</summary>
    private const int MaxIndexDepth = 3;

    /// <summary>Pulls one image, or with <see cref="PullOptions.AllTags"/> each tag of its repository; answers the last.</summary>
    /// <exception cref="BundtException">In dockerd's words.</exception>
    public async Task<StoredImage> PullAsync(ImageStore store, ImageReference reference, PullOptions options, IProgress<PullProgress>? progress, CancellationToken cancellation)
    {
        RegistryCredentials? given = options.Credentials is { } sent && (!string.IsNullOrEmpty(sent.Username) || !string.IsNullOrEmpty(sent.IdentityToken)) ? sent : null;
        DockerConfigFile config = DockerConfigFile.Read(registries.DockerConfigPath);
        List<RegistryClient> clients = [.. RegistryHost.For(reference.Registry, registries)
            .Select(host => new RegistryClient(transport, host, host.IsMirror ? config.For(host.Name) : given ?? config.For(host.Name)))];
        try
        {
            PullSession session = new(store, clients, options, config.HelperFor(reference.Registry), progress);
            if (!options.AllTags)
            {
                return await PullOneAsync(session, reference, cancellation).ConfigureAwait(false);
            }

            StoredImage? image = null;
            foreach (string tag in await ListTagsAsync(session, reference, cancellation).ConfigureAwait(false))
            {
                image = await PullOneAsync(session, reference with { Tag = tag, Digest = null }, cancellation).ConfigureAwait(false);
            }

            return image ?? throw new BundtException(FailureKind.NotFound, Phase.Resolve, $"repository {reference.FamiliarName} has no tags");
        }
        finally
        {
            clients.ForEach(client => client.Dispose());
        }
    }

    /// <summary>What the steps of one pull share.</summary>
    private sealed record PullSession(ImageStore Store, IReadOnlyList<RegistryClient> Clients, PullOptions Options, string? Helper, IProgress<PullProgress>? Progress)
    {
        public void Report(string status, string? id = null) => Progress?.Report(new PullProgress(status, id));
    }

    /// <summary>What a name resolved to.</summary>
    /// <param name="First">Index in the clients of the one that answered: it has the blobs too.</param>
    /// <param name="Digest">The digest of the document under the name (of the index, if it is one).</param>
    /// <param name="Manifest">The descriptor of the manifest for the platform.</param>
    /// <param name="Bytes">The manifest as received.</param>
    /// <param name="Content">The manifest, parsed.</param>
    private sealed record Resolved(int First, string Digest, Descriptor Manifest, byte[] Bytes, ImageManifest Content);

    private async Task<StoredImage> PullOneAsync(PullSession session, ImageReference reference, CancellationToken cancellation)
    {
        StoredImage? before = Existing(session.Store, reference);
        using ImageIntake intake = session.Store.BeginIntake();
        Resolved resolved = await ResolveAsync(session, intake, reference, isKnown: before is not null, cancellation).ConfigureAwait(false);
        session.Report($"Pulling from {reference.Repository}", reference.Digest ?? reference.Tag);
        try
        {
            ImageConfig config = await BringConfigAsync(session, intake, reference, resolved, cancellation).ConfigureAwait(false);
            IReadOnlyList<(RegistryClient, string)> sources = [.. session.Clients.Skip(resolved.First).Select(client => (client, reference.Repository))];
            await new LayerPull(intake, sources, registries.MaxConcurrentDownloads, session.Progress)
                .RunAsync([.. resolved.Content.Layers.Zip(config.DiffIds)], cancellation).ConfigureAwait(false);
        }
        catch (RegistryFailure failure)
        {
            throw PullErrors.Of(reference, failure);
        }

        intake.Put(resolved.Bytes);
        ImageReference repositoryDigest = reference with { Tag = null, Digest = resolved.Digest };
        StoredImage image = intake.Add(resolved.Manifest, reference.Tag is not null && reference.Digest is null
            ? [reference, repositoryDigest]
            : [repositoryDigest]);
        session.Report($"Digest: {resolved.Digest}");
        session.Report(before?.Id == image.Id ? $"Status: Image is up to date for {reference.Familiar}" : $"Status: Downloaded newer image for {reference.Familiar}");
        return image;
    }

    private static StoredImage? Existing(ImageStore store, ImageReference reference)
    {
        try
        {
            return store.Find(reference.Familiar);
        }
        catch (BundtException error) when (error.Kind == FailureKind.NotFound)
        {
            return null;
        }
    }

    private static async Task<IReadOnlyList<string>> ListTagsAsync(PullSession session, ImageReference reference, CancellationToken cancellation)
    {
        (_, IReadOnlyList<string> tags) = await AskEachAsync(session, reference, client => client.ListTagsAsync(reference.Repository, cancellation)).ConfigureAwait(false);
        foreach (string tag in tags)
        {
            if (!ImageReference.IsTag(tag))
            {
                throw PullErrors.Of(reference, new RegistryFailure(RegistryFailureKind.Protocol, $"{reference.Registry} lists a tag that is none"));
            }
        }

        return tags;
    }

    private static async Task<Resolved> ResolveAsync(PullSession session, ImageIntake intake, ImageReference reference, bool isKnown, CancellationToken cancellation)
    {
        Platform platform = (session.Options.Platform ?? Platform.Current).Normalized();
        (int first, Resolved resolved) = await AskEachAsync(session, reference, async client =>
        {
            FetchedDocument document = await FetchTopAsync(client, intake, reference, isKnown, cancellation).ConfigureAwait(false);
            return await DescendAsync(client, reference, document, platform, cancellation).ConfigureAwait(false);
        }).ConfigureAwait(false);
        return resolved with { First = first };
    }

    /// <summary>
    /// The document under the name. Where the name is known here already, the registry is first asked for its digest alone: an image that is up to date
    /// costs one HEAD, which registries do not count as a pull.
    /// </summary>
    private static async Task<FetchedDocument> FetchTopAsync(RegistryClient client, ImageIntake intake, ImageReference reference, bool isKnown, CancellationToken cancellation)
    {
        string wanted = reference.Digest ?? reference.Tag!;
        if (isKnown)
        {
            string? digest = reference.Digest ?? await client.ResolveDigestAsync(reference.Repository, wanted, cancellation).ConfigureAwait(false);
            if (digest is not null)
            {
                intake.Keep(digest);
                if (intake.Blobs.Contains(digest))
                {
                    return new FetchedDocument(intake.Blobs.Read(digest, ImageDocument.MaxBytes), null, digest);
                }

                wanted = digest;
            }
        }

        return await client.FetchManifestAsync(reference.Repository, wanted, cancellation).ConfigureAwait(false);
    }

    /// <summary>From the document under the name to the manifest for the platform.</summary>
    private static async Task<Resolved> DescendAsync(RegistryClient client, ImageReference reference, FetchedDocument top, Platform platform, CancellationToken cancellation)
    {
        FetchedDocument current = top;
        for (int depth = 0; ; depth++)
        {
            ImageDocument document = Parse(reference, current);
            if (document is ImageManifest manifest)
            {
                return new Resolved(0, top.Digest, new Descriptor(manifest.MediaType, current.Digest, current.Bytes.Length), current.Bytes, manifest);
            }

            ImageIndex index = (ImageIndex)document;
            if (depth == MaxIndexDepth)
            {
                throw new RegistryFailure(RegistryFailureKind.Protocol, $"the index of {reference.Familiar} points to indexes more than {MaxIndexDepth} deep");
            }

            Descriptor entry = index.Choose(platform) ?? throw NoPlatform(reference, index, platform);
            current = await client.FetchManifestAsync(reference.Repository, entry.Digest, cancellation).ConfigureAwait(false);
            if (current.Bytes.Length != entry.Size)
            {
                throw new RegistryFailure(RegistryFailureKind.Protocol, $"manifest {entry.Digest} has {current.Bytes.Length} bytes instead of the {entry.Size} that its index says");
            }

            // The index says what its entry is; a Content-Type that disagrees is refused with the rest of the disagreements.
            if (MediaTypes.Bare(current.MediaType) is { } announced && announced != entry.MediaType && (MediaTypes.IsManifest(announced) || MediaTypes.IsIndex(announced)))
            {
                throw new RegistryFailure(RegistryFailureKind.Protocol, $"manifest {entry.Digest} is \"{entry.MediaType}\" in its index, but was sent as \"{announced}\"");
            }

            current = current with { MediaType = entry.MediaType };
        }
    }

    private static ImageDocument Parse(ImageReference reference, FetchedDocument document)
    {
        try
        {
            return ImageDocument.Parse(document.Bytes, document.MediaType);
        }
        catch (FormatException error)
        {
            throw PullErrors.Malformed(reference, $"manifest {document.Digest}", error);
        }
    }

    private static BundtException NoPlatform(ImageReference reference, ImageIndex index, Platform platform) => new(
        FailureKind.NotFound,
        Phase.Resolve,
        $"no matching manifest for {platform} in the manifest list entries of {reference.Familiar}",
        index.Platforms.Count == 0 ? "The index is empty" : $"It offers {string.Join(", ", index.Platforms)}");

    private static async Task<ImageConfig> BringConfigAsync(PullSession session, ImageIntake intake, ImageReference reference, Resolved resolved, CancellationToken cancellation)
    {
        ImageManifest manifest = resolved.Content;
        if (!MediaTypes.IsImageConfig(manifest.Config.MediaType))
        {
            throw new BundtException(FailureKind.InvalidArgument, Phase.Pull, $"{reference.Familiar} is not a container image but an artifact of type {manifest.ArtifactType ?? manifest.Config.MediaType}");
        }

        foreach (Descriptor layer in manifest.Layers)
        {
            if (!MediaTypes.IsLayer(layer.MediaType))
            {
                throw new BundtException(FailureKind.NotImplemented, Phase.Pull, $"pull {reference.Familiar}: layer {ContentDigest.ShortOf(layer.Digest)} is of type \"{layer.MediaType}\", which is not supported");
            }
        }

        intake.Keep(manifest.Config.Digest);
        byte[] bytes = intake.Blobs.Contains(manifest.Config.Digest)
            ? intake.Blobs.Read(manifest.Config.Digest, ImageConfig.MaxBytes)
            : await FetchConfigAsync(session, reference, resolved, cancellation).ConfigureAwait(false);
        ImageConfig config;
        try
        {
            config = ImageConfig.Parse(bytes);
        }
        catch (FormatException error)
        {
            throw PullErrors.Malformed(reference, $"configuration {manifest.Config.Digest}", error);
        }

        Check(reference, manifest, config, session);
        await StoreConfigAsync(intake, manifest.Config, bytes, cancellation).ConfigureAwait(false);
        return config;
    }

    private static async Task<byte[]> FetchConfigAsync(PullSession session, ImageReference reference, Resolved resolved, CancellationToken cancellation)
    {
        for (int i = resolved.First; ; i++)
        {
            try
            {
                return await session.Clients[i].FetchBlobAsync(reference.Repository, resolved.Content.Config, ImageConfig.MaxBytes, cancellation).ConfigureAwait(false);
            }
            catch (RegistryFailure) when (i + 1 < session.Clients.Count)
            {
                // A mirror that has lost it: the next place may have it.
            }
        }
    }

    private static async Task StoreConfigAsync(ImageIntake intake, Descriptor descriptor, byte[] bytes, CancellationToken cancellation)
    {
        using BlobIngest ingest = await intake.Blobs.BeginIngestAsync(descriptor.Digest, descriptor.Size, cancellation).ConfigureAwait(false);
        if (!ingest.IsPresent)
        {
            ingest.Restart();
            using MemoryStream source = new(bytes, writable: false);
            await ingest.CopyAsync(source, cancellation).ConfigureAwait(false);
        }
    }

    private static void Check(ImageReference reference, ImageManifest manifest, ImageConfig config, PullSession session)
    {
        if (config.DiffIds.Count != manifest.Layers.Count)
        {
            throw new BundtException(FailureKind.Internal, Phase.Pull,
                $"pull {reference.Familiar}: the manifest has {manifest.Layers.Count} layers, its configuration {config.DiffIds.Count}");
        }

        if (config.Os is not ("" or "linux"))
        {
            throw new BundtException(FailureKind.InvalidArgument, Phase.Pull, $"image operating system \"{config.Os}\" cannot be used on this platform: operating system is not supported");
        }

        if (config.Architecture.Length == 0 || (session.Options.Platform ?? Platform.Current).Distance(config.Platform) is not null)
        {
            return;
        }

        if (session.Options.Platform is { } asked)
        {
            throw new BundtException(FailureKind.NotFound, Phase.Resolve,
                $"image with reference {reference.Familiar} was found but does not match the specified platform: wanted {asked.Normalized()}, actual: {config.Platform}");
        }

        session.Report($"WARNING: The requested image's platform ({config.Platform}) does not match the detected host platform ({Platform.Current}) and no specific platform was requested");
    }

    /// <summary>Asks the places in order; a mirror's failure of any kind leads on to the next.</summary>
    private static async Task<(int Index, T Answer)> AskEachAsync<T>(PullSession session, ImageReference reference, Func<RegistryClient, Task<T>> ask)
    {
        List<RegistryFailure> failures = [];
        for (int i = 0; i < session.Clients.Count; i++)
        {
            try
            {
                return (i, await ask(session.Clients[i]).ConfigureAwait(false));
            }
            catch (RegistryFailure failure)
            {
                failures.Add(failure);
            }
            catch (BundtException) when (session.Clients[i].Host.IsMirror)
            {
                // A mirror with a malformed or foreign manifest does not decide: the registry itself is asked.
            }
        }

        throw PullErrors.OfResolve(reference, failures, session.Clients[^1].HasCredentials, session.Helper);
    }
}
